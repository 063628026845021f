//! Joining requests is merging them.

use bytes::BytesMut;
use etalon_pdata::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use etalon_pdata::{METRICS, Payload, Utf8Policy};
use etalon_testkit::corpus;
use prost::Message as _;

#[test]
fn a_joined_payload_decodes_to_the_merge_of_its_requests() {
    for (count, items) in [(1, 5), (2, 0), (3, 17), (9, 4)] {
        let requests = corpus::requests(METRICS, items, count, 3);
        let mut merged = ExportMetricsServiceRequest::default();
        let mut joined: Option<Payload> = None;
        for request in &requests {
            merged.merge(request.clone()).expect("the sample is valid");
            let request = BytesMut::from(request.as_ref());
            let (payload, found) = Payload::decode(METRICS, request, Utf8Policy::Refuse).expect("valid");
            assert_eq!(found.items, items);
            match &mut joined {
                Some(joined) => joined.join(payload),
                None => joined = Some(payload),
            }
        }
        let joined = joined.expect("at least one request");
        let bytes = joined.contiguous();
        assert_eq!(ExportMetricsServiceRequest::decode(bytes.clone()), Ok(merged));
        assert_eq!((joined.items(), joined.len()), (items * count, bytes.len()));
        assert_eq!(joined.chunks(), requests);
    }
}
