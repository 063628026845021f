//! What the metrics tell of certificates and their files.

use etalon_testkit::certificates::{Authority, Signed};
use etalon_tests::{Etalon, eventually, logs, post};
use rcgen::date_time_ymd;
use tempfile::TempDir;

use super::Victim;
use super::certificates::write_signed;
use super::destination::Destination;

/// A certificate that expires in a year, and when that is, in seconds since 1970.
fn expiring(authority: &Authority, year: i32) -> (Signed, f64) {
    let expiry = date_time_ymd(year, 6, 1);
    (authority.sign_with(|params| params.not_after = expiry), expiry.unix_timestamp() as f64)
}

#[test]
fn the_expiry_that_is_told_is_that_of_the_certificate_in_use() {
    let victim = Victim::start(", reload_interval: 1ns", |_, _| {});
    let told = || {
        let labels = [("receiver", "otlp"), ("transport", "http")];
        victim.etalon.scrape().sum("etalon_receiver_tls_certificate_expiry", &labels)
    };
    let (next, expiry) = expiring(&victim.authority, 2040);
    assert_ne!(told(), Some(expiry), "it has not been exchanged yet");
    assert!(told().is_some(), "it is told from the start");
    write_signed(&next, &victim.files, "server");
    eventually("the new one is in use", || {
        victim.assert_serves(None, "the exchange");
        (told() == Some(expiry)).then_some(())
    });
    std::fs::write(victim.files.path().join("server.pem"), "garbage").unwrap();
    eventually("the next one cannot be used", || {
        victim.assert_serves(None, "the damage");
        victim.is_stale().then_some(())
    });
    assert_eq!(told(), Some(expiry), "that of what is still in use");
}

#[test]
fn files_of_an_exporter_that_go_bad_show_in_its_metrics() {
    let authority = Authority::new("backends");
    let destination = Destination::start(&authority.sign());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.cert()).unwrap();
    let (client, expiry) = expiring(&authority, 2041);
    write_signed(&client, &folder, "client");
    let etalon = sending_to(&destination, &folder);
    let told =
        |metric: &str| etalon.scrape().sum(metric, &[("exporter", "otlp_http"), ("data_type", "logs")]);
    assert_eq!(told("etalon_exporter_tls_certificate_expiry"), Some(expiry));
    assert_eq!(told("etalon_exporter_tls_files_stale"), Some(0.0));
    std::fs::write(folder.path().join("client.pem"), "garbage").unwrap();
    eventually("the damage is told", || {
        post(etalon.http(), "/v1/logs", "application/json", &logs(0..1));
        (told("etalon_exporter_tls_files_stale") == Some(1.0)).then_some(())
    });
    assert_eq!(told("etalon_exporter_tls_certificate_expiry"), Some(expiry));
    write_signed(&client, &folder, "client");
    eventually("the repair is told", || {
        post(etalon.http(), "/v1/logs", "application/json", &logs(0..1));
        (told("etalon_exporter_tls_files_stale") == Some(0.0)).then_some(())
    });
}

fn sending_to(destination: &Destination, files: &TempDir) -> Etalon {
    let (port, folder) = (destination.port(), files.path().display());
    Etalon::start(&format!(
        "
receivers: {{otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:0}}}}}}}}
exporters:
  otlp_http:
    endpoint: https://localhost:{port}
    tls: {{ca_file: {folder}/ca.pem, cert_file: {folder}/client.pem, key_file: {folder}/client.key, reload_interval: 1ns}}
service: {{pipelines: {{logs: {{receivers: [otlp], exporters: [otlp_http]}}}}}}
"
    ))
}
