//! Why JSON was refused, and where.

use std::fmt;

/// JSON that is not a message of the expected type.
#[derive(Debug, thiserror::Error)]
#[error("{}{problem} (at byte {offset})", At(.path))]
pub struct JsonError {
    /// The field, as in `resourceSpans[2].scopeSpans[0].spans[17].traceId`; empty at the top.
    pub path: String,
    /// Offset into the JSON, in bytes, of the value or of the first byte that does not fit.
    pub offset: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a piece of JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not JSON, or not the kind of value that the field takes.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A byte sequence that is not UTF-8.
    #[error("invalid UTF-8")]
    Utf8,
    /// A control character that must be escaped.
    #[error("a control character inside of a string must be escaped")]
    ControlCharacter,
    /// A number that the field's type cannot hold.
    #[error("the number does not fit into {0}")]
    Range(&'static str),
    /// A number with a fraction for an integer.
    #[error("expected {0}, found a number with a fraction")]
    Fraction(&'static str),
    /// More characters than [`super::MAX_NUMBER_LENGTH`].
    #[error("a number of more than {} characters", super::MAX_NUMBER_LENGTH)]
    LongNumber,
    /// An id of a wrong length.
    #[error("expected an id of {expected} hexadecimal digits, found {found} characters")]
    IdLength {
        /// Digits of an id of this type.
        expected: usize,
        /// Characters that the text has.
        found: usize,
    },
    /// An id with something else than hexadecimal digits.
    #[error("expected hexadecimal digits")]
    IdDigits,
    /// Bytes that are not base64.
    #[error("expected base64")]
    Base64,
    /// A name that the enum does not have.
    #[error("{name:?} is not a value of {of}")]
    EnumName {
        /// What was found, cut to 64 characters.
        name: String,
        /// Full protobuf name of the enum.
        of: &'static str,
    },
    /// Deeper than [`super::MAX_DEPTH`] messages, or [`super::MAX_SKIPPED_DEPTH`] levels of an unknown value.
    #[error("nested deeper than {0} levels")]
    Depth(usize),
}

/// A failure on its way up, which collects the path in reverse. Boxed, so that results stay small.
pub(super) struct Fault(Box<Parts>);

struct Parts {
    offset: usize,
    problem: Problem,
    path: Vec<Step>,
}

enum Step {
    Field(&'static str),
    Element(usize),
}

#[cold]
pub(super) fn fault(offset: usize, problem: Problem) -> Fault {
    Fault(Box::new(Parts { offset, problem, path: Vec::new() }))
}

impl Fault {
    pub(super) fn in_field(mut self, name: &'static str) -> Self {
        self.0.path.push(Step::Field(name));
        self
    }

    pub(super) fn in_element(mut self, index: usize) -> Self {
        self.0.path.push(Step::Element(index));
        self
    }
}

impl From<Fault> for JsonError {
    fn from(Fault(parts): Fault) -> Self {
        let mut path = String::new();
        for step in parts.path.iter().rev() {
            match step {
                Step::Field(name) if path.is_empty() => path.push_str(name),
                Step::Field(name) => path.extend([".", name]),
                Step::Element(index) => path.push_str(&format!("[{index}]")),
            }
        }
        Self { path, offset: parts.offset, problem: parts.problem }
    }
}

/// `path: `, or nothing at the top.
struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "{}: ", self.0) }
    }
}
