//! What must hold for any body of an OTLP/HTTP request, whatever it says it is. The fuzz target shares this file.

use bytes::{Bytes, BytesMut};
use etalon_net::compression::{Compression, DecompressError, Decompressed, Room, compress, decompress_whole};
use etalon_pdata::{LOGS, METRICS, Signal, TRACES, Utf8Policy, json, scan};

/// Largest body, before and after decompression, in bytes.
const MAX: usize = 1024 * 1024;

const ENCODINGS: [Compression; 8] = [
    Compression::None,
    Compression::Gzip,
    Compression::Zlib,
    Compression::Deflate,
    Compression::Zstd,
    Compression::Snappy,
    Compression::SnappyFramed,
    Compression::Lz4,
];

/// A request, as an input of bytes describes it.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    encoding: Compression,
    /// What the message is compressed with when it has been read.
    again: Compression,
    is_json: bool,
    signal: Signal,
    body: &'a [u8],
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has so many items.
    Accepted(usize),
    TooLarge,
    /// It is not what its encoding says.
    Corrupt,
    /// It is not the message that it should be.
    Invalid,
}

/// Reads an input: the low bits of the first byte choose the encoding, the high ones that of the way back; the
/// second byte chooses the format and the signal; the rest is the body.
pub(crate) fn split_input(input: &[u8]) -> Option<Request<'_>> {
    let [encodings, kind, body @ ..] = input else { return None };
    Some(Request {
        encoding: ENCODINGS[usize::from(*encodings) % ENCODINGS.len()],
        again: ENCODINGS[usize::from(*encodings >> 4) % ENCODINGS.len()],
        is_json: kind & 1 == 1,
        signal: [TRACES, METRICS, LOGS][usize::from(kind >> 1) % 3],
        body,
    })
}

/// Takes a request as the server and the receiver do, and checks what must hold on the way.
pub(crate) fn check(request: &Request<'_>) -> Fate {
    let decoded = match whole(request.encoding, request.body, MAX) {
        Ok(decoded) => decoded,
        Err(DecompressError::TooLarge { limit }) => {
            assert_eq!(limit, MAX);
            return Fate::TooLarge;
        }
        Err(DecompressError::Corrupt { .. }) => return Fate::Corrupt,
        Err(DecompressError::NoRoom(why)) => panic!("nobody has refused: {why}"),
    };
    check_limit(request.encoding, request.body, &decoded);
    let again = compress(request.again, &[Bytes::copy_from_slice(&decoded.message)]);
    check_limit(request.again, &again, &decoded);

    let mut message = decoded.message;
    if request.is_json {
        let Ok(protobuf) = json::decode(request.signal.request, &message) else { return Fate::Invalid };
        message = BytesMut::from(Bytes::from(protobuf));
        let found =
            scan(request.signal, &mut message, Utf8Policy::Repair).expect("what JSON becomes is valid");
        assert_eq!(found.repaired, 0, "JSON is UTF-8");
        return Fate::Accepted(found.items);
    }
    let found = scan(request.signal, &mut message, Utf8Policy::Repair);
    found.map_or(Fate::Invalid, |found| Fate::Accepted(found.items))
}

/// Decompresses, and checks that no buffer is larger than what was asked for, nor than the limit.
fn whole(encoding: Compression, body: &[u8], max_len: usize) -> Result<Decompressed, DecompressError> {
    let mut most = 0;
    let mut ask = |len| {
        most = most.max(len);
        Ok(())
    };
    let decoded = decompress_whole(encoding, body, &mut Room::new(max_len, &mut ask))?;
    assert!(most <= max_len, "{most} bytes were asked for, {max_len} are allowed");
    assert!(decoded.message.len() <= most, "{} bytes, {most} were asked for", decoded.message.len());
    Ok(decoded)
}

/// The body gives the same message when the limit is its length, and is refused when that is a byte less.
fn check_limit(encoding: Compression, body: &[u8], expected: &Decompressed) {
    let len = expected.message.len();
    assert!(len <= MAX, "{len} bytes");
    let exact = whole(encoding, body, len).expect("a message as long as the limit is taken");
    assert_eq!(exact.message, expected.message);
    let may_be_sent_on = matches!(encoding, Compression::None | Compression::Gzip | Compression::Zstd);
    assert!(may_be_sent_on || !exact.portable, "{encoding} is not sent on as it is");
    if let Some(less) = len.checked_sub(1) {
        let refused = whole(encoding, body, less).map(|decoded| decoded.message);
        assert_eq!(refused, Err(DecompressError::TooLarge { limit: less }));
    }
}
