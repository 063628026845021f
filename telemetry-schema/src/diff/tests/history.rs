//! What releases of the Go collector did to their users, done to the snapshot.
//!
//! Each case is a release whose change of names, units, labels, levels, presence or meaning broke a query, a dashboard or
//! an alert; many were announced as an improvement, and some not at all. Here, each is found.

use super::*;
use crate::contract::{Level, Presence, Stability};
use crate::exposition::Escaping;

use Bump::{Major, Minor};
use Verdict::{Additive, Breaking, Forbidden};

const CASES: &[Case] = &[
    Case {
        name: "0.62: series of failures are not there until something fails",
        breaks: |new| {
            metric(new, "failed").annotations.contract.presence =
                Presence::OnEvent("the first failure".to_owned());
        },
        expected: &[("metrics::failed::presence", Rule::PresenceWeakened, Breaking, Major)],
    },
    Case {
        name: "0.98: slashes in names of OTLP become underscores",
        breaks: |new| {
            rename(&mut new.metrics, "queue.size", "queue_size");
            metric(new, "queue_size").name = "queue_size".to_owned();
        },
        expected: &[
            ("metrics::queue.size", Rule::Removed, Forbidden, Major),
            ("metrics::queue_size", Rule::Added, Additive, Minor),
        ],
    },
    Case {
        name: "0.99: metrics of HTTP and RPC only at the level detailed",
        breaks: |new| metric(new, "failed").annotations.contract.level = Level::Detailed,
        expected: &[("metrics::failed::level", Rule::LevelRaised, Breaking, Major)],
    },
    Case {
        name: "0.107: names of libraries lose the prefix",
        breaks: |new| {
            rename(&mut new.metrics, "send_size", "size");
            metric(new, "size").name = "size".to_owned();
        },
        expected: &[
            ("metrics::send_size", Rule::Removed, Breaking, Minor),
            ("metrics::size", Rule::Added, Additive, Minor),
        ],
    },
    Case {
        name: "0.106: the unit 1 becomes {spans}",
        breaks: |new| metric(new, "failed").unit = "{items}".to_owned(),
        expected: &[("metrics::failed::unit", Rule::UnitChanged, Breaking, Major)],
    },
    Case {
        name: "0.110: six metrics that the release before had added are replaced",
        breaks: |new| {
            new.metrics.remove("limiter_accepted");
        },
        expected: &[
            ("metrics::accepted::deprecated", Rule::DeprecatedWithoutSuccessor, Forbidden, Major),
            ("metrics::limiter_accepted", Rule::Removed, Forbidden, Major),
        ],
    },
    Case {
        name: "0.111: metrics are removed without notice",
        breaks: |new| drop(new.metrics.remove("failed")),
        expected: &[("metrics::failed", Rule::Removed, Forbidden, Major)],
    },
    Case {
        name: "0.119: configured readers append units, _total and labels of the scope",
        breaks: |new| {
            let default = &mut new.expositions[0];
            (default.unit_suffix, default.type_suffix) = (true, true);
            default.scope_labels = vec!["otel_scope_name".to_owned(), "otel_scope_version".to_owned()];
        },
        expected: &[
            ("expositions::prometheus::unit_suffix", Rule::NamingChanged, Breaking, Major),
            ("expositions::prometheus::type_suffix", Rule::NamingChanged, Breaking, Major),
            ("expositions::prometheus::scope_labels", Rule::LabelAdded, Breaking, Major),
            ("expositions::prometheus::scope_labels", Rule::LabelAdded, Breaking, Major),
            ("metrics::accepted::exposed::prometheus::name", Rule::ExposedNameChanged, Forbidden, Major),
            ("metrics::failed::exposed::prometheus::name", Rule::ExposedNameChanged, Forbidden, Major),
            (
                "metrics::limiter_accepted::exposed::prometheus::name",
                Rule::ExposedNameChanged,
                Forbidden,
                Major,
            ),
            ("metrics::queue.size::exposed::prometheus::name", Rule::ExposedNameChanged, Forbidden, Major),
            ("metrics::send_size::exposed::prometheus::name", Rule::ExposedNameChanged, Breaking, Minor),
            ("metrics::uptime::exposed::prometheus::name", Rule::ExposedNameChanged, Forbidden, Major),
        ],
    },
    Case {
        name: "0.119: attributes of spans are renamed, and the exporter moves to another place",
        breaks: |new| span(new).attributes = vec![reference("spare", Requirement::Required)],
        expected: &[
            ("spans::export::attributes::exporter", Rule::LabelRemoved, Breaking, Minor),
            ("spans::export::attributes::spare", Rule::LabelAdded, Additive, Minor),
        ],
    },
    Case {
        name: "0.120: readers that know UTF-8 see dots",
        breaks: |new| new.expositions[1].escaping = Escaping::Utf8,
        expected: &[
            ("expositions::suffixed::escaping", Rule::NamingChanged, Breaking, Major),
            (
                "metrics::failed::exposed::suffixed::labels::url.path",
                Rule::ExposedLabelChanged,
                Breaking,
                Major,
            ),
            ("metrics::queue.size::exposed::suffixed::name", Rule::ExposedNameChanged, Forbidden, Major),
        ],
    },
    Case {
        name: "0.120 to 0.125: attributes of logs are renamed, vanish, and return elsewhere",
        breaks: |new| event(new).attributes.clear(),
        expected: &[
            ("events::data.dropped::attributes::exporter", Rule::LabelRemoved, Breaking, Major),
            ("events::data.dropped::attributes::reason", Rule::LabelRemoved, Breaking, Major),
        ],
    },
    Case {
        name: "0.125: values are written in small letters",
        breaks: |new| members(new)[1].value = "Timeout".to_owned(),
        expected: &[
            ("attributes::reason::members::timeout", Rule::ValueRemoved, Breaking, Major),
            ("attributes::reason::members::Timeout", Rule::ValueAdded, Breaking, Major),
        ],
    },
    Case {
        name: "0.122: metrics of the batch processor leave the level basic",
        breaks: |new| metric(new, "queue.size").annotations.contract.level = Level::Normal,
        expected: &[("metrics::queue.size::level", Rule::LevelRaised, Breaking, Major)],
    },
    Case {
        name: "0.126: every line of the log has the resource",
        breaks: |new| event(new).attributes.push(reference("service.instance.id", Requirement::Required)),
        expected: &[(
            "events::data.dropped::attributes::service.instance.id",
            Rule::LabelAdded,
            Breaking,
            Major,
        )],
    },
    Case {
        name: "0.128: spans of HTTP servers are named by the pattern",
        breaks: |new| span(new).annotations.contract.name_pattern = "[A-Z]+ /[a-z]+".to_owned(),
        expected: &[("spans::export::name_pattern", Rule::SpanNameChanged, Breaking, Minor)],
    },
    Case {
        name: "0.130: labels of the scope on every series",
        breaks: |new| {
            let added = ["otel_scope_name", "otel_scope_schema_url", "otel_scope_version"];
            new.expositions[0].scope_labels = added.map(str::to_owned).into();
        },
        expected: &[("expositions::prometheus::scope_labels", Rule::LabelAdded, Breaking, Major); 3],
    },
    Case {
        name: "0.130: units in braces leak into names",
        breaks: |new| new.expositions[1].annotation_suffix = true,
        expected: &[
            ("expositions::suffixed::annotation_suffix", Rule::NamingChanged, Breaking, Major),
            ("metrics::accepted::exposed::suffixed::name", Rule::ExposedNameChanged, Forbidden, Major),
            ("metrics::failed::exposed::suffixed::name", Rule::ExposedNameChanged, Forbidden, Major),
            (
                "metrics::limiter_accepted::exposed::suffixed::name",
                Rule::ExposedNameChanged,
                Forbidden,
                Major,
            ),
        ],
    },
    Case {
        name: "0.131: labels of the scope are gone again",
        breaks: |new| new.expositions[1].scope_labels.clear(),
        expected: &[("expositions::suffixed::scope_labels", Rule::LabelRemoved, Breaking, Major)],
    },
    Case {
        name: "0.133: a feature gate changes what refused means",
        breaks: |new| {
            metric(new, "failed").annotations.contract.recorded =
                "once for each request that the next component refuses".to_owned();
        },
        expected: &[("metrics::failed::recorded", Rule::MeaningChanged, Breaking, Major)],
    },
    Case {
        name: "0.144: the size of a sent batch only at the level detailed",
        breaks: |new| metric(new, "send_size").annotations.contract.level = Level::Detailed,
        expected: &[("metrics::send_size::level", Rule::LevelRaised, Breaking, Minor)],
    },
    Case {
        name: "0.146: send_failed is not there until the first failure",
        breaks: |new| {
            metric(new, "failed").annotations.contract.presence = Presence::OnEvent("a failure".to_owned());
        },
        expected: &[("metrics::failed::presence", Rule::PresenceWeakened, Breaking, Major)],
    },
    Case {
        name: "0.147: metrics of RPC are in seconds and not in milliseconds",
        breaks: |new| metric(new, "uptime").unit = "ms".to_owned(),
        expected: &[
            ("metrics::uptime::unit", Rule::UnitChanged, Breaking, Major),
            ("metrics::uptime::exposed::suffixed::name", Rule::ExposedNameChanged, Forbidden, Major),
        ],
    },
    Case {
        name: "0.147: scrapers of logs stop counting as data points",
        breaks: |new| {
            metric(new, "limiter_accepted").annotations.contract.recorded =
                "once for each request, but not of logs".to_owned();
        },
        expected: &[("metrics::limiter_accepted::recorded", Rule::MeaningChanged, Breaking, Major)],
    },
    Case {
        name: "0.148: units in the singular",
        breaks: |new| metric(new, "limiter_accepted").unit = "{items}".to_owned(),
        expected: &[
            ("metrics::accepted::deprecated", Rule::DeprecatedWithoutSuccessor, Forbidden, Major),
            ("metrics::limiter_accepted::unit", Rule::UnitChanged, Breaking, Major),
        ],
    },
    Case {
        name: "0.149: labels of the service leave the series",
        breaks: |new| {
            metric(new, "queue.size").attributes.clear();
            new.expositions[1].scope_labels.clear();
        },
        expected: &[
            ("expositions::suffixed::scope_labels", Rule::LabelRemoved, Breaking, Major),
            ("metrics::queue.size::attributes::exporter", Rule::LabelRemoved, Breaking, Major),
        ],
    },
    Case {
        name: "0.151: new attributes on what is sent and fails",
        breaks: |new| {
            metric(new, "queue.size").attributes.push(reference("url.path", Requirement::Required));
            metric(new, "send_size").attributes.push(reference("url.path", Requirement::Required));
        },
        expected: &[
            ("metrics::queue.size::attributes::url.path", Rule::LabelAdded, Breaking, Major),
            ("metrics::send_size::attributes::url.path", Rule::LabelAdded, Additive, Minor),
        ],
    },
    Case {
        name: "0.152: configured readers lose units, _total and labels of the scope",
        breaks: |new| {
            let suffixed = &mut new.expositions[1];
            (suffixed.unit_suffix, suffixed.type_suffix) = (false, false);
            suffixed.scope_labels.clear();
        },
        expected: &[
            ("expositions::suffixed::unit_suffix", Rule::NamingChanged, Breaking, Major),
            ("expositions::suffixed::type_suffix", Rule::NamingChanged, Breaking, Major),
            ("expositions::suffixed::scope_labels", Rule::LabelRemoved, Breaking, Major),
            ("metrics::accepted::exposed::suffixed::name", Rule::ExposedNameChanged, Forbidden, Major),
            ("metrics::failed::exposed::suffixed::name", Rule::ExposedNameChanged, Forbidden, Major),
            (
                "metrics::limiter_accepted::exposed::suffixed::name",
                Rule::ExposedNameChanged,
                Forbidden,
                Major,
            ),
            ("metrics::queue.size::exposed::suffixed::name", Rule::ExposedNameChanged, Forbidden, Major),
            ("metrics::send_size::exposed::suffixed::name", Rule::ExposedNameChanged, Breaking, Minor),
            ("metrics::uptime::exposed::suffixed::name", Rule::ExposedNameChanged, Forbidden, Major),
        ],
    },
    Case {
        name: "0.155: deprecated metrics go, on a day that nobody was told",
        breaks: |new| drop(new.metrics.remove("accepted")),
        expected: &[("metrics::accepted", Rule::Removed, Forbidden, Major)],
    },
    Case {
        name: "0.157: other bounds of histograms of bytes",
        breaks: |new| metric(new, "send_size").annotations.contract.buckets = vec![256.0, 1024.0, 8192.0],
        expected: &[("metrics::send_size::buckets", Rule::BucketsChanged, Breaking, Minor)],
    },
    Case {
        name: "0.159: the size of a sent batch is that after batching, and there only with batching",
        breaks: |new| {
            let note = &mut metric(new, "send_size").annotations.contract;
            note.recorded = "once for each request, before batching".to_owned();
            note.presence = Presence::OnConfig("batching".to_owned());
        },
        expected: &[
            ("metrics::send_size::presence", Rule::PresenceWeakened, Breaking, Minor),
            ("metrics::send_size::recorded", Rule::MeaningChanged, Breaking, Minor),
        ],
    },
    Case {
        name: "announced: every name gets dots, with a level of stability that promises nothing",
        breaks: |new| {
            rename(&mut new.metrics, "failed", "otelcol.failed");
            metric(new, "otelcol.failed").stability = Stability::Development;
        },
        expected: &[
            ("metrics::failed", Rule::Removed, Forbidden, Major),
            ("metrics::otelcol.failed", Rule::Added, Additive, Minor),
        ],
    },
];

#[test]
fn what_releases_of_the_go_collector_did_is_found() {
    run(CASES);
}

#[test]
fn a_change_of_help_alone_is_no_change_of_the_contract() {
    // 0.139 wrote [Alpha] for [alpha] in the text of every metric.
    let mut new = snapshot();
    for metric in new.metrics.values_mut() {
        metric.brief.push_str(" [Alpha]");
    }
    let changes = compare(&snapshot(), &new);
    assert_eq!(changes.len(), new.metrics.len());
    assert!(changes.iter().all(|change| change.verdict == Verdict::None), "{changes:#?}");
}
