//! What is made of `telemetry-schema/`: `collector/telemetry/src/generated/`, the reference in the book, the resolved
//! contract, and the JSON Schema of the files for editors.

mod event_pages;
mod events;
mod pages;
mod spans;
mod view;

use std::fmt::Write as _;

use etalon_telemetry_schema::released;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};

use super::markdown::escaped;
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
    let names = ["attributes", "definitions", "metrics", "events", "spans"];
    let mut files = names.into_iter().map(code).collect::<Result<Vec<_>>>()?;
    // The whole contract in one file, for programs.
    files.push(Generated { path: format!("{SCHEMA}/resolved/current.json"), content: contract.to_json() });
    files.push(carried()?);
    files.push(editor_schema()?);
    files.extend(pages::generate(&contract, &templates)?);
    Ok(files)
}

/// The releases that programs carry: all of them.
fn carried() -> Result<Generated> {
    let mut code =
        "//! Every release of the contract, the oldest first.\n\nuse super::Carried;\n\n".to_owned();
    code.push_str("pub(super) const RELEASED: &[Carried] = &[\n");
    for listed in released::list(&root().join(SCHEMA).join("released"))?.releases {
        let version = listed.version;
        let json = format!("include_str!(\"../../released/{version}/{}\")", released::CONTRACT);
        writeln!(code, "Carried {{ name: \"{version}\", json: {json} }},")?;
    }
    code.push_str("];\n");
    Ok(Generated { path: format!("{SCHEMA}/src/catalog/released.rs"), content: formatted(&code)? })
}

/// What editors complete and check the definition files with.
fn editor_schema() -> Result<Generated> {
    let content = serde_json::to_string_pretty(&etalon_telemetry_schema::definitions_schema())? + "\n";
    Ok(Generated { path: format!("{SCHEMA}/definitions.schema.json"), content })
}

fn templates() -> Result<Environment<'static>> {
    let mut templates = Environment::new();
    templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.add_filter("doc", doc);
    templates.add_filter("text", |text: String| format!("{text:?}"));
    templates.add_filter("cell", |text: String| escaped(&text).replace("&lt;br>", "<br>"));
    templates.add_template("attributes", include_str!("telemetry/attributes.rs.jinja"))?;
    templates.add_template("definitions", include_str!("telemetry/definitions.rs.jinja"))?;
    templates.add_template("metrics", include_str!("telemetry/metrics.rs.jinja"))?;
    templates.add_template("spans", include_str!("telemetry/spans.rs.jinja"))?;
    templates.add_template("spans.md", include_str!("telemetry/spans.md.jinja"))?;
    templates.add_template("events", include_str!("telemetry/events.rs.jinja"))?;
    templates.add_template("events.md", include_str!("telemetry/events.md.jinja"))?;
    templates.add_template("index", include_str!("telemetry/index.md.jinja"))?;
    templates.add_template("group", include_str!("telemetry/group.md.jinja"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = r#"file_format: definition/2
metrics:
  - name: etalon_lost
    brief: Items that are lost.
    instrument: counter
    unit: "{item}"
    stability: beta
    deprecated: {reason: renamed, renamed_to: etalon_dropped}
    annotations:
      contract: {since: 0.1.0, deprecated_since: 0.2.0, removed_in: 1.0.0, level: basic, value_type: int, presence: at_start, recorded: at once}
  - name: etalon_dropped
    brief: Items that are lost.
    instrument: counter
    unit: "{item}"
    stability: beta
    annotations:
      contract: {since: 0.2.0, level: basic, value_type: int, presence: at_start, recorded: at once, binding: {group: process, name: dropped}}
"#;

    #[test]
    fn what_was_renamed_is_told_under_both_names_and_the_old_one_says_so() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("model")).unwrap();
        for (name, text) in [
            ("manifest.yaml", "schema_url: https://etalon.example/schemas/etalon/0.2.0\n"),
            (
                "contract.yaml",
                "name: etalon\nexpositions: [{id: prometheus}]\ngroups: {process: The process.}\n",
            ),
            ("model/a.yaml", MODEL),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let contract = etalon_telemetry_schema::load(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        let view = Value::from(Serde(view::of(&contract).unwrap()));
        let render = |name: &str| {
            let text = templates().unwrap().get_template(name).unwrap().render(view.clone()).unwrap();
            formatted(&text).unwrap()
        };
        let definitions = render("definitions");
        assert!(
            definitions.contains("RENAMED: [Renamed; 1] = [(&ETALON_LOST, &ETALON_DROPPED)];"),
            "{definitions}"
        );
        let told = "brief: \"Items that are lost. (Deprecated since 0.2.0; use etalon_dropped.)\"";
        assert!(definitions.contains(told), "{definitions}");
        let metrics = render("metrics");
        assert!(metrics.contains("ETALON_DROPPED") && !metrics.contains("ETALON_LOST"), "{metrics}");
        let pages = pages::generate(&contract, &templates().unwrap()).unwrap();
        let page = pages.iter().find(|page| page.path.ends_with("telemetry/process.md")).unwrap();
        assert!(
            page.content
                .contains("| deprecated | since 0.2.0, until 1.0.0: it is called `etalon_dropped` now |"),
            "{}",
            page.content
        );
    }
}
