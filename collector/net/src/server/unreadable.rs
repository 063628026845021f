//! The answer to an HTTP/1 request whose head cannot be read.
//!
//! hyper answers such a request itself, calls no service, and gives that answer no body. It is the only answer
//! that nobody here has given, by which it is found on its way out; this one, with the same status and
//! something to read, takes its place.

use bytes::{BufMut as _, Bytes, BytesMut};
use etalon_component::Code;

use super::connection::HEADERS_MAX;
use super::{HEADER_BYTES_MAX, http_answer};
use crate::status::Status;

/// How the head of an answer begins.
const HTTP: &[u8] = b"HTTP/1.";

/// Watches the answers of one HTTP/1 connection.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    /// How many answers have been given and written in full.
    written: u64,
    /// What is said before the connection is closed; empty once it is sent.
    farewell: Option<Bytes>,
}

impl Unreadable {
    /// Notes that nothing is left to be written, now that so many answers have been given.
    pub(super) fn flushed(&mut self, given: u64) {
        self.written = given;
    }

    /// Whether bytes that are about to be written are hyper's own answer; they must not be written then.
    pub(super) fn takes(&mut self, bytes: &[u8], given: u64) -> bool {
        let own = given == self.written && bytes.starts_with(HTTP);
        if own {
            self.farewell = Some(answer(bytes));
        }
        own
    }

    /// What is still to be sent before the connection is closed.
    pub(super) fn farewell(&mut self) -> Option<&mut Bytes> {
        self.farewell.as_mut().filter(|farewell| !farewell.is_empty())
    }
}

/// hyper's answer with a body. A head that cannot be read names no format: people read this one.
fn answer(head: &[u8]) -> Bytes {
    let status = head.get(9..12).and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    let body = status_of(status.unwrap_or(400)).to_json();
    let mut answer = BytesMut::with_capacity(head.len() + body.len() + 128);
    for line in head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let replaced = [&b"content-length"[..], b"connection"];
        if !line.is_empty() && !replaced.iter().any(|replaced| name.eq_ignore_ascii_case(replaced)) {
            answer.put_slice(line);
            answer.put_slice(b"\r\n");
        }
    }
    answer.put_slice(b"connection: close\r\ncontent-type: ");
    answer.put_slice(http_answer::JSON.as_bytes());
    answer.put_slice(format!("\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes());
    answer.put_slice(&body);
    answer.freeze()
}

fn status_of(http: u16) -> Status {
    let status = match http {
        431 => {
            let message = format!(
                "the head of the request has more than {HEADER_BYTES_MAX} bytes or {HEADERS_MAX} header fields"
            );
            Status::new(Code::ResourceExhausted, message)
        }
        414 => Status::new(Code::ResourceExhausted, "the target of the request is too long"),
        _ => {
            let message = "the head of the request is not one of HTTP/1.1: its first line or a header field is \
                malformed";
            Status::new(Code::InvalidArgument, message)
        }
    };
    status.with_http(http)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYPERS: &[u8] =
        b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ndate: today\r\n\r\n";

    #[test]
    fn an_answer_that_nobody_has_given_is_replaced() {
        let mut unreadable = Unreadable::default();
        assert!(!unreadable.takes(HYPERS, 1), "the answer to the first request");
        unreadable.flushed(1);
        assert!(!unreadable.takes(b"rest of a body", 1));
        assert!(unreadable.farewell().is_none());
        assert!(unreadable.takes(HYPERS, 1));
        let farewell = unreadable.farewell().unwrap();
        let text = String::from_utf8(farewell.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            head,
            format!(
                "HTTP/1.1 431 Request Header Fields Too Large\r\ndate: today\r\nconnection: close\r\n\
                 content-type: application/json\r\ncontent-length: {}",
                body.len()
            )
        );
        assert!(
            body.starts_with(r#"{"code":8,"message":"the head of the request has more than 16384 bytes"#)
        );
        farewell.clear();
        assert!(unreadable.farewell().is_none());
    }
}
