//! Configuration files: whatever is in one, the answer is an error that says where, in bounded memory and
//! time; and a collector that runs goes on.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use etalon_tests::{Etalon, binary, eventually, post};

/// Most memory for data that reading a configuration may take, in KiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// Most that is said about a configuration, in bytes.
const SAID_MAX: usize = 256 * 1024;
/// Seconds after which a command that still runs is ended.
const SECONDS: &str = "60";

/// What an operator, or who can write to their files, may come up with.
struct Row {
    name: &'static str,
    /// Writes `collector.yaml` and what it names.
    write: fn(&Path),
    /// Parts of what is said.
    wanted: &'static [&'static str],
}

const ROWS: &[Row] = &[
    Row {
        name: "a bomb of aliases",
        write: |folder| {
            let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
            for level in 1..12 {
                let below = format!("*a{}, ", level - 1).repeat(10);
                writeln!(yaml, "a{level}: &a{level} [{}]", below.trim_end_matches(", ")).expect("a String");
            }
            configuration(folder, yaml);
        },
        wanted: &["collector.yaml:", "values, those of repeated anchors counted each time"],
    },
    Row {
        name: "100 MiB",
        write: |folder| sized(folder, "collector.yaml", 100 << 20),
        wanted: &["unable to read the file file:collector.yaml: larger than"],
    },
    Row {
        name: "lists in lists",
        write: |folder| configuration(folder, "receivers:\n".to_owned() + &"[".repeat(1 << 20)),
        wanted: &["collector.yaml:2:256: not valid YAML: recursion limit exceeded"],
    },
    Row {
        name: "mappings in mappings",
        write: |folder| {
            let line = |depth: usize| format!("{}a:\n", " ".repeat(depth));
            configuration(folder, (0..2000).map(line).collect());
        },
        wanted: &["collector.yaml:", "more than 128 lists and mappings inside one another"],
    },
    Row {
        name: "a key of a million parts",
        write: |folder| configuration(folder, format!("? {}b\n: 1\n", "a::".repeat(1 << 20))),
        wanted: &["collector.yaml:1:3: more than 128 parts in a key"],
    },
    Row {
        name: "a key that is there twice",
        write: |folder| configuration(folder, "receivers:\n  otlp:\n  nop:\n  otlp:\n".to_owned()),
        wanted: &["collector.yaml:4:3: the key \"otlp\" is there twice; the first is at collector.yaml:2:3"],
    },
    Row {
        name: "ninety thousand times the same key",
        write: |folder| configuration(folder, "a: 1\n".repeat(90_000)),
        wanted: &["collector.yaml:2:1: the key \"a\" is there twice"],
    },
    Row {
        name: "ninety thousand unknown components",
        write: |folder| {
            let line = |number: usize| format!("  x{number}:\n");
            configuration(folder, "receivers:\n".to_owned() + &(0..90_000).map(line).collect::<String>());
        },
        wanted: &["collector.yaml:2:3: receivers::x0: unknown type: \"x0\""],
    },
    Row {
        name: "fifty thousand keys below one that is written each time",
        write: |folder| {
            let line = |number: usize| format!("receivers::x{number}: 1\n");
            configuration(folder, (0..50_000).map(line).collect());
        },
        wanted: &["receivers::x0: unknown type: \"x0\""],
    },
    Row {
        name: "a variable that names itself twice",
        write: |folder| configuration(folder, "receivers:\n  otlp: ${env:DOUBLE}\n".to_owned()),
        wanted: &["collector.yaml:2:9: receivers::otlp: too many recursive expansions"],
    },
    Row {
        name: "references that cannot be expanded",
        write: |folder| configuration(folder, "a: [".to_owned() + &"'${nope:x}', ".repeat(50_000) + "]\n"),
        wanted: &["collector.yaml:1:5: a::0: cannot expand ${nope:x}: scheme \"nope\" is not supported"],
    },
    Row {
        name: "bytes that are not UTF-8",
        write: |folder| {
            fs::write(folder.join("collector.yaml"), b"receivers:\n  otlp: \xff\xfe\n").expect("a file");
        },
        wanted: &["unable to read the file file:collector.yaml: not valid UTF-8 in line 2, at byte 19"],
    },
    Row {
        name: "bytes of a program",
        write: |folder| {
            fs::write(folder.join("collector.yaml"), b"\x7fELF\x02\x01\x01\0\0\0\0").expect("a file");
        },
        wanted: &["collector.yaml:1:8: not valid YAML: found unprintable character"],
    },
    Row {
        name: "a line of ten megabytes",
        write: |folder| configuration(folder, format!("a: {}\n", "x".repeat(10 << 20))),
        wanted: &["collector.yaml:1:1: a: unknown section \"a\""],
    },
    Row {
        name: "a key that would turn the terminal red",
        write: |folder| configuration(folder, "\"\\e[31m\\u202e\": 1\n\"\u{202e}x\": 2\n".to_owned()),
        wanted: &["unknown section \"\\u001b[31m\\u202e\""],
    },
    Row {
        name: "a pipe in place of the file",
        write: |folder| pipe(folder, "collector.yaml"),
        wanted: &["unable to read the file file:collector.yaml: is not a regular file"],
    },
    Row {
        name: "a pipe in place of a secret",
        write: |folder| {
            pipe(folder, "secret");
            configuration(folder, with_token("${file:secret}"));
        },
        wanted: &["collector.yaml:", "unable to read the file file:secret: is not a regular file"],
    },
    Row {
        name: "a secret of 1 GiB",
        write: |folder| {
            sized(folder, "secret", 1 << 30);
            configuration(folder, with_token("${file:secret}"));
        },
        wanted: &["collector.yaml:", "unable to read the file file:secret: larger than"],
    },
    Row {
        name: "a secret that is not there",
        write: |folder| configuration(folder, with_token("${file:secret}")),
        wanted: &["collector.yaml:", "unable to read the file file:secret: No such file or directory"],
    },
    Row {
        name: "a folder in place of a secret",
        write: |folder| {
            fs::create_dir(folder.join("secret")).expect("a folder");
            configuration(folder, with_token("${file:secret}"));
        },
        wanted: &["collector.yaml:", "unable to read the file file:secret: is a directory"],
    },
];

