//! TLS: clients that stall, are too old, too large or not allowed in; files that go bad; destinations that show
//! the wrong certificate.

#![expect(clippy::unwrap_used, reason = "a test stops where its assumptions do not hold")]

mod certificates;
mod destination;
mod files;

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use etalon_testkit::certificates::{Authority, Signed};
use etalon_tests::{Etalon, WAIT, eventually, free_port, logs, post};
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use tempfile::TempDir;

use self::certificates::{client, write_signed};
use self::destination::Destination;

/// Handshakes that a listener has in progress at once.
const HANDSHAKES_MAX: usize = 256;
/// Most that a connection which has not finished its handshake may take, in bytes.
const STALLED_BYTES_MAX: f64 = 32.0 * 1024.0;
/// By how much memory may grow without a reason that a test knows, in bytes.
const SLACK: f64 = 16.0 * 1024.0 * 1024.0;
/// First byte of the record that says why a connection ends: RFC 8446 section 5.1.
const ALERT: u8 = 0x15;

/// A collector that takes OTLP/HTTP over TLS, with its files in a folder of its own.
struct Victim {
    etalon: Etalon,
    authority: Authority,
    files: TempDir,
}

impl Victim {
    /// `tls` are further keys of the section, in flow style; `FOLDER` in it is the folder.
    fn start(tls: &str, prepare: impl FnOnce(&Authority, &TempDir)) -> Self {
        let (authority, files) = (Authority::new("servers"), tempfile::tempdir().unwrap());
        write_signed(&authority.sign(), &files, "server");
        prepare(&authority, &files);
        let folder = files.path().display().to_string();
        let tls = tls.replace("FOLDER", &folder);
        let etalon = Etalon::start(&format!(
            "
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:0
        tls: {{cert_file: {folder}/server.pem, key_file: {folder}/server.key{tls}}}
exporters: {{nop: }}
service: {{pipelines: {{logs: {{receivers: [otlp], exporters: [nop]}}}}}}
"
        ));
        Self { etalon, authority, files }
    }

    fn address(&self) -> SocketAddr {
        self.etalon.http()
    }

    /// Connects, and sends a request over the connection; what is answered.
    fn request(&self, shown: Option<&Signed>) -> io::Result<String> {
        let mut stream = self.connect(shown)?;
        let body = logs(0..1);
        write!(
            stream,
            "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        )?;
        stream.write_all(&body)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    fn connect(&self, shown: Option<&Signed>) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let config = Arc::new(client(&self.authority, shown));
        let connection = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
        let stream = TcpStream::connect(self.address())?;
        stream.set_read_timeout(Some(WAIT))?;
        Ok(StreamOwned::new(connection, stream))
    }

    fn assert_serves(&self, shown: Option<&Signed>, after: &str) {
        let answer = self.request(shown).unwrap_or_else(|error| panic!("after {after}: {error}"));
        assert!(answer.starts_with("HTTP/1.1 200"), "after {after}: {answer}");
    }

    fn memory(&self) -> f64 {
        self.etalon.scrape().sum("otelcol_process_memory_rss", &[]).unwrap()
    }

    fn is_stale(&self) -> bool {
        let stale = self
            .etalon
            .scrape()
            .sum("etalon_receiver_tls_files_stale", &[("receiver", "otlp"), ("transport", "http")]);
        stale.unwrap() > 0.0
    }

    /// What is answered to these bytes until the connection ends.
    fn told(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(WAIT)).unwrap();
        let mut answer = Vec::new();
        // The other end may close before it has taken all: what it said is read all the same.
        stream.write_all(bytes).ok();
        match stream.read_to_end(&mut answer) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                panic!("still open after {WAIT:?}")
            }
            _ => answer,
        }
    }
}

/// N14. The cap is a fraction of what is sent here, so that the count is closed many times over.
#[test]
fn stalled_handshakes_are_closed_and_whoever_means_it_gets_in() {
    const STALLED: usize = 3 * HANDSHAKES_MAX;
    let victim = Victim::start("", |_, _| {});
    victim.assert_serves(None, "nothing");
    let before = victim.memory();
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        let mut stream = victim.connect(None).unwrap();
        stream.conn.write_tls(&mut stream.sock).unwrap();
        stream.sock.set_read_timeout(Some(WAIT)).unwrap();
        stalled.push(stream.sock);
    }
    victim.assert_serves(None, "stalled handshakes");
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let allowed = STALLED as f64 * STALLED_BYTES_MAX + SLACK;
    let grown = victim.memory() - before;
    assert!(grown <= allowed, "{grown} bytes for {STALLED} stalled handshakes");
    for mut stream in stalled.drain(..STALLED - HANDSHAKES_MAX) {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
    }
    victim.assert_serves(None, "they were closed");
}

