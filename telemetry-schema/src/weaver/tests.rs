//! Our files are what Weaver reads, as far as its JSON Schemas tell.

use std::path::{Path, PathBuf};

use jsonschema::Validator;

use super::*;
use crate::load::yaml_files;

const MANIFEST: &str = include_str!("../../weaver/definition-manifest.v2.json");
const DEFINITIONS: &str = include_str!("../../weaver/semconv.schema.v2.json");
const RESOLVED: &str = include_str!("../../weaver/semconv.resolved.v2.json");

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn validator(schema: &str) -> Validator {
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    // It says that a schema URL is an object. Weaver reads and writes text.
    if let Some(url) = schema.pointer_mut("/$defs/SchemaUrl") {
        assert_eq!(url["type"], "object");
        *url = json!({"type": "string"});
    }
    jsonschema::validator_for(&schema).unwrap()
}

fn problems(validator: &Validator, document: &Value) -> Vec<String> {
    let told = |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    validator.iter_errors(document).map(told).collect()
}

fn yaml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    etalon_conf::Node::parse("model", &text).unwrap().decode().unwrap()
}

#[test]
fn every_definition_file_and_the_manifest_are_valid_to_weaver() {
    let definitions = validator(DEFINITIONS);
    let files = yaml_files(&root().join("model")).unwrap();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert_eq!(problems(&definitions, &yaml(&file)), [""; 0], "{}", file.display());
    }
    assert_eq!(problems(&validator(MANIFEST), &yaml(&root().join("manifest.yaml"))), [""; 0]);
}

#[test]
fn a_key_of_ours_beside_the_annotations_is_not_valid_to_weaver() {
    let mut file = yaml(&root().join("model/receiver.yaml"));
    file["metrics"][0]["level"] = "basic".into();
    assert_eq!(problems(&validator(DEFINITIONS), &file).len(), 1);
    file["metrics"][0].as_object_mut().unwrap().remove("level");
    file["metrics"][0]["unit"] = 1.into();
    assert_eq!(problems(&validator(DEFINITIONS), &file).len(), 1);
}

#[test]
fn the_resolved_form_is_valid_to_weaver_and_refers_to_the_right_attributes() {
    let snapshot = Contract::from_json(include_str!("../diff/snapshot.json")).unwrap();
    let tree = crate::load(&root()).unwrap();
    for contract in [&snapshot, &tree] {
        let document = resolved(contract);
        assert_eq!(problems(&validator(RESOLVED), &document), [""; 0], "{}", contract.version);
        let metrics = document["registry"]["metrics"].as_array().unwrap();
        assert_eq!(metrics.len(), contract.metrics.len());
        for (metric, declared) in metrics.iter().zip(contract.metrics.values()) {
            let empty = Vec::new();
            let refs = metric["attributes"].as_array().unwrap_or(&empty).iter();
            let place = |reference: &Value| usize::try_from(reference["base"].as_u64().unwrap()).unwrap();
            let key = |reference| document["attribute_catalog"][place(reference)]["key"].as_str().unwrap();
            let keys: Vec<&str> = refs.map(key).collect();
            let declared: Vec<&str> = declared.attributes.iter().map(|each| each.key.as_str()).collect();
            assert_eq!(keys, declared, "{metric}");
        }
        assert_eq!(document["refinements"]["spans"].as_array().unwrap().len(), contract.spans.len());
    }
    let mut document = resolved(&tree);
    document["registry"]["metrics"][0]["attributes"] = json!([{"base": "exporter"}]);
    assert!(!problems(&validator(RESOLVED), &document).is_empty());
}
