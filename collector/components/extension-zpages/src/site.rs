//! Which page is at which path, and what every answer says to browsers.

use bytes::Bytes;
use etalon_component::{BuildInfo, Status};
use etalon_net::server::Site;
use http::header::{self, HeaderName};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderValue, Response, StatusCode};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;

use crate::live;
use crate::overview::Overview;
use crate::pages::{self, Extensions, Gate, Pipelines};
use crate::samples::Samples;

/// Nothing but our own style sheet and script, nothing in a frame, and no form that leads elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HTML: &str = "text/html; charset=utf-8";

const TEMPLATES: [(&str, &str); 8] = [
    ("base.html", include_str!("../templates/base.html")),
    ("overview.html", include_str!("../templates/overview.html")),
    ("facts.html", include_str!("../templates/facts.html")),
    ("pipelinez.html", include_str!("../templates/pipelinez.html")),
    ("extensionz.html", include_str!("../templates/extensionz.html")),
    ("featurez.html", include_str!("../templates/featurez.html")),
    ("configz.html", include_str!("../templates/configz.html")),
    ("message.html", include_str!("../templates/message.html")),
];
const STYLE: &str = include_str!("../templates/zpages.css");
const SCRIPT: &str = include_str!("../templates/zpages.js");

/// The pages.
pub(crate) struct Pages {
    pub(crate) templates: Environment<'static>,
    pub(crate) build: BuildInfo,
    pub(crate) status: Status,
    pub(crate) samples: Samples,
    /// Whether only this machine can reach them: then nobody has a reason to call it by another name.
    pub(crate) is_local: bool,
}

/// The templates, ready for use.
pub(crate) fn templates() -> Result<Environment<'static>, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    for (name, text) in TEMPLATES {
        templates.add_template(name, text)?;
    }
    Ok(templates)
}

/// What is asked for behind the question mark.
pub(crate) struct Asked(Vec<(String, String)>);

impl Asked {
    fn of(request: &Parts) -> Self {
        let pairs = form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// A link within the pages.
pub(crate) fn link(page: &str, query: &[(&str, &str)]) -> String {
    format!("{page}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish())
}

impl Site for Pages {
    fn page(&self, request: &Parts) -> Response<Bytes> {
        if self.is_local && !is_for_this_machine(request) {
            let text = "these pages are for this machine: call it localhost, or by an address\n";
            return answer(StatusCode::MISDIRECTED_REQUEST, "text/plain; charset=utf-8", text.to_owned());
        }
        let asked = Asked::of(request);
        match request.uri.path() {
            "/" | "/debug" => redirected(),
            "/debug/" => self.overview(),
            "/debug/live.json" => self.live(),
            "/debug/servicez" => self.service(),
            "/debug/pipelinez" => self.pipelines(&asked),
            "/debug/extensionz" => self.extensions(&asked),
            "/debug/featurez" => self.features(),
            "/debug/configz" => self.configuration(),
            "/debug/tracez" => self.message(
                StatusCode::NOT_FOUND,
                "Traces",
                "tracez",
                "No spans are kept here. Send the collector's own spans to a backend: \
                 service::telemetry::traces in the configuration says where to.",
            ),
            "/debug/zpages.css" => answer(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned()),
            "/debug/zpages.js" => answer(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT.to_owned()),
            path if path.strip_prefix("/debug/").is_some_and(|page| !page.contains('/')) => {
                self.message(StatusCode::NOT_FOUND, "Not found", "", "There is no such page.")
            }
            // Elsewhere, what a page refers to is not found either.
            _ => answer(
                StatusCode::NOT_FOUND,
                "text/plain; charset=utf-8",
                "the pages are at /debug/\n".to_owned(),
            ),
        }
    }
}

impl Pages {
    fn overview(&self) -> Response<Bytes> {
        let outline = self.status.outline();
        let live = live::values(&self.status, &outline, &self.samples.window());
        let overview = Overview::new(&outline, live);
        self.rendered(StatusCode::OK, "overview.html", ("Pipelines", "overview"), &overview)
    }

    fn live(&self) -> Response<Bytes> {
        #[derive(Serialize)]
        struct Told {
            configured: String,
            values: live::Values,
        }
        let outline = self.status.outline();
        let values = live::values(&self.status, &outline, &self.samples.window());
        let told = Told { configured: etalon_telemetry::iso8601(outline.since), values };
        match serde_json::to_string(&told) {
            Ok(text) => answer(StatusCode::OK, "application/json", text),
            Err(error) => failed(&error.to_string()),
        }
    }

    fn service(&self) -> Response<Bytes> {
        let facts = pages::service(&self.build, &self.status, &self.status.outline(), &self.samples.window());
        self.rendered(StatusCode::OK, "facts.html", ("Service", "servicez"), &facts)
    }

    fn pipelines(&self, asked: &Asked) -> Response<Bytes> {
        let pipelines = Pipelines::new(&self.status, &self.status.outline(), asked);
        let code = if pipelines.is_missing() { StatusCode::NOT_FOUND } else { StatusCode::OK };
        self.rendered(code, "pipelinez.html", ("Components", "pipelinez"), &pipelines)
    }

    fn extensions(&self, asked: &Asked) -> Response<Bytes> {
        let extensions = Extensions::new(&self.status, &self.status.outline(), asked);
        let code = if extensions.is_missing() { StatusCode::NOT_FOUND } else { StatusCode::OK };
        self.rendered(code, "extensionz.html", ("Extensions", "extensionz"), &extensions)
    }

    fn features(&self) -> Response<Bytes> {
        let gates: Vec<Gate> = self.status.gates().iter().map(Gate::from).collect();
        self.rendered(StatusCode::OK, "featurez.html", ("Feature gates", "featurez"), &gates)
    }

    fn configuration(&self) -> Response<Bytes> {
        let configuration = &self.status.outline().configuration;
        self.rendered(StatusCode::OK, "configz.html", ("Configuration", "configz"), configuration)
    }

    fn message(&self, code: StatusCode, title: &str, current: &str, text: &str) -> Response<Bytes> {
        self.rendered(code, "message.html", (title, current), &text)
    }

    /// A page of a template, which has this title and stands in the navigation as `current`.
    fn rendered(
        &self,
        code: StatusCode,
        template: &str,
        (title, current): (&str, &str),
        content: &impl Serialize,
    ) -> Response<Bytes> {
        let (phase, _) = self.status.phase();
        let given = context! {
            title,
            current,
            content => Value::from(Serde(content)),
            product => self.build.description,
            version => self.build.version,
            phase => phase.as_str(),
        };
        match self.templates.get_template(template).and_then(|template| template.render(given)) {
            Ok(text) => answer(code, HTML, text),
            Err(error) => failed(&error.to_string()),
        }
    }
}

/// Browsers say by which name they call the server. A page of somebody else, whose name suddenly means this machine,
/// must not read these pages.
fn is_for_this_machine(request: &Parts) -> bool {
    let field = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = field.map(str::parse::<Authority>).and_then(Result::ok);
    let Some(authority) = authority.as_ref().or(request.uri.authority()) else {
        return false;
    };
    let host = authority.host().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok()
}

fn redirected() -> Response<Bytes> {
    let mut response = answer(StatusCode::FOUND, "text/plain; charset=utf-8", "see debug/\n".to_owned());
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("debug/"));
    response
}

fn failed(error: &str) -> Response<Bytes> {
    let text = format!("this page could not be made: {error}\n");
    answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", text)
}

fn answer(code: StatusCode, content_type: &'static str, text: String) -> Response<Bytes> {
    const FIELDS: [(HeaderName, &str); 5] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.extend(FIELDS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
