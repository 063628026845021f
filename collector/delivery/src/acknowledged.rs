//! What a destination said when it took data over.

use etalon_component::{Code, Delivered, Outcome};
use etalon_pdata::{Signal, parse_partial_success};
use etalon_telemetry::tell;

/// A longer message of a destination is cut, in bytes: it is logged, and told to senders.
const MESSAGE_BYTES_MAX: usize = 4096;

/// The outcome that an encoded export response means. A negative count of rejected items is taken as
/// none. A response that cannot be read is a permanent failure: the data has arrived, and sending it
/// again would only repeat that.
pub fn acknowledged(signal: Signal, response: &[u8]) -> Outcome {
    if response.is_empty() {
        return Outcome::DELIVERED;
    }
    match parse_partial_success(signal, response) {
        Ok(None) => Outcome::DELIVERED,
        Ok(Some(partial)) => {
            if partial.rejected < 0 {
                tell!(ExporterPartialSuccessOdd { rejected: partial.rejected.into() });
            }
            Outcome::Delivered(Delivered {
                rejected: u64::try_from(partial.rejected).unwrap_or(0),
                message: (!partial.message.is_empty()).then(|| cut(&partial.message).into()),
            })
        }
        Err(error) => Outcome::permanent(Code::Internal, format!("error parsing protobuf response: {error}")),
    }
}

fn cut(message: &str) -> &str {
    &message[..message.floor_char_boundary(MESSAGE_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use etalon_pdata::{TRACES, partial_success_response};

    fn said(rejected: i64, message: &str) -> Outcome {
        acknowledged(TRACES, &partial_success_response(TRACES, rejected, message))
    }

    #[test]
    fn a_response_without_partial_success_is_full_success() {
        assert!(matches!(said(0, ""), Outcome::Delivered(Delivered { rejected: 0, message: None })));
    }

    #[test]
    fn rejected_items_and_the_message_are_told() {
        let Outcome::Delivered(delivered) = said(3, "no ids") else {
            panic!("a partial success is a success")
        };
        assert_eq!(delivered, Delivered { rejected: 3, message: Some("no ids".into()) });
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let Outcome::Delivered(delivered) = said(1, &"ä".repeat(1 << 20)) else { panic!("a success") };
        assert_eq!(delivered.message.map(|message| message.len()), Some(MESSAGE_BYTES_MAX));
    }

    #[test]
    fn a_negative_count_is_none() {
        let Outcome::Delivered(delivered) = said(-3, "odd") else { panic!("a partial success is a success") };
        assert_eq!(delivered.rejected, 0);
    }

    #[test]
    fn a_response_that_is_not_one_is_permanent() {
        let outcome = acknowledged(TRACES, b"<html>");
        assert!(
            matches!(&outcome, Outcome::Permanent(failure) if failure.code() == Code::Internal),
            "{outcome:?}"
        );
    }
}
