use std::collections::BTreeMap;
use std::ffi::OsString;

use expect_test::{Expect, expect};

use super::*;
use crate::{Secrets, Value};

fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn resolved(resolver: &Resolver, uris: &[&str]) -> String {
    resolver.resolve(uris).unwrap().root.to_value().to_yaml(Secrets::Exposed)
}

fn merged(configurations: &[&str]) -> String {
    merged_with(Lists::Replace, configurations)
}

fn merged_with(lists: Lists, configurations: &[&str]) -> String {
    let uris: Vec<String> = configurations.iter().map(|yaml| format!("yaml:{yaml}")).collect();
    let resolver = Resolver::new(environment(&[])).with_lists(lists);
    resolver.resolve(&uris).unwrap().root.to_value().to_json(Secrets::Exposed)
}

fn refused(resolver: &Resolver, uris: &[&str], expected: &Expect) {
    expected.assert_eq(&resolver.resolve(uris).unwrap_err().to_string());
}

#[test]
fn a_later_configuration_wins_leaf_by_leaf() {
    assert_eq!(merged(&["a: {b: 1, c: 2}", "a: {c: 3, d: 4}"]), r#"{"a":{"b":1,"c":3,"d":4}}"#);
}

#[test]
fn a_later_list_replaces_an_earlier_one() {
    assert_eq!(merged(&["a: [1, 2]", "a: [3]"]), r#"{"a":[3]}"#);
}

#[test]
fn a_later_value_of_another_kind_replaces() {
    assert_eq!(merged(&["a: {b: 1}", "a: [1]"]), r#"{"a":[1]}"#);
    assert_eq!(merged(&["a: 1", "a: {b: 2}"]), r#"{"a":{"b":2}}"#);
}

#[test]
fn a_later_null_wipes_a_section_and_a_later_empty_mapping_does_not() {
    assert_eq!(merged(&["a: {b: 1}", "a:"]), r#"{"a":null}"#);
    assert_eq!(merged(&["a: {b: 1}", "a: {}"]), r#"{"a":{"b":1}}"#);
    assert_eq!(merged(&["a:", "a: {b: 1}"]), r#"{"a":{"b":1}}"#);
}

#[test]
fn an_empty_configuration_changes_nothing() {
    assert_eq!(merged(&["a: 1", "", "# only a comment"]), r#"{"a":1}"#);
    assert_eq!(merged(&[]), "{}");
}

#[test]
fn two_colons_in_a_key_are_a_path() {
    assert_eq!(merged(&["a::b: 1\na::c: {d: 2}\na: {e: 3}"]), r#"{"a":{"b":1,"c":{"d":2},"e":3}}"#);
    assert_eq!(merged(&["a: {b: {c: 1}}", "a::b: {d: 2}"]), r#"{"a":{"b":{"c":1,"d":2}}}"#);
}

#[test]
fn the_append_option_joins_three_lists_and_no_other() {
    let earlier = "service: {extensions: [a, b], pipelines: {traces: {receivers: [r], processors: [p], exporters: [e]}}}";
    let later = "service: {extensions: [b, c], pipelines: {traces: {receivers: [s], processors: [q], exporters: [e, f]}}, x: [1]}";
    assert_eq!(
        merged_with(Lists::Append, &[earlier, later]),
        r#"{"service":{"extensions":["a","b","c"],"pipelines":{"traces":{"receivers":["r","s"],"processors":["q"],"exporters":["e","f"]}},"x":[1]}}"#
    );
    assert_eq!(
        merged_with(
            Lists::Append,
            &["receivers: [a]\nservice: {receivers: [a]}", "receivers: [b]\nservice: {receivers: [b]}"]
        ),
        r#"{"receivers":["b"],"service":{"receivers":["b"]}}"#
    );
}

#[test]
fn merging_a_configuration_with_itself_changes_nothing() {
    let yaml = "a: {b: [1, {c: 2}], d: null}\ne::f: g";
    assert_eq!(merged(&[yaml, yaml]), merged(&[yaml]));
}

#[test]
fn set_becomes_a_location() {
    assert_eq!(set_uri("a.b.c=value").unwrap(), "yaml:a::b::c: value");
    assert_eq!(set_uri("a=b=c").unwrap(), "yaml:a: b=c");
    assert_eq!(set_uri(" a.b = c ").unwrap(), "yaml:a::b: c");
    assert_eq!(set_uri("a.b").unwrap_err().to_string(), "missing equal sign");
}

#[test]
fn set_takes_any_yaml() {
    let set = |argument| set_uri(argument).unwrap();
    let uris = [set("a.b=[x, y]"), set("a.c={d: 1}"), set("a.e=")];
    let resolver = Resolver::new(environment(&[]));
    let value = resolver.resolve(&uris).unwrap().root.to_value();
    assert_eq!(value.to_json(Secrets::Exposed), r#"{"a":{"b":["x","y"],"c":{"d":1},"e":null}}"#);
}

#[test]
fn a_path_needs_no_scheme_and_a_file_may_be_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector.yaml");
    std::fs::write(&path, "a: 1\n").unwrap();
    let path = path.to_str().unwrap();
    let resolver = Resolver::new(environment(&[]));
    assert_eq!(resolved(&resolver, &[path]), "a: 1\n");
    assert_eq!(resolved(&resolver, &[&format!("file:{path}")]), "a: 1\n");
    std::fs::write(path, "").unwrap();
    assert_eq!(resolved(&resolver, &[path]), "{}\n");
}

#[test]
fn a_single_letter_before_a_colon_is_a_drive() {
    assert_eq!(Location::of_argument("C:\\otel.yaml").unwrap().scheme, "file");
    assert_eq!(Location::of_argument("c:otel.yaml").unwrap().opaque, "c:otel.yaml");
    assert_eq!(Location::of_argument("yaml:a:\nb").unwrap().opaque, "a:\nb");
    assert_eq!(Location::of_argument("1a:b"), None);
    assert_eq!(Location::of_argument(":b"), None);
}

#[test]
fn a_configuration_comes_from_the_environment() {
    let resolver = Resolver::new(environment(&[("CONFIG", "a: {b: 1}")]));
    assert_eq!(resolved(&resolver, &["env:CONFIG"]), "a:\n  b: 1\n");
    assert_eq!(resolved(&resolver, &["env:UNSET:-a: 2"]), "a: 2\n");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let problems =
        Resolver::new(environment(&[])).resolve(&["file:/nowhere/at-all.yaml"]).unwrap_err().to_string();
    assert!(problems.starts_with(
        "cannot retrieve the configuration: unable to read the file file:/nowhere/at-all.yaml: "
    ));
}

#[test]
fn what_is_no_configuration_is_refused_and_all_locations_are_looked_at() {
    refused(
        &Resolver::new(environment(&[])),
        &["nope:x", "a b:c", "yaml:[1]", "yaml:just text", "https://host/config", "yaml:a: [", "env:1x"],
        &expect![[r#"
            unsupported scheme on URI "nope:x"; known are env, file and yaml
            invalid uri: "a b:c"
            <inline YAML>:1:1: a configuration must be a mapping, and this is a list
               |
             1 | [1]
               | ^
            <inline YAML>:1:1: a configuration must be a mapping, and this is a string
               |
             1 | just text
               | ^^^^^^^^^
            unsupported scheme on URI "https://host/config"; known are env, file and yaml
            <inline YAML>:2:1: not valid YAML: while parsing a node, did not find expected node content
            cannot retrieve the configuration: environment variable "1x" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$"#]],
    );
}

#[test]
fn a_second_document_is_not_read_and_warned_of() {
    let resolved = Resolver::new(environment(&[])).resolve(&["yaml:a: 1\n---\na: 2"]).unwrap();
    assert_eq!(resolved.root.get("a").map(Node::to_value), Some(Value::Int(1)));
    expect![[r#"
        <inline YAML>:3:1: only the first YAML document of a source is read; this begins another
           |
         3 | a
           | ^"#]]
    .assert_eq(&resolved.warnings.iter().map(ToString::to_string).collect::<String>());
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_key() {
    assert_eq!(merged(&["\u{feff}a: 1"]), r#"{"a":1}"#);
}

struct Web;

impl Fetch for Web {
    fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        match url {
            "https://host/config.yaml" => Ok(b"a: {b: 1}".to_vec()),
            "https://user:sesame@host/list" => Ok(b"[1]".to_vec()),
            "http://host/binary" => Ok(vec![0xff, 0xfe]),
            "http://host/huge" => Ok(vec![b' '; MAX_SOURCE_BYTES + 1]),
            "http://host/away" => Err(FetchError::Transport("connection refused".into())),
            _ => Err(FetchError::Status(404)),
        }
    }
}

#[test]
fn user_and_password_of_a_location_are_not_shown() {
    let resolver = Resolver::new(environment(&[])).with_fetch(Web);
    refused(
        &resolver,
        &["https://user:sesame@host/gone?x=@", "http://host/gone?x=@y"],
        &expect![[r#"
            cannot retrieve the configuration: failed to load resource from uri "https://host/gone?x=@". status code: 404
            cannot retrieve the configuration: failed to load resource from uri "http://host/gone?x=@y". status code: 404"#]],
    );
    refused(
        &resolver,
        &["https://user:sesame@host/list"],
        &expect![[r#"
            https://host/list:1:1: a configuration must be a mapping, and this is a list
               |
             1 | [1]
               | ^"#]],
    );
}

#[test]
fn a_configuration_comes_from_the_network_when_the_caller_can_fetch() {
    let resolver = Resolver::new(environment(&[])).with_fetch(Web);
    assert_eq!(resolved(&resolver, &["https://host/config.yaml"]), "a:\n  b: 1\n");
    assert_eq!(resolved(&resolver, &["yaml:x: ${https://host/config.yaml}"]), "x:\n  a:\n    b: 1\n");
    refused(
        &resolver,
        &["http://host/binary", "http://host/huge", "http://host/away", "http://host/gone"],
        &expect![[r#"
            cannot retrieve the configuration: unable to use what is at "http://host/binary": not valid UTF-8
            cannot retrieve the configuration: unable to use what is at "http://host/huge": larger than 16777216 bytes
            cannot retrieve the configuration: unable to download the file via HTTP GET for uri "http://host/away": connection refused
            cannot retrieve the configuration: failed to load resource from uri "http://host/gone". status code: 404"#]],
    );
}

#[test]
fn a_variable_that_is_not_set_is_nothing_and_warned_of_once() {
    let resolver = Resolver::new(environment(&[("EMPTY", "")]));
    let resolved = resolver.resolve(&["yaml:a: ${env:UNSET}\nb: x${UNSET}y\nc: ${env:EMPTY}"]).unwrap();
    assert_eq!(resolved.root.to_value().to_json(Secrets::Exposed), r#"{"a":null,"b":"xy","c":null}"#);
    expect![[r#"
        <inline YAML>:1:4: configuration references unset environment variable "UNSET"; set it, or write ${env:UNSET:-} if it may be missing
           |
         1 | a: ${env:UNSET}
           |    ^^^^^^^^^^^^"#]].assert_eq(&resolved.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_default_stands_in_for_a_variable_that_is_not_set_but_not_for_an_empty_one() {
    let resolver = Resolver::new(environment(&[("EMPTY", "")]));
    let yaml = "yaml:a: ${env:UNSET:-5}\nb: ${env:EMPTY:-5}\nc: ${env:UNSET:-}\nd: ${env:UNSET:-x:-y}";
    let resolved = resolver.resolve(&[yaml]).unwrap();
    assert_eq!(resolved.root.to_value().to_json(Secrets::Exposed), r#"{"a":5,"b":null,"c":"","d":"x:-y"}"#);
    assert!(resolved.warnings.is_empty());
}

#[test]
fn a_closure_is_an_environment_and_a_resolver_may_move_to_another_thread() {
    let resolver = Resolver::new(|name: &str| (name == "A").then(|| OsString::from("1")));
    let resolved = std::thread::spawn(move || resolver.resolve(&["yaml:a: ${A}"])).join().unwrap().unwrap();
    assert_eq!(resolved.root.to_value().to_json(Secrets::Exposed), r#"{"a":1}"#);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;

    let resolver = Resolver::new(|_: &str| Some(OsString::from_vec(vec![0xff])));
    let problems = resolver.resolve(&["yaml:a: ${A}"]).unwrap_err().to_string();
    assert!(
        problems.contains("the value of the environment variable \"A\" is not valid UTF-8"),
        "{problems}"
    );
}
