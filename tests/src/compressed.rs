//! Bodies as clients compress them.

/// One gzip member.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut out = vec![0; compressor.gzip_compress_bound(data.len())];
    let len = compressor.gzip_compress(data, &mut out).expect("the bound is right");
    out.truncate(len);
    out
}

/// One zstd frame.
pub fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(data, 3).expect("memory can be compressed")
}

/// What a body of an encoding, or of none, was before; at most 16 MiB.
///
/// # Panics
///
/// When it is not of that encoding, or larger.
pub fn decompressed(encoding: Option<&str>, body: &[u8]) -> Vec<u8> {
    const MAX: usize = 16 << 20;
    match encoding {
        None => body.to_vec(),
        Some("gzip") => {
            let mut out = vec![0; MAX];
            let len = libdeflater::Decompressor::new().gzip_decompress(body, &mut out).expect("gzip");
            out.truncate(len);
            out
        }
        Some("zstd") => {
            let mut decompressor = zstd::bulk::Decompressor::new().expect("a decompressor");
            decompressor.decompress(body, MAX).expect("zstd")
        }
        Some(other) => panic!("a body in {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_is_decompressed() {
        for (encoding, body) in
            [(None, b"text".to_vec()), (Some("gzip"), gzip(b"text")), (Some("zstd"), zstd(b"text"))]
        {
            assert_eq!(decompressed(encoding, &body), b"text");
        }
    }
}
