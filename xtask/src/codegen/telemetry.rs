//! What is made of `telemetry-schema/`: `collector/telemetry/src/generated/`, and the resolved contract.

mod view;

use std::fmt::Write as _;

use etalon_telemetry_schema::Contract;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};

use super::rust::formatted;
use super::{Generated, Result, root};

const SCHEMA: &str = "telemetry-schema";
const CODE: &str = "collector/telemetry/src/generated";

pub(super) fn generate() -> Result<Vec<Generated>> {
    let contract = etalon_telemetry_schema::load(&root().join(SCHEMA))?;
    let view = Value::from(Serde(view::of(&contract)?));
    let templates = templates()?;
    let code = |name: &str| -> Result<Generated> {
        let text = templates.get_template(name)?.render(view.clone())?;
        Ok(Generated { path: format!("{CODE}/{name}.rs"), content: formatted(&text)? })
    };
    Ok(vec![code("attributes")?, code("definitions")?, code("metrics")?, resolved(&contract)])
}

/// The whole contract in one file, for programs.
fn resolved(contract: &Contract) -> Generated {
    Generated { path: format!("{SCHEMA}/resolved/current.json"), content: contract.to_json() }
}

fn templates() -> Result<Environment<'static>> {
    let mut templates = Environment::new();
    templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.add_filter("doc", doc);
    templates.add_filter("text", |text: String| format!("{text:?}"));
    templates.add_template("attributes", include_str!("telemetry/attributes.rs.jinja"))?;
    templates.add_template("definitions", include_str!("telemetry/definitions.rs.jinja"))?;
    templates.add_template("metrics", include_str!("telemetry/metrics.rs.jinja"))?;
    Ok(templates)
}

/// A doc comment.
fn doc(text: String) -> String {
    let mut comment = String::new();
    for line in text.lines() {
        let space = if line.is_empty() { "" } else { " " };
        writeln!(comment, "///{space}{line}").expect("a String grows");
    }
    comment.trim_end().to_owned()
}
