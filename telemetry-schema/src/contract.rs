//! What a contract declares.

mod attribute;
mod entity;
mod event;
mod metric;
mod span;
mod stability;

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::exposition::Exposition;

pub use attribute::{
    Attribute, AttributeKind, AttributeNote, AttributeRef, Domain, Member, Primitive, Requirement,
};
pub use entity::Entity;
pub use event::{Event, EventNote, Severity};
pub use metric::{Binding, Instrument, Level, Metric, MetricNote, Presence, Relation, Upstream, ValueType};
pub use span::{Span, SpanKind, SpanName, SpanNote};
pub use stability::{Annotated, Deprecated, Stability};

/// Everything that one version of a collector says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// Whose contract it is: `etalon`, `otelcol`.
    pub name: String,
    /// The version of the contract, which is not that of the product.
    pub version: Version,
    /// What tells its family, and the version, to programs that read many; nothing for another collector's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schema_url: String,
    /// How readers see the metrics. The first is the default one.
    pub expositions: Vec<Exposition>,
    /// By key.
    pub attributes: BTreeMap<String, Attribute>,
    /// By name.
    pub metrics: BTreeMap<String, Metric>,
    /// By name.
    #[serde(default)]
    pub events: BTreeMap<String, Event>,
    /// By type.
    #[serde(default)]
    pub spans: BTreeMap<String, Span>,
    /// By type.
    #[serde(default)]
    pub entities: BTreeMap<String, Entity>,
    /// What always holds between metrics, by id: a sentence, and an equation of metric names.
    #[serde(default)]
    pub invariants: BTreeMap<String, String>,
    /// What the metrics with the same group in their [`Binding`] have in common, in a sentence, by name of the group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, String>,
}

impl Contract {
    /// What a metric is called now that is deprecated, when its name is all that has changed.
    pub fn successor(&self, metric: &Metric) -> Option<&Metric> {
        match &metric.deprecated {
            Some(Deprecated::Renamed { renamed_to }) => self.metrics.get(renamed_to),
            _ => None,
        }
    }
}
