//! SIGHUP: the configuration is read again. What has not changed goes on, and nothing that was accepted
//! is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use etalon_tests::{Etalon, Sink, Verdict, WAIT, eventually, free_port, get, logs, post, try_post};

use crate::{OTLP, forwarding_to};

/// A collector and the file that it reads.
pub(crate) struct Reloadable {
    pub(crate) etalon: Etalon,
    file: PathBuf,
}

impl Reloadable {
    pub(crate) fn start(configuration: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("collector.yaml");
        fs::write(&file, configuration).expect("a temporary file can be written");
        let etalon = Etalon::start_with(&["--config", &file.to_string_lossy()], folder);
        Self { etalon, file }
    }

    /// Writes the file, sends SIGHUP, and waits for one more line of this message.
    fn reload(&self, configuration: &str, message: &str) {
        let count = || self.etalon.lines().iter().filter(|line| line["msg"] == message).count();
        let before = count();
        fs::write(&self.file, configuration).expect("a temporary file can be written");
        self.etalon.signal("HUP");
        eventually(message, || (count() > before).then_some(()));
    }

    pub(crate) fn update(&self, configuration: &str) {
        self.reload(configuration, "Config updated, restart service");
    }

    pub(crate) fn refuse(&self, configuration: &str) {
        self.reload(configuration, "Config not updated: the running configuration stays");
    }

    fn reloads(&self, result: &str) -> Option<f64> {
        self.etalon.scrape().sum("etalon_config_reloads", &[("result", result)])
    }

    fn post(&self, numbers: std::ops::Range<u32>) -> u16 {
        post(self.etalon.http(), "/v1/logs", "application/json", &logs(numbers)).status
    }
}

#[test]
fn own_metrics_keep_the_id_of_the_instance_and_follow_the_views() {
    let configuration = to(&Sink::start());
    let collector = Reloadable::start(&configuration);
    let scrape = || {
        let text = get(collector.etalon.metrics(), "/metrics").text();
        let line = text.lines().find(|line| line.starts_with("target_info{")).expect("the resource is told");
        (line.to_owned(), text.contains("otelcol_process_uptime"))
    };
    let (before, has_uptime) = scrape();
    assert!(before.contains("service_instance_id=\"") && has_uptime, "{before}");
    let view = "{selector: {instrument_name: otelcol_process_*}, stream: {aggregation: {drop: {}}}}";
    let metrics = format!("  telemetry: {{metrics: {{level: detailed, views: [{view}]}}}}\n");
    collector.update(&format!("{configuration}{metrics}"));
    assert_eq!(scrape(), (before, false));
}

fn to(sink: &Sink) -> String {
    let exporter = format!("  otlp_http:\n    endpoint: {}\n    compression: none", sink.endpoint());
    forwarding_to(&exporter, "otlp_http")
}

/// What senders had acknowledged while `body` ran, and whether one found the port closed.
fn under_load(address: SocketAddr, body: impl FnOnce()) -> (BTreeSet<u32>, bool) {
    const ITEMS: u32 = 5;
    let (stop, was_closed) = (AtomicBool::new(false), AtomicBool::new(false));
    let send = |first: u32| {
        let mut acknowledged = Vec::new();
        for start in (first..).step_by(ITEMS as usize) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            match try_post(address, "/v1/logs", "application/json", &logs(start..start + ITEMS)) {
                Ok(answer) if answer.status == 200 => acknowledged.extend(start..start + ITEMS),
                // A server on its way out may close a connection before it has seen a request on it.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    was_closed.store(true, Ordering::Relaxed);
                }
                Err(_) => {}
            }
        }
        acknowledged
    };
    let acknowledged = thread::scope(|scope| {
        let senders: Vec<_> = (0..3).map(|sender| scope.spawn(move || send(sender * 1_000_000))).collect();
        body();
        stop.store(true, Ordering::Relaxed);
        senders.into_iter().flat_map(|sender| sender.join().expect("a sender does not panic")).collect()
    });
    (acknowledged, was_closed.into_inner())
}

fn arrived(sinks: &[&Sink]) -> BTreeSet<u32> {
    sinks.iter().flat_map(|sink| sink.items().into_keys()).collect()
}