/// A `ClientHello` of this version, with a body of at least `len` bytes, in records.
fn client_hello(version: u16, len: usize) -> Vec<u8> {
    const RECORD_MAX: usize = 16 * 1024;
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    // No session; ECDHE and RSA with AES in CBC mode, as old clients have it; no compression.
    body.extend([0, 0, 6, 0xc0, 0x09, 0xc0, 0x13, 0, 0x2f, 1, 0]);
    body.resize(body.len().max(len), 0);
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message: Vec<u8> = [&[1, length[1], length[2], length[3]], body.as_slice()].concat();
    let record = |part: &[u8]| {
        let length = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&[0x16, 3, version.to_be_bytes()[1].min(1), length[0], length[1]], part].concat()
    };
    message.chunks(RECORD_MAX).flat_map(record).collect()
}

/// N15, and what is no TLS at all of N11.
#[test]
fn what_is_too_old_too_large_or_no_tls_gets_an_alert_and_is_closed() {
    let victim = Victim::start("", |_, _| {});
    victim.assert_serves(None, "nothing");
    let before = victim.memory();
    for (name, bytes) in [
        ("SSL 3.0", client_hello(0x0300, 0)),
        ("TLS 1.0", client_hello(0x0301, 0)),
        ("TLS 1.1", client_hello(0x0302, 0)),
        ("SSL 2.0", vec![0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]),
        ("bytes without meaning", (0..=255).cycle().skip(0x17).take(4096).collect()),
    ] {
        let answer = victim.told(&bytes);
        assert_eq!(answer.first(), Some(&ALERT), "{name}: {answer:?}");
        victim.assert_serves(None, name);
    }
    // It is given up as soon as it says how long it is, and there may be no alert.
    let answer = victim.told(&client_hello(0x0303, 64 * 1024));
    assert!(answer.first().is_none_or(|first| *first == ALERT), "{answer:?}");
    victim.assert_serves(None, "64 KiB of ClientHello");
    for _ in 0..200 {
        victim.told(&[0x17, 3, 3, 0, 1, 0]);
    }
    victim.assert_serves(None, "a storm of them");
    let lines = victim.etalon.lines();
    let told = lines.iter().filter(|line| line["msg"] == "A TLS handshake failed").count();
    assert!((1..100).contains(&told), "{told} lines for more than 200 connections");
    assert!(victim.memory() - before <= SLACK);
}

