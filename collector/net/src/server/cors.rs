//! Cross-origin requests of browsers: which web pages may send telemetry, as the Fetch standard and Go's
//! `confighttp` have it.

use bytes::Bytes;
use etalon_conf::{Check, Validate};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const WILDCARD: &str = "*";
/// Header fields that a page may send, where the configuration does not say.
const ALLOWED_HEADERS: [&str; 3] = ["accept", "content-type", "x-requested-with"];
/// Methods that a page may use. OTLP is POST; the others are simple methods, which browsers send anyway.
const ALLOWED_METHODS: [Method; 3] = [Method::GET, Method::POST, Method::HEAD];
const PREFLIGHT_VARY: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");

/// Which web pages may send.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CorsConfig {
    /// Origins of the pages, in any case. `*` in one stands for any characters; alone it is every origin. None: no
    /// page may send.
    pub allowed_origins: Vec<String>,
    /// Header fields that the pages may send, besides those that browsers always allow. `*`: all. None: `Accept`,
    /// `Content-Type` and `X-Requested-With`.
    pub allowed_headers: Vec<String>,
    /// Header fields of answers that the pages may read.
    pub exposed_headers: Vec<String>,
    /// Seconds for which a browser may remember what is allowed. 0: it decides itself. Negative: not at all.
    pub max_age: i64,
}

impl CorsConfig {
    /// Whether something is configured that has no effect without origins.
    pub(super) fn lacks_origins(&self) -> bool {
        self.allowed_origins.is_empty()
            && !(self.allowed_headers.is_empty() && self.exposed_headers.is_empty() && self.max_age == 0)
    }
}

impl Validate for CorsConfig {
    fn validate(&self, check: &mut Check) {
        for (key, names) in
            [("allowed_headers", &self.allowed_headers), ("exposed_headers", &self.exposed_headers)]
        {
            check.at(key, |check| {
                for (index, name) in names.iter().enumerate() {
                    if name != WILDCARD && name.parse::<HeaderName>().is_err() {
                        check.at(index, |check| check.error(format!("{name:?} is not a header field")));
                    }
                }
            });
        }
    }
}

/// What a server does about cross-origin requests.
#[derive(Debug)]
pub(super) struct Cors {
    origins: Vec<Origin>,
    /// Nothing means all.
    headers: Option<Vec<String>>,
    exposed: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
}

/// Allowed origins, in lower case.
#[derive(Debug)]
enum Origin {
    Any,
    One(String),
    /// With anything between these.
    Between(String, String),
}

impl Cors {
    /// Nothing when no origin is allowed.
    pub(super) fn new(config: &CorsConfig) -> Option<Self> {
        if config.allowed_origins.is_empty() {
            return None;
        }
        let headers = match &config.allowed_headers[..] {
            [] => Some(ALLOWED_HEADERS.map(String::from).to_vec()),
            names if names.iter().any(|name| name == WILDCARD) => None,
            names => Some(names.iter().cloned().chain([header::ORIGIN.to_string()]).collect()),
        };
        let exposed = config.exposed_headers.join(", ");
        Some(Self {
            origins: config.allowed_origins.iter().map(|origin| Origin::new(origin)).collect(),
            headers,
            exposed: HeaderValue::from_str(&exposed).ok().filter(|exposed| !exposed.is_empty()),
            max_age: (config.max_age != 0).then(|| HeaderValue::from(config.max_age.max(0))),
        })
    }

    /// The answer to a preflight request: what browsers ask before they send. Nothing for any other request.
    pub(super) fn preflight(&self, head: &Parts) -> Option<Response<Bytes>> {
        let method = head.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
        if head.method != Method::OPTIONS || method.is_empty() {
            return None;
        }
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.append(header::VARY, PREFLIGHT_VARY);
        let asked = head.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        let known = ALLOWED_METHODS.iter().any(|known| known.as_str().as_bytes() == method.as_bytes());
        if let Some(origin) = self.allowed(&head.headers)
            && known
            && asked.is_none_or(|asked| self.are_allowed(asked))
        {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
            if let Some(asked) = asked.filter(|asked| !asked.is_empty()) {
                answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
            }
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            if let Some(max_age) = &self.max_age {
                answer.insert(header::ACCESS_CONTROL_MAX_AGE, max_age.clone());
            }
        }
        Some(response)
    }

    /// Lets the page that has sent a request read its answer, if it may.
    pub(super) fn mark(&self, request: &Parts, answer: &mut HeaderMap) {
        answer.append(header::VARY, const { HeaderValue::from_static("Origin") });
        let Some(origin) = self.allowed(&request.headers) else { return };
        if !ALLOWED_METHODS.contains(&request.method) && request.method != Method::OPTIONS {
            return;
        }
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if let Some(exposed) = &self.exposed {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }

    /// What names the origin of a request in its answer, if it is allowed.
    fn allowed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let origin = request.get(header::ORIGIN).filter(|origin| !origin.is_empty())?;
        if self.origins.iter().any(|allowed| matches!(allowed, Origin::Any)) {
            return Some(const { HeaderValue::from_static(WILDCARD) });
        }
        let name = origin.to_str().ok()?.to_ascii_lowercase();
        self.origins.iter().any(|allowed| allowed.is(&name)).then(|| origin.clone())
    }

