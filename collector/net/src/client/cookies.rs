//! Cookies of one destination (RFC 6265), kept in memory as long as the client.
//!
//! There is no list of public suffixes: a cookie goes back to the host that set it and to nowhere else.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use tokio::time::Instant;

/// Cookies that are kept; a further one takes the place of the oldest.
const COOKIES_MAX: usize = 64;
/// A larger cookie is not kept, in bytes of its `Set-Cookie` field.
const COOKIE_BYTES_MAX: usize = 4096;

/// The cookies that a destination has set.
#[derive(Debug)]
pub(super) struct Jar {
    host: String,
    tls: bool,
    cookies: Mutex<Vec<Cookie>>,
}

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    secure: bool,
    expires: Option<Instant>,
}

impl Jar {
    /// An empty jar for a host that is spoken to with TLS or without.
    pub(super) fn new(host: &str, tls: bool) -> Self {
        Self { host: host.to_lowercase(), tls, cookies: Mutex::default() }
    }

    /// Keeps what the answer to a request for `path` sets.
    pub(super) fn store(&self, path: &str, answer: &HeaderMap) {
        for field in answer.get_all(SET_COOKIE) {
            let Ok(text) = field.to_str() else { continue };
            if text.len() <= COOKIE_BYTES_MAX
                && let Some((cookie, is_over)) = self.read(text, path)
            {
                self.put(cookie, is_over);
            }
        }
    }

    /// Adds the cookies for `path` to the header of a request.
    pub(super) fn add_to(&self, headers: &mut HeaderMap, path: &str) {
        let now = Instant::now();
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.retain(|cookie| cookie.expires.is_none_or(|expires| expires > now));
        let mut fitting: Vec<&Cookie> =
            cookies.iter().filter(|cookie| cookie.is_for(path) && (self.tls || !cookie.secure)).collect();
        if fitting.is_empty() {
            return;
        }
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let configured = headers.get(COOKIE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let pairs = fitting.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value));
        let line = configured.into_iter().chain(pairs).collect::<Vec<_>>().join("; ");
        if let Ok(mut value) = HeaderValue::from_str(&line) {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
    }

    fn put(&self, cookie: Cookie, is_over: bool) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.retain(|other| (&other.name, &other.path) != (&cookie.name, &cookie.path));
        if is_over {
            return;
        }
        if cookies.len() >= COOKIES_MAX {
            cookies.remove(0);
        }
        cookies.push(cookie);
    }

    /// A cookie, and whether the server deletes it; nothing when it is not for this host.
    fn read(&self, text: &str, request_path: &str) -> Option<(Cookie, bool)> {
        let mut parts = text.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim_end(), value.trim_start());
        if name.is_empty() {
            return None;
        }
        let mut path = default_path(request_path);
        let (mut secure, mut expires, mut max_age) = (false, None, None);
        for part in parts {
            let (key, value) =
                part.split_once('=').map_or((part, ""), |(key, value)| (key.trim(), value.trim()));
            match key.to_ascii_lowercase().as_str() {
                "domain" if !self.is_of(value) => return None,
                "path" if value.starts_with('/') => value.clone_into(&mut path),
                "secure" => secure = true,
                "expires" => expires = until(value).or(expires),
                "max-age" => max_age = seconds(value).or(max_age),
                _ => {}
            }
        }
        let left = max_age.or(expires);
        let expires = left.and_then(|left| Instant::now().checked_add(left));
        let cookie = Cookie { name: name.to_owned(), value: value.to_owned(), path, secure, expires };
        Some((cookie, left.is_some_and(|left| left.is_zero())))
    }

    fn is_of(&self, domain: &str) -> bool {
        let domain = domain.strip_prefix('.').unwrap_or(domain).to_lowercase();
        let below = |host: &str| host.strip_suffix(&domain).is_some_and(|front| front.ends_with('.'));
        let by_name = self.host.parse::<std::net::IpAddr>().is_err();
        domain.is_empty() || self.host == domain || (by_name && below(&self.host))
    }
}

impl Cookie {
    fn is_for(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix(&self.path) else { return false };
        rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
    }
}

/// RFC 6265 section 5.1.4: up to the last slash.
fn default_path(request_path: &str) -> String {
    match request_path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(end) => request_path[..end].to_owned(),
    }
}