fn configuration(folder: &Path, text: String) {
    fs::write(folder.join("collector.yaml"), text).expect("a temporary file can be written");
}

/// A file without content that is this long.
fn sized(folder: &Path, name: &str, bytes: u64) {
    File::create(folder.join(name)).and_then(|file| file.set_len(bytes)).expect("a sparse file");
}

fn pipe(folder: &Path, name: &str) {
    let status = Command::new("mkfifo").arg(folder.join(name)).status().expect("mkfifo can be run");
    assert!(status.success());
}

fn with_token(token: &str) -> String {
    VALID.replace("TOKEN", token)
}

const VALID: &str = "\
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
exporters: {otlp_http: {endpoint: 'http://127.0.0.1:1', headers: {authorization: 'TOKEN'}}}
service: {pipelines: {logs: {receivers: [otlp], exporters: [otlp_http]}}}
";

/// Validates `collector.yaml` of a folder, in bounded memory and time.
fn validate(folder: &Path) -> Output {
    let limited =
        format!("ulimit -d {MEMORY_KIB}; exec timeout {SECONDS} \"$0\" validate --config collector.yaml");
    Command::new("sh")
        .args(["-c", &limited])
        .arg(binary())
        .current_dir(folder)
        .env("DOUBLE", "${env:DOUBLE}${env:DOUBLE}")
        .stdin(Stdio::null())
        .output()
        .expect("sh can be run")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("what is said is UTF-8")
}

#[test]
fn whatever_a_configuration_holds_the_error_says_where_in_bounded_memory_and_time() {
    let failures: Vec<String> = ROWS.iter().flat_map(what_fails).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn what_fails(Row { name, write, wanted }: &Row) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path());
    let output = validate(folder.path());
    let said = text(&output);
    let start = &said[..said.floor_char_boundary(1000)];
    let hostile = |char: char| char.is_control() && char != '\n' || char == '\u{202e}';
    let mut failures = Vec::new();
    if output.status.code() != Some(1) || !said.starts_with("Error: ") {
        failures.push(format!("{name}: {}\n{start}", output.status));
    }
    let missing = wanted.iter().filter(|part| !said.contains(**part));
    failures.extend(missing.map(|part| format!("{name}: {part:?} is not in\n{start}")));
    if said.len() > SAID_MAX {
        failures.push(format!("{name}: {} bytes are said", said.len()));
    }
    if said.contains(hostile) {
        failures.push(format!("{name}: {start:?}"));
    }
    failures
}

#[test]
fn a_valid_configuration_fits_into_the_same_bounds() {
    let folder = tempfile::tempdir().unwrap();
    configuration(folder.path(), with_token("secret"));
    let output = validate(folder.path());
    assert!(output.status.success(), "{}: {}", output.status, text(&output));
}

#[test]
fn the_line_break_at_the_end_of_a_secret_is_refused_and_the_secret_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), "verysecret\n").unwrap();
    configuration(folder.path(), with_token("${file:secret}"));
    let output = validate(folder.path());
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("header \"authorization\"") && !said.contains("verysecret"), "{said}");
}

#[test]
fn a_collector_that_runs_keeps_its_configuration_whatever_it_is_told_to_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    configuration(&path, with_token("secret"));
    let etalon = Etalon::start_with(&["--config", "collector.yaml"], folder);
    let refused = || {
        let told = "Config not updated: the running configuration stays";
        etalon.lines().iter().filter(|line| line["msg"] == told).count()
    };
    for Row { name, write, .. } in ROWS {
        let before = refused();
        for left in fs::read_dir(&path).unwrap() {
            let left = left.unwrap().path();
            if left.is_dir() { fs::remove_dir(left).unwrap() } else { fs::remove_file(left).unwrap() }
        }
        write(&path);
        etalon.signal("HUP");
        eventually(name, || (refused() > before).then_some(()));
    }
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", b"{}").status, 200);
}
