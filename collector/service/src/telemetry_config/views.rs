//! `service.telemetry.metrics.views`: metrics that no reader is told of.

use etalon_conf::{Check, Validate};
use etalon_telemetry::Selector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Unsupported;

/// What becomes of some metrics. The only thing that can become of them is that they are dropped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ViewConfig {
    /// Which metrics: those that have all that is said here. At least one key must be given.
    selector: ViewSelector,
    /// What becomes of them.
    stream: ViewStream,
}

/// Some metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct ViewSelector {
    /// Name as OTLP has it, in which `*` is any text and `?` any character.
    instrument_name: Option<String>,
    /// Not supported: the kind of instrument.
    instrument_type: Option<Unsupported>,
    /// Unit as OTLP has it.
    unit: Option<String>,
    /// Name of the scope; that of all metrics is `etalon`.
    meter_name: Option<String>,
    /// Version of the scope, which is that of Etalon.
    meter_version: Option<String>,
    /// Not supported: the schema of the scope.
    meter_schema_url: Option<Unsupported>,
}

/// What becomes of metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct ViewStream {
    /// Not supported: another name.
    name: Option<Unsupported>,
    /// Not supported: another description.
    description: Option<Unsupported>,
    /// How values are brought together.
    aggregation: ViewAggregation,
    /// Not supported: the most series of a metric.
    aggregation_cardinality_limit: Option<Unsupported>,
    /// Not supported: the attributes that stay.
    attribute_keys: Option<Unsupported>,
}

/// How values are brought together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct ViewAggregation {
    /// Not at all: `{}`. Must be given.
    drop: Option<Drop>,
    /// Not supported.
    default: Option<Unsupported>,
    /// Not supported.
    explicit_bucket_histogram: Option<Unsupported>,
    /// Not supported.
    base2_exponential_bucket_histogram: Option<Unsupported>,
    /// Not supported.
    last_value: Option<Unsupported>,
    /// Not supported.
    sum: Option<Unsupported>,
}

/// Nothing more to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Drop {}

impl ViewConfig {
    pub(super) fn selector(&self) -> Selector {
        let ViewSelector { instrument_name, unit, meter_name, meter_version, .. } = self.selector.clone();
        Selector { name: instrument_name, unit, scope: meter_name, scope_version: meter_version }
    }
}

impl Validate for ViewConfig {
    fn validate(&self, check: &mut Check) {
        check.at("selector", |check| {
            if self.selector() == Selector::default() {
                check.error("must have instrument_name, unit, meter_name or meter_version");
            }
            let ViewSelector { instrument_type, meter_schema_url, .. } = &self.selector;
            refuse(check, [("instrument_type", instrument_type), ("meter_schema_url", meter_schema_url)]);
        });
        check.at("stream", |check| {
            let ViewStream { name, description, aggregation_cardinality_limit, attribute_keys, .. } =
                &self.stream;
            refuse(
                check,
                [
                    ("name", name),
                    ("description", description),
                    ("aggregation_cardinality_limit", aggregation_cardinality_limit),
                    ("attribute_keys", attribute_keys),
                ],
            );
            check.field("aggregation", &self.stream.aggregation);
        });
    }
}

impl Validate for ViewAggregation {
    fn validate(&self, check: &mut Check) {
        let Self {
            drop,
            default,
            explicit_bucket_histogram,
            base2_exponential_bucket_histogram,
            last_value,
            sum,
        } = self;
        refuse(
            check,
            [
                ("default", default),
                ("explicit_bucket_histogram", explicit_bucket_histogram),
                ("base2_exponential_bucket_histogram", base2_exponential_bucket_histogram),
                ("last_value", last_value),
                ("sum", sum),
            ],
        );
        if drop.is_none() {
            check.error_with_help(
                "a view can only drop metrics in this version",
                "write aggregation: {drop: {}}",
            );
        }
    }
}

fn refuse<const N: usize>(check: &mut Check, keys: [(&str, &Option<Unsupported>); N]) {
    for (key, value) in keys {
        if value.is_some() {
            check.at(key, |check| check.error("is not supported yet by this version"));
        }
    }
}

#[cfg(test)]
mod tests {
    use etalon_conf::Node;
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_view_drops_what_its_selector_selects() {
        let yaml = "selector: {instrument_name: 'otelcol_*', unit: By, meter_name: a, meter_version: b}\nstream: {aggregation: {drop: {}}}";
        let view: ViewConfig = Node::parse("c.yaml", yaml).unwrap().decode_valid().unwrap();
        let text = |text: &str| Some(text.to_owned());
        let expected = Selector {
            name: text("otelcol_*"),
            unit: text("By"),
            scope: text("a"),
            scope_version: text("b"),
        };
        assert_eq!(view.selector(), expected);
    }

    #[test]
    fn what_a_view_cannot_do_is_refused_with_its_place() {
        let yaml = "selector: {instrument_type: counter}\nstream: {name: x, aggregation: {sum: {}}}";
        let problems = Node::parse("c.yaml", yaml).unwrap().decode_valid::<ViewConfig>().unwrap_err();
        expect![[r"
            c.yaml:1:1: selector: must have instrument_name, unit, meter_name or meter_version
               |
             1 | selector
               | ^^^^^^^^
            c.yaml:1:12: selector::instrument_type: is not supported yet by this version
               |
             1 | selector: {instrument_type
               |            ^^^^^^^^^^^^^^^
            c.yaml:2:10: stream::name: is not supported yet by this version
               |
             2 | stream: {name
               |          ^^^^
            c.yaml:2:19: stream::aggregation: a view can only drop metrics in this version; write aggregation: {drop: {}}
               |
             2 | aggregation
               | ^^^^^^^^^^^
            c.yaml:2:33: stream::aggregation::sum: is not supported yet by this version
               |
             2 | sum
               | ^^^"]].assert_eq(&problems.to_string());
    }
}
