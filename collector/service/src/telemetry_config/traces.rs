//! `service.telemetry.traces`: the collector's own spans.

use etalon_conf::{Check, Validate};
use etalon_telemetry::{ParentBased, Propagator, Sampler, SpanLimits, TraceIdRatio};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::processors::ProcessorConfig;
use super::{MetricsLevel, Unsupported};

/// The collector's own traces. There are none without a processor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TracesConfig {
    /// `none` turns them off. All other levels are the same.
    pub level: Option<MetricsLevel>,
    /// In which forms other processes tell the spans that they come from, and destinations are told. Of several that
    /// a request has, the last of this list counts. None is none: each request begins a trace.
    propagators: Vec<PropagatorName>,
    /// Which traces are sent. Unset is those that the sender of a request has chosen, and all that nobody has
    /// decided on.
    sampler: Option<SamplerConfig>,
    /// What sends spans.
    pub(crate) processors: Vec<ProcessorConfig>,
    /// How much is told of one span.
    limits: Option<LimitsConfig>,
}

/// A form in which processes tell one another of their spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum PropagatorName {
    /// The W3C's: `traceparent` and `tracestate`.
    TraceContext,
    /// Zipkin's: `b3`, or several fields that begin with `x-b3-`. Both are read, and the several are sent.
    B3,
}

/// Which traces are sent. One of its keys must be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct SamplerConfig {
    /// All: `{}`.
    always_on: Option<Nothing>,
    /// None: `{}`.
    always_off: Option<Nothing>,
    /// A share of them.
    trace_id_ratio_based: Option<RatioConfig>,
    /// As the span was decided on that another one is below.
    parent_based: Option<ParentConfig>,
    /// Not supported: a service that tells which.
    jaeger_remote: Option<Unsupported>,
}

/// Which spans are sent. One of its keys must be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct DelegateConfig {
    /// All: `{}`.
    always_on: Option<Nothing>,
    /// None: `{}`.
    always_off: Option<Nothing>,
    /// Those of a share of the traces.
    trace_id_ratio_based: Option<RatioConfig>,
}

/// Nothing more to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Nothing {}

/// A share of the traces, by their ids: all collectors with the same share choose the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct RatioConfig {
    /// From 0, none, to 1, all. Unset is 1.
    ratio: Option<f64>,
}

/// Decides by the span that another one is below.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct ParentConfig {
    /// For spans that are below none. Unset is all.
    root: Option<DelegateConfig>,
    /// Below a span of another process that is sent. Unset is all.
    remote_parent_sampled: Option<DelegateConfig>,
    /// Below a span of another process that is not. Unset is none.
    remote_parent_not_sampled: Option<DelegateConfig>,
    /// Below a span of the collector that is sent. Unset is all.
    local_parent_sampled: Option<DelegateConfig>,
    /// Below a span of the collector that is not. Unset is none.
    local_parent_not_sampled: Option<DelegateConfig>,
}

/// How much is told of one span.
#[expect(clippy::struct_field_names, reason = "they are the keys")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct LimitsConfig {
    /// Characters of the value of an attribute. 0 or more. Unset is without limit.
    attribute_value_length_limit: Option<i64>,
    /// Attributes. 0 or more. Unset is 128.
    attribute_count_limit: Option<i64>,
    /// Not supported: the spans have no events.
    event_count_limit: Option<Unsupported>,
    /// Not supported: the spans have no links.
    link_count_limit: Option<Unsupported>,
    /// Not supported: the spans have no events.
    event_attribute_count_limit: Option<Unsupported>,
    /// Not supported: the spans have no links.
    link_attribute_count_limit: Option<Unsupported>,
}

impl TracesConfig {
    /// Whether there are any.
    pub(crate) fn are_on(&self) -> bool {
        self.level != Some(MetricsLevel::None) && !self.processors.is_empty()
    }

    pub(crate) fn sampler(&self) -> Sampler {
        self.sampler.as_ref().and_then(SamplerConfig::sampler).unwrap_or_default()
    }

    pub(crate) fn propagators(&self) -> Vec<Propagator> {
        let propagator = |name: &PropagatorName| match name {
            PropagatorName::TraceContext => Propagator::TraceContext,
            PropagatorName::B3 => Propagator::B3,
        };
        self.propagators.iter().map(propagator).collect()
    }

    pub(crate) fn limits(&self) -> SpanLimits {
        let (defaults, written) = (SpanLimits::default(), self.limits.clone().unwrap_or_default());
        let limit = |value: Option<i64>, unset: usize| {
            value.map_or(unset, |value| usize::try_from(value).unwrap_or(unset))
        };
        SpanLimits {
            attributes: limit(written.attribute_count_limit, defaults.attributes),
            value_length: limit(written.attribute_value_length_limit, defaults.value_length),
        }
    }
}

