//! What an HTTP answer means for the batch: OTLP specification, "OTLP/HTTP Response".

use etalon_component::{Code, Outcome};
use etalon_delivery::acknowledged;
use etalon_net::client::{BodyError, HttpAnswer};
use etalon_net::status::outcome_of_http;
use etalon_pdata::{Signal, json};

use crate::Encoding;

/// The outcome of a request to `url` that was answered.
pub(crate) fn outcome(signal: Signal, url: &str, answer: &HttpAnswer) -> Outcome {
    if (200..300).contains(&answer.status) {
        return success(signal, url, answer);
    }
    let mut text =
        format!("error exporting items, request to {url} responded with HTTP Status Code {}", answer.status);
    if let Some(message) = answer.error_message() {
        text.push_str(", Message=");
        text.push_str(&message);
    }
    outcome_of_http(answer.status, text, answer.retry_after)
}

fn success(signal: Signal, url: &str, answer: &HttpAnswer) -> Outcome {
    let body = match &answer.body {
        Ok(body) => body,
        // Nobody knows what the rest would have said: not even that there was nothing wrong.
        Err(error @ BodyError::Broken(_)) => return Outcome::unknown(format!("request to {url}: {error}")),
        Err(error @ (BodyError::TooLarge | BodyError::Encoding(_))) => {
            return Outcome::permanent(Code::Internal, format!("request to {url}: {error}"));
        }
    };
    match answer.content_type.as_deref() {
        Some(kind) if kind == Encoding::Proto.content_type() => acknowledged(signal, body),
        Some(kind) if kind == Encoding::Json.content_type() && !body.is_empty() => {
            match json::decode(signal.response, body) {
                Ok(protobuf) => acknowledged(signal, &protobuf),
                Err(error) => {
                    Outcome::permanent(Code::Internal, format!("error parsing json response: {error}"))
                }
            }
        }
        _ => Outcome::DELIVERED,
    }
}
