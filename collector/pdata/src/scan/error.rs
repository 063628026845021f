//! Why a request is refused.

/// A request is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} (byte {offset}): {kind}")]
pub struct ScanError {
    /// Path of the field: `resource_spans[2].scope_spans[0].spans[17].name`. A field that the tables do not
    /// know appears by its number.
    pub path: String,
    /// Offset in the request, bytes, at which the field or the damage in it begins.
    pub offset: usize,
    /// What is wrong.
    pub kind: ScanErrorKind,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanErrorKind {
    /// The message around it ends before the field does.
    #[error("the field is cut off")]
    Truncated,
    /// A varint has more than 10 bytes or more than 64 bits.
    #[error("a varint is longer than 64 bits")]
    Varint,
    /// A field number is not in the range 1 to 2^29 - 1.
    #[error("the field number is out of range")]
    FieldNumber,
    /// A known field comes with another wire type than its own, or the wire type does not exist.
    #[error("the field has wire type {found}, which is not its own")]
    WireType {
        /// The wire type that came.
        found: u32,
    },
    /// A group ends that did not begin, or not in that order.
    #[error("a group ends that was not open")]
    EndGroup,
    /// More than [`crate::RECURSION_LIMIT`] levels of messages and groups.
    #[error("nested deeper than {} levels", crate::RECURSION_LIMIT)]
    RecursionLimit,
    /// A string is not UTF-8.
    #[error("the string is not UTF-8")]
    Utf8,
    /// An id has a length that ids do not have.
    #[error("the id has {found} bytes; it must have {expected}, or none")]
    IdLength {
        /// Length of such an id, bytes.
        expected: usize,
        /// Length that came, bytes.
        found: usize,
    },
}
