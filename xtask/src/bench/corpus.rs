//! The requests that a sender sends, encoded and framed in advance.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::content::{Content, Signal};
use super::error::Error;
use super::load::{Body, Case, Load, Protocol};

/// A request, ready for the wire.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// With gRPC's frame of 5 bytes, if it is for gRPC.
    pub(crate) body: Bytes,
    pub(crate) content: Content,
}

/// Level of the gzip that senders use: what SDKs do by default.
const GZIP_LEVEL: i32 = 6;

/// The corpus of a case.
pub(crate) fn prepare(case: &Case, load: &Load) -> Result<Vec<Prepared>, Error> {
    let requests = requests(case.signal, case.items, load.corpus.into(), load.seed);
    requests
        .into_iter()
        .enumerate()
        .map(|(at, message)| {
            let content = Content::of(case.signal, &message).map_err(|_| Error::Corpus(at))?;
            let message = match load.body {
                Body::Protobuf => message,
                Body::Gzip => gzip(&message)?,
                Body::Json => json(case.signal, &message)?,
            };
            let body = match case.protocol {
                Protocol::Grpc => frame(&message, load.body == Body::Gzip),
                Protocol::Http => message,
            };
            Ok(Prepared { body, content })
        })
        .collect()
}

fn requests(signal: Signal, items: usize, count: usize, seed: u64) -> Vec<Bytes> {
    etalon_testkit::corpus::requests(described(signal), items, count, seed)
}

fn described(signal: Signal) -> etalon_pdata::Signal {
    match signal {
        Signal::Traces => etalon_pdata::TRACES,
        Signal::Metrics => etalon_pdata::METRICS,
        Signal::Logs => etalon_pdata::LOGS,
    }
}

fn json(signal: Signal, message: &[u8]) -> Result<Bytes, Error> {
    let mut json = Vec::new();
    etalon_pdata::json::encode(described(signal).request, message, &mut json).map_err(|_| Error::Json)?;
    Ok(json.into())
}

fn frame(message: &[u8], compressed: bool) -> Bytes {
    let mut body = BytesMut::with_capacity(message.len() + 5);
    body.put_u8(compressed.into());
    body.put_u32(u32::try_from(message.len()).expect("a generated request is far below 4 GiB"));
    body.put_slice(message);
    body.freeze()
}

fn gzip(message: &[u8]) -> Result<Bytes, Error> {
    let level = libdeflater::CompressionLvl::new(GZIP_LEVEL).map_err(|_| Error::Gzip)?;
    let mut compressor = libdeflater::Compressor::new(level);
    let mut out = vec![0; compressor.gzip_compress_bound(message.len())];
    let length = compressor.gzip_compress(message, &mut out).map_err(|_| Error::Gzip)?;
    out.truncate(length);
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::load::{Compress, Mode};

    fn load(body: Body) -> Load {
        Load {
            connections: 1,
            in_flight: None,
            warm_up: 0.0,
            seconds: 0.0,
            body,
            compress: Compress::None,
            corpus: 5,
            seed: 3,
        }
    }

    #[test]
    fn the_bench_counts_the_items_that_the_corpus_promises() {
        for signal in Signal::ALL {
            for items in [1, 10, 100] {
                let case = Case { signal, items, protocol: Protocol::Http, mode: Mode::Saturation };
                for request in prepare(&case, &load(Body::Protobuf)).unwrap() {
                    assert_eq!(request.content.items, items as u64, "{signal:?}");
                    assert_eq!(request.content.bytes, request.body.len() as u64);
                }
            }
        }
    }

    #[test]
    fn json_is_that_of_otlp_and_counts_as_the_protobuf_that_it_was() {
        let case = Case { signal: Signal::Logs, items: 10, protocol: Protocol::Http, mode: Mode::Saturation };
        let (plain, json) =
            (prepare(&case, &load(Body::Protobuf)).unwrap(), prepare(&case, &load(Body::Json)).unwrap());
        for (plain, json) in plain.iter().zip(&json) {
            assert!(json.body.starts_with(b"{\"resourceLogs\":["));
            assert_eq!(plain.content, json.content);
        }
    }

    #[test]
    fn a_body_for_grpc_is_framed_and_counts_what_is_inside() {
        let case = Case { signal: Signal::Logs, items: 10, protocol: Protocol::Grpc, mode: Mode::Saturation };
        let (plain, compressed) =
            (prepare(&case, &load(Body::Protobuf)).unwrap(), prepare(&case, &load(Body::Gzip)).unwrap());
        assert_eq!(plain.len(), 5);
        for (plain, compressed) in plain.iter().zip(&compressed) {
            assert_eq!(plain.content, compressed.content);
            assert_eq!((plain.body[0], compressed.body[0]), (0, 1));
            for body in [&plain.body, &compressed.body] {
                let length = u32::from_be_bytes([body[1], body[2], body[3], body[4]]);
                assert_eq!(length as usize, body.len() - 5);
            }
        }
    }
}