impl SamplerConfig {
    /// Nothing when it is not valid.
    fn sampler(&self) -> Option<Sampler> {
        match &self.parent_based {
            Some(parent_based) => Some(Sampler::ParentBased(Box::new(parent_based.sampler()))),
            None => self.delegate().sampler(),
        }
    }

    fn delegate(&self) -> DelegateConfig {
        let Self { always_on, always_off, trace_id_ratio_based, .. } = self.clone();
        DelegateConfig { always_on, always_off, trace_id_ratio_based }
    }
}

impl DelegateConfig {
    fn sampler(&self) -> Option<Sampler> {
        let Self { always_on, always_off, trace_id_ratio_based } = self;
        match (always_on, always_off, trace_id_ratio_based) {
            (Some(_), ..) => Some(Sampler::AlwaysOn),
            (_, Some(_), _) => Some(Sampler::AlwaysOff),
            (.., Some(share)) => Some(Sampler::TraceIdRatio(TraceIdRatio::new(share.ratio.unwrap_or(1.0)))),
            (None, None, None) => None,
        }
    }

    fn written(&self) -> usize {
        let Self { always_on, always_off, trace_id_ratio_based } = self;
        [always_on.is_some(), always_off.is_some(), trace_id_ratio_based.is_some()]
            .into_iter()
            .filter(|is_written| *is_written)
            .count()
    }
}

impl ParentConfig {
    fn sampler(&self) -> ParentBased {
        let unset = ParentBased::new(Sampler::AlwaysOn);
        let or = |written: &Option<DelegateConfig>, unset| {
            written.as_ref().and_then(DelegateConfig::sampler).unwrap_or(unset)
        };
        ParentBased {
            root: or(&self.root, unset.root),
            remote_sampled: or(&self.remote_parent_sampled, unset.remote_sampled),
            remote_not_sampled: or(&self.remote_parent_not_sampled, unset.remote_not_sampled),
            local_sampled: or(&self.local_parent_sampled, unset.local_sampled),
            local_not_sampled: or(&self.local_parent_not_sampled, unset.local_not_sampled),
        }
    }
}

impl Validate for TracesConfig {
    fn validate(&self, check: &mut Check) {
        if let Some(sampler) = &self.sampler {
            check.field("sampler", sampler);
        }
        if let Some(limits) = &self.limits {
            check.field("limits", limits);
        }
        check.field("processors", &self.processors);
    }
}

impl Validate for SamplerConfig {
    fn validate(&self, check: &mut Check) {
        if self.jaeger_remote.is_some() {
            return check.at("jaeger_remote", |check| {
                check.error_with_help(
                    "is not supported by this version",
                    "use trace_id_ratio_based or parent_based",
                );
            });
        }
        let delegate = self.delegate();
        if delegate.written() + usize::from(self.parent_based.is_some()) != 1 {
            return check.error_with_help("must have exactly one sampler", "for example always_on: {}");
        }
        match &self.parent_based {
            None => delegate.validate(check),
            Some(parent_based) => check.field("parent_based", parent_based),
        }
    }
}

impl Validate for DelegateConfig {
    fn validate(&self, check: &mut Check) {
        if self.written() != 1 {
            check.error_with_help("must have exactly one sampler", "for example always_on: {}");
        }
        if let Some(RatioConfig { ratio: Some(ratio) }) = &self.trace_id_ratio_based
            && !(0.0..=1.0).contains(ratio)
        {
            check.at("trace_id_ratio_based", |check| {
                check.at("ratio", |check| check.error("must be from 0 to 1"));
            });
        }
    }
}

impl Validate for ParentConfig {
    fn validate(&self, check: &mut Check) {
        for (key, delegate) in [
            ("root", &self.root),
            ("remote_parent_sampled", &self.remote_parent_sampled),
            ("remote_parent_not_sampled", &self.remote_parent_not_sampled),
            ("local_parent_sampled", &self.local_parent_sampled),
            ("local_parent_not_sampled", &self.local_parent_not_sampled),
        ] {
            if let Some(delegate) = delegate {
                check.field(key, delegate);
            }
        }
    }
}

