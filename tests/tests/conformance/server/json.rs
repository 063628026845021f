//! The JSON mapping of OTLP.

use super::*;

/// A request of one span, whose fields besides its ids are these.
fn span(fields: &str) -> String {
    let ids = r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174""#;
    let comma = if fields.is_empty() { "" } else { "," };
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{ids}{comma}{fields}}}]}}]}}]}}"#)
}

/// What arrives of a span with these fields, whatever way it comes.
#[track_caller]
fn forwarded(server: &Server, fields: &str) -> Vec<u8> {
    let mut arrived = ways_of(JSON).map(|way| {
        let answer = server.send(way, TRACES, span(fields).as_bytes());
        assert_eq!(answer.status, 200, "{way:?} {fields}: {answer:?}");
        server.sink.bodies().pop().expect("what was accepted")
    });
    let first = arrived.next().expect("ways");
    assert!(arrived.all(|next| next == first), "{fields}");
    first
}

/// The status of a span with these fields, whatever way it comes.
fn status(server: &Server, fields: &str) -> u16 {
    status_of(server, &span(fields))
}

#[track_caller]
fn status_of(server: &Server, request: &str) -> u16 {
    let mut statuses = ways_of(JSON).map(|way| server.send(way, TRACES, request.as_bytes()).status);
    let first = statuses.next().expect("ways");
    assert!(statuses.all(|next| next == first), "{request}");
    first
}

#[test]
fn s19_ids_are_hex_in_either_case_and_not_base64() {
    let server = Server::start();
    let span = |id: &str| span("").replace("5b8efff798038103d269b633813fc60c", id);
    for id in [
        "5b8efff798038103d269b633813fc60c",
        "5B8EFFF798038103D269B633813FC60C",
        "5b8EFFf798038103d269B633813fc60C",
    ] {
        assert_eq!(status_of(&server, &span(id)), 200, "{id}");
        let body = server.sink.bodies().pop().unwrap();
        assert!(body.windows(4).any(|window| window == b"\x5b\x8e\xff\xf7"), "{id}");
    }
    for id in
        ["W47/95gDgQPSabYzgT/GDA==", "5b8efff798038103d269b633813fc60", "5b8efff798038103d269b633813fc60x"]
    {
        assert_eq!(status_of(&server, &span(id)), 400, "{id}");
    }
}

#[test]
fn s20_enums_are_integers_and_as_in_the_go_collector_also_names() {
    let server = Server::start();
    let by_number = forwarded(&server, r#""kind":2"#);
    assert!(by_number.ends_with(b"\x30\x02"), "{by_number:?}");
    // Clients that write names exist, because the Go collector reads them: so does this one.
    assert_eq!(forwarded(&server, r#""kind":"SPAN_KIND_SERVER""#), by_number);
    assert_eq!(status(&server, r#""kind":"NO_SUCH_KIND""#), 400);
    assert!(forwarded(&server, r#""kind":99"#).ends_with(b"\x30\x63"), "a number of the future is kept");
}

#[test]
fn s21_unknown_fields_are_ignored() {
    let server = Server::start();
    let known = forwarded(&server, r#""name":"x""#);
    let deep = format!("{}1{}", "[".repeat(50), "]".repeat(50));
    for unknown in ["1", "\"x\"", "null", "true", "[1,[2]]", r#"{"a":{"b":[]}}"#, &deep] {
        assert_eq!(forwarded(&server, &format!(r#""unknown":{unknown},"name":"x""#)), known, "{unknown}");
    }
    // Protobuf: fields of each wire type, a group among them. They are passed on, so that the future survives.
    let future = [
        &b"\x98\x3f\x01"[..],
        b"\x99\x3f12345678",
        b"\x9a\x3f\x02ab",
        b"\x9b\x3f\x08\x01\x9c\x3f",
        b"\x9d\x3f1234",
    ];
    let request = [logs_protobuf(0..1), future.concat()].concat();
    for way in ways_of(PROTOBUF) {
        assert_eq!(server.send(way, LOGS, &request).status, 200, "{way:?}");
        assert_eq!(server.sink.bodies().pop().unwrap(), request, "{way:?}");
    }
}

#[test]
fn s22_keys_are_lower_camel_case_and_as_in_the_go_collector_also_snake_case() {
    let server = Server::start();
    let camel = forwarded(&server, r#""startTimeUnixNano":"1""#);
    assert_eq!(forwarded(&server, r#""start_time_unix_nano":"1""#), camel);
    assert_ne!(forwarded(&server, r#""STARTTIMEUNIXNANO":"1""#), camel, "another name is unknown");
}

#[test]
fn s23_64_bit_integers_are_text_or_numbers() {
    let server = Server::start();
    let value = |value: &str| format!(r#""attributes":[{{"key":"k","value":{{"intValue":{value}}}}}]"#);
    let thousand = forwarded(&server, &value("\"1000\""));
    assert_eq!(forwarded(&server, &value("1000")), thousand);
    assert_eq!(forwarded(&server, &value("1e3")), thousand);
    assert_eq!(status(&server, &value("\"9223372036854775807\"")), 200);
    for wrong in ["1.5", "9223372036854775808", "\"-9223372036854775809\"", "\"x\"", "1e400", "true"] {
        assert_eq!(status(&server, &value(wrong)), 400, "{wrong}");
    }
    assert_eq!(status(&server, r#""droppedAttributesCount":-1"#), 400);
    assert_eq!(status(&server, r#""startTimeUnixNano":"-1""#), 400);
}
