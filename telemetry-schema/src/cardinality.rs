//! How many series a metric can have.

use std::fmt;

use crate::contract::{AttributeKind, Contract, Domain, Metric, Requirement};

/// The most series that a metric can have in one process: the product of the numbers of values of its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxSeries {
    factors: Vec<Factor>,
    /// Samples that a Prometheus reader sees of each series.
    samples: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Factor {
    values: Values,
    /// Whether to be without it is one more.
    optional: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    Number(usize),
    /// As many as there are of these in the configuration.
    Configured(String),
}

impl Contract {
    /// The most series that `metric` can have.
    pub fn max_series(&self, metric: &Metric) -> MaxSeries {
        let domain = |key: &str| {
            let attribute = self.attributes.get(key)?;
            let AttributeKind::Primitive(_) = attribute.kind else { return None };
            attribute.annotations.contract.domain
        };
        let refs = &metric.attributes;
        let is_of_component = refs.iter().any(|each| domain(&each.key) == Some(Domain::ComponentId));
        let mut factors: Vec<Factor> = Vec::new();
        for each in refs {
            let values = match self.attributes.get(&each.key).map(|attribute| &attribute.kind) {
                Some(AttributeKind::Enum { members }) => Values::Number(members.len()),
                Some(AttributeKind::Primitive(_)) | None => match domain(&each.key) {
                    // A component has one destination, which adds nothing to its id.
                    Some(Domain::Destination) if is_of_component => continue,
                    Some(Domain::Process) => continue,
                    Some(Domain::ComponentId) => Values::Configured(format!("{}s", each.key)),
                    Some(Domain::PipelineId) => Values::Configured("pipelines".to_owned()),
                    Some(Domain::Destination) => Values::Configured("destinations".to_owned()),
                    Some(Domain::Configuration | Domain::Unbounded) | None => {
                        Values::Configured(format!("values of {}", each.key))
                    }
                },
            };
            // The parts of a destination vary together, as one.
            if factors.iter().any(|factor| factor.values == values && matches!(values, Values::Configured(_)))
            {
                continue;
            }
            factors.push(Factor { values, optional: each.requirement_level != Requirement::Required });
        }
        // Each bound, the infinite one, the sum and the count.
        let buckets = metric.annotations.contract.buckets.len();
        MaxSeries { factors, samples: if buckets == 0 { 1 } else { buckets + 3 } }
    }
}

impl fmt::Display for MaxSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut number, mut words) = (1, Vec::new());
        for Factor { values, optional } in &self.factors {
            match values {
                Values::Number(values) => number *= values + usize::from(*optional),
                Values::Configured(what) if *optional => words.push(format!("({what} + 1)")),
                Values::Configured(what) => words.push(what.clone()),
            }
        }
        if number > 1 || words.is_empty() {
            words.insert(0, number.to_string());
        }
        f.write_str(&words.join(" × "))?;
        match self.samples {
            1 => Ok(()),
            samples => write!(f, ", each of {samples} samples in Prometheus"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = r#"{
      "name": "etalon", "version": "0.1.0", "expositions": [{"id": "prometheus"}],
      "attributes": {
        "exporter": {"key": "exporter", "type": "string", "brief": "", "stability": "beta", "annotations": {"contract": {"domain": "component_id"}}},
        "host": {"key": "host", "type": "string", "brief": "", "stability": "beta", "annotations": {"contract": {"domain": "destination"}}},
        "port": {"key": "port", "type": "string", "brief": "", "stability": "beta", "annotations": {"contract": {"domain": "destination"}}},
        "version": {"key": "version", "type": "string", "brief": "", "stability": "beta", "annotations": {"contract": {"domain": "process"}}},
        "pipeline": {"key": "pipeline", "type": "string", "brief": "", "stability": "beta", "annotations": {"contract": {"domain": "pipeline_id"}}},
        "tenant": {"key": "tenant", "type": "string", "brief": "", "stability": "beta", "annotations": {"contract": {"domain": "configuration"}}},
        "reason": {"key": "reason", "type": {"members": [
          {"id": "a", "value": "a", "brief": "", "stability": "beta"},
          {"id": "b", "value": "b", "brief": "", "stability": "beta"}]}, "brief": "", "stability": "beta"}
      },
      "metrics": {"m": {"name": "m", "brief": "", "instrument": "histogram", "unit": "s", "stability": "beta",
        "annotations": {"contract": {"since": "0.1.0", "level": "basic", "value_type": "int", "presence": "at_start", "recorded": ""}}}}
    }"#;

    /// What is told of a metric with these attributes, each required or, with a question mark, not.
    fn told(keys: &[&str], buckets: &[f64]) -> String {
        let contract = Contract::from_json(MODEL).unwrap();
        let mut metric = contract.metrics["m"].clone();
        metric.annotations.contract.buckets = buckets.to_vec();
        for key in keys {
            let (key, requirement_level) = match key.strip_suffix('?') {
                Some(key) => (key, Requirement::Recommended),
                None => (*key, Requirement::Required),
            };
            metric.attributes.push(crate::AttributeRef { key: key.to_owned(), requirement_level });
        }
        contract.max_series(&metric).to_string()
    }

    #[test]
    fn the_bound_is_the_product_of_what_bounds_each_label() {
        for (keys, expected) in [
            (&[] as &[&str], "1"),
            (&["version"], "1"),
            (&["exporter"], "exporters"),
            (&["exporter", "reason"], "2 × exporters"),
            (&["exporter?", "reason?"], "3 × (exporters + 1)"),
            (&["exporter", "host?", "port?"], "exporters"),
            (&["host", "port"], "destinations"),
            (&["pipeline", "tenant"], "pipelines × values of tenant"),
        ] {
            assert_eq!(told(keys, &[]), expected, "{keys:?}");
        }
        assert_eq!(told(&["exporter"], &[1.0, 2.0]), "exporters, each of 5 samples in Prometheus");
    }
}
