//! A push over OTLP, as JSON.

use std::collections::BTreeSet;

use etalon_telemetry_schema::Contract;
use serde_json::{Map, Value};

use super::is_momentary;
use crate::contract::Result;

/// What a data point says of the time at which it was made.
const TIMES: [&str; 2] = ["timeUnixNano", "startTimeUnixNano"];

/// An export request without times, with 0 for what is of the moment, in an order that does not depend on anything.
pub(super) fn timeless(request: &str, contract: &Contract) -> Result<String> {
    let mut request: Value = serde_json::from_str(request)?;
    let momentary: BTreeSet<&str> = contract
        .metrics
        .values()
        .filter(|metric| is_momentary(metric))
        .map(|metric| metric.name.as_str())
        .collect();
    for scope in children(&mut request, "resourceMetrics") {
        for metrics in children(scope, "scopeMetrics") {
            for metric in children(metrics, "metrics") {
                let is_momentary = metric["name"].as_str().is_some_and(|name| momentary.contains(name));
                let data = ["sum", "gauge", "histogram"].into_iter().find(|kind| !metric[kind].is_null());
                let data = data.ok_or("a metric of no kind that is known")?;
                let Some(points) = metric[data]["dataPoints"].as_array_mut() else { continue };
                for point in points.iter_mut().filter_map(Value::as_object_mut) {
                    still(point, is_momentary);
                }
                points.sort_by_cached_key(ToString::to_string);
            }
            sort(&mut metrics["metrics"], "name");
        }
    }
    Ok(format!("{request:#}\n"))
}

fn children<'a>(value: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    value[key].as_array_mut().into_iter().flatten()
}

fn still(point: &mut Map<String, Value>, is_momentary: bool) {
    point.retain(|key, _| !TIMES.contains(&key.as_str()));
    if let Some(attributes) = point.get_mut("attributes") {
        sort(attributes, "key");
    }
    for (key, zero) in [("asInt", Value::from("0")), ("asDouble", Value::from(0))] {
        if is_momentary && let Some(value) = point.get_mut(key) {
            *value = zero;
        }
    }
}

fn sort(list: &mut Value, key: &str) {
    if let Some(list) = list.as_array_mut() {
        list.sort_by_cached_key(|item| item[key].to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Tree;

    #[test]
    fn what_is_of_the_moment_leaves_a_push_and_the_order_is_fixed() {
        let contract = Tree::load().unwrap().current;
        let request = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
            {"name":"otelcol_process_uptime","sum":{"isMonotonic":true,"dataPoints":[{"timeUnixNano":"5","startTimeUnixNano":"4","asDouble":1.5}]}},
            {"name":"etalon_contract_info","gauge":{"dataPoints":[
              {"timeUnixNano":"5","asInt":"1","attributes":[{"key":"b"},{"key":"a"}]},
              {"timeUnixNano":"5","asInt":"0"}]}}]}]}]}"#;
        let expected = serde_json::json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            {"name": "etalon_contract_info", "gauge": {"dataPoints": [
                {"asInt": "0"}, {"asInt": "1", "attributes": [{"key": "a"}, {"key": "b"}]}]}},
            {"name": "otelcol_process_uptime", "sum": {"isMonotonic": true, "dataPoints": [{"asDouble": 0}]}}]}]}]});
        assert_eq!(timeless(request, &contract).unwrap(), format!("{expected:#}\n"));
        assert!(
            timeless(r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"x"}]}]}]}"#, &contract)
                .is_err()
        );
    }
}
