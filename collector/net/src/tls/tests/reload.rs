//! Files that change while the collector runs.

use std::time::Duration;

use super::*;
use crate::tls::tests::files::Files;

const INTERVAL: Duration = Duration::from_hours(1);
const A_SECOND: Duration = Duration::from_secs(1);

/// A server whose certificate and key are in files, and are looked at again after [`INTERVAL`].
fn server_in(files: &Files, signed: &Signed) -> TlsServerConfig {
    TlsServerConfig {
        cert_file: files.write("cert", &signed.cert()),
        key_file: files.write("key", &signed.key()),
        reload_interval: INTERVAL.into(),
        ..TlsServerConfig::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_certificate_is_shown_when_the_interval_has_passed_and_not_before() {
    let (authority, files) = (Authority::new("ca"), Files::new());
    let (old, new) = (authority.sign(), authority.sign());
    let config = server_in(&files, &old);
    let (server, client) = (config.load(ALPN).unwrap(), client_of(&authority).load(ALPN).unwrap());
    server_in(&files, &new);
    assert_eq!(shake(&server, &client).await.unwrap().shown, old.der()[..]);
    tokio::time::advance(INTERVAL.saturating_sub(A_SECOND)).await;
    assert_eq!(shake(&server, &client).await.unwrap().shown, old.der()[..]);
    tokio::time::advance(A_SECOND).await;
    assert_eq!(shake(&server, &client).await.unwrap().shown, new.der()[..]);
    assert!(!server.health().is_stale());
}

#[tokio::test(start_paused = true)]
async fn without_an_interval_nothing_is_looked_at_again() {
    let (authority, files) = (Authority::new("ca"), Files::new());
    let (old, new) = (authority.sign(), authority.sign());
    let config = TlsServerConfig { reload_interval: etalon_conf::Duration::ZERO, ..server_in(&files, &old) };
    let (server, client) = (config.load(ALPN).unwrap(), client_of(&authority).load(ALPN).unwrap());
    server_in(&files, &new);
    tokio::time::advance(INTERVAL * 24).await;
    assert_eq!(shake(&server, &client).await.unwrap().shown, old.der()[..]);
}

/// What happens to a file.
type Damage = (&'static str, Box<dyn Fn(&Files)>);

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_leaves_the_old_in_use_and_shows_until_it_is_mended() {
    let (authority, files) = (Authority::new("ca"), Files::new());
    let (old, new) = (authority.sign(), authority.sign());
    let server = server_in(&files, &old).load(ALPN).unwrap();
    let client = client_of(&authority).load(ALPN).unwrap();
    let half = |text: String| text[..text.len() / 2].to_owned();
    let (cert, key) = (new.cert(), new.key());
    let damages: [Damage; 5] = [
        ("garbage", Box::new(|files| drop(files.write("cert", "garbage")))),
        ("half of it", {
            let text = half(cert.clone());
            Box::new(move |files| drop(files.write("cert", &text)))
        }),
        ("half a key", {
            let text = half(key.clone());
            Box::new(move |files| drop(files.write("key", &text)))
        }),
        ("another's", {
            let text = cert.clone();
            Box::new(move |files| drop(files.write("cert", &text)))
        }),
        ("nothing", Box::new(|files| std::fs::remove_file(files.path("key")).unwrap())),
    ];
    for (name, damage) in damages {
        damage(&files);
        tokio::time::advance(INTERVAL).await;
        assert_eq!(shake(&server, &client).await.unwrap().shown, old.der()[..], "{name}");
        assert!(server.health().is_stale(), "{name}");
        // It may be half written: the next look comes soon, not after the interval.
        server_in(&files, &old);
        tokio::time::advance(A_SECOND).await;
        assert_eq!(shake(&server, &client).await.unwrap().shown, old.der()[..], "{name}");
        assert!(!server.health().is_stale(), "{name}");
    }
    server_in(&files, &new);
    tokio::time::advance(INTERVAL).await;
    assert_eq!(shake(&server, &client).await.unwrap().shown, new.der()[..]);
}

#[tokio::test(start_paused = true)]
async fn a_client_shows_its_new_certificate_and_trusts_a_new_authority() {
    let (first, second, files) = (Authority::new("first"), Authority::new("second"), Files::new());
    let (old, new) = (first.sign_number(1), first.sign_number(2));
    let client_in = |signed: &Signed, authority: &Authority| TlsClientConfig {
        cert_file: files.write("cert", &signed.cert()),
        key_file: files.write("key", &signed.key()),
        ca_file: files.write("ca", &authority.cert()),
        reload_interval: INTERVAL.into(),
        ..TlsClientConfig::default()
    };
    let asking = |authority: &Authority| TlsServerConfig {
        client_ca_file: files.write("clients", &first.cert()),
        crl_file: files.write("crl", &first.revoke(&[1], 2096)),
        ..server_of(&authority.sign_number(9))
    };
    let client = client_in(&old, &first).load(ALPN).unwrap();
    let refused = shake(&asking(&first).load(ALPN).unwrap(), &client).await.unwrap_err();
    assert!(refused.server.to_lowercase().contains("revoked"), "{refused:?}");
    client_in(&new, &second);
    tokio::time::advance(INTERVAL).await;
    shake(&asking(&second).load(ALPN).unwrap(), &client).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn authorities_of_clients_follow_their_file_within_a_second_if_asked_to() {
    let (first, second, files) = (Authority::new("first"), Authority::new("second"), Files::new());
    let signed = second.sign();
    let client =
        TlsClientConfig { cert_pem: signed.cert().into(), key_pem: signed.key().into(), ..client_of(&first) };
    let client = client.load(ALPN).unwrap();
    for (is_asked, expected) in [(true, true), (false, false)] {
        let server = TlsServerConfig {
            client_ca_file: files.write("ca", &first.cert()),
            client_ca_file_reload: is_asked,
            ..server_of(&first.sign())
        };
        let server = server.load(ALPN).unwrap();
        files.write("ca", &second.cert());
        assert!(shake(&server, &client).await.is_err());
        tokio::time::advance(A_SECOND).await;
        assert_eq!(shake(&server, &client).await.is_ok(), expected);
        files.write("ca", "garbage");
        tokio::time::advance(A_SECOND).await;
        assert_eq!(shake(&server, &client).await.is_ok(), expected);
        assert_eq!(server.health().is_stale(), is_asked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_been_revoked_since_the_start_is_refused_within_a_second() {
    let (authority, files) = (Authority::new("ca"), Files::new());
    let signed = authority.sign_number(5);
    let client = TlsClientConfig {
        cert_pem: signed.cert().into(),
        key_pem: signed.key().into(),
        ..client_of(&authority)
    };
    let client = client.load(ALPN).unwrap();
    let server = TlsServerConfig {
        client_ca_file: files.write("ca", &authority.cert()),
        crl_file: files.write("crl", &authority.revoke(&[], 2096)),
        ..server_of(&authority.sign())
    };
    let server = server.load(ALPN).unwrap();
    shake(&server, &client).await.unwrap();
    files.write("crl", &authority.revoke(&[5], 2096));
    tokio::time::advance(A_SECOND).await;
    assert!(shake(&server, &client).await.is_err());
}