impl Validate for LimitsConfig {
    fn validate(&self, check: &mut Check) {
        for (key, limit) in [
            ("attribute_value_length_limit", self.attribute_value_length_limit),
            ("attribute_count_limit", self.attribute_count_limit),
        ] {
            if limit.is_some_and(|limit| limit < 0) {
                check.at(key, |check| check.error("must not be negative"));
            }
        }
        for (key, limit, what) in [
            ("event_count_limit", &self.event_count_limit, "events"),
            ("link_count_limit", &self.link_count_limit, "links"),
            ("event_attribute_count_limit", &self.event_attribute_count_limit, "events"),
            ("link_attribute_count_limit", &self.link_attribute_count_limit, "links"),
        ] {
            if limit.is_some() {
                check.at(key, |check| {
                    check.error_with_help(
                        format!("limits nothing: the collector's own spans have no {what}"),
                        "remove it",
                    );
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use etalon_conf::Node;

    use super::*;

    fn config(yaml: &str) -> TracesConfig {
        Node::parse("c.yaml", yaml).unwrap().decode_valid().unwrap()
    }

    fn problem(yaml: &str) -> String {
        let problems = Node::parse("c.yaml", yaml).unwrap().decode_valid::<TracesConfig>().unwrap_err();
        let mut told = problems.iter().map(|problem| format!("{}: {}", problem.path(), problem.message()));
        told.next().unwrap()
    }

    #[test]
    fn each_sampler_is_the_one_that_is_written() {
        let of = |yaml: &str| config(&format!("sampler: {{{yaml}}}")).sampler();
        assert_eq!(config("{}").sampler(), Sampler::default());
        assert_eq!(of("always_on: {}"), Sampler::AlwaysOn);
        assert_eq!(of("always_off: {}"), Sampler::AlwaysOff);
        let half = Sampler::TraceIdRatio(TraceIdRatio::new(0.5));
        assert_eq!(of("trace_id_ratio_based: {ratio: 0.5}"), half);
        assert_eq!(of("trace_id_ratio_based: {}"), Sampler::TraceIdRatio(TraceIdRatio::new(1.0)));
        assert_eq!(of("parent_based: {}"), Sampler::default());
        let changed = |key: &str| match of(&format!(
            "parent_based: {{{key}: {{trace_id_ratio_based: {{ratio: 0.5}}}}}}"
        )) {
            Sampler::ParentBased(sampler) => *sampler,
            other => panic!("{other:?}"),
        };
        let unset = || ParentBased::new(Sampler::AlwaysOn);
        assert_eq!(changed("root"), ParentBased { root: half.clone(), ..unset() });
        let remote = |sampler| ParentBased { remote_sampled: sampler, ..unset() };
        assert_eq!(changed("remote_parent_sampled"), remote(half.clone()));
        let remote = |sampler| ParentBased { remote_not_sampled: sampler, ..unset() };
        assert_eq!(changed("remote_parent_not_sampled"), remote(half.clone()));
        assert_eq!(changed("local_parent_sampled"), ParentBased { local_sampled: half.clone(), ..unset() });
        let local = |sampler| ParentBased { local_not_sampled: sampler, ..unset() };
        assert_eq!(changed("local_parent_not_sampled"), local(half));
    }

    #[test]
    fn limits_and_propagators_are_those_that_are_written() {
        let config = config(
            "{propagators: [b3, tracecontext], limits: {attribute_count_limit: 0, attribute_value_length_limit: 7}}",
        );
        assert_eq!(config.limits(), SpanLimits { attributes: 0, value_length: 7 });
        assert_eq!(config.propagators(), [Propagator::B3, Propagator::TraceContext]);
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_where_it_is_written() {
        for (yaml, expected) in [
            ("sampler: {}", "sampler: must have exactly one sampler"),
            ("sampler: {always_on: {}, always_off: {}}", "sampler: must have exactly one sampler"),
            ("sampler: {jaeger_remote: {}}", "sampler::jaeger_remote: is not supported by this version"),
            (
                "sampler: {trace_id_ratio_based: {ratio: 1.5}}",
                "sampler::trace_id_ratio_based::ratio: must be from 0 to 1",
            ),
            (
                "sampler: {parent_based: {root: {}}}",
                "sampler::parent_based::root: must have exactly one sampler",
            ),
            ("limits: {attribute_count_limit: -1}", "limits::attribute_count_limit: must not be negative"),
            (
                "limits: {event_count_limit: 1}",
                "limits::event_count_limit: limits nothing: the collector's own spans have no events",
            ),
            (
                "limits: {link_count_limit: 1}",
                "limits::link_count_limit: limits nothing: the collector's own spans have no links",
            ),
            ("processors: [{}]", "processors::0: must have batch or simple, and not both"),
            (
                "processors: [{simple: {exporter: {zipkin: {endpoint: x}}}}]",
                "processors::0::simple::exporter::zipkin: is not supported by this version",
            ),
            (
                "processors: [{simple: {exporter: {}}}]",
                "processors::0::simple::exporter: must have otlp or console, and not both",
            ),
            (
                "processors: [{batch: {schedule_delay: 0, exporter: {console: {}}}}]",
                "processors::0::batch::schedule_delay: must be more than 0",
            ),
            (
                "processors: [{batch: {max_queue_size: 5, exporter: {console: {}}}}]",
                "processors::0::batch::max_export_batch_size: must not be more than max_queue_size",
            ),
        ] {
            assert_eq!(problem(yaml), expected, "{yaml}");
        }
        assert!(problem("propagators: [jaeger]").starts_with("propagators::0: "));
        assert!(problem("level: loud").starts_with("level: "));
    }
}