/// The time that is left until a date; zero when it is over.
fn until(date: &str) -> Option<Duration> {
    let date =
        httpdate::parse_http_date(date).or_else(|_| httpdate::parse_http_date(&date.replace('-', " ")));
    #[expect(clippy::disallowed_methods, reason = "a cookie may expire at a date, which is wall time")]
    let now = SystemTime::now();
    date.ok().map(|date| date.duration_since(now).unwrap_or_default())
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: i64 = text.parse().ok()?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(jar: &Jar, path: &str, cookie: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(SET_COOKIE, cookie.parse().unwrap());
        jar.store(path, &headers);
    }

    fn sent(jar: &Jar, path: &str) -> String {
        let mut headers = HeaderMap::new();
        jar.add_to(&mut headers, path);
        headers.get(COOKIE).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_cookie_is_sent_back_until_it_is_replaced_or_deleted() {
        let jar = Jar::new("a.test", false);
        assert_eq!(sent(&jar, "/v1/logs"), "");
        set(&jar, "/v1/logs", "route=one; HttpOnly; SameSite=Lax");
        set(&jar, "/v1/logs", "other=\"quoted value\"");
        assert_eq!(sent(&jar, "/v1/logs"), "route=one; other=\"quoted value\"");
        set(&jar, "/v1/logs", "route=two");
        assert_eq!(sent(&jar, "/v1/logs"), "other=\"quoted value\"; route=two");
        set(&jar, "/v1/logs", "other=; Max-Age=0");
        set(&jar, "/v1/logs", "route=; Expires=Thu, 01-Jan-1970 00:00:00 GMT");
        assert_eq!(sent(&jar, "/v1/logs"), "");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cookie_expires_and_max_age_counts_more_than_a_date() {
        let jar = Jar::new("a.test", false);
        set(&jar, "/", "a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        set(&jar, "/", "b=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(sent(&jar, "/"), "a=1; b=1");
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(sent(&jar, "/"), "b=1");
    }

    #[tokio::test]
    async fn a_cookie_is_for_its_path_and_longer_paths_come_first() {
        let jar = Jar::new("a.test", false);
        set(&jar, "/v1/logs", "all=1; Path=/");
        set(&jar, "/v1/logs", "below=1");
        set(&jar, "/v1/logs", "exact=1; Path=/v1/logs");
        assert_eq!(sent(&jar, "/v1/logs"), "exact=1; below=1; all=1");
        assert_eq!(sent(&jar, "/v1/traces"), "below=1; all=1");
        assert_eq!(sent(&jar, "/v10/logs"), "all=1");
    }

    #[tokio::test]
    async fn a_secure_cookie_is_not_sent_in_the_clear() {
        for tls in [false, true] {
            let jar = Jar::new("a.test", tls);
            set(&jar, "/", "a=1; Secure");
            assert_eq!(sent(&jar, "/"), if tls { "a=1" } else { "" });
        }
    }

    #[tokio::test]
    async fn a_cookie_for_another_host_is_not_kept() {
        for (host, domain, kept) in [
            ("www.a.test", "a.test", true),
            ("www.a.test", ".a.test", true),
            ("www.a.test", "www.a.test", true),
            ("www.a.test", "b.test", false),
            ("www.a.test", "ww.a.test", false),
            ("nota.test", "a.test", false),
            ("10.0.0.1", "0.0.1", false),
        ] {
            let jar = Jar::new(host, false);
            set(&jar, "/", &format!("a=1; Domain={domain}"));
            assert_eq!(!sent(&jar, "/").is_empty(), kept, "{host} {domain}");
        }
    }

    #[tokio::test]
    async fn a_jar_has_a_limit() {
        let jar = Jar::new("a.test", false);
        for number in 0..100 {
            set(&jar, "/", &format!("c{number}=1"));
        }
        set(&jar, "/", &format!("large={}", "x".repeat(COOKIE_BYTES_MAX)));
        let sent = sent(&jar, "/");
        assert_eq!(sent.split("; ").count(), COOKIES_MAX);
        assert!(sent.starts_with("c36=1") && sent.ends_with("c99=1"), "{sent}");
    }
}
