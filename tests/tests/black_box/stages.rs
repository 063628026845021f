//! SIGTERM, stage by stage: not ready any more, then no new data, then nothing left.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use etalon_tests::{Etalon, Sink, Verdict, WAIT, field, get, logs, post, try_post};

use crate::forwarding_to;
use crate::health_check::{health, with_health_check};

/// To a sink, with more keys of the exporter and of the service.
fn to(sink: &Sink, exporter: &str, shutdown: &str) -> String {
    let exporter =
        format!("  otlp_http:\n    endpoint: {}\n    compression: none\n    {exporter}", sink.endpoint());
    with_health_check(&forwarding_to(&exporter, "otlp_http"), "")
        .replace("service:\n", &format!("service:\n  shutdown: {{{shutdown}}}\n"))
}

fn send(etalon: &Etalon, numbers: std::ops::Range<u32>) -> u16 {
    post(etalon.http(), "/v1/logs", "application/json", &logs(numbers)).status
}

#[test]
fn a_lame_duck_is_not_ready_and_takes_data() {
    let sink = Sink::start();
    let etalon = Etalon::start(&to(&sink, "sending_queue:", "lame_duck: 3s"));
    let at = health(&etalon);
    etalon.terminate();
    let line = etalon.wait_for_line("Not ready any more, and still taking data for 3s");
    assert_eq!(line["duration"], "3s");
    let ready = get(at, "/readyz");
    assert_eq!((ready.status, ready.text().as_str()), (503, r#"{"status":"lame_duck"}"#));
    assert_eq!((get(at, "/").status, get(at, "/livez").status), (503, 200));
    assert_eq!(send(&etalon, 0..5), 200, "new connections are served");
    assert!(!etalon.lines().iter().any(|line| line["msg"] == "Starting shutdown..."));
    assert_eq!(etalon.wait().code(), 0);
    assert_eq!(sink.items().len(), 5);
}

#[test]
fn a_second_signal_skips_the_lame_duck() {
    let sink = Sink::start();
    let etalon = Etalon::start(&to(&sink, "sending_queue:", "lame_duck: 4m, timeout: 5m"));
    etalon.terminate();
    etalon.wait_for_line("Not ready any more, and still taking data for 4m0s");
    etalon.terminate();
    etalon.wait_for_line("Received a second signal: not waiting for the shutdown any more");
    etalon.wait_for_line("Shutdown complete.");
    let ended = etalon.wait();
    assert_eq!(ended.code(), 1);
    assert!(ended.stderr.contains("Error: told to stop twice"), "{}", ended.stderr);
}

#[test]
fn a_second_signal_waits_for_nothing_and_what_is_left_is_counted() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = Etalon::start(&to(&sink, "sending_queue: {num_consumers: 1}", "timeout: 5m"));
    for request in 0..4 {
        assert_eq!(send(&etalon, request * 5..request * 5 + 5), 200);
    }
    sink.wait_until_seen(1);
    etalon.terminate();
    etalon.wait_for_line("Starting shutdown...");
    etalon.signal("INT");
    etalon.wait_for_line("Shutdown complete.");
    let dropped: u64 = etalon.lines().iter().filter_map(|line| line["dropped_items"].as_u64()).sum();
    assert_eq!((etalon.wait().code(), dropped), (1, 20));
}

#[test]
fn the_time_for_all_of_it_ends_it() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = Etalon::start(&to(&sink, "sending_queue: {num_consumers: 1}", "timeout: 1s"));
    assert_eq!(send(&etalon, 0..5), 200);
    sink.wait_until_seen(1);
    etalon.terminate();
    etalon.wait_for_line("Shutdown complete.");
    let dropped: u64 = etalon.lines().iter().filter_map(|line| line["dropped_items"].as_u64()).sum();
    assert_eq!((etalon.wait().code(), dropped), (0, 5));
}

#[test]
fn a_reload_changes_how_the_collector_stops() {
    let configuration = with_health_check(&forwarding_to("  nop:", "nop"), "");
    let collector = crate::reload::Reloadable::start(&configuration);
    collector.update(&configuration.replace("service:\n", "service:\n  shutdown: {lame_duck: 1s}\n"));
    collector.etalon.terminate();
    collector.etalon.wait_for_line("Not ready any more, and still taking data for 1s");
    assert_eq!(collector.etalon.wait().code(), 0);
}

