//! What users write.

use etalon_component::ComponentId;
use etalon_conf::{Check, Secret, Validate};
use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of a `headers_setter` extension.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// What is done to the header of each request, in this order.
    pub headers: Vec<HeaderConfig>,
    /// Another extension that authenticates the client as well, after that.
    pub additional_auth: Option<ComponentId>,
}

/// What is done to one header field. Unless it is deleted, its value comes from exactly one source.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HeaderConfig {
    /// What is done. Nothing is `upsert`.
    pub action: Option<Action>,
    /// The name of the field.
    pub key: String,
    /// Source: this value.
    pub value: Option<Secret>,
    /// Source: the content of a file, which is read again when it changes.
    pub value_file: Option<String>,
    /// Source: this metadata of the request that brought the batch. It needs `include_metadata` on the receiver.
    pub from_context: Option<String>,
    /// Source: this attribute of the client that sent the batch, as the receiver's authenticator told it.
    pub from_attribute: Option<String>,
    /// The value where the request or the client has none.
    pub default_value: Option<Secret>,
}

/// What is done to a header field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Add it if it is not there.
    Insert,
    /// Change it if it is there.
    Update,
    /// Add it or change it.
    #[default]
    Upsert,
    /// Remove it.
    Delete,
}

impl HeaderConfig {
    pub(crate) fn action(&self) -> Action {
        self.action.unwrap_or_default()
    }

    fn sources(&self) -> usize {
        let given = [
            self.value.is_some(),
            self.value_file.is_some(),
            self.from_context.is_some(),
            self.from_attribute.is_some(),
        ];
        given.into_iter().filter(|given| *given).count()
    }
}

impl Validate for Config {
    fn validate(&self, check: &mut Check) {
        if self.headers.is_empty() {
            check.error("missing headers configuration");
        }
        check.at("headers", |check| {
            for (index, header) in self.headers.iter().enumerate() {
                check.field(index, header);
            }
        });
    }
}

impl Validate for HeaderConfig {
    fn validate(&self, check: &mut Check) {
        if self.key.is_empty() {
            check.error("missing header name");
        } else {
            check.at("key", |check| match self.key.parse::<HeaderName>() {
                Err(_) => check.error(format!("{:?} is not a valid name of a header field", self.key)),
                Ok(name) if is_of_protocol(&name) => check.error_with_help(
                    format!("\"{name}\" belongs to the protocol and cannot be set"),
                    "remove this entry",
                ),
                Ok(_) => {}
            });
        }
        if self.action() != Action::Delete {
            match self.sources() {
                0 => check.error(
                    "missing header source, must be 'from_context', 'from_attribute', 'value' or 'value_file'",
                ),
                1 => {}
                _ => check.error(
                    "invalid header source, must either 'from_context', 'from_attribute', 'value' or 'value_file'",
                ),
            }
        }
        for (key, value) in [("value", &self.value), ("default_value", &self.default_value)] {
            let value = value.as_ref().map(Secret::expose).unwrap_or_default();
            if HeaderValue::from_str(value).is_err() {
                check.at(key, |check| check.error("it has characters that a header field cannot have"));
            }
        }
    }
}

/// What HTTP or gRPC itself says in a header.
fn is_of_protocol(name: &HeaderName) -> bool {
    const OF_HTTP: [&str; 11] = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    OF_HTTP.contains(&name.as_str()) || name.as_str().starts_with("grpc-")
}
