//! One case for each rule, for what is stable and for what is not.

use super::*;
use crate::contract::{
    Deprecated, Domain, Instrument, Level, Presence, Primitive, Severity, SpanKind, Stability, ValueType,
};
use crate::exposition::Escaping;

use Bump::{Major, Minor, Patch};
use Verdict::{Additive, Breaking, Forbidden};

const CASES: &[Case] = &[
    Case {
        name: "a metric is added",
        breaks: |new| {
            let added = Metric { name: "new".to_owned(), ..metric(new, "failed").clone() };
            new.metrics.insert("new".to_owned(), added);
        },
        expected: &[("metrics::new", Rule::Added, Additive, Minor)],
    },
    Case {
        name: "an event and a span are added",
        breaks: |new| {
            let (added_event, added_span) = (event(new).clone(), span(new).clone());
            new.events.insert("new".to_owned(), added_event);
            new.spans.insert("new".to_owned(), added_span);
        },
        expected: &[
            ("events::new", Rule::Added, Additive, Minor),
            ("spans::new", Rule::Added, Additive, Minor),
        ],
    },
    Case {
        name: "a stable metric is removed",
        breaks: |new| drop(new.metrics.remove("failed")),
        expected: &[("metrics::failed", Rule::Removed, Forbidden, Major)],
    },
    Case {
        name: "a beta metric is removed",
        breaks: |new| drop(new.metrics.remove("send_size")),
        expected: &[("metrics::send_size", Rule::Removed, Breaking, Minor)],
    },
    Case {
        name: "a stable metric is renamed",
        breaks: |new| rename(&mut new.metrics, "failed", "lost"),
        expected: &[
            ("metrics::failed", Rule::Removed, Forbidden, Major),
            ("metrics::lost", Rule::Added, Additive, Minor),
        ],
    },
    Case {
        name: "a stable event and an entity are removed, a beta span too",
        breaks: |new| {
            new.events.clear();
            new.spans.clear();
            new.entities.clear();
        },
        expected: &[
            ("events::data.dropped", Rule::Removed, Forbidden, Major),
            ("spans::export", Rule::Removed, Breaking, Minor),
            ("entities::service", Rule::Removed, Forbidden, Major),
        ],
    },
    Case {
        name: "a deprecated metric is removed when it was announced to",
        breaks: |new| {
            new.version = Version::new(2, 0, 0);
            new.metrics.remove("accepted");
        },
        expected: &[("metrics::accepted", Rule::RemovedAfterDeprecation, Breaking, Major)],
    },
    Case {
        name: "a deprecated metric is removed before it was announced to",
        breaks: |new| {
            new.version = Version::new(1, 9, 0);
            new.metrics.remove("accepted");
        },
        expected: &[("metrics::accepted", Rule::Removed, Forbidden, Major)],
    },
    Case {
        name: "a deprecated metric is removed with its successor",
        breaks: |new| {
            new.version = Version::new(2, 0, 0);
            new.metrics.remove("accepted");
            new.metrics.remove("limiter_accepted");
        },
        expected: &[
            ("metrics::accepted", Rule::Removed, Forbidden, Major),
            ("metrics::limiter_accepted", Rule::Removed, Forbidden, Major),
        ],
    },
    Case {
        name: "a metric is deprecated, and its new name is beside it",
        breaks: |new| {
            let successor = Metric { name: "lost".to_owned(), ..metric(new, "failed").clone() };
            new.metrics.insert("lost".to_owned(), successor);
            metric(new, "failed").deprecated = Some(Deprecated::Renamed { renamed_to: "lost".to_owned() });
        },
        expected: &[
            ("metrics::failed::deprecated", Rule::Deprecated, Additive, Minor),
            ("metrics::lost", Rule::Added, Additive, Minor),
        ],
    },
    Case {
        name: "a metric is deprecated, and its new name is not there",
        breaks: |new| {
            metric(new, "failed").deprecated = Some(Deprecated::Renamed { renamed_to: "lost".to_owned() });
        },
        expected: &[("metrics::failed::deprecated", Rule::DeprecatedWithoutSuccessor, Forbidden, Major)],
    },
    Case {
        name: "a metric is deprecated, and its new name is something else",
        breaks: |new| {
            metric(new, "failed").deprecated = Some(Deprecated::Renamed { renamed_to: "uptime".to_owned() });
        },
        expected: &[("metrics::failed::deprecated", Rule::DeprecatedWithoutSuccessor, Forbidden, Major)],
    },
    Case {
        name: "an event is deprecated in favour of nothing that is there",
        breaks: |new| event(new).deprecated = Some(Deprecated::Renamed { renamed_to: "lost".to_owned() }),
        expected: &[("events::data.dropped::deprecated", Rule::DeprecatedWithoutSuccessor, Forbidden, Major)],
    },
    Case {
        name: "a metric is not deprecated any more",
        breaks: |new| metric(new, "accepted").deprecated = None,
        expected: &[("metrics::accepted::deprecated", Rule::Undeprecated, Additive, Minor)],
    },
    Case {
        name: "a deprecated metric is to go sooner",
        breaks: |new| {
            metric(new, "accepted").annotations.contract.removed_in = Some(Version::new(1, 5, 0));
        },
        expected: &[("metrics::accepted::removed_in", Rule::DeprecationShortened, Forbidden, Major)],
    },
    Case {
        name: "a deprecated metric is to go later",
        breaks: |new| {
            metric(new, "accepted").annotations.contract.removed_in = Some(Version::new(3, 0, 0));
        },
        expected: &[("metrics::accepted::removed_in", Rule::DeprecationExtended, Verdict::None, Patch)],
    },
    Case {
        name: "a deprecated metric is not to go any more",
        breaks: |new| metric(new, "accepted").annotations.contract.removed_in = None,
        expected: &[("metrics::accepted::removed_in", Rule::DeprecationExtended, Verdict::None, Patch)],
    },
    Case {
        name: "a deprecation is dated back",
        breaks: |new| {
            metric(new, "accepted").annotations.contract.deprecated_since = Some(Version::new(1, 0, 0));
        },
        expected: &[("metrics::accepted::deprecated_since", Rule::DeprecationShortened, Forbidden, Major)],
    },
    Case {
        name: "a stable metric becomes beta",
        breaks: |new| metric(new, "failed").stability = Stability::Beta,
        expected: &[("metrics::failed::stability", Rule::StabilityLowered, Forbidden, Major)],
    },
    Case {
        name: "a beta metric becomes alpha",
        breaks: |new| metric(new, "send_size").stability = Stability::Alpha,
        expected: &[("metrics::send_size::stability", Rule::StabilityLowered, Breaking, Minor)],
    },
    Case {
        name: "a beta metric and a beta attribute become stable",
        breaks: |new| {
            metric(new, "send_size").stability = Stability::Stable;
            attribute(new, "url.path").stability = Stability::Stable;
        },
        expected: &[
            ("attributes::url.path::stability", Rule::StabilityRaised, Additive, Minor),
            ("metrics::send_size::stability", Rule::StabilityRaised, Additive, Minor),
        ],
    },
    Case {
        name: "texts that promise nothing change",
        breaks: |new| {
            let failed = metric(new, "failed");
            failed.brief = "Items given up.".to_owned();
            failed.annotations.contract.how_to_use = Some("It should not grow.".to_owned());
            failed.annotations.contract.alert = None;
            event(new).annotations.contract.message = "Data is dropped.".to_owned();
            attribute(new, "url.path").examples.clear();
            members(new)[0].brief = "No room left.".to_owned();
            span(new).name.note = "exporter/{id}/{signal}".to_owned();
        },
        expected: &[
            ("attributes::reason::members::queue_full::brief", Rule::TextChanged, Verdict::None, Patch),
            ("attributes::url.path::examples", Rule::TextChanged, Verdict::None, Patch),
            ("metrics::failed::brief", Rule::TextChanged, Verdict::None, Patch),
            ("metrics::failed::how_to_use", Rule::TextChanged, Verdict::None, Patch),
            ("metrics::failed::alert", Rule::TextChanged, Verdict::None, Patch),
            ("events::data.dropped::message", Rule::TextChanged, Verdict::None, Patch),
            ("spans::export::name", Rule::TextChanged, Verdict::None, Patch),
        ],
    },
    Case {
        name: "what is recorded changes",
        breaks: |new| {
            metric(new, "failed").annotations.contract.recorded = "once for each attempt".to_owned();
            event(new).annotations.contract.recorded = "once for each item".to_owned();
            span(new).annotations.contract.recorded = "each attempt".to_owned();
        },
        expected: &[
            ("metrics::failed::recorded", Rule::MeaningChanged, Breaking, Major),
            ("events::data.dropped::recorded", Rule::MeaningChanged, Breaking, Major),
            ("spans::export::recorded", Rule::MeaningChanged, Breaking, Minor),
        ],
    },
    Case {
        name: "an invariant says something else",
        breaks: |new| drop(new.invariants.insert("balance".to_owned(), "accepted >= sent".to_owned())),
        expected: &[("invariants::balance", Rule::MeaningChanged, Breaking, Major)],
    },
    Case {
        name: "an invariant comes, and a metric holds to it",
        breaks: |new| {
            new.invariants.insert("more".to_owned(), "failed <= accepted".to_owned());
            metric(new, "uptime").annotations.contract.invariants.push("more".to_owned());
        },
        expected: &[
            ("metrics::uptime::invariants", Rule::EvidenceAdded, Additive, Minor),
            ("invariants::more", Rule::Added, Additive, Minor),
        ],
    },
    Case {
        name: "an invariant goes, and so does a test",
        breaks: |new| {
            new.invariants.clear();
            let note = &mut metric(new, "failed").annotations.contract;
            note.invariants.clear();
            note.tests.clear();
        },
        expected: &[
            ("metrics::failed::invariants", Rule::EvidenceRemoved, Breaking, Major),
            ("metrics::failed::tests", Rule::EvidenceRemoved, Breaking, Major),
            ("invariants::balance", Rule::EvidenceRemoved, Breaking, Major),
        ],
    },
    Case {
        name: "a counter becomes one that can fall",
        breaks: |new| metric(new, "failed").instrument = Instrument::UpDownCounter,
        expected: &[
            ("metrics::failed::instrument", Rule::InstrumentChanged, Breaking, Major),
            ("metrics::failed::exposed::prometheus::type", Rule::ExposedTypeChanged, Breaking, Major),
            ("metrics::failed::exposed::suffixed::name", Rule::ExposedNameChanged, Forbidden, Major),
            ("metrics::failed::exposed::suffixed::type", Rule::ExposedTypeChanged, Breaking, Major),
        ],
    },
    Case {
        name: "a unit changes, of a stable and of a beta metric",
        breaks: |new| {
            metric(new, "failed").unit = "{span}".to_owned();
            metric(new, "send_size").unit = "{item}".to_owned();
        },
        expected: &[
            ("metrics::failed::unit", Rule::UnitChanged, Breaking, Major),
            ("metrics::send_size::unit", Rule::UnitChanged, Breaking, Minor),
            ("metrics::send_size::exposed::suffixed::name", Rule::ExposedNameChanged, Breaking, Minor),
        ],
    },
    Case {
        name: "whole numbers become any numbers",
        breaks: |new| metric(new, "failed").annotations.contract.value_type = ValueType::Double,
        expected: &[("metrics::failed::value_type", Rule::ValueTypeChanged, Breaking, Major)],
    },
    Case {
        name: "what was read is recorded",
        breaks: |new| metric(new, "uptime").annotations.contract.asynchronous = false,
        expected: &[("metrics::uptime::asynchronous", Rule::CollectionChanged, Breaking, Major)],
    },
    Case {
        name: "a bound is added",
        breaks: |new| metric(new, "send_size").annotations.contract.buckets.push(65536.0),
        expected: &[("metrics::send_size::buckets", Rule::BucketsChanged, Breaking, Minor)],
    },
    Case {
        name: "the level is raised",
        breaks: |new| metric(new, "uptime").annotations.contract.level = Level::Normal,
        expected: &[("metrics::uptime::level", Rule::LevelRaised, Breaking, Major)],
    },
    Case {
        name: "the level is lowered",
        breaks: |new| metric(new, "failed").annotations.contract.level = Level::Basic,
        expected: &[("metrics::failed::level", Rule::LevelLowered, Additive, Minor)],
    },
    Case {
        name: "series come only with an event",
        breaks: |new| {
            metric(new, "failed").annotations.contract.presence =
                Presence::OnEvent("the first one".to_owned());
        },
        expected: &[("metrics::failed::presence", Rule::PresenceWeakened, Breaking, Major)],
    },
    Case {
        name: "series come with another condition",
        breaks: |new| {
            metric(new, "queue.size").annotations.contract.presence = Presence::OnConfig("a disk".to_owned());
        },
        expected: &[("metrics::queue.size::presence", Rule::PresenceWeakened, Breaking, Major)],
    },
    Case {
        name: "series come from the start",
        breaks: |new| metric(new, "queue.size").annotations.contract.presence = Presence::AtStart,
        expected: &[("metrics::queue.size::presence", Rule::PresenceStrengthened, Additive, Minor)],
    },
    Case {
        name: "a required label is added, to a stable and to a beta metric",
        breaks: |new| {
            for name in ["uptime", "send_size"] {
                metric(new, name).attributes.push(reference("spare", Requirement::Required));
            }
        },
        expected: &[
            ("metrics::send_size::attributes::spare", Rule::LabelAdded, Additive, Minor),
            ("metrics::uptime::attributes::spare", Rule::LabelAdded, Breaking, Major),
        ],
    },
    Case {
        name: "a label that may be there is added to a stable metric",
        breaks: |new| metric(new, "uptime").attributes.push(reference("spare", Requirement::Recommended)),
        expected: &[("metrics::uptime::attributes::spare", Rule::LabelAdded, Breaking, Major)],
    },
    Case {
        name: "a label that is off by default is added",
        breaks: |new| metric(new, "uptime").attributes.push(reference("spare", Requirement::OptIn)),
        expected: &[("metrics::uptime::attributes::spare", Rule::OptInLabelAdded, Additive, Minor)],
    },
    Case {
        name: "a label that was off by default is always there",
        breaks: |new| metric(new, "failed").attributes[2].requirement_level = Requirement::Required,
        expected: &[("metrics::failed::attributes::url.path", Rule::LabelAdded, Breaking, Major)],
    },
    Case {
        name: "a label is removed, from a stable and from a beta metric",
        breaks: |new| {
            metric(new, "queue.size").attributes.clear();
            metric(new, "send_size").attributes.clear();
        },
        expected: &[
            ("metrics::queue.size::attributes::exporter", Rule::LabelRemoved, Breaking, Major),
            ("metrics::send_size::attributes::exporter", Rule::LabelRemoved, Breaking, Minor),
        ],
    },
    Case {
        name: "a label moves to the scope",
        breaks: |new| {
            metric(new, "send_size").attributes.clear();
            new.expositions[0].scope_labels.push("exporter".to_owned());
        },
        expected: &[
            ("expositions::prometheus::scope_labels", Rule::LabelAdded, Breaking, Major),
            ("metrics::send_size::attributes::exporter", Rule::LabelRemoved, Breaking, Minor),
        ],
    },
    Case {
        name: "a label is not always there any more",
        breaks: |new| metric(new, "failed").attributes[0].requirement_level = Requirement::OptIn,
        expected: &[("metrics::failed::attributes::exporter", Rule::LabelNotAlways, Breaking, Major)],
    },
    Case {
        name: "a field of an event is always there",
        breaks: |new| event(new).attributes[1].requirement_level = Requirement::Required,
        expected: &[("events::data.dropped::attributes::reason", Rule::LabelAlways, Additive, Minor)],
    },
    Case {
        name: "a required field is added to an event, and a required attribute to a beta span",
        breaks: |new| {
            event(new).attributes.push(reference("spare", Requirement::Required));
            span(new).attributes.push(reference("spare", Requirement::Required));
        },
        expected: &[
            ("events::data.dropped::attributes::spare", Rule::LabelAdded, Breaking, Major),
            ("spans::export::attributes::spare", Rule::LabelAdded, Additive, Minor),
        ],
    },
    Case {
        name: "an enumeration that a stable metric has gains a value",
        breaks: |new| {
            let added = Member { value: "shutdown".to_owned(), ..members(new)[0].clone() };
            members(new).push(added);
        },
        expected: &[("attributes::reason::members::shutdown", Rule::ValueAdded, Breaking, Major)],
    },
    Case {
        name: "an enumeration loses a value",
        breaks: |new| drop(members(new).pop()),
        expected: &[("attributes::reason::members::timeout", Rule::ValueRemoved, Breaking, Major)],
    },
    Case {
        name: "a value is renamed",
        breaks: |new| members(new)[0].value = "QueueFull".to_owned(),
        expected: &[
            ("attributes::reason::members::queue_full", Rule::ValueRemoved, Breaking, Major),
            ("attributes::reason::members::QueueFull", Rule::ValueAdded, Breaking, Major),
        ],
    },
    Case {
        name: "a value is promised less, and another is deprecated",
        breaks: |new| {
            members(new)[0].stability = Stability::Alpha;
            members(new)[1].deprecated =
                Some(Deprecated::Obsoleted { note: "It does not occur.".to_owned() });
        },
        expected: &[
            ("attributes::reason::members::queue_full::stability", Rule::StabilityLowered, Forbidden, Major),
            ("attributes::reason::members::timeout::deprecated", Rule::Deprecated, Additive, Minor),
        ],
    },
    Case {
        name: "an enumeration becomes text, and text numbers",
        breaks: |new| {
            attribute(new, "reason").kind = AttributeKind::Primitive(Primitive::String);
            attribute(new, "spare").kind = AttributeKind::Primitive(Primitive::Int);
        },
        expected: &[
            ("attributes::reason::type", Rule::ValueTypeOfLabelChanged, Breaking, Major),
            ("attributes::spare::type", Rule::ValueTypeOfLabelChanged, Breaking, Major),
        ],
    },
    Case {
        name: "a domain is widened, and another exchanged for one as wide",
        breaks: |new| {
            attribute(new, "exporter").annotations.contract.domain = Some(Domain::Unbounded);
            attribute(new, "url.path").annotations.contract.domain = Some(Domain::PipelineId);
        },
        expected: &[
            ("attributes::exporter::domain", Rule::DomainWidened, Breaking, Major),
            ("attributes::url.path::domain", Rule::DomainWidened, Breaking, Major),
        ],
    },
    Case {
        name: "a domain is narrowed",
        breaks: |new| attribute(new, "exporter").annotations.contract.domain = Some(Domain::Process),
        expected: &[("attributes::exporter::domain", Rule::DomainNarrowed, Additive, Minor)],
    },
    Case {
        name: "an attribute is declared, and another is not any more",
        breaks: |new| {
            rename(&mut new.attributes, "spare", "new");
        },
        expected: &[
            ("attributes::spare", Rule::LabelRemoved, Breaking, Minor),
            ("attributes::new", Rule::Added, Additive, Minor),
        ],
    },
    Case {
        name: "an event gets another severity, and may be left out",
        breaks: |new| {
            let note = &mut event(new).annotations.contract;
            (note.severity, note.sampled) = (Severity::Warn, true);
        },
        expected: &[
            ("events::data.dropped::severity", Rule::SeverityChanged, Breaking, Major),
            ("events::data.dropped::sampled", Rule::SampledChanged, Breaking, Major),
        ],
    },
    Case {
        name: "a beta span gets another kind, name and status, and loses an event",
        breaks: |new| {
            let span = span(new);
            span.kind = SpanKind::Internal;
            span.annotations.contract.name_pattern = "export".to_owned();
            span.annotations.contract.status = "never".to_owned();
            span.annotations.contract.events.clear();
        },
        expected: &[
            ("spans::export::kind", Rule::SpanKindChanged, Breaking, Minor),
            ("spans::export::name_pattern", Rule::SpanNameChanged, Breaking, Minor),
            ("spans::export::status", Rule::SpanStatusChanged, Breaking, Minor),
            ("spans::export::events", Rule::SpanEventRemoved, Breaking, Minor),
        ],
    },
    Case {
        name: "the identity of the resource changes",
        breaks: |new| {
            let service = new.entities.get_mut("service").expect("the entity of the snapshot");
            service.identity[0].requirement_level = Requirement::OptIn;
            service.identity.push(reference("url.path", Requirement::Required));
        },
        expected: &[
            ("entities::service::identity", Rule::IdentityChanged, Breaking, Major),
            ("entities::service::identity::service.instance.id", Rule::IdentityChanged, Breaking, Major),
        ],
    },
    Case {
        name: "what is told of the resource changes",
        breaks: |new| {
            let service = new.entities.get_mut("service").expect("the entity of the snapshot");
            service.description = vec![reference("url.path", Requirement::OptIn)];
        },
        expected: &[
            ("entities::service::description", Rule::LabelRemoved, Breaking, Major),
            ("entities::service::description", Rule::Added, Additive, Minor),
        ],
    },
    Case {
        name: "the contract is called otherwise",
        breaks: |new| new.name = "other".to_owned(),
        expected: &[("name", Rule::ContractRenamed, Breaking, Major)],
    },
    Case {
        name: "the family of the schema URL is another one",
        breaks: |new| new.schema_url = "https://other.example/1.3.0".to_owned(),
        expected: &[("schema_url", Rule::ContractRenamed, Breaking, Major)],
    },
    Case {
        name: "the schema URL ends with another version",
        breaks: |new| new.schema_url = "https://etalon.example/schemas/etalon/1.3.0".to_owned(),
        expected: &[],
    },
    Case {
        name: "another exposition is the default one",
        breaks: |new| new.expositions.reverse(),
        expected: &[("expositions::default", Rule::DefaultExpositionChanged, Breaking, Major)],
    },
    Case {
        name: "an exposition is exchanged for another",
        breaks: |new| new.expositions[1].id = "classic".to_owned(),
        expected: &[
            ("expositions::suffixed", Rule::ExpositionRemoved, Breaking, Major),
            ("expositions::classic", Rule::Added, Additive, Minor),
        ],
    },
    Case {
        name: "an exposition keeps dots",
        breaks: |new| new.expositions[0].escaping = Escaping::Utf8,
        expected: &[
            ("expositions::prometheus::escaping", Rule::NamingChanged, Breaking, Major),
            (
                "metrics::failed::exposed::prometheus::labels::url.path",
                Rule::ExposedLabelChanged,
                Breaking,
                Major,
            ),
            ("metrics::queue.size::exposed::prometheus::name", Rule::ExposedNameChanged, Forbidden, Major),
        ],
    },
    Case {
        name: "code binds a metric otherwise",
        breaks: |new| drop(new.groups.insert("exporter".to_owned(), "What exporters count.".to_owned())),
        expected: &[("groups", Rule::TextChanged, Verdict::None, Patch)],
    },
];

#[test]
fn the_end_of_what_is_deprecated_may_be_told_later() {
    let mut old = snapshot();
    metric(&mut old, "accepted").annotations.contract.removed_in = None;
    let changes = compare(&old, &snapshot());
    assert_eq!(found(&changes), [("metrics::accepted::removed_in", Rule::Deprecated, Additive, Minor)]);
}

#[test]
fn each_rule_finds_its_change_and_no_other_does() {
    run(CASES);
}

#[test]
fn there_is_a_case_for_every_rule() {
    let met = run(CASES);
    let missing: Vec<Rule> = Rule::ALL.iter().copied().filter(|rule| !met.contains(rule)).collect();
    assert_eq!(missing, []);
}
