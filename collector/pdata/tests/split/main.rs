//! Splitting against prost, and against a plain walk over the wire: the parts of a request hold its items in
//! order, each under its headers, and nothing else.

mod hard_cases;
mod properties;
mod reference;
mod replay;
#[path = "../scan/wild.rs"]
mod wild;
