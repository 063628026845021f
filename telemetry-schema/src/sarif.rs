//! Static Analysis Results Interchange Format, 2.1.0: what code hosts show beside the lines of a change.

use serde_json::{Value, json};

/// A run of a tool.
pub(crate) struct Run {
    /// Its name.
    pub(crate) tool: &'static str,
    /// Id and summary of each rule.
    pub(crate) rules: Vec<(&'static str, &'static str)>,
    /// What could not be looked at.
    pub(crate) notifications: Vec<Value>,
    /// What was found.
    pub(crate) results: Vec<Value>,
}

impl Run {
    /// A document with this one run.
    pub(crate) fn document(self) -> Value {
        let Self { tool, rules, notifications, results } = self;
        let rules: Vec<Value> = rules
            .into_iter()
            .map(|(id, summary)| json!({"id": id, "shortDescription": {"text": summary}}))
            .collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {"name": tool, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "invocations": [{
                    "executionSuccessful": notifications.is_empty(),
                    "toolExecutionNotifications": notifications,
                }],
                "results": results,
            }],
        })
    }
}

/// A place in a file.
pub(crate) fn location(file: &str, region: Value) -> Value {
    json!({"physicalLocation": {"artifactLocation": {"uri": file}, "region": region}})
}
