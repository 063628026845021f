//! What became of a batch, and who owns it now.

use std::fmt;
use std::time::Duration;

use etalon_telemetry::attributes::RpcResponseStatusCode;
use tokio::time::Instant;

/// The verdict on a batch.
///
/// Only [`Delivered`](Self::Delivered) and [`Permanent`](Self::Permanent) let go of the data; after
/// the other two the caller still owns it, and may try again.
#[derive(Clone, Debug)]
#[must_use = "an outcome says who owns the data now"]
pub enum Outcome {
    /// The data has been taken over.
    Delivered(Delivered),
    /// Not now: nothing has been taken over, and a later attempt may succeed.
    Refused(Failure),
    /// Never: the same data will not be accepted, however often it is sent.
    Permanent(Failure),
    /// Nobody knows: a connection broke, a deadline passed, a task was cancelled. The data may have
    /// arrived; sending it again may duplicate it.
    Unknown(Failure),
}

/// A batch that was taken over, perhaps not in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Items that the destination rejected for good, and counted itself.
    pub rejected: u64,
    /// The destination's message, when it sent one.
    pub message: Option<Box<str>>,
}

/// Why a batch was not taken over. Boxed inside, so that an [`Outcome`] stays small.
#[derive(Clone, Debug)]
pub struct Failure(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    message: String,
    retry_after: Option<Duration>,
    origin: Option<Origin>,
}

/// Who said no, where that matters to what is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The destination, in an answer.
    Destination,
    /// A sending queue that has no room.
    FullQueue,
    /// A budget of memory that has no room.
    FullMemory,
}

impl Outcome {
    /// Everything has been taken over.
    pub const DELIVERED: Self = Self::Delivered(Delivered { rejected: 0, message: None });

    /// A refusal with the code that tells every sender to try again.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused(Failure::new(Code::Unavailable, message))
    }

    /// A permanent failure.
    pub fn permanent(code: Code, message: impl Into<String>) -> Self {
        Self::Permanent(Failure::new(code, message))
    }

    /// An unknown outcome.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::Unknown(Failure::new(Code::Unavailable, message))
    }

    /// Whether the data has been taken over.
    pub fn is_delivered(&self) -> bool {
        matches!(self, Self::Delivered(_))
    }

    /// Whether the caller still owns the data.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unknown(_))
    }

    /// The failure, when it is one.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Delivered(_) => None,
            Self::Refused(failure) | Self::Permanent(failure) | Self::Unknown(failure) => Some(failure),
        }
    }

    /// The one outcome of data that went to two places.
    ///
    /// The sender keeps the data as long as one of the two may still take it (which duplicates it at
    /// the other); else a permanent failure of one is the answer; else both delivered, and the larger
    /// number of rejected items counts.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Delivered(a), Self::Delivered(b)) => {
                Self::Delivered(if b.rejected > a.rejected { b } else { a })
            }
            (a, b) if b.rank() > a.rank() => b,
            (a, _) => a,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Delivered(_) => 0,
            Self::Permanent(_) => 1,
            Self::Refused(_) => 2,
            Self::Unknown(_) => 3,
        }
    }
}

impl Failure {
    /// A failure with no hint when to try again.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { code, message: message.into(), retry_after: None, origin: None }))
    }

    /// Adds after what time to try again.
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Adds who said no.
    pub fn from_origin(mut self, origin: Origin) -> Self {
        self.0.origin = Some(origin);
        self
    }

    /// Who said no, where that was told.
    pub fn origin(&self) -> Option<Origin> {
        self.0.origin
    }

    /// The status code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What went wrong, for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// After what time to try again, when whoever failed has said so.
    pub fn delay(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Puts `context: ` in front of the message.
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// Status codes, with the numbers and names of gRPC
/// (<https://grpc.github.io/grpc/core/md_doc_statuscodes.html>). `OK` is not one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are gRPC's")]
pub enum Code {
    Canceled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// As spans name it; a call that succeeded has none.
impl From<Code> for RpcResponseStatusCode {
    fn from(code: Code) -> Self {
        Self::of(code.name()).unwrap_or(Self::Unknown)
    }
}

impl Code {
    const ALL: [Self; 16] = [
        Self::Canceled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// The code with this number; a number that gRPC does not define is [`Code::Unknown`], and 0,
    /// which is OK, is none.
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => None,
            n => Some(Self::ALL.get(n as usize - 1).copied().unwrap_or(Self::Unknown)),
        }
    }

    /// That of what is given up now, before there was an answer.
    pub fn of_given_up(deadline: Option<Instant>) -> Self {
        let is_late = deadline.is_some_and(|deadline| deadline <= Instant::now());
        if is_late { Self::DeadlineExceeded } else { Self::Canceled }
    }

    /// gRPC's number, 1 to 16.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// gRPC's name in capitals, for example `INVALID_ARGUMENT`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Canceled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_its_number() {
        for code in Code::ALL {
            assert_eq!(Code::from_number(code.number()), Some(code));
        }
        assert_eq!(Code::from_number(0), None);
        assert_eq!(Code::from_number(4711), Some(Code::Unknown));
    }

    #[test]
    fn the_sender_keeps_what_one_destination_may_still_take() {
        let permanent = || Outcome::permanent(Code::InvalidArgument, "no");
        let refused = || Outcome::refused("later");
        assert!(refused().and(Outcome::DELIVERED).is_retryable());
        assert!(permanent().and(refused()).is_retryable());
        assert!(Outcome::unknown("?").and(permanent()).is_retryable());
        assert!(matches!(Outcome::DELIVERED.and(permanent()), Outcome::Permanent(_)));
        assert!(Outcome::DELIVERED.and(Outcome::DELIVERED).is_delivered());
    }

    #[test]
    fn the_larger_number_of_rejected_items_counts() {
        let partial = |rejected| Outcome::Delivered(Delivered { rejected, message: None });
        let Outcome::Delivered(delivered) = partial(2).and(partial(3)).and(partial(1)) else { panic!() };
        assert_eq!(delivered.rejected, 3);
    }
}
