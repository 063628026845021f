//! gRPC: prefixes, header fields, paths.

use etalon_tests::{framed, grpc};

use super::{Target, each};

const PATH: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

struct Row {
    id: &'static str,
    case: &'static str,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    frames: fn() -> Vec<Vec<u8>>,
    /// The code, or 0 and the HTTP status where there is none.
    code: u16,
    http: u16,
}

fn empty() -> Vec<Vec<u8>> {
    vec![framed(0, b"")]
}

const ROW: Row = Row { id: "", case: "", path: PATH, fields: &[], frames: empty, code: 0, http: 200 };

const ROWS: &[Row] = &[
    Row { id: "X11", case: "a deadline of ages", fields: &[("grpc-timeout", "99999999H")], ..ROW },
    Row { id: "X11", case: "a deadline that has passed", fields: &[("grpc-timeout", "0n")], code: 4, ..ROW },
    Row { id: "X11", case: "a negative deadline", fields: &[("grpc-timeout", "-1S")], ..ROW },
    Row { id: "X11", case: "a deadline that is none", fields: &[("grpc-timeout", "soon")], ..ROW },
    Row {
        id: "X12",
        case: "JSON in gRPC",
        fields: &[("content-type", "application/grpc+json")],
        http: 415,
        ..ROW
    },
    Row {
        id: "X12",
        case: "gRPC of web pages",
        fields: &[("content-type", "application/grpc-web+proto")],
        http: 415,
        ..ROW
    },
    Row {
        id: "X13",
        case: "metadata that is not base64, which nobody reads",
        fields: &[("x-bin", "!")],
        ..ROW
    },
    Row {
        id: "G1",
        case: "4 GiB are announced",
        frames: || vec![b"\0\xff\xff\xff\xffabc".to_vec()],
        code: 8,
        ..ROW
    },
    Row { id: "G2", case: "a flag that means nothing", frames: || vec![framed(255, b"")], code: 3, ..ROW },
    Row { id: "G3", case: "compressed with nothing", frames: || vec![framed(1, b"x")], code: 13, ..ROW },
    Row { id: "G4", case: "two messages", frames: || vec![framed(0, b""), framed(0, b"")], code: 3, ..ROW },
    Row { id: "G4", case: "no message", frames: Vec::new, code: 3, ..ROW },
    Row {
        id: "G4",
        case: "half a message",
        frames: || vec![framed(0, b"abcd")[..7].to_vec()],
        code: 3,
        ..ROW
    },
    Row { id: "G5", case: "an unknown method", path: "/x.Y/Z", code: 12, ..ROW },
    Row { id: "G5", case: "no method", path: "/", code: 12, ..ROW },
];

pub(super) fn rows() -> Vec<&'static str> {
    ROWS.iter().map(|row| row.id).collect()
}

#[test]
fn calls_of_grpc_that_are_malformed() {
    let target = Target::start();
    each(ROWS, |row| {
        target.survives(row.id, row.case, 64, || {
            let frames = (row.frames)();
            let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
            let answer = grpc(target.0.grpc(), row.path, row.fields, &frames);
            assert_eq!(answer.http, row.http, "{} {}: {answer:?}", row.id, row.case);
            let code = (row.http == 200).then_some(row.code);
            assert_eq!(answer.code, code, "{} {}: {answer:?}", row.id, row.case);
            if row.code == 8 {
                assert_eq!(answer.header("grpc-status-details-bin"), None, "a hint to try again");
            }
        });
    });
}