#[test]
fn plaintext_on_a_tls_port_is_told_so_in_the_clients_own_protocol_and_logged() {
    let victim = Victim::start("", |_, _| {});
    let answer = String::from_utf8(victim.told(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\n\r\n")).unwrap();
    assert!(answer.starts_with("HTTP/1.0 400") && answer.contains("HTTPS server"), "{answer}");
    let answer = victim.told(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    let text = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with(&[0, 0, 0, 4]) && text.contains("TLS"), "{answer:?}");
    victim.etalon.wait_for("a warning", |line| {
        line["msg"].as_str().is_some_and(|text| text.contains("plaintext")) && line["level"] == "warn"
    });
    victim.assert_serves(None, "plaintext");
}

#[test]
fn early_data_is_not_taken() {
    let victim = Victim::start("", |_, _| {});
    let mut config = client(&victim.authority, None);
    config.enable_early_data = true;
    let config = Arc::new(config);
    let mut resumed = false;
    for _ in 0..2 {
        let name = ServerName::try_from("localhost").unwrap();
        let mut connection = ClientConnection::new(config.clone(), name).unwrap();
        assert!(connection.early_data().is_none());
        let stream = TcpStream::connect(victim.address()).unwrap();
        stream.set_read_timeout(Some(WAIT)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        resumed = stream.conn.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
    }
    assert!(resumed, "the second connection takes the session up, or early data was not tried");
}

/// A4.
#[test]
fn a_client_certificate_that_is_not_good_gets_an_alert() {
    let clients = Authority::new("clients");
    let keys = ", client_ca_file: FOLDER/clients.pem, crl_file: FOLDER/crl.pem";
    let victim = Victim::start(keys, |_, files| {
        std::fs::write(files.path().join("clients.pem"), clients.cert()).unwrap();
        std::fs::write(files.path().join("crl.pem"), clients.revoke(&[66], 2096)).unwrap();
    });
    let good = clients.sign();
    victim.assert_serves(Some(&good), "nothing");
    let before = victim.memory();
    let constrained = clients.below("constrained", |params| {
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("example.com".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let deep =
        (0..100).fold(clients.below("1", |_| {}), |above, depth| above.below(&depth.to_string(), |_| {}));
    let rows: [(&str, Option<Signed>); 9] = [
        ("none", None),
        ("expired", Some(clients.sign_with(|params| params.not_after = date_time_ymd(2020, 1, 1)))),
        ("not yet valid", Some(clients.sign_with(|params| params.not_before = date_time_ymd(2096, 1, 1)))),
        ("of another authority", Some(Authority::new("strangers").sign())),
        ("revoked", Some(clients.sign_with(|params| params.serial_number = Some(66_u64.into())))),
        ("outside of a name constraint", Some(constrained.sign())),
        ("100 authorities deep", Some(deep.sign())),
        ("8 MiB large", Some(clients.sign().filled(8 * 1024 * 1024))),
        (
            "for servers",
            Some(clients.sign_with(|params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            })),
        ),
    ];
    for (name, identity) in &rows {
        let refused = victim.request(identity.as_ref());
        assert!(refused.is_err(), "{name}: {refused:?}");
        victim.assert_serves(Some(&good), name);
    }
    assert!(victim.memory() - before <= SLACK);
}

/// What happens to a file.
type Damage<'a> = (&'a str, &'a dyn Fn());

/// A7.
#[test]
fn files_that_go_bad_leave_the_old_ones_in_use_and_show_in_the_log_and_the_metrics() {
    let victim = Victim::start(", reload_interval: 1ns", |_, _| {});
    victim.assert_serves(None, "nothing");
    assert!(!victim.is_stale());
    let read = |name: &str| std::fs::read(victim.files.path().join(name)).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(victim.files.path().join(name), bytes).unwrap();
    let (cert, key) = (read("server.pem"), read("server.key"));
    let other = victim.authority.sign();
    let damages: [Damage<'_>; 4] = [
        ("garbage", &|| write("server.pem", b"garbage")),
        ("half of it", &|| write("server.pem", &cert[..cert.len() / 2])),
        ("another key", &|| write("server.key", other.key().as_bytes())),
        ("nothing", &|| std::fs::remove_file(victim.files.path().join("server.key")).unwrap()),
    ];
    for (name, damage) in damages {
        damage();
        eventually(name, || {
            victim.assert_serves(None, name);
            victim.is_stale().then_some(())
        });
        write("server.pem", &cert);
        write("server.key", &key);
        eventually("mended", || {
            victim.assert_serves(None, "it was mended");
            (!victim.is_stale()).then_some(())
        });
    }
    let told = victim.etalon.wait_for("a warning", |line| {
        line["msg"] == "The TLS files have changed and cannot be used: the old ones stay in use"
    });
    assert!(told["error"].as_str().unwrap().contains("server.pem"), "{told}");
    assert_eq!(told["level"], "warn");
}

/// R9.
#[test]
fn a_destination_with_the_wrong_certificate_is_tried_again_with_a_warning_and_never_in_plaintext() {
    let authority = Authority::new("backends");
    let expired = authority.sign_with(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let elsewhere = authority.sign_for("elsewhere.example.com");
    let destination = Destination::start(&expired);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.cert()).unwrap();
    let etalon = Etalon::start(&format!(
        "
receivers: {{otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:0}}}}}}}}
exporters:
  otlp_http:
    endpoint: https://localhost:{}
    tls: {{ca_file: {}/ca.pem}}
    compression: none
    retry_on_failure: {{initial_interval: 20ms, max_interval: 20ms, max_elapsed_time: 0s}}
service: {{pipelines: {{logs: {{receivers: [otlp], exporters: [otlp_http]}}}}}}
",
        destination.port(),
        folder.path().display()
    ));
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", &logs(0..1)).status, 200);
    let told = |what: &'static str| {
        etalon.wait_for(what, move |line| {
            line["error"]
                .as_str()
                .is_some_and(|error| error.contains("TLS handshake") && error.contains(what))
        });
    };
    told("expired");
    destination.show(&elsewhere);
    told("not valid for name");
    assert_eq!(destination.requests(), 0);
    destination.show(&authority.sign());
    eventually("the request arrives", || (destination.requests() == 1).then_some(()));
    eventually("it is counted", || {
        (etalon.scrape().count("otelcol_exporter_sent_log_records") == 1).then_some(())
    });
    assert!(destination.is_all_tls(), "a connection began with something else than a TLS handshake");
}

#[test]
fn tls_to_a_plaintext_port_tells_the_sender_what_to_do() {
    let sender = |endpoint: &str| {
        etalon_tests::run(&["send", "--signal", "logs", "--endpoint", endpoint, "--insecure-skip-verify"])
    };
    let etalon = Etalon::start(
        "
receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}
exporters: {nop: }
service: {pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}
",
    );
    let sent = sender(&format!("https://{}", etalon.grpc()));
    assert_eq!(sent.code(), 1);
    assert!(sent.stdout.contains("is this its TLS port?"), "{sent:?}");
    etalon.wait_for("a warning", |line| {
        line["msg"].as_str().is_some_and(|text| text.contains("A client speaks TLS"))
    });
    let nobody = sender(&format!("https://127.0.0.1:{}", free_port()));
    assert!(!nobody.stdout.contains("TLS port"), "{nobody:?}");
}