/// A request over HTTP/1.1 that is not answered yet.
fn begun(etalon: &Etalon) -> BufReader<TcpStream> {
    let body = logs(0..5);
    let stream = TcpStream::connect(etalon.http()).expect("a connection");
    stream.set_read_timeout(Some(WAIT)).expect("a timeout can be set");
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (&stream).write_all(&[head.as_bytes(), &body].concat()).expect("the request is sent");
    BufReader::new(stream)
}

#[test]
fn over_http_1_what_is_under_way_is_answered_and_told_to_close_and_idle_connections_end() {
    let sink = Sink::start();
    let etalon = Etalon::start(&to(&sink, "sending_queue: {enabled: false}", ""));
    let mut idle = begun(&etalon);
    let mut status = String::new();
    idle.read_line(&mut status).expect("an answer");
    assert!(status.contains(" 200 "), "{status}");
    sink.answer(Verdict::Hold);
    let mut busy = begun(&etalon);
    sink.wait_until_seen(2);
    etalon.terminate();
    let mut rest = String::new();
    idle.read_to_string(&mut rest).expect("the end of the connection, and no reset");
    assert!(
        try_post(etalon.http(), "/v1/logs", "application/json", &logs(0..1)).is_err(),
        "the port is closed"
    );
    sink.answer(Verdict::Accept);
    let mut answer = String::new();
    busy.read_to_string(&mut answer).expect("an answer, and the end");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(etalon.wait().code(), 0);
    assert_eq!(sink.items().len(), 5, "twice the same five");
}

/// An HTTP/2 frame.
#[derive(Debug)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

impl Frame {
    fn write(&self, stream: &mut impl std::io::Write) {
        let length = u32::try_from(self.payload.len()).expect("a short frame").to_be_bytes();
        let head = [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes()].concat();
        stream.write_all(&[&head[..], &self.payload].concat()).expect("the connection is open");
    }

    /// Nothing at the end of the connection.
    fn read(stream: &mut impl std::io::Read) -> Option<Self> {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Self { kind: head[3], flags: head[4], stream, payload })
    }

    fn last_stream(&self) -> u32 {
        u32::from_be_bytes([self.payload[0], self.payload[1], self.payload[2], self.payload[3]])
    }
}

/// A literal of HPACK without Huffman's code, behind what says which header field it is.
fn literal(name: &[u8], value: &str) -> Vec<u8> {
    let length = u8::try_from(value.len()).expect("a short value");
    [name, &[length], value.as_bytes()].concat()
}

#[test]
fn over_grpc_clients_are_told_to_go_twice_and_calls_under_way_finish() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = Etalon::start(&to(&sink, "sending_queue: {enabled: false}", ""));
    let mut stream = TcpStream::connect(etalon.grpc()).expect("a connection");
    stream.set_read_timeout(Some(WAIT)).expect("a timeout can be set");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("the preface");
    Frame { kind: SETTINGS, flags: 0, stream: 0, payload: Vec::new() }.write(&mut stream);
    // Numbers are those of the static table: method POST, scheme http, then names of fields.
    let fields = [
        vec![0x83, 0x86],
        literal(&[0x04], "/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
        literal(&[0x01], "x"),
        literal(&[0x0f, 0x10], "application/grpc"),
        literal(b"\0\x02te", "trailers"),
    ];
    Frame { kind: HEADERS, flags: 4, stream: 1, payload: fields.concat() }.write(&mut stream);
    // One log record.
    let message = field(1, &field(2, &field(2, b"")));
    let mut framed = vec![0, 0, 0, 0, u8::try_from(message.len()).expect("a short message")];
    framed.extend(message);
    Frame { kind: DATA, flags: 1, stream: 1, payload: framed }.write(&mut stream);
    sink.wait_until_seen(1);
    etalon.terminate();
    let mut went = Vec::new();
    let mut trailers = false;
    while let Some(frame) = Frame::read(&mut stream) {
        match frame.kind {
            SETTINGS if frame.flags == 0 => {
                Frame { kind: SETTINGS, flags: 1, stream: 0, payload: Vec::new() }.write(&mut stream);
            }
            PING if frame.flags == 0 => Frame { flags: 1, ..frame }.write(&mut stream),
            GOAWAY => {
                assert_eq!(frame.payload[4..8], [0; 4], "no error");
                went.push(frame.last_stream());
                if went.len() == 2 {
                    sink.answer(Verdict::Accept);
                }
            }
            HEADERS => trailers = frame.flags & 1 == 1,
            _ => {}
        }
    }
    assert_eq!(went, [0x7fff_ffff, 1], "first that it goes, then what it has taken");
    assert!(trailers, "the call has ended in order");
    assert_eq!(etalon.wait().code(), 0);
}
