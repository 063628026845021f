//! OTLP/JSON in and out: a transcoder between JSON text and protobuf bytes, driven by wire tables.
//!
//! [`decode`] reads JSON and writes protobuf as it goes; [`encode`] walks protobuf and writes JSON.
//! Neither builds a tree, and neither allocates per item: a value goes from one buffer into the
//! other. Nothing here knows a signal.
//!
//! The mapping is the one of the OTLP specification ("JSON Protobuf Encoding"): ids are hexadecimal
//! and enums are numbers, else it is ProtoJSON (<https://protobuf.dev/programming-guides/json/>).
//! Reading is as lenient as the Go collector is, so that what it accepts is accepted here:
//!
//! | topic | accepted | written |
//! |---|---|---|
//! | names | `lowerCamelCase`, and `snake_case` as in the .proto files | `lowerCamelCase` |
//! | unknown names | skipped, whatever the value | unknown fields are dropped: JSON has no place for them |
//! | ids | hexadecimal in either case, of the exact length, or empty | lower case |
//! | `bytes` | base64, standard or URL-safe alphabet, padding optional, line ends ignored | standard, padded |
//! | enums | number (unknown ones too) or name | number |
//! | integers | number or text, `1e3` and `2.0` too as they are integral | 32 bits: number; 64 bits: text |
//! | floats | number, text, `"NaN"`, `"Infinity"`, `"-Infinity"` | shortest that reads back the same |
//! | `null` | absent; in a list an empty message or text | – |
//! | zero, empty | written out only where presence means something (oneof, `optional`) | the same |
//! | a name twice | as the field twice on the wire: scalars last one, lists append, messages merge | – |
//! | two members of a oneof | the last one counts | only that one |
//! | lone surrogate escape | U+FFFD | – |
//! | invalid UTF-8 | refused | in a string (it can only be there when it was let pass): U+FFFD |
//! | after the value | white space only | – |

mod base64;
mod decode;
mod encode;
mod error;
mod lexer;
mod number;
mod plain;
mod slot;
pub(crate) mod write;

pub use decode::decode;
pub use encode::encode;
pub use error::{JsonError, Problem};

pub use crate::wire::Malformed;

/// How deep messages may nest below the request, as JSON and as protobuf. It is the bound that the
/// scanner has, so that what [`decode`] returns always passes the scanner.
pub const MAX_DEPTH: usize = crate::RECURSION_LIMIT as usize;

/// How deep a value under an unknown name may nest.
pub const MAX_SKIPPED_DEPTH: u32 = 128;

/// Most characters of a number. A double needs 767 digits at most to be exact.
pub const MAX_NUMBER_LENGTH: usize = 1024;

/// [`decode`] returns at most this many bytes for each byte of JSON. The worst case is a list of
/// doubles, `0,0,0`, where two characters become eight bytes.
pub const MAX_EXPANSION: usize = 4;

#[cfg(test)]
mod tests;
