//! Configuration: the Go collector's model and rules, with errors for the people who write it.
//!
//! [`Resolver`] finds configurations, merges them, and expands `${…}` references. What comes out is a [`Node`]: a YAML
//! tree whose every key and value knows where it was written. [`Node::decode`] reads a type from it, over the defaults
//! of that type, and reports every [`Problem`] at once, with its place. [`Value`] is the way back, for printing.
//!
//! A configuration is a plain serde type: `Default` is the documented default, [`Validate`] its rules, and
//! [`Duration`], [`Secret`], [`Optional`], [`MapList`] and [`ComponentId`] what serde does not have.
//!
//! ```
//! use etalon_conf::{Check, Duration, Node, Optional, Secrets, Validate, to_yaml};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Serialize, Deserialize)]
//! #[serde(default)]
//! struct Exporter {
//!     endpoint: String,
//!     timeout: Duration,
//!     queue: Optional<Queue>,
//! }
//!
//! #[derive(Debug, Default, Serialize, Deserialize)]
//! #[serde(default)]
//! struct Queue {
//!     size: u32,
//! }
//!
//! impl Default for Exporter {
//!     fn default() -> Self {
//!         Self {
//!             endpoint: "localhost:4317".to_owned(),
//!             timeout: Duration::from_secs(5),
//!             queue: Optional::off(Queue { size: 1000 }),
//!         }
//!     }
//! }
//!
//! impl Validate for Exporter {
//!     fn validate(&self, check: &mut Check) {
//!         if self.timeout.is_negative() {
//!             check.at("timeout", |check| check.error("must not be negative"));
//!         }
//!     }
//! }
//!
//! let node = Node::parse("collector.yaml", "timeout: 1m30s\nqueue:\n").unwrap();
//! let exporter: Exporter = node.decode_valid().unwrap();
//! assert_eq!(
//!     to_yaml(&exporter, Secrets::Redacted),
//!     "endpoint: localhost:4317\ntimeout: 1m30s\nqueue:\n  size: 1000\n"
//! );
//!
//! let node = Node::parse("collector.yaml", "endpiont: elsewhere:4317\ntimeout: 5 minutes\n").unwrap();
//! assert_eq!(
//!     node.decode_valid::<Exporter>().unwrap_err().to_string(),
//!     r#"collector.yaml:1:1: unknown key "endpiont"; did you mean "endpoint"?
//!    |
//!  1 | endpiont
//!    | ^^^^^^^^
//! collector.yaml:2:10: timeout: invalid duration "5 minutes": unknown unit " minutes"; use ns, us, ms, s, m or h
//!    |
//!  2 | timeout: 5 minutes
//!    |          ^^^^^^^^^"#
//! );
//! ```
//!
//! It does not know components, the network or a runtime: who fetches `http` locations, and where environment
//! variables come from, the caller says.

#![cfg_attr(
    test,
    allow(clippy::needless_raw_string_hashes, reason = "the snapshots are written by expect-test")
)]

mod causes;
mod de;
mod duration;
mod emit;
mod expand;
mod id;
mod joined;
mod location;
mod map_list;
mod merge;
mod node;
mod optional;
mod origin;
mod parse;
mod problem;
mod provide;
mod resolve;
mod scalar;
mod schema;
mod secret;
mod ser;
mod suggest;
mod validate;
mod value;
mod visible;

pub use causes::{Causes, with_causes};
pub use de::MAX_PROBLEMS;
pub use duration::{Duration, DurationError};
pub use expand::{MAX_EXPANDED_BYTES, MAX_EXPANSION_ROUNDS};
pub use id::{ComponentId, IdError, MAX_NAME_BYTES, MAX_TYPE_CHARS};
pub use map_list::MapList;
pub use merge::Lists;
pub use node::{Content, Entry, Node};
pub use optional::Optional;
pub use origin::{Origin, Source};
pub use parse::{MAX_DEPTH, MAX_NODES, MAX_SOURCE_BYTES};
pub use problem::{Problem, Problems};
pub use provide::{Environment, Fetch, FetchError, ProcessEnvironment};
pub use resolve::{Resolved, Resolver, SetError, set_uri};
pub use schema::{
    Description, OPTIONAL_KEYWORD, TYPE_KEYWORD, UNSUPPORTED_KEYWORD, describe, one_of, unsupported,
};
pub use secret::{REDACTED, Secret};
pub use suggest::nearest;
pub use validate::{Check, Validate};
pub use value::{Secrets, Value, to_json, to_value, to_yaml};
pub use visible::{is_misleading, visible};
