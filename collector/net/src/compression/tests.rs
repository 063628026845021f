use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1 << 20;

fn both() -> [Compression; 2] {
    [Compression::Gzip, Compression::Zstd]
}

fn packed(encoding: Compression, data: &[u8]) -> Vec<u8> {
    compress(encoding, &[Bytes::copy_from_slice(data)]).to_vec()
}

/// A zstd frame without content size, as streaming encoders write it.
fn zstd_without_size(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn too_large(limit: usize) -> Result<BytesMut, DecompressError> {
    Err(DecompressError::TooLarge { limit })
}

#[test]
fn exactly_the_limit_passes_and_one_byte_more_does_not() {
    let data = vec![7; LIMIT];
    for encoding in both() {
        let body = packed(encoding, &data);
        assert_eq!(decompress(encoding, &body, LIMIT).unwrap(), data);
        assert_eq!(decompress(encoding, &body, LIMIT - 1), too_large(LIMIT - 1));
    }
    let body = zstd_without_size(&data);
    assert_eq!(decompress(Compression::Zstd, &body, LIMIT).unwrap(), data);
    assert_eq!(decompress(Compression::Zstd, &body, LIMIT - 1), too_large(LIMIT - 1));
    assert_eq!(decompress(Compression::None, &data, LIMIT).unwrap(), data);
    assert_eq!(decompress(Compression::None, &data, LIMIT - 1), too_large(LIMIT - 1));
}

#[test]
fn several_members_or_frames_are_one_body() {
    for encoding in both() {
        let one = packed(encoding, b"the same twice ");
        let other = packed(encoding, &[b'x'; 10_000]);
        let body = [one.clone(), one.clone(), other, packed(encoding, b""), one].concat();
        let expected = ["the same twice the same twice ", &"x".repeat(10_000), "the same twice "].concat();
        assert_eq!(decompress(encoding, &body, LIMIT).unwrap(), expected.as_bytes());
        assert_eq!(decompress(encoding, &body, 10_000), too_large(10_000));
    }
}

#[test]
fn ten_thousand_empty_members_are_an_empty_body() {
    for encoding in both() {
        let body = packed(encoding, b"").repeat(10_000);
        assert_eq!(decompress(encoding, &body, LIMIT).unwrap().len(), 0);
    }
}

#[test]
fn what_follows_the_last_member_or_frame_is_an_error() {
    for encoding in both() {
        for tail in [&b"\0"[..], b"\0\0\0\0", b"garbage that is long enough to be a member", b"\x1f\x8b"] {
            let body = [packed(encoding, b"data"), tail.to_vec()].concat();
            let error = decompress(encoding, &body, LIMIT).unwrap_err();
            assert!(matches!(error, DecompressError::Corrupt { .. }), "{encoding} {tail:?}: {error:?}");
        }
    }
}

#[test]
fn a_body_that_is_cut_off_anywhere_is_an_error() {
    let data: Vec<u8> = (0..500u32).flat_map(u32::to_le_bytes).collect();
    for encoding in both() {
        let body = packed(encoding, &data);
        for len in 1..body.len() {
            let error = decompress(encoding, &body[..len], LIMIT).unwrap_err();
            assert!(matches!(error, DecompressError::Corrupt { .. }), "{encoding} {len}: {error:?}");
        }
    }
    let body = zstd_without_size(&data);
    for len in 1..body.len() {
        assert!(decompress(Compression::Zstd, &body[..len], LIMIT).is_err(), "{len}");
    }
}

#[test]
fn a_changed_byte_of_a_gzip_trailer_is_an_error() {
    let body = packed(Compression::Gzip, b"some data");
    for at in body.len() - 8..body.len() {
        let mut damaged = body.clone();
        damaged[at] ^= 0x40;
        assert!(decompress(Compression::Gzip, &damaged, LIMIT).is_err(), "{at}");
    }
}

#[test]
fn a_small_body_does_not_keep_a_large_buffer() {
    let mut out = decompress(Compression::Zstd, &zstd_without_size(b"small"), LIMIT).unwrap();
    assert_eq!(out, "small");
    assert!(out.capacity() < 1024, "{}", out.capacity());
    out = decompress(Compression::Gzip, &packed(Compression::Gzip, b"small"), LIMIT).unwrap();
    assert!(out.capacity() < 1024, "{}", out.capacity());
}

#[test]
fn zlib_is_understood_and_its_end_is_checked() {
    let data = b"hello hello hello hello".repeat(1000);
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut body = vec![0; compressor.zlib_compress_bound(data.len())];
    let len = compressor.zlib_compress(&data, &mut body).unwrap();
    body.truncate(len);
    assert_eq!(decompress_zlib(&body, LIMIT).unwrap(), data.as_slice());
    assert_eq!(decompress_zlib(&body, 100), too_large(100));
    assert!(decompress_zlib(&body[..len - 1], LIMIT).is_err());
    body.push(0);
    assert!(decompress_zlib(&body, LIMIT).is_err());
}

#[test]
fn names_are_read_as_in_go_and_what_is_missing_is_said() {
    let read =
        |name: &str| serde_json::from_value::<Compression>(name.into()).map_err(|error| error.to_string());
    assert_eq!(read("gzip"), Ok(Compression::Gzip));
    assert_eq!(read("zstd"), Ok(Compression::Zstd));
    assert_eq!(read("none"), Ok(Compression::None));
    assert_eq!(read(""), Ok(Compression::None));
    assert_eq!(read("GZIP").unwrap_err(), "unsupported compression type \"GZIP\"");
    assert_eq!(
        read("snappy").unwrap_err(),
        "compression type \"snappy\" is not supported yet by this version; use gzip, zstd or none"
    );
}

#[test]
fn levels_are_those_of_go() {
    assert!((-2..=9).all(|level| Compression::Gzip.check_level(level).is_ok()));
    assert_eq!(
        Compression::Gzip.check_level(10).unwrap_err().to_string(),
        "unsupported parameters {Level:10} for compression type \"gzip\""
    );
    assert!(Compression::Zstd.check_level(11).is_ok());
    assert!(Compression::None.check_level(1).is_err());
}

proptest! {
    #[test]
    fn what_was_compressed_comes_back(
        chunks in prop::collection::vec(prop::collection::vec(0u8..20, 0..3000), 0..4),
        level in -3i32..12,
    ) {
        let data = chunks.concat();
        let chunks: Vec<Bytes> = chunks.into_iter().map(Bytes::from).collect();
        for encoding in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let body = compress_at_level(encoding, level, &chunks);
            prop_assert_eq!(decompress(encoding, &body, data.len().max(1)).unwrap(), data.as_slice());
        }
    }

    #[test]
    fn random_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..300), gzip: bool) {
        let encoding = if gzip { Compression::Gzip } else { Compression::Zstd };
        let start: &[u8] = if gzip { &[0x1f, 0x8b, 8, 0] } else { &[0x28, 0xb5, 0x2f, 0xfd] };
        drop(decompress(encoding, &body, 1000));
        drop(decompress(encoding, &[start, &body].concat(), 1000));
    }
}