#[test]
fn exchanging_the_exporter_under_load_loses_nothing() {
    let (one, two) = (Sink::start(), Sink::start());
    let collector = Reloadable::start(&to(&one));
    let (acknowledged, was_closed) = under_load(collector.etalon.http(), || {
        for round in 1..=4 {
            let sink = if round % 2 == 0 { &one } else { &two };
            let before = sink.items().len();
            collector.update(&to(sink));
            sink.wait_until_accepted(before + 20);
        }
    });
    assert_eq!(collector.reloads("applied"), Some(4.0));
    assert_eq!(collector.etalon.stop().code(), 0);
    let arrived = arrived(&[&one, &two]);
    let lost: Vec<_> = acknowledged.difference(&arrived).collect();
    assert!(acknowledged.len() >= 80 && lost.is_empty(), "{lost:?} of {} are lost", acknowledged.len());
    assert!(!was_closed, "the port was closed for a moment");
}

#[test]
fn exchanging_an_exporter_behind_a_connector_under_load_loses_nothing_and_keeps_what_is_before_it() {
    let (one, two) = (Sink::start(), Sink::start());
    let through_a_connector = |sink: &Sink| {
        let joined = "    logs: {receivers: [otlp], exporters: [forward]}
    logs/out: {receivers: [forward], exporters: [otlp_http]}\n";
        let plain = to(sink).replace("service:", "connectors: {forward: }\nservice:");
        let (before, _) = plain.split_once("    traces:").expect("the first pipeline");
        before.to_owned() + joined
    };
    let collector = Reloadable::start(&through_a_connector(&one));
    let (acknowledged, was_closed) = under_load(collector.etalon.http(), || {
        for round in 1..=4 {
            let sink = if round % 2 == 0 { &one } else { &two };
            let before = sink.items().len();
            collector.update(&through_a_connector(sink));
            sink.wait_until_accepted(before + 20);
        }
    });
    let line = collector.etalon.wait_for_line("Config updated, restart service");
    assert_eq!(
        (&line["kept"], &line["started"], &line["stopped"]),
        (&2.into(), &1.into(), &1.into()),
        "{line}"
    );
    assert_eq!(collector.etalon.stop().code(), 0);
    let arrived = arrived(&[&one, &two]);
    let lost: Vec<_> = acknowledged.difference(&arrived).collect();
    assert!(acknowledged.len() >= 80 && lost.is_empty(), "{lost:?} of {} are lost", acknowledged.len());
    assert!(!was_closed, "the port was closed for a moment");
}

#[test]
fn exchanging_the_receiver_under_load_loses_nothing_and_keeps_the_port_open() {
    let (sink, port) = (Sink::start(), free_port());
    let limited_to = |bytes: u32| {
        to(&sink).replace(
            "http:\n        endpoint: 127.0.0.1:0",
            &format!("http:\n        endpoint: 127.0.0.1:{port}\n        max_request_body_size: {bytes}"),
        )
    };
    let collector = Reloadable::start(&limited_to(1_000_000));
    let (acknowledged, was_closed) = under_load(collector.etalon.http(), || {
        for bytes in 1..=4 {
            let before = sink.items().len();
            collector.update(&limited_to(1_000_000 + bytes));
            sink.wait_until_accepted(before + 20);
        }
        collector.update(&limited_to(10));
        assert_eq!(collector.post(9_000_000..9_000_005), 413, "the new limit is in force");
    });
    assert_eq!(collector.etalon.stop().code(), 0);
    let arrived = arrived(&[&sink]);
    let lost: Vec<_> = acknowledged.difference(&arrived).collect();
    assert!(acknowledged.len() >= 80 && lost.is_empty(), "{lost:?} of {} are lost", acknowledged.len());
    assert!(!was_closed, "the port was closed for a moment");
}

#[test]
fn a_configuration_that_cannot_be_used_changes_nothing_and_is_told() {
    let sink = Sink::start();
    let collector = Reloadable::start(&to(&sink));
    let wrong = to(&sink).replace("compression: none", "compresion: none");
    for (configuration, message) in [
        (wrong.as_str(), "unknown key \"compresion\""),
        ("receivers: [", "not valid YAML"),
        ("", "empty configuration file"),
        (&wrong.replace("otlp_http", "no_such"), "unknown type: \"no_such\""),
    ] {
        collector.refuse(configuration);
        let line = collector
            .etalon
            .wait_for(message, |line| line["msg"].to_string().contains(&message.replace('"', "\\\"")));
        assert_eq!(line["level"], "error", "{line}");
    }
    let line = collector.etalon.wait_for("about the key", |line| line["path"] == "exporters::otlp_http");
    assert!(line["place"].as_str().is_some_and(|place| place.ends_with("collector.yaml:11:5")), "{line}");
    assert_eq!((collector.reloads("refused"), collector.reloads("applied")), (Some(4.0), Some(0.0)));
    assert_eq!(collector.post(0..3), 200);
    sink.wait_until_accepted(3);
    collector.update(&to(&sink));
    assert_eq!(collector.reloads("applied"), Some(1.0));
    assert_eq!(collector.etalon.stop().code(), 0);
}

