//! The scanner against prost: it accepts what prost decodes (but for ids of a wrong length), counts the same
//! items, and repairs without changing a length.

mod differential;
mod hard_cases;
mod join;
mod properties;
mod replay;
mod wild;
