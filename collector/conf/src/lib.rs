//! Configuration: YAML with positions, merging, expansion, scalar types, reports of many problems.

mod de;
mod duration;
mod emit;
mod expand;
mod id;
mod location;
mod map_list;
mod merge;
mod node;
mod optional;
mod origin;
mod parse;
mod problem;
mod redact;
mod resolve;
mod scalar;
mod secret;
mod ser;
mod suggest;
mod validate;
mod value;

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
pub use resolve::{
    Environment, Fetch, FetchError, ProcessEnvironment, Resolved, Resolver, SetError, set_uri,
};
pub use secret::{REDACTED, Secret};
pub use suggest::nearest;
pub use validate::{Check, Validate};
pub use value::{Secrets, Value, to_json, to_value, to_yaml};