#[test]
fn a_component_that_does_not_start_leaves_the_old_configuration_in_service() {
    let (one, two) = (Sink::start(), Sink::start());
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let collector = Reloadable::start(&to(&one));
    let second = format!("receivers:\n  otlp/2: {{protocols: {{http: {{endpoint: '{address}'}}}}}}\n");
    let broken =
        to(&two).replace("receivers:\n", &second).replace("receivers: [otlp]", "receivers: [otlp, otlp/2]");
    collector.refuse(&broken);
    let told =
        |line: &serde_json::Value| line["error"].as_str().is_some_and(|error| error.contains(&address));
    collector.etalon.wait_for("the address that is taken", told);
    assert_eq!(collector.post(0..3), 200);
    one.wait_until_accepted(3);
    assert!(two.items().is_empty());
    assert_eq!(collector.reloads("refused"), Some(1.0));
    drop(taken);
    collector.update(&broken);
    assert_eq!(collector.post(3..6), 200);
    two.wait_until_accepted(3);
    assert_eq!(collector.etalon.stop().code(), 0);
}

#[test]
fn the_metrics_of_a_queue_are_those_of_the_exporter_that_runs_and_go_with_it() {
    let (one, two) = (Sink::start(), Sink::start());
    one.answer(Verdict::Hold);
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let second = format!(
        "receivers:\n  otlp/2: {{protocols: {{http: {{endpoint: '{}'}}}}}}\n",
        taken.local_addr().unwrap()
    );
    let collector = Reloadable::start(&to(&one));
    for request in 0..3 {
        assert_eq!(collector.post(request..request + 1), 200);
    }
    one.wait_until_seen(3);
    let queue_size =
        || collector.etalon.scrape().sum("otelcol_exporter_queue_size", &[("exporter", "otlp_http")]);
    assert_eq!(queue_size(), Some(3.0));
    let broken =
        to(&two).replace("receivers:\n", &second).replace("receivers: [otlp]", "receivers: [otlp, otlp/2]");
    collector.refuse(&broken);
    eventually("the size of the queue that there still is", || (queue_size() == Some(3.0)).then_some(()));
    one.answer(Verdict::Accept);
    one.wait_until_accepted(3);
    collector.update(&to(&one).replace("otlp_http", "otlp_http/other"));
    eventually("the end of the series", || queue_size().is_none().then_some(()));
    assert_eq!(collector.etalon.stop().code(), 0);
}

/// One request on a connection that stays open, and the status of its answer.
fn request_on(connection: &mut BufReader<TcpStream>, numbers: std::ops::Range<u32>) -> u16 {
    let body = logs(numbers);
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.get_mut().write_all(&[head.as_bytes(), &body].concat()).expect("the connection is open");
    let (mut status, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).expect("the connection is open");
        let line = line.trim_end().to_ascii_lowercase();
        match line.split_once(' ') {
            None => break,
            Some(("http/1.1", rest)) => status = rest.get(..3).and_then(|code| code.parse().ok()),
            Some(("content-length:", value)) => length = value.parse().expect("a length"),
            Some(_) => {}
        }
    }
    connection.read_exact(&mut vec![0; length]).expect("the whole body");
    status.expect("a status line")
}

