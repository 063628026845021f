use super::*;

fn environment(variables: &[(&'static str, &str)]) -> ProxyEnvironment {
    ProxyEnvironment::read(|name| {
        variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
    })
}

/// `host:port` of the proxy for a destination.
fn proxy(environment: &ProxyEnvironment, url: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    environment.proxy_for(url.tls, &url.target).unwrap().map(|proxy| proxy.target.authority())
}

#[test]
fn the_scheme_of_the_destination_chooses_the_variable_and_upper_case_comes_first() {
    let both = environment(&[("HTTP_PROXY", "http://plain:1"), ("https_proxy", "http://secure:2")]);
    assert_eq!(proxy(&both, "http://a.test").as_deref(), Some("plain:1"));
    assert_eq!(proxy(&both, "https://a.test").as_deref(), Some("secure:2"));
    let twice = environment(&[("http_proxy", "lower:1"), ("HTTP_PROXY", "UPPER:1")]);
    assert_eq!(proxy(&twice, "http://a.test").as_deref(), Some("UPPER:1"));
    assert_eq!(proxy(&twice, "https://a.test"), None);
    assert_eq!(proxy(&environment(&[("HTTP_PROXY", "")]), "http://a.test"), None);
}

#[test]
fn a_proxy_is_written_with_or_without_scheme_and_with_a_password() {
    for (value, tls, target) in [
        ("proxy", false, "proxy:80"),
        ("proxy:3128", false, "proxy:3128"),
        ("http://proxy", false, "proxy:80"),
        ("https://proxy", true, "proxy:443"),
        ("user:pass@proxy:3128", false, "proxy:3128"),
    ] {
        let environment = environment(&[("HTTPS_PROXY", value)]);
        let destination = Target { host: "a.test".to_owned(), port: 1 };
        let proxy = environment.proxy_for(true, &destination).unwrap().expect(value);
        assert_eq!((proxy.tls, proxy.target.authority().as_str()), (tls, target), "{value}");
        assert_eq!(proxy.authorization.is_some(), value.contains('@'));
        assert!(!format!("{environment:?} {proxy:?}").contains("pass"), "{environment:?} {proxy:?}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_without_showing_the_password() {
    let destination = Target { host: "a.test".to_owned(), port: 1 };
    for (value, expected) in [
        ("socks5://user:pass@proxy:1080", "which this version does not speak"),
        ("ftp://user:pass@proxy:21", "the URL of the proxy in HTTPS_PROXY cannot be used"),
    ] {
        let error = environment(&[("HTTPS_PROXY", value)]).proxy_for(true, &destination).unwrap_err();
        let text = super::super::with_causes(&error);
        assert!(text.contains(expected) && !text.contains("pass"), "{text}");
    }
    let cgi = environment(&[("HTTP_PROXY", "proxy:1"), ("REQUEST_METHOD", "GET")]);
    assert!(matches!(cgi.proxy_for(false, &destination), Err(ProxyError::Cgi)));
}

/// The rules of golang.org/x/net/http/httpproxy.
#[test]
fn no_proxy_and_this_machine_are_exempt() {
    for (no_proxy, url, proxied) in [
        ("", "http://example.com", true),
        ("", "http://localhost:4318", false),
        ("", "http://127.0.0.1:4318", false),
        ("", "http://127.9.9.9", false),
        ("", "http://[::1]:4318", false),
        ("", "http://[::ffff:127.0.0.1]", false),
        ("", "http://localhost.example.com", true),
        ("*", "http://example.com", false),
        ("example.com", "http://example.com", false),
        ("example.com", "http://EXAMPLE.com", false),
        ("example.com", "http://www.example.com", false),
        ("example.com", "http://notexample.com", true),
        (".example.com", "http://example.com", true),
        (".example.com", "http://www.example.com", false),
        ("*.example.com", "http://example.com", true),
        ("*.example.com", "http://www.example.com", false),
        ("example.com:8080", "http://example.com:8080", false),
        ("example.com:8080", "http://example.com:4318", true),
        ("example.com:80", "http://example.com", false),
        ("other.test, ,  example.com ", "http://example.com", false),
        ("10.0.0.0/8", "http://10.1.2.3", false),
        ("10.0.0.0/8", "http://11.1.2.3", true),
        ("10.0.0.0/33", "http://10.1.2.3", true),
        ("0.0.0.0/0", "http://11.1.2.3", false),
        ("fd00::/8", "http://[fd12::1]", false),
        ("fd00::/8", "http://[fe12::1]", true),
        ("::/0", "http://[fe12::1]", false),
        ("10.1.2.3", "http://10.1.2.3:4318", false),
        ("10.1.2.3:4318", "http://10.1.2.3:4318", false),
        ("10.1.2.3:4319", "http://10.1.2.3:4318", true),
        ("[fd12::1]:4318", "http://[fd12::1]:4318", false),
        ("fd12::1", "http://[fd12::1]:4318", false),
    ] {
        let environment = environment(&[("HTTP_PROXY", "proxy:1"), ("NO_PROXY", no_proxy)]);
        assert_eq!(proxy(&environment, url).is_some(), proxied, "NO_PROXY={no_proxy} {url}");
    }
}
