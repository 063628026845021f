//! What is answered at each path.

use std::time::SystemTime;

use bytes::Bytes;
use etalon_component::health::Finding;
use etalon_component::{ComponentStatus, Phase, Status, Trouble};
use etalon_conf::Duration;
use etalon_net::server::Site;
use etalon_telemetry::iso8601;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::config::{LIVE, Own, READY, STATUS};
use crate::watch::Latest;

/// When the Go collector says that it is not up.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Answers from what is known at the moment.
pub(crate) struct Pages {
    pub(crate) own: Own,
    pub(crate) status: Status,
    pub(crate) latest: Latest,
}

impl Site for Pages {
    fn page(&self, request: &Parts) -> Response<Bytes> {
        let query = Query::of(request);
        match request.uri.path() {
            path if path == self.own.path => self.server(),
            LIVE => self.live(),
            READY => self.ready(&query),
            STATUS => self.pipelines(&query),
            _ => {
                let paths = [self.own.path.as_str(), LIVE, READY, STATUS];
                answer(
                    StatusCode::NOT_FOUND,
                    &json!({"error": "there is nothing at this path", "paths": paths}),
                )
            }
        }
    }
}

/// What is asked for behind the question mark.
struct Query {
    verbose: bool,
    pipeline: Option<String>,
}

impl Query {
    fn of(request: &Parts) -> Self {
        let pairs = || form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes());
        let pipeline = pairs().find(|(key, _)| key == "pipeline").map(|(_, value)| value.into_owned());
        Self { verbose: pairs().any(|(key, value)| key == "verbose" && value != "false"), pipeline }
    }
}

impl Pages {
    /// As the Go collector answers.
    fn server(&self) -> Response<Bytes> {
        let (phase, since) = self.status.phase();
        let check = &self.own.check_collector_pipeline;
        let fails = check.enabled && self.latest.get().failures > check.exporter_failure_threshold;
        let is_up = phase == Phase::Ready && !fails;
        let code = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        if let Some(body) = self.own.response_body.get() {
            let text = if is_up { &body.healthy } else { &body.unhealthy };
            return typed(code, HeaderValue::from_static("text/plain; charset=utf-8"), text.clone());
        }
        let told = if is_up {
            let uptime = Duration::from(elapsed(since)).to_string();
            json!({"status": "Server available", "upSince": iso8601(since), "uptime": uptime})
        } else {
            json!({"status": "Server not available", "upSince": NEVER, "uptime": ""})
        };
        answer(code, &told)
    }

    fn live(&self) -> Response<Bytes> {
        let looked = self.latest.get().at;
        let stuck = Instant::now().saturating_duration_since(looked);
        if stuck <= self.own.progress.live_within.to_std() {
            return answer(StatusCode::OK, &json!({"status": "alive"}));
        }
        let reason = format!("the collector has not looked at its own metrics for {} s", stuck.as_secs());
        answer(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "stuck", "reason": reason}))
    }

    fn ready(&self, query: &Query) -> Response<Bytes> {
        let (phase, since) = self.status.phase();
        let code = if phase == Phase::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let mut told = Map::new();
        told.insert("status".to_owned(), phase.as_str().into());
        if query.verbose {
            told.insert("since".to_owned(), iso8601(since).into());
            told.insert("components".to_owned(), self.components());
        }
        answer(code, &told.into())
    }

    fn pipelines(&self, query: &Query) -> Response<Bytes> {
        let look = self.latest.get();
        let (phase, since) = self.status.phase();
        let outline = self.status.outline();
        let mut pipelines = Map::new();
        let mut is_degraded = false;
        for pipeline in &outline.pipelines {
            let id = pipeline.id.to_string();
            if query.pipeline.as_ref().is_some_and(|wanted| *wanted != id) {
                continue;
            }
            let findings = look.verdict.get(&id).map(Vec::as_slice).unwrap_or_default();
            is_degraded |= !findings.is_empty();
            pipelines.insert(id, of_pipeline(findings));
        }
        if let Some(wanted) = query.pipeline.as_ref().filter(|_| pipelines.is_empty()) {
            let known: Vec<_> = outline.pipelines.iter().map(|pipeline| pipeline.id.to_string()).collect();
            let error = format!("there is no pipeline {wanted:?}");
            return answer(StatusCode::NOT_FOUND, &json!({"error": error, "pipelines": known}));
        }
        let is_ok = phase == Phase::Ready && !is_degraded;
        let mut told = Map::new();
        told.insert("status".to_owned(), if is_ok { "ok" } else { "degraded" }.into());
        told.insert("phase".to_owned(), phase.as_str().into());
        told.insert("pipelines".to_owned(), pipelines.into());
        if query.verbose {
            told.insert("since".to_owned(), iso8601(since).into());
            told.insert("started".to_owned(), iso8601(self.status.started()).into());
            told.insert("configuredSince".to_owned(), iso8601(outline.since).into());
            told.insert("components".to_owned(), self.components());
        }
        answer(if is_ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &told.into())
    }

    fn components(&self) -> Value {
        let errors = self.status.errors();
        let component = |component: &ComponentStatus| {
            let place = &component.place;
            let (state, since) = component.state();
            let mut told = Map::new();
            told.insert("kind".to_owned(), place.role.as_str().into());
            told.insert("id".to_owned(), place.id.to_string().into());
            told.extend(place.signal.as_ref().map(|signal| ("signal".to_owned(), signal.as_str().into())));
            told.extend(place.pipeline.as_ref().map(|id| ("pipeline".to_owned(), id.to_string().into())));
            told.insert("state".to_owned(), state.as_str().into());
            told.insert("since".to_owned(), iso8601(since).into());
            let error = |error: Trouble| json!({"time": iso8601(error.time), "text": error.text});
            let errors: Vec<_> = errors.of(place).into_iter().map(error).collect();
            if !errors.is_empty() {
                told.insert("lastErrors".to_owned(), errors.into());
            }
            Value::from(told)
        };
        self.status.outline().components.iter().map(component).collect()
    }
}

fn of_pipeline(findings: &[Finding]) -> Value {
    let Some(first) = findings.iter().map(|finding| finding.since).min() else {
        return json!({"status": "ok"});
    };
    let problem = |finding: &Finding| {
        let Finding { what, role, id, since, text } = finding;
        json!({"problem": what.as_str(), "kind": role.as_str(), "id": id, "since": iso8601(*since), "text": text})
    };
    let problems: Vec<_> = findings.iter().map(problem).collect();
    json!({"status": "degraded", "since": iso8601(first), "problems": problems})
}

fn elapsed(since: SystemTime) -> std::time::Duration {
    // A clock that was set back tells of no time.
    since.elapsed().unwrap_or_default()
}

fn answer(code: StatusCode, told: &Value) -> Response<Bytes> {
    typed(code, HeaderValue::from_static("application/json"), told.to_string())
}

fn typed(code: StatusCode, content_type: HeaderValue, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    // Somebody in between may not tell what was.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