#[test]
fn a_connection_to_a_receiver_that_has_not_changed_stays_and_leads_to_the_new_exporter() {
    let (one, two) = (Sink::start(), Sink::start());
    let collector = Reloadable::start(&to(&one));
    let stream = TcpStream::connect(collector.etalon.http()).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    let mut connection = BufReader::new(stream);
    assert_eq!(request_on(&mut connection, 0..3), 200);
    one.wait_until_accepted(3);
    collector.update(&to(&two));
    assert_eq!(request_on(&mut connection, 3..6), 200);
    two.wait_until_accepted(3);
    assert_eq!(one.items().keys().copied().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(collector.etalon.stop().code(), 0);
}

#[test]
fn pipelines_come_and_go() {
    let port = free_port();
    let one = |signal: &str| {
        let pipeline = format!("    {signal}: {{receivers: [otlp], exporters: [nop]}}\n");
        format!("{OTLP}exporters: {{nop: }}\nservice:\n  pipelines:\n{pipeline}").replace(
            "http:\n        endpoint: 127.0.0.1:0",
            &format!("http:\n        endpoint: 127.0.0.1:{port}"),
        )
    };
    let collector = Reloadable::start(&one("logs"));
    let status = |path| post(collector.etalon.http(), path, "application/json", b"{}").status;
    assert_eq!((status("/v1/logs"), status("/v1/traces")), (200, 404));
    let both = one("logs") + "    traces: {receivers: [otlp], exporters: [nop]}\n";
    collector.update(&both);
    assert_eq!((status("/v1/logs"), status("/v1/traces")), (200, 200));
    collector.update(&one("traces"));
    assert_eq!((status("/v1/logs"), status("/v1/traces")), (404, 200));
    assert_eq!(collector.etalon.stop().code(), 0);
}

#[test]
fn an_exporter_that_has_not_changed_keeps_its_queue() {
    let (sink, other) = (Sink::start(), Sink::start());
    sink.answer(Verdict::Hold);
    let more = format!("  otlp_http/more: {{endpoint: '{}', compression: none}}\nservice:", other.endpoint());
    let with_more = to(&sink)
        .replace("service:", &more)
        .replace("exporters: [otlp_http]", "exporters: [otlp_http, otlp_http/more]");
    let collector = Reloadable::start(&to(&sink));
    assert_eq!(collector.post(0..5), 200);
    sink.wait_until_seen(1);
    collector.update(&with_more);
    assert_eq!(collector.post(5..10), 200);
    other.wait_until_accepted(5);
    assert!(sink.items().is_empty());
    sink.answer(Verdict::Accept);
    sink.wait_until_accepted(10);
    let once: BTreeMap<u32, usize> = (0..10).map(|number| (number, 1)).collect();
    assert_eq!(sink.items(), once, "what was in the queue is sent once, by the same exporter");
    assert_eq!(collector.etalon.stop().code(), 0);
}

#[test]
fn an_exporter_that_was_replaced_delivers_what_its_queue_holds() {
    let (one, two) = (Sink::start(), Sink::start());
    one.answer(Verdict::Hold);
    let collector = Reloadable::start(&to(&one));
    for request in 0..10 {
        assert_eq!(collector.post(request * 5..request * 5 + 5), 200);
    }
    one.wait_until_seen(1);
    collector.update(&to(&two));
    assert_eq!(collector.post(50..55), 200);
    two.wait_until_accepted(5);
    one.answer(Verdict::Accept);
    one.wait_until_accepted(50);
    assert_eq!(collector.etalon.stop().code(), 0);
}

#[test]
fn a_stop_during_a_reload_still_delivers_what_the_old_exporter_holds() {
    let (one, two) = (Sink::start(), Sink::start());
    one.answer(Verdict::Hold);
    let collector = Reloadable::start(&to(&one));
    assert_eq!(collector.post(0..5), 200);
    one.wait_until_seen(1);
    collector.update(&to(&two));
    collector.etalon.terminate();
    collector.etalon.wait_for_line("Starting shutdown...");
    one.answer(Verdict::Accept);
    assert_eq!(collector.etalon.wait().code(), 0);
    assert_eq!(one.items().len(), 5);
}

#[test]
fn log_settings_are_applied_and_the_instance_stays_the_same() {
    let base = forwarding_to("  nop:", "nop");
    let collector = Reloadable::start(&base);
    let target_info = || {
        let endpoint =
            collector.etalon.wait_for_line("Serving metrics")["endpoint"].as_str().map(ToOwned::to_owned);
        let text = get(endpoint.unwrap().parse().unwrap(), "/metrics").text();
        text.lines().find(|line| line.starts_with("target_info")).map(ToOwned::to_owned).unwrap()
    };
    let before = target_info();
    let changed = format!(
        "{base}  telemetry:\n    logs: {{initial_fields: {{site: berlin}}}}\n    resource: {{service.name: other}}\n"
    );
    collector.update(&changed);
    let line = collector.etalon.wait_for("the new field", |line| line["site"] == "berlin");
    let first = collector.etalon.wait_for_line("Starting etalon...");
    assert!(first["site"].is_null());
    assert_eq!(first["resource"], line["resource"], "the resource stays until the next start");
    collector.etalon.wait_for("that it stays", |line| line["path"] == "service::telemetry::resource");
    assert_eq!(target_info(), before);
    assert_eq!(collector.etalon.stop().code(), 0);
}

#[test]
fn a_log_that_cannot_be_opened_refuses_the_configuration() {
    let base = forwarding_to("  nop:", "nop");
    let collector = Reloadable::start(&base);
    collector
        .refuse(&format!("{base}  telemetry: {{logs: {{output_paths: [no/such/folder/etalon.log]}}}}\n"));
    assert_eq!(collector.reloads("refused"), Some(1.0));
    assert_eq!(collector.post(0..1), 200);
}
