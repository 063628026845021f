//! What of the context of a request survives on disk: the metadata of its sender.
//!
//! Who the sender is, as an authenticator found out, does not: credentials have no place on a disk.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use etalon_component::{Caller, Context, Metadata};

/// The first byte: what follows is a list of fields, each with the lengths of name and value in front.
const VERSION: u8 = 1;

pub(crate) fn encode(context: &Context) -> Bytes {
    let Some(caller) = context.caller.as_ref().filter(|caller| !caller.metadata.is_empty()) else {
        return Bytes::new();
    };
    let mut bytes = BytesMut::new();
    bytes.put_u8(VERSION);
    for (name, value) in caller.metadata.iter() {
        // A server accepts no header fields whose length needs more than 32 bits.
        bytes.put_u32_le(u32::try_from(name.len()).unwrap_or_default());
        bytes.put_u32_le(u32::try_from(value.len()).unwrap_or_default());
        bytes.put_slice(name.as_bytes());
        bytes.put_slice(value);
    }
    bytes.freeze()
}

/// Nothing of what another version has written.
pub(crate) fn decode(mut bytes: Bytes) -> Context {
    let mut metadata = Metadata::default();
    if bytes.try_get_u8() == Ok(VERSION) {
        while let (Ok(name), Ok(value)) = (bytes.try_get_u32_le(), bytes.try_get_u32_le()) {
            let (name, value) = (name as usize, value as usize);
            if bytes.len() < name.saturating_add(value) {
                break;
            }
            let (name, value) = (bytes.split_to(name), bytes.split_to(value));
            if let Ok(name) = str::from_utf8(&name) {
                metadata.push(name, &value);
            }
        }
    }
    let caller = (!metadata.is_empty()).then(|| Arc::new(Caller { metadata, ..Caller::default() }));
    Context { caller, ..Context::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_comes_back_as_it_was() {
        let mut metadata = Metadata::default();
        metadata.push("x-tenant", b"a\0b");
        metadata.push("x-tenant", b"");
        let caller = Caller { metadata: metadata.clone(), ..Caller::default() };
        let context = Context { caller: Some(Arc::new(caller)), ..Context::default() };
        assert_eq!(decode(encode(&context)).caller.expect("there is one").metadata, metadata);
        assert!(encode(&Context::default()).is_empty());
        assert!(decode(Bytes::new()).caller.is_none());
        assert!(decode(Bytes::from_static(&[1, 255, 255, 255, 255, 1, 0, 0, 0, 7])).caller.is_none());
    }
}
