use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1 << 20;

/// All that compress.
fn all() -> impl Iterator<Item = Compression> {
    Compression::ALL.into_iter().filter(|compression| *compression != Compression::None)
}

/// Those whose bodies may follow one another.
fn joinable() -> [Compression; 4] {
    [Compression::Gzip, Compression::Zstd, Compression::SnappyFramed, Compression::Lz4]
}

/// Those whose bodies cannot be read when their end is missing.
fn with_end() -> impl Iterator<Item = Compression> {
    all().filter(|compression| *compression != Compression::SnappyFramed)
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
    for encoding in all() {
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
    for encoding in joinable() {
        let one = packed(encoding, b"the same twice ");
        let other = packed(encoding, &[b'x'; 10_000]);
        let body = [one.clone(), one.clone(), other, packed(encoding, b""), one].concat();
        let expected = ["the same twice the same twice ", &"x".repeat(10_000), "the same twice "].concat();
        assert_eq!(decompress(encoding, &body, LIMIT).unwrap(), expected.as_bytes());
        assert_eq!(decompress(encoding, &body, 10_000), too_large(10_000));
    }
}

#[test]
fn only_one_member_or_frame_may_be_sent_on_as_it_is() {
    let portable = |encoding, body: &[u8]| {
        decompress_whole(encoding, body, &mut Room::new(LIMIT, &mut |_| Ok(()))).unwrap().portable
    };
    for encoding in [Compression::Gzip, Compression::Zstd] {
        let one = packed(encoding, b"some data");
        assert!(portable(encoding, &one), "{encoding}");
        assert!(!portable(encoding, &one.repeat(2)), "{encoding}");
        assert!(!portable(encoding, &[packed(encoding, b""), one].concat()), "{encoding}");
        assert!(portable(encoding, &packed(encoding, &vec![7; LIMIT])), "{encoding}");
    }
    assert!(portable(Compression::Zstd, &zstd_without_size(&vec![7; LIMIT])));
}

#[test]
fn a_gzip_member_whose_end_can_be_doubted_is_not_sent_on() {
    // What looks like the trailer comes a second time behind it.
    let mut body = packed(Compression::Gzip, b"some data");
    let trailer = body[body.len() - 8..].to_vec();
    body.extend_from_slice(b"garbage");
    body.extend(trailer);
    let read = decompress_whole(Compression::Gzip, &body, &mut Room::new(LIMIT, &mut |_| Ok(())));
    assert!(read.is_err() || !read.unwrap().portable);
}

#[test]
fn a_zstd_frame_that_needs_a_large_window_is_not_sent_on() {
    use std::io::Write as _;
    for (window_log, portable) in [(23, true), (24, false)] {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.set_parameter(zstd::zstd_safe::CParameter::WindowLog(window_log)).unwrap();
        encoder.write_all(b"data").unwrap();
        encoder.flush().unwrap();
        encoder.write_all(b"data").unwrap();
        let body = encoder.finish().unwrap();
        assert_eq!(super::zstandard::is_portable(&body), portable, "{window_log}");
    }
    let mut skippable = vec![0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 1];
    assert!(!super::zstandard::is_portable(&skippable));
    skippable.extend(packed(Compression::Zstd, b"data"));
    assert!(!super::zstandard::is_portable(&skippable));
}

#[test]
fn ten_thousand_empty_members_are_an_empty_body() {
    for encoding in joinable() {
        let body = packed(encoding, b"").repeat(10_000);
        assert_eq!(decompress(encoding, &body, LIMIT).unwrap().len(), 0);
    }
}

#[test]
fn what_follows_the_last_member_or_frame_is_an_error() {
    for encoding in all() {
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
    for encoding in with_end() {
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
    for encoding in all() {
        out = decompress(encoding, &packed(encoding, b"small"), LIMIT).unwrap();
        assert!(out.capacity() < 1024, "{encoding}: {}", out.capacity());
    }
}

#[test]
fn deflate_is_the_zlib_format() {
    let data = b"hello hello hello hello".repeat(1000);
    let body = packed(Compression::Deflate, &data);
    assert_eq!(decompress(Compression::Zlib, &body, LIMIT).unwrap(), data.as_slice());
    assert_eq!(body[0], 0x78);
}

#[test]
fn snappy_is_read_framed_or_as_a_block_and_written_as_a_block() {
    let data = b"hello hello hello hello".repeat(10_000);
    let (block, framed) = (packed(Compression::Snappy, &data), packed(Compression::SnappyFramed, &data));
    assert_eq!(snap::raw::Decoder::new().decompress_vec(&block).unwrap(), data);
    assert!(framed.starts_with(b"\xff\x06\0\0sNaPpY"));
    for body in [block, framed.clone()] {
        assert_eq!(decompress(Compression::Snappy, &body, LIMIT).unwrap(), data.as_slice());
        assert_eq!(decompress(Compression::Snappy, &body, data.len() - 1), too_large(data.len() - 1));
    }
    assert_eq!(packed(Compression::SnappyFramed, &data), framed, "each body is a stream of its own");
}

#[test]
fn a_snappy_block_that_claims_more_than_it_can_hold_costs_nothing() {
    // A length of 2^28 - 1 and a few bytes.
    let error = decompress(Compression::Snappy, b"\xff\xff\xff\x7f\0a", 1 << 30).unwrap_err();
    assert!(matches!(error, DecompressError::Corrupt { .. }), "{error:?}");
}

#[test]
fn a_framed_snappy_stream_that_is_cut_off_within_a_chunk_is_an_error() {
    let body = packed(Compression::SnappyFramed, &[b'x'; 1000]);
    for len in (1..body.len()).filter(|len| *len != 10) {
        assert!(decompress(Compression::SnappyFramed, &body[..len], LIMIT).is_err(), "{len}");
    }
    assert!(decompress(Compression::SnappyFramed, b"", LIMIT).is_err());
}

/// A frame as other encoders write it: blocks that depend on one another, both checksums, a size.
#[test]
fn an_lz4_frame_of_another_encoder_is_understood() {
    let first = b"0123456789".repeat(7_000);
    let table = &mut lz4_flex::block::CompressTable::large();
    let mut block = vec![0; lz4_flex::block::get_maximum_output_size(first.len())];
    let len = lz4_flex::block::compress_into_with_table(&first[..65_536], &mut block, table).unwrap();
    let second = lz4_flex::block::compress_with_dict(&first[65_536..], &first[..65_536]);
    let mut body = vec![0x04, 0x22, 0x4d, 0x18];
    let mut header = vec![0b0101_1100, 4 << 4];
    header.extend_from_slice(&70_000_u64.to_le_bytes());
    header.push(twox_hash::XxHash32::oneshot(0, &header).to_le_bytes()[1]);
    body.extend(header);
    for block in [&block[..len], &second] {
        body.extend(u32::try_from(block.len()).unwrap().to_le_bytes());
        body.extend_from_slice(block);
        body.extend(twox_hash::XxHash32::oneshot(0, block).to_le_bytes());
    }
    body.extend([0; 4]);
    body.extend(twox_hash::XxHash32::oneshot(0, &first).to_le_bytes());
    assert!(second.len() < 200, "the second block refers to the first");
    assert_eq!(decompress(Compression::Lz4, &body, LIMIT).unwrap(), first.as_slice());
    for at in 0..body.len() {
        let mut damaged = body.clone();
        damaged[at] ^= 1;
        assert!(decompress(Compression::Lz4, &damaged, LIMIT).is_err(), "{at}");
    }
}

#[test]
fn a_million_empty_lz4_frames_of_large_blocks_are_read_at_once() {
    let frame = b"\x04\x22\x4d\x18\x60\x70\x73\0\0\0\0";
    assert_eq!(decompress(Compression::Lz4, &frame.repeat(1_000_000), LIMIT).unwrap().len(), 0);
}

#[test]
fn names_are_read_as_in_go() {
    let read =
        |name: &str| serde_json::from_value::<Compression>(name.into()).map_err(|error| error.to_string());
    for compression in Compression::ALL {
        assert_eq!(read(compression.name()), Ok(compression));
    }
    assert_eq!(read(""), Ok(Compression::None));
    assert_eq!(read("GZIP").unwrap_err(), "unsupported compression type \"GZIP\"");
}

#[test]
fn grpc_has_three_and_its_snappy_is_framed() {
    let on_grpc = |compression: Compression| compression.on_grpc().map_err(|error| error.to_string());
    assert_eq!(on_grpc(Compression::None), Ok(Compression::None));
    assert_eq!(on_grpc(Compression::Gzip), Ok(Compression::Gzip));
    assert_eq!(on_grpc(Compression::Zstd), Ok(Compression::Zstd));
    assert_eq!(on_grpc(Compression::Snappy), Ok(Compression::SnappyFramed));
    assert_eq!(Compression::SnappyFramed.name_on_grpc(), "snappy");
    for missing in [Compression::Zlib, Compression::Deflate, Compression::Lz4, Compression::SnappyFramed] {
        let expected = format!("unsupported compression type \"{missing}\"");
        assert_eq!(on_grpc(missing).unwrap_err(), expected);
    }
}

#[test]
fn levels_are_those_of_go() {
    for encoding in [Compression::Gzip, Compression::Zlib, Compression::Deflate] {
        assert!((-2..=9).all(|level| encoding.check_level(level).is_ok()));
        assert_eq!(
            encoding.check_level(10).unwrap_err().to_string(),
            format!("unsupported parameters {{Level:10}} for compression type \"{encoding}\"")
        );
    }
    assert!(Compression::Zstd.check_level(11).is_ok());
    for encoding in [Compression::None, Compression::Snappy, Compression::SnappyFramed, Compression::Lz4] {
        assert!(encoding.check_level(0).is_ok());
        assert!(encoding.check_level(1).is_err());
    }
}

#[test]
fn a_higher_level_makes_a_smaller_body() {
    let data = etalon_testkit::corpus::requests(etalon_pdata::TRACES, 200, 1, 1).remove(0);
    for encoding in [Compression::Gzip, Compression::Zlib, Compression::Deflate, Compression::Zstd] {
        let size = |level| compress_at_level(encoding, level, std::slice::from_ref(&data)).len();
        assert!(size(9) < size(1), "{encoding}");
    }
}

proptest! {
    #[test]
    fn what_was_compressed_comes_back(
        chunks in prop::collection::vec(prop::collection::vec(0u8..20, 0..3000), 0..4),
        level in -3i32..12,
    ) {
        let data = chunks.concat();
        let chunks: Vec<Bytes> = chunks.into_iter().map(Bytes::from).collect();
        for encoding in Compression::ALL {
            let body = compress_at_level(encoding, level, &chunks);
            prop_assert_eq!(decompress(encoding, &body, data.len().max(1)).unwrap(), data.as_slice());
        }
    }

    #[test]
    fn random_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        for encoding in all() {
            drop(decompress(encoding, &body, 1000));
            let start = packed(encoding, b"some data some data");
            for len in 0..start.len() {
                drop(decompress(encoding, &[&start[..len], &body].concat(), 1000));
            }
        }
    }
}

#[test]
fn no_encoding_takes_memory_that_it_has_not_asked_for() {
    let message = Bytes::from(b"the same again and again ".repeat(10_000));
    let why = NoRoom::Full;
    for encoding in Compression::ALL {
        let body = compress(encoding, std::slice::from_ref(&message));
        let mut asked = Vec::new();
        let mut ask = |len| {
            asked.push(len);
            Ok(())
        };
        let read = decompress_whole(encoding, &body, &mut Room::new(LIMIT, &mut ask)).unwrap();
        assert!(read.message.capacity() <= *asked.last().unwrap(), "{encoding}: {asked:?}");
        let refused = decompress_whole(encoding, &body, &mut Room::new(LIMIT, &mut |_| Err(why)));
        assert_eq!(refused.unwrap_err(), DecompressError::NoRoom(why), "{encoding}");
    }
}
