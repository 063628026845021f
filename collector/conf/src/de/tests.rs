use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use serde::{Deserialize, Serialize};

use crate::{
    ComponentId, Duration, MapList, Node, Optional, Resolver, Secret, Secrets, Validate, Value, to_value,
    to_yaml,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Client {
    endpoint: String,
    timeout: Duration,
    retries: u8,
    ratio: f64,
    verbose: bool,
    names: Vec<String>,
    labels: BTreeMap<String, String>,
    queue: Queue,
    token: Secret,
    headers: MapList,
    level: Level,
    proxy: Option<String>,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Queue {
    size: u32,
    wait: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Rule {
    name: String,
    weight: i32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    #[default]
    Basic,
    Normal,
    Detailed,
}

impl Default for Queue {
    fn default() -> Self {
        Self { size: 1000, wait: false }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self {
            endpoint: "localhost:4317".to_owned(),
            timeout: Duration::from_secs(5),
            retries: 3,
            ratio: 0.5,
            verbose: false,
            names: vec!["a".to_owned(), "b".to_owned()],
            labels: [("team".to_owned(), "core".to_owned())].into(),
            // Not the default of the type: what the parent says counts.
            queue: Queue { size: 7, wait: true },
            token: Secret::new("initial"),
            headers: [("x-default", "1")].into_iter().collect(),
            level: Level::Normal,
            proxy: None,
            rules: vec![Rule { name: "first".to_owned(), weight: 1 }],
        }
    }
}

fn read<T: for<'de> Deserialize<'de> + Default + Serialize>(yaml: &str) -> T {
    Node::parse("collector.yaml", yaml).unwrap().decode().unwrap()
}

#[track_caller]
fn refused<T: for<'de> Deserialize<'de> + Default + Serialize + std::fmt::Debug>(
    yaml: &str,
    expected: &Expect,
) {
    let problems = Node::parse("collector.yaml", yaml).unwrap().decode::<T>().unwrap_err();
    expected.assert_eq(&problems.to_string());
}

fn with_variable(value: &str, yaml: &str) -> Node {
    let variables: BTreeMap<String, String> = [("VALUE".to_owned(), value.to_owned())].into();
    Resolver::new(variables).resolve(&[format!("yaml:{yaml}")]).unwrap().root
}

#[test]
fn what_is_not_written_or_null_keeps_its_default() {
    assert_eq!(read::<Client>(""), Client::default());
    let nulls = "endpoint:\ntimeout:\nretries:\nratio:\nverbose:\nnames:\nlabels:\nqueue:\ntoken:\nheaders:\nlevel:\nproxy:\nrules:";
    assert_eq!(read::<Client>(nulls), Client::default());
    assert_eq!(read::<Client>("queue: {}\nlabels: {}"), Client::default());
}

#[test]
fn nested_blocks_start_from_the_default_of_their_parent() {
    assert_eq!(read::<Client>("queue: {wait: false}").queue, Queue { size: 7, wait: false });
}

#[test]
fn lists_are_replaced_and_their_elements_start_from_their_own_defaults() {
    let client: Client = read("names: []\nrules: [{weight: 5}]");
    assert!(client.names.is_empty());
    assert_eq!(client.rules, [Rule { name: String::new(), weight: 5 }]);
}

#[test]
fn free_mappings_are_merged_and_header_lists_are_replaced() {
    let client: Client = read("labels: {zone: a}\nheaders: {x-new: '2'}");
    assert_eq!(
        client.labels.into_iter().collect::<Vec<_>>(),
        [("team".to_owned(), "core".to_owned()), ("zone".to_owned(), "a".to_owned())]
    );
    assert_eq!(client.headers, [("x-new", "2")].into_iter().collect());
}

#[test]
fn every_type_reads_what_is_written() {
    let client: Client = read(
        "endpoint: a:1\ntimeout: 1m30s\nretries: 255\nratio: 2\nverbose: true\nnames: x,y\ntoken: t\nlevel: detailed\nproxy: p",
    );
    assert_eq!(client.timeout, Duration::from_secs(90));
    assert_eq!((client.retries, client.ratio, client.verbose), (255, 2.0, true));
    assert_eq!(client.names, ["x", "y"]);
    assert_eq!(
        (client.token.expose(), client.level, client.proxy.as_deref()),
        ("t", Level::Detailed, Some("p"))
    );
    assert_eq!(read::<Client>("timeout: 30").timeout, Duration::from_nanos(30));
    assert_eq!(read::<Client>("retries: 1e1").retries, 10);
}

#[test]
fn every_problem_is_reported_at_once_and_in_order() {
    refused::<Client>(
        "endpiont: a:1\nendpoint: 4317\ntimeout: 5 parsecs\nretries: 256\nratio: high\nverbose: yes\nnames: {a: b}\nlabels: [a]\nqueue:\n  size: -1\n  sise: 2\n  wait: 1\ntoken: [a]\nheaders: [{name: a, valeu: b}]\nlevel: detialed\nproxy: {}\nrules:\n  - weight: x\n  - nme: y\n  - 3\nsomething_else: 1\n",
        &expect![[r#"
            collector.yaml:1:1: unknown key "endpiont"; did you mean "endpoint"?
               |
             1 | endpiont
               | ^^^^^^^^
            collector.yaml:2:11: endpoint: expected a string, got the number 4317; put it in quotes
               |
             2 | endpoint: 4317
               |           ^^^^
            collector.yaml:3:10: timeout: invalid duration "5 parsecs": unknown unit " parsecs"; use ns, us, ms, s, m or h
               |
             3 | timeout: 5 parsecs
               |          ^^^^^^^^^
            collector.yaml:4:10: retries: expected a whole number from 0 to 255, got the number 256
               |
             4 | retries: 256
               |          ^^^
            collector.yaml:5:8: ratio: expected a number, got the string "high"
               |
             5 | ratio: high
               |        ^^^^
            collector.yaml:6:10: verbose: expected true or false, got the string "yes"
               |
             6 | verbose: yes
               |          ^^^
            collector.yaml:7:8: names: expected a list, got a mapping
               |
             7 | names: {
               |        ^
            collector.yaml:8:9: labels: expected a mapping, got a list
               |
             8 | labels: [a]
               |         ^
            collector.yaml:10:9: queue::size: expected a whole number from 0 to 4294967295, got the number -1
                |
             10 |   size: -1
                |         ^^
            collector.yaml:11:3: queue: unknown key "sise"; did you mean "size"?
                |
             11 |   sise
                |   ^^^^
            collector.yaml:12:9: queue::wait: expected true or false, got the number 1
                |
             12 |   wait: 1
                |         ^
            collector.yaml:13:8: token: expected a string, got a list
            collector.yaml:14:21: headers::0: unknown key "valeu"; did you mean "value"?
                |
             14 | valeu
                | ^^^^^
            collector.yaml:15:8: level: unknown value "detialed"; did you mean "detailed"?
                |
             15 | level: detialed
                |        ^^^^^^^^
            collector.yaml:16:8: proxy: expected a string, got a mapping
                |
             16 | proxy: {}
                |        ^
            collector.yaml:18:13: rules::0::weight: expected a whole number, got the string "x"
                |
             18 |   - weight: x
                |             ^
            collector.yaml:19:5: rules::1: unknown key "nme"; did you mean "name"?
                |
             19 |   - nme
                |     ^^^
            collector.yaml:20:5: rules::2: expected a mapping, got the number 3
                |
             20 |   - 3
                |     ^
            collector.yaml:21:1: unknown key "something_else"; valid keys are "endpoint", "headers", "labels", "level", "names", "proxy", "queue", "ratio", "retries", "rules", "timeout", "token" and "verbose"
                |
             21 | something_else
                | ^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn a_root_that_is_no_mapping_is_one_problem() {
    refused::<Client>(
        "[1, 2]",
        &expect![[r#"
            collector.yaml:1:1: expected a mapping, got a list
               |
             1 | [
               | ^"#]],
    );
}

#[test]
fn a_string_gets_the_text_of_a_reference_and_other_types_its_value() {
    let client: Client =
        with_variable("0123", "{endpoint: '${VALUE}', retries: '${VALUE}'}").decode().unwrap();
    assert_eq!((client.endpoint.as_str(), client.retries), ("0123", 83));
    let client: Client =
        with_variable("\"0123\"", "{endpoint: '${VALUE}', proxy: '${VALUE}'}").decode().unwrap();
    assert_eq!((client.endpoint.as_str(), client.proxy.as_deref()), ("\"0123\"", Some("\"0123\"")));
    let client: Client =
        with_variable("[a, b]", "{endpoint: '${VALUE}', names: '${VALUE}'}").decode().unwrap();
    assert_eq!((client.endpoint.as_str(), client.names), ("[a, b]", vec!["a".to_owned(), "b".to_owned()]));
    let client: Client = with_variable("a,b", "names: ${VALUE}").decode().unwrap();
    assert_eq!(client.names, ["a", "b"]);
    let client: Client = with_variable("{size: 3}", "queue: ${VALUE}").decode().unwrap();
    assert_eq!(client.queue, Queue { size: 3, wait: true });
}

#[test]
fn a_reference_to_nothing_is_an_empty_string_and_keeps_other_defaults() {
    let yaml = "{endpoint: '${VALUE}', token: '${VALUE}', proxy: '${VALUE}', retries: '${VALUE}', names: '${VALUE}'}";
    let client: Client = with_variable("", yaml).decode().unwrap();
    assert_eq!((client.endpoint.as_str(), client.token.expose(), client.proxy), ("", "", None));
    assert_eq!((client.retries, client.names.len()), (3, 2));
}

#[test]
fn what_a_reference_yields_is_in_no_message_and_no_excerpt() {
    for yaml in [
        "{retries: '${VALUE}'}",
        "{timeout: '${VALUE}'}",
        "{level: '${VALUE}'}",
        "{verbose: 'x${VALUE}'}",
        "{queue: '${VALUE}'}",
        "{rules: '${VALUE}'}",
        "{token: [a], level: '${VALUE}', ratio: '${VALUE}'}",
    ] {
        for value in [
            "hunter2",
            "5hunter2",
            "1.5.hunter2",
            "\"hunter2\"",
            " hunter2 # x",
            "['hunter2']",
            "{key: 'hunter2'}",
        ] {
            let text = match with_variable(value, yaml).decode::<Client>() {
                Err(problems) => problems.to_string(),
                Ok(_) => continue,
            };
            assert!(!text.contains("hunter"), "{text}");
        }
    }
    let problems = with_variable("soon", "a: 1\ntimeout: ${VALUE}").decode::<Client>().unwrap_err();
    expect![[r#"
        <inline YAML>:1:1: unknown key "a"; valid keys are "endpoint", "headers", "labels", "level", "names", "proxy", "queue", "ratio", "retries", "rules", "timeout", "token" and "verbose"
           |
         1 | a
           | ^
        <inline YAML>:2:10: timeout: invalid duration ${VALUE}: write numbers with units, such as 30s or 1m30s (the value comes from ${VALUE})
           |
         2 | timeout: ${VALUE}
           |          ^^^^^^^^"#]].assert_eq(&problems.to_string());
}

#[test]
fn a_secret_of_the_wrong_type_is_not_shown() {
    refused::<Client>(
        "token: 12345678\n",
        &expect!["collector.yaml:1:8: token: expected a string, got a whole number; put it in quotes"],
    );
    refused::<Client>(
        "headers: {authorization: 12345678}\n",
        &expect![
            "collector.yaml:1:26: headers::authorization: expected a string, got a whole number; put it in quotes"
        ],
    );
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "(Client, Transport)", into = "(Client, Transport)")]
struct Exporter {
    client: Client,
    transport: Transport,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(Tls, Limits)", into = "(Tls, Limits)")]
struct Transport {
    tls: Tls,
    limits: Limits,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Tls {
    insecure: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Limits {
    streams: u32,
}

impl Default for Transport {
    fn default() -> Self {
        Self { tls: Tls { insecure: true }, limits: Limits { streams: 9 } }
    }
}

impl From<(Client, Transport)> for Exporter {
    fn from((client, transport): (Client, Transport)) -> Self {
        Self { client, transport }
    }
}

impl From<Exporter> for (Client, Transport) {
    fn from(exporter: Exporter) -> Self {
        (exporter.client, exporter.transport)
    }
}

impl From<(Tls, Limits)> for Transport {
    fn from((tls, limits): (Tls, Limits)) -> Self {
        Self { tls, limits }
    }
}

impl From<Transport> for (Tls, Limits) {
    fn from(transport: Transport) -> Self {
        (transport.tls, transport.limits)
    }
}

#[test]
fn a_tuple_of_structs_reads_one_mapping() {
    let exporter: Exporter = read("endpoint: a:1\ninsecure: false\nqueue: {size: 1}");
    assert_eq!((exporter.client.endpoint.as_str(), exporter.client.queue.size), ("a:1", 1));
    assert_eq!(exporter.transport, Transport { tls: Tls { insecure: false }, limits: Limits { streams: 9 } });
    assert_eq!(read::<Exporter>(""), Exporter::default());
    let value = to_value(&exporter);
    assert_eq!(value.get("streams"), Some(&Value::Int(9)));
    assert_eq!(read::<Exporter>(&value.to_yaml(Secrets::Exposed)), exporter);
}

#[test]
fn a_key_is_unknown_when_no_part_of_the_tuple_knows_it() {
    refused::<Exporter>(
        "insecrue: true\nstream: 1\nqueue: {siez: 1}\nretries: x\n",
        &expect![[r#"
        collector.yaml:1:1: unknown key "insecrue"; did you mean "insecure"?
           |
         1 | insecrue
           | ^^^^^^^^
        collector.yaml:2:1: unknown key "stream"; did you mean "streams"?
           |
         2 | stream
           | ^^^^^^
        collector.yaml:3:9: queue: unknown key "siez"; did you mean "size"?
           |
         3 | queue: {siez
           |         ^^^^
        collector.yaml:4:10: retries: expected a whole number, got the string "x"
           |
         4 | retries: x
           |          ^"#]],
    );
}

#[test]
fn a_tuple_still_reads_a_list() {
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Range {
        bounds: (i32, i32),
    }
    assert_eq!(read::<Range>("bounds: [1, 2]"), Range { bounds: (1, 2) });
    refused::<Range>(
        "bounds: [1]",
        &expect![[r#"
        collector.yaml:1:9: bounds: expected a tuple of size 2, got 1
           |
         1 | bounds: [1]
           |         ^"#]],
    );
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Ids {
    receivers: BTreeMap<ComponentId, Option<Limits>>,
    order: Vec<ComponentId>,
}

#[test]
fn ids_are_trimmed_and_two_that_are_then_equal_are_refused() {
    let ids: Ids = read("receivers: {' otlp / a ': , otlp: {streams: 1}}\norder: [' otlp ', 'otlp/a']");
    assert_eq!(ids.receivers.keys().map(ComponentId::as_str).collect::<Vec<_>>(), ["otlp", "otlp/a"]);
    refused::<Ids>(
        "receivers:\n  otlp:\n  'otlp ':\n  1x: {}\n  a/: {}\n  ok: {stream: 1}\norder: ['', 'a b', otlp]\n",
        &expect![[r#"
            collector.yaml:3:3: receivers::otlp : duplicate name "otlp" after unmarshaling
               |
             3 |   'otlp '
               |   ^^^^^^^
            collector.yaml:4:3: receivers::1x: invalid character(s) in type "1x"
               |
             4 |   1x
               |   ^^
            collector.yaml:5:3: receivers::a/: in "a/" id: the part after / should not be empty
               |
             5 |   a/
               |   ^^
            collector.yaml:6:8: receivers::ok: unknown key "stream"; did you mean "streams"?
               |
             6 |   ok: {stream
               |        ^^^^^^
            collector.yaml:7:9: order::0: id must not be empty
               |
             7 | order: [''
               |         ^^
            collector.yaml:7:13: order::1: invalid character(s) in type "a b"
               |
             7 | 'a b'
               | ^^^^^"#]],
    );
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Server {
    port: u16,
    tls: Optional<Tls>,
}

impl Default for Server {
    fn default() -> Self {
        Self { port: 4317, tls: Optional::off(Tls { insecure: true }) }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Blocks {
    none: Optional<Server>,
    off: Optional<Server>,
    on: Optional<Server>,
    number: Optional<u16>,
}

impl Default for Blocks {
    fn default() -> Self {
        Self {
            none: Optional::none(),
            off: Optional::off(Server { port: 1, ..Server::default() }),
            on: Optional::on(Server { port: 2, ..Server::default() }),
            number: Optional::on(5),
        }
    }
}

#[test]
fn optional_blocks_follow_the_whole_table() {
    let cases: &[(&str, [Option<u16>; 3])] = &[
        ("", [None, None, Some(2)]),
        ("BLOCK:", [None, Some(1), Some(2)]),
        ("BLOCK: {}", [Some(4317), Some(1), Some(2)]),
        ("BLOCK: {port: 9}", [Some(9), Some(9), Some(9)]),
        ("BLOCK: {tls: {}}", [Some(4317), Some(1), Some(2)]),
        ("BLOCK: {port: 9, enabled: false}", [None, None, None]),
        ("BLOCK: {enabled: false}", [None, None, None]),
        ("BLOCK: {enabled: true}", [Some(4317), Some(1), Some(2)]),
        ("BLOCK: {enabled: true, port: 9}", [Some(9), Some(9), Some(9)]),
    ];
    for (written, expected) in cases {
        let ports = ["none", "off", "on"].map(|block| {
            let blocks: Blocks = read(&written.replace("BLOCK", block));
            let field = match block {
                "none" => blocks.none,
                "off" => blocks.off,
                _ => blocks.on,
            };
            field.get().map(|server| server.port)
        });
        assert_eq!(ports, *expected, "{written}");
    }
}

#[test]
fn a_block_in_a_block_that_was_off_has_its_defaults() {
    for block in ["none", "off", "on"] {
        let blocks: Blocks = read(&format!("{block}: {{tls: }}"));
        let server = [blocks.none, blocks.off, blocks.on]
            .into_iter()
            .find(|field| field.get().is_some_and(|it| it.tls.is_on()));
        assert_eq!(server.unwrap().get().unwrap().tls.get(), Some(&Tls { insecure: true }), "{block}");
    }
}

#[test]
fn an_optional_scalar_is_off_when_it_is_null() {
    assert_eq!(read::<Blocks>("").number.get(), Some(&5));
    assert_eq!(read::<Blocks>("number: 6").number.get(), Some(&6));
    assert_eq!(read::<Blocks>("number:").number.get(), None);
}

#[test]
fn what_is_wrong_in_an_optional_block_is_found_even_when_it_is_off() {
    refused::<Blocks>(
        "none: {enabled: maybe, prot: 1}\noff: {enabled: false, port: x}\non: [1]\n",
        &expect![[r#"
            collector.yaml:1:17: none::enabled: expected true or false, got a string
               |
             1 | none: {enabled: maybe
               |                 ^^^^^
            collector.yaml:1:24: none: unknown key "prot"; did you mean "port"?
               |
             1 | prot
               | ^^^^
            collector.yaml:2:29: off::port: expected a whole number, got the string "x"
               |
             2 | port: x}
               |       ^
            collector.yaml:3:5: on: expected a mapping, got a list
               |
             3 | on: [1]
               |     ^"#]],
    );
}

#[test]
fn blocks_that_are_off_print_so_that_they_stay_off() {
    let blocks: Blocks = read("off: {port: 9}\non: {enabled: false}");
    expect![[r#"
        none: null
        off:
          port: 9
          tls: {enabled: false}
        on: {enabled: false}
        number: 5
    "#]]
    .assert_eq(&to_yaml(&blocks, Secrets::Redacted));
    assert_eq!(
        serde_json::to_string(&Blocks::default()).unwrap(),
        r#"{"none":null,"off":null,"on":{"port":2,"tls":null},"number":5}"#
    );
}

#[test]
fn secrets_show_only_when_exposed() {
    let client: Client = read("token: hunter2\nheaders: {authorization: hunter2}");
    assert!(to_yaml(&client, Secrets::Exposed).contains("hunter2"));
    for text in [
        to_yaml(&client, Secrets::Redacted),
        serde_json::to_string(&client).unwrap(),
        format!("{client:?} {}", client.token),
        format!("{:?}", to_value(&client)),
        format!("{:?}", Node::parse("x", "token: hunter2").unwrap()),
    ] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn both_forms_of_a_header_list_are_the_same_and_no_name_is_there_twice() {
    let map: Client = read("headers: {b: '1', a: '2'}");
    let list: Client = read("headers: [{name: b, value: '1'}, {name: a, value: '2'}]");
    assert_eq!(map.headers, list.headers);
    assert_eq!(map.headers.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(list.headers.get("a").map(Secret::expose), Some("2"));
    assert!(read::<Client>("headers: []").headers.is_empty());
    refused::<Client>(
        "headers: [{name: a, value: x}, {name: b}, {name: a, value: y}]\n",
        &expect![[r#"
            collector.yaml:1:10: headers: duplicate keys in map-style list: "a"
               |
             1 | headers: [
               |          ^"#]],
    );
}

#[test]
fn a_node_takes_its_part_of_the_tree_as_it_was_written() {
    #[derive(Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Sections {
        receivers: BTreeMap<ComponentId, Node>,
    }
    let sections: Sections = read("receivers:\n  otlp:\n    portt: 1\n  nop:\n");
    let node = &sections.receivers[&"otlp".parse().unwrap()];
    assert_eq!(
        node.get("portt").unwrap().origin().map(ToString::to_string).as_deref(),
        Some("collector.yaml:3:12")
    );
    assert!(sections.receivers[&"nop".parse().unwrap()].is_null());
    let problems = node.decode::<Server>().unwrap_err().under("receivers::otlp").to_string();
    assert!(
        problems.starts_with(
            "collector.yaml:3:5: receivers::otlp: unknown key \"portt\"; did you mean \"port\"?"
        )
    );
}

#[test]
fn a_required_key_that_is_missing_or_wrong_is_one_problem() {
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Required {
        name: String,
        size: u8,
    }
    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Outer {
        list: Vec<Required>,
    }
    refused::<Outer>(
        "list:\n  - name: a\n  - {name: a, size: x}\n  - {name: 1, size: 2}\n",
        &expect![[r#"
            collector.yaml:2:5: list::0: the key "size" is missing
               |
             2 |   - name
               |     ^
            collector.yaml:3:21: list::1::size: expected a whole number, got the string "x"
               |
             3 | size: x}
               |       ^
            collector.yaml:4:12: list::2::name: expected a string, got the number 1; put it in quotes
               |
             4 |   - {name: 1
               |            ^"#]],
    );
}

#[test]
fn enums_that_hold_something_are_mappings_of_one_key() {
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Reader {
        #[default]
        Nothing,
        Pull(Server),
        Periodic {
            interval: Duration,
        },
    }
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Metrics {
        readers: Vec<Reader>,
    }
    let metrics: Metrics = read("readers: [nothing, {pull: {port: 1}}, {periodic: {interval: 1s}}]");
    assert_eq!(metrics.readers.len(), 3);
    assert_eq!(metrics.readers[1], Reader::Pull(Server { port: 1, ..Server::default() }));
    refused::<Metrics>(
        "readers: [nothin, {pul: {}}, {pull: {prot: 1}}, {pull: {}, periodic: {}}, {periodic: {interval: x}}]",
        &expect![[r#"
            collector.yaml:1:11: readers::0: unknown value "nothin"; did you mean "nothing"?
               |
             1 | readers: [nothin
               |           ^^^^^^
            collector.yaml:1:19: readers::1: unknown value "pul"; did you mean "pull"?
               |
             1 | {
               | ^
            collector.yaml:1:38: readers::2::pull: unknown key "prot"; did you mean "port"?
               |
             1 | prot
               | ^^^^
            collector.yaml:1:49: readers::3: expected a mapping with exactly one key
               |
             1 | {
               | ^
            collector.yaml:1:97: readers::4::periodic::interval: invalid duration "x": write numbers with units, such as 30s or 1m30s
               |
             1 | interval: x}}]
               |           ^"#]],
    );
}

#[test]
fn other_defaults_than_those_of_the_type_may_be_given() {
    let node = Node::parse("x", "retries: 1").unwrap();
    let client = node.decode_over(&Client { endpoint: "elsewhere".to_owned(), ..Client::default() }).unwrap();
    assert_eq!((client.endpoint.as_str(), client.retries), ("elsewhere", 1));
}

#[test]
fn no_more_than_the_limit_of_problems_is_reported() {
    let yaml: String = (0..500).flat_map(|key| [format!("wrong{key}"), ": 1\n".to_owned()]).collect();
    assert_eq!(Node::parse("x", &yaml).unwrap().decode::<Client>().unwrap_err().len(), super::MAX_PROBLEMS);
    let items = vec!["x"; 500].join(", ");
    let problems = Node::parse("x", &format!("rules: [{items}]")).unwrap().decode::<Client>().unwrap_err();
    assert_eq!(problems.len(), super::MAX_PROBLEMS);
}

impl Validate for Blocks {
    fn validate(&self, check: &mut crate::Check) {
        check.field("none", &self.none);
        check.field("off", &self.off);
        check.field("on", &self.on);
    }
}

impl Validate for Server {
    fn validate(&self, check: &mut crate::Check) {
        if self.port < 1024 {
            check.at("port", |check| check.error_with_help("is a privileged port", "take one from 1024 on"));
        }
    }
}

#[test]
fn rules_know_their_place_and_blocks_that_are_off_have_none() {
    let node = Node::parse("collector.yaml", "none:\n  port: 80\non: {enabled: false}\n").unwrap();
    expect![[r#"
        collector.yaml:2:3: none::port: is a privileged port; take one from 1024 on
           |
         2 |   port
           |   ^^^^"#]]
    .assert_eq(&node.decode_valid::<Blocks>().unwrap_err().to_string());
    let node = Node::parse("collector.yaml", "none: {port: 8080}\non: {enabled: false}\n").unwrap();
    assert!(node.decode_valid::<Blocks>().is_ok());
}
