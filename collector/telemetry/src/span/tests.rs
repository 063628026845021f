use std::sync::{Arc, Mutex};

use super::*;
use crate::Telemetry;
use crate::attributes::{DataType, ErrorType, Exporter, ItemsFailed, ItemsSent};

#[derive(Default)]
struct Kept(Mutex<Vec<Arc<SpanData>>>);

impl SpanSink for Kept {
    fn ended(&self, span: &Arc<SpanData>) {
        self.0.lock().unwrap().push(span.clone());
    }
}

fn tracing(sampler: Sampler, limits: SpanLimits) -> (Tracer, Arc<Kept>) {
    let (tracer, kept) = (Telemetry::new(&[]).tracer().clone(), Arc::new(Kept::default()));
    let propagators = vec![Propagator::TraceContext, Propagator::B3];
    tracer.set(Some(Tracing { sampler, propagators, limits, sinks: vec![kept.clone()] }), false);
    (tracer, kept)
}

fn parent(tracer: &Tracer, fields: &[(&str, &str)]) -> Option<Arc<SpanContext>> {
    let field = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    tracer.parent(&field)
}

fn export(error_type: Option<ErrorType<'_>>) -> crate::spans::Exporter<'_> {
    let exporter = Exporter("otlp_grpc/second");
    crate::spans::Exporter {
        exporter,
        data_type: DataType::Logs,
        items_sent: ItemsSent(3),
        items_failed: ItemsFailed(0),
        error_type,
    }
}

const REMOTE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn a_span_has_the_name_kind_and_attributes_that_the_contract_declares() {
    let (tracer, kept) = tracing(Sampler::default(), SpanLimits::default());
    let span = Span::start(&tracer, None);
    let child = Span::start(&tracer, span.context().as_ref());
    child.end(Some("no route"), || export(Some(ErrorType("UNAVAILABLE"))));
    let context = span.context().unwrap();
    span.end(None, || export(None));
    let kept = kept.0.lock().unwrap();
    let [child, span] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((&*span.name, span.definition.kind), ("exporter/otlp_grpc/second/logs", SpanKind::Internal));
    assert_eq!(span.definition.id, "exporter");
    assert_eq!((span.error.as_deref(), child.error.as_deref()), (None, Some("no route")));
    assert_eq!(child.parent.as_ref(), Some(&context));
    assert_eq!(child.context.trace_id(), span.context.trace_id());
    let keys = |span: &SpanData| span.attributes.iter().map(|(key, _)| *key).collect::<Vec<_>>();
    assert_eq!(keys(span), ["exporter", "data_type", "items.sent", "items.failed"]);
    assert_eq!(keys(child), ["exporter", "data_type", "items.sent", "items.failed", "error.type"]);
    assert_eq!(span.attributes[2].1, AttributeValue::Int(3));
}

#[test]
fn nothing_is_told_while_nobody_asks_or_the_request_is_own_telemetry() {
    let tracer = Telemetry::new(&[]).tracer().clone();
    assert_eq!(Span::start(&tracer, None).context(), None);
    let (tracer, kept) = tracing(Sampler::AlwaysOn, SpanLimits::default());
    let quiet = parent(&tracer, &[("traceparent", REMOTE), (OWN_TELEMETRY, tracer.own_key())]).unwrap();
    let span = Span::start(&tracer, Some(&quiet));
    assert!(span.context().unwrap().is_quiet());
    assert_eq!(tracer.fields(&span.context().unwrap()), []);
    span.end(None, || export(None));
    assert_eq!(*kept.0.lock().unwrap(), []);
    assert!(!parent(&tracer, &[("traceparent", REMOTE), (OWN_TELEMETRY, "of another")]).unwrap().is_quiet());
}

#[test]
fn limits_cut_values_and_leave_attributes_out() {
    let (tracer, kept) = tracing(Sampler::AlwaysOn, SpanLimits { attributes: 3, value_length: 4 });
    Span::start(&tracer, None).end(None, || export(None));
    let span = &kept.0.lock().unwrap()[0];
    assert_eq!(span.attributes[0].1, AttributeValue::Text("otlp".into()));
    assert_eq!((span.attributes.len(), span.dropped_attributes), (3, 1));
}

#[test]
fn what_is_not_sampled_is_passed_on_and_not_told() {
    let (tracer, kept) = tracing(Sampler::AlwaysOff, SpanLimits::default());
    let span = Span::start(&tracer, parent(&tracer, &[("traceparent", REMOTE)]).as_ref());
    let (name, value) = tracer.fields(&span.context().unwrap()).remove(0);
    assert_eq!(name, "traceparent");
    assert!(value.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && value.ends_with("-00"), "{value}");
    span.end(None, || export(None));
    assert_eq!(*kept.0.lock().unwrap(), []);
}

#[test]
fn each_sampler_of_the_parents_decides_on_its_own_children() {
    let (on, off) = (Sampler::AlwaysOn, Sampler::AlwaysOff);
    let none = ParentBased {
        root: off.clone(),
        remote_sampled: off.clone(),
        remote_not_sampled: off.clone(),
        local_sampled: off.clone(),
        local_not_sampled: off,
    };
    let id = TraceId::random();
    let of = |sampled| {
        [
            SpanContext::remote(id, SpanId::new([1; 8]).unwrap(), sampled, None),
            SpanContext::local(id, sampled, None),
        ]
    };
    let ([remote, local], [remote_not, local_not]) = (of(true), of(false));
    let parents = [None, Some(&remote), Some(&remote_not), Some(&local), Some(&local_not)];
    let only = [
        ParentBased { root: on.clone(), ..none.clone() },
        ParentBased { remote_sampled: on.clone(), ..none.clone() },
        ParentBased { remote_not_sampled: on.clone(), ..none.clone() },
        ParentBased { local_sampled: on.clone(), ..none.clone() },
        ParentBased { local_not_sampled: on, ..none },
    ];
    for (of, sampler) in only.into_iter().enumerate() {
        let sampler = Sampler::ParentBased(Box::new(sampler));
        for (number, parent) in parents.iter().enumerate() {
            assert_eq!(sampler.samples(*parent, id), number == of, "{number} {sampler:?}");
        }
    }
}

#[test]
fn a_ratio_takes_its_share_of_the_traces() {
    let sampler = |share| Sampler::TraceIdRatio(TraceIdRatio::new(share));
    let taken = |share| (0..10_000).filter(|_| sampler(share).samples(None, TraceId::random())).count();
    assert_eq!((taken(0.0), taken(1.0)), (0, 10_000));
    let quarter = taken(0.25);
    assert!((2_000..3_000).contains(&quarter), "{quarter}");
    let half = TraceId::new(0x7fff_ffff_ffff_fffe_u128.to_be_bytes()).unwrap();
    let more = TraceId::new(0x8000_0000_0000_0000_u128.to_be_bytes()).unwrap();
    assert_eq!((sampler(0.5).samples(None, half), sampler(0.5).samples(None, more)), (true, false));
}

#[test]
fn trace_context_is_read_as_the_w3c_says() {
    let (tracer, _) = tracing(Sampler::AlwaysOn, SpanLimits::default());
    let told = parent(&tracer, &[("traceparent", REMOTE), ("tracestate", "a=1")]).unwrap();
    assert_eq!(told.ids().unwrap().0.to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(told.ids().unwrap().1.to_string(), "b7ad6b7169203331");
    assert_eq!((told.is_sampled(), told.is_remote(), told.state().as_deref()), (true, true, Some("a=1")));
    assert!(!parent(&tracer, &[("traceparent", &REMOTE.replace("-01", "-00"))]).unwrap().is_sampled());
    let later = REMOTE.replacen("00", "01", 1) + "-more";
    assert!(parent(&tracer, &[("traceparent", &later)]).is_some());
    for wrong in [
        "",
        "00",
        &REMOTE.to_uppercase(),
        &(REMOTE.to_owned() + "-more"),
        &REMOTE.replacen("00", "ff", 1),
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033311-01",
    ] {
        assert_eq!(parent(&tracer, &[("traceparent", wrong)]), None, "{wrong}");
    }
}

#[test]
fn b3_is_read_in_one_field_and_in_several() {
    let (tracer, _) = tracing(Sampler::AlwaysOn, SpanLimits::default());
    let one = |value: &str| parent(&tracer, &[("b3", value)]);
    let short = one("a3ce929d0e0e4736-00f067aa0ba902b7-1-05e3ac9a4f6e3b90").unwrap();
    assert_eq!(short.ids().unwrap().0.to_string(), "0000000000000000a3ce929d0e0e4736");
    assert!(short.is_sampled());
    assert!(!one("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0").unwrap().is_sampled());
    assert_eq!((one("0"), one(""), one("a-b-1")), (None, None, None));
    let ids = [("x-b3-traceid", "80f198ee56343ba864fe8b2a57d3eff7"), ("x-b3-spanid", "e457b5a2e4d86bd1")];
    assert!(!parent(&tracer, &ids).unwrap().is_sampled());
    for more in [("x-b3-sampled", "1"), ("x-b3-flags", "1")] {
        assert!(parent(&tracer, &[ids[0], ids[1], more]).unwrap().is_sampled(), "{more:?}");
    }
}

#[test]
fn a_span_is_told_to_destinations_in_every_form() {
    let (tracer, _) = tracing(Sampler::AlwaysOn, SpanLimits::default());
    let told = [("traceparent", REMOTE), ("tracestate", "a=1")];
    let span = Span::start(&tracer, parent(&tracer, &told).as_ref());
    let fields = tracer.fields(&span.context().unwrap());
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["traceparent", "tracestate", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled"]);
    let id = span.context().unwrap().ids().unwrap().1.to_string();
    assert_eq!((&*fields[3].1, &*fields[4].1, &*fields[1].1), (&*id, "1", "a=1"));
}
