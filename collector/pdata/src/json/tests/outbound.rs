//! What is written for protobuf that no well-behaved writer would send.

use super::every_kind::EVERY_KIND;
use crate::json::{Malformed, encode};
use crate::tables::{
    EXPORT_LOGS_SERVICE_RESPONSE, EXPORT_METRICS_SERVICE_RESPONSE, EXPORT_TRACE_SERVICE_RESPONSE,
};
use crate::wire::{put_len, put_tag, put_varint};

/// Protobuf put together field by field.
#[derive(Default)]
struct Proto(Vec<u8>);

impl Proto {
    fn varint(mut self, number: u32, value: u64) -> Self {
        put_tag(&mut self.0, number, 0);
        put_varint(&mut self.0, value);
        self
    }

    fn bytes(mut self, number: u32, content: &[u8]) -> Self {
        put_tag(&mut self.0, number, 2);
        put_len(&mut self.0, content.len());
        self.0.extend_from_slice(content);
        self
    }

    fn message(self, number: u32, content: &Self) -> Self {
        self.bytes(number, &content.0)
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn json(&self) -> String {
        let mut out = b"before".to_vec();
        encode(&EVERY_KIND, &self.0, &mut out).unwrap();
        String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
    }
}

fn proto() -> Proto {
    Proto::default()
}

#[test]
fn an_empty_response_is_an_empty_object() {
    for message in
        [&EXPORT_TRACE_SERVICE_RESPONSE, &EXPORT_METRICS_SERVICE_RESPONSE, &EXPORT_LOGS_SERVICE_RESPONSE]
    {
        let mut out = Vec::new();
        encode(message, &[], &mut out).unwrap();
        assert_eq!(out, b"{}");
    }
}

#[test]
fn lists_that_are_scattered_are_gathered() {
    let scattered = proto()
        .bytes(27, b"a")
        .varint(25, 1)
        .bytes(27, b"b")
        .bytes(25, &[2, 3])
        .bytes(14, b"x")
        .bytes(25, &[])
        .varint(25, 4);
    assert_eq!(scattered.json(), r#"{"text":"x","ints":["1","2","3","4"],"texts":["a","b"]}"#);
}

#[test]
fn packed_and_single_numbers_join() {
    assert_eq!(
        proto().varint(25, 1).bytes(25, &[2, 3]).varint(25, 4).json(),
        r#"{"ints":["1","2","3","4"]}"#
    );
    assert_eq!(proto().bytes(25, &[]).json(), "{}");
}

#[test]
fn the_last_of_a_scalar_counts() {
    assert_eq!(proto().varint(3, 5).varint(3, 6).json(), r#"{"int32Field":6}"#);
    assert_eq!(proto().bytes(14, b"a").bytes(14, b"").json(), "{}");
    assert_eq!(proto().bytes(20, b"a").bytes(20, b"").json(), r#"{"maybeText":""}"#);
}

#[test]
fn messages_that_come_twice_merge() {
    let twice = proto()
        .message(18, &proto().varint(3, 1).varint(25, 1).message(18, &proto().bytes(14, b"x")))
        .message(18, &proto().varint(3, 2).varint(25, 2).message(18, &proto().varint(3, 9)));
    assert_eq!(
        twice.json(),
        r#"{"child":{"int32Field":2,"child":{"text":"x","int32Field":9},"ints":["1","2"]}}"#
    );
}

#[test]
fn of_a_oneof_the_last_member_counts() {
    let child = || proto().bytes(14, b"x");
    assert_eq!(proto().varint(21, 5).bytes(22, b"t").json(), r#"{"oneText":"t"}"#);
    assert_eq!(proto().message(23, &child()).varint(21, 0).json(), r#"{"oneInt":"0"}"#);
    assert_eq!(
        proto().message(23, &child()).message(23, &proto().varint(3, 1)).json(),
        r#"{"oneChild":{"text":"x","int32Field":1}}"#
    );
    assert_eq!(
        proto().message(23, &child()).varint(21, 0).message(23, &proto().varint(3, 1)).json(),
        r#"{"oneChild":{"int32Field":1}}"#
    );
}

#[test]
fn unknown_fields_and_unexpected_wire_types_are_dropped() {
    let unknown = proto()
        .varint(500, 1)
        .bytes(501, b"x")
        .raw(&[0xa3, 0x1f, 0x08, 0x01, 0x0b, 0x0c, 0xa4, 0x1f])
        .varint(14, 7)
        .bytes(3, b"no")
        .bytes(13, b"")
        .varint(3, 1);
    assert_eq!(unknown.json(), r#"{"int32Field":1}"#);
}

#[test]
fn numbers_of_32_bits_ignore_the_upper_half() {
    assert_eq!(proto().varint(3, 0xffff_ffff_0000_0001).json(), r#"{"int32Field":1}"#);
    assert_eq!(proto().varint(3, 0xffff_ffff_0000_0000).json(), "{}");
    assert_eq!(proto().varint(5, u64::MAX).json(), r#"{"uint32Field":4294967295}"#);
    assert_eq!(proto().varint(13, 256).json(), r#"{"boolField":true}"#);
}

#[test]
fn text_that_is_not_utf_8_is_repaired() {
    assert_eq!(proto().bytes(14, b"a\xff\"\xfeb").json(), "{\"text\":\"a\u{fffd}\\\"\u{fffd}b\"}");
}

#[test]
fn ids_of_any_length_are_written() {
    assert_eq!(proto().bytes(16, b"\x01\xab").json(), r#"{"id":"01ab"}"#);
}

#[test]
fn what_is_not_protobuf_is_an_error_and_writes_nothing() {
    let cut_short = proto().message(18, &proto().bytes(14, b"text")).0;
    let deep = (0..200).fold(proto(), |inner, _| proto().message(18, &inner)).0;
    let cases: [&[u8]; 9] = [
        &[0x08],
        &[0x00, 0x01],
        &[0x18, 0x80],
        &[0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        &[0x09, 1, 2, 3],
        &[0x0c],
        &[0x0b],
        &cut_short[..cut_short.len() - 1],
        &deep,
    ];
    for case in cases {
        let mut out = b"before".to_vec();
        assert_eq!(encode(&EVERY_KIND, case, &mut out), Err(Malformed), "{case:?}");
        assert_eq!(out, b"before");
    }
}