    fn are_allowed(&self, asked: &HeaderValue) -> bool {
        let Some(allowed) = &self.headers else { return true };
        let Ok(asked) = asked.to_str() else { return false };
        let mut names = asked.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.all(|name| allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)))
    }
}

impl Origin {
    fn new(configured: &str) -> Self {
        let origin = configured.to_ascii_lowercase();
        match origin.split_once(WILDCARD) {
            _ if origin == WILDCARD => Self::Any,
            Some((start, end)) => Self::Between(start.to_owned(), end.to_owned()),
            None => Self::One(origin),
        }
    }

    fn is(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => one == origin,
            Self::Between(start, end) => {
                origin.strip_prefix(start.as_str()).is_some_and(|rest| rest.ends_with(end))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str], headers: &[&str]) -> Cors {
        let strings = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect();
        Cors::new(&CorsConfig {
            allowed_origins: strings(origins),
            allowed_headers: strings(headers),
            ..CorsConfig::default()
        })
        .unwrap()
    }

    fn asked(method: Method, fields: &[(&'static str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn allowed_origin(cors: &Cors, origin: &str) -> Option<String> {
        let mut answer = HeaderMap::new();
        cors.mark(&asked(Method::POST, &[("origin", origin)]), &mut answer);
        assert_eq!(answer["vary"], "Origin");
        answer.get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn origins_are_compared_in_any_case_and_with_one_wildcard() {
        let some = cors(&["https://App.example.com", "http://*.test:8080"], &[]);
        for origin in [
            "https://app.example.com",
            "HTTPS://APP.example.com",
            "http://a.b.test:8080",
            "http://.test:8080",
        ] {
            assert_eq!(allowed_origin(&some, origin).as_deref(), Some(origin));
        }
        for origin in
            ["", "null", "http://app.example.com", "https://app.example.com.evil", "http://test:8080"]
        {
            assert_eq!(allowed_origin(&some, origin), None, "{origin}");
        }
        assert_eq!(allowed_origin(&cors(&["x", "*"], &[]), "http://y").as_deref(), Some("*"));
        // The two sides of the wildcard do not overlap.
        assert_eq!(allowed_origin(&cors(&["http://ab*ba"], &[]), "http://aba"), None);
    }

    #[test]
    fn header_fields_are_compared_in_any_case_and_order() {
        for (allowed, requested, yes) in [
            (&[][..], "content-type", true),
            (&[], "x-secret", false),
            (&["X-Secret"], "x-secret", true),
            (&["X-Secret"], "origin,x-secret", true),
            (&["X-Secret"], "content-type", false),
            (&["X-Secret", "Content-Type"], " X-SECRET , content-type", true),
            (&["*"], "anything,else", true),
            (&["X-Secret"], "", true),
        ] {
            let fields = [
                ("origin", "http://page"),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", requested),
            ];
            let answer = cors(&["http://page"], allowed).preflight(&asked(Method::OPTIONS, &fields)).unwrap();
            assert_eq!(answer.status(), 204);
            assert_eq!(answer.headers()["vary"].to_str().unwrap().split(", ").count(), 3);
            let allows = answer.headers().contains_key("access-control-allow-origin");
            assert_eq!(allows, yes, "{allowed:?} {requested}");
            let headers = answer.headers().get("access-control-allow-headers");
            assert_eq!(headers.is_some(), yes && !requested.is_empty());
        }
    }

    #[test]
    fn a_preflight_is_an_options_request_that_names_a_method_which_is_allowed() {
        let cors = cors(&["*"], &[]);
        let post = ("access-control-request-method", "POST");
        assert!(cors.preflight(&asked(Method::POST, &[post])).is_none());
        assert!(cors.preflight(&asked(Method::OPTIONS, &[("origin", "http://x")])).is_none());
        for (method, yes) in [("POST", true), ("GET", true), ("PUT", false), ("post", false)] {
            let fields = [("origin", "http://x"), ("access-control-request-method", method)];
            let answer = cors.preflight(&asked(Method::OPTIONS, &fields)).unwrap();
            assert_eq!(answer.headers().contains_key("access-control-allow-origin"), yes, "{method}");
        }
        let answer = cors.preflight(&asked(Method::OPTIONS, &[post])).unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "no origin");
    }

    #[test]
    fn ages_are_seconds_and_a_negative_one_is_none() {
        for (max_age, told) in [(0, None), (7200, Some("7200")), (-1, Some("0"))] {
            let config =
                CorsConfig { allowed_origins: vec!["*".to_owned()], max_age, ..CorsConfig::default() };
            let fields = [("origin", "http://x"), ("access-control-request-method", "POST")];
            let answer = Cors::new(&config).unwrap().preflight(&asked(Method::OPTIONS, &fields)).unwrap();
            let age = answer.headers().get("access-control-max-age");
            assert_eq!(age.map(|age| age.to_str().unwrap()), told, "{max_age}");
        }
    }
}
