//! The JSON Schema of definition files, for editors.

use schemars::Schema;
use schemars::transform::{RecursiveTransform, Transform as _};

use crate::load::Definitions;

/// What an editor needs to complete and check a definition file.
pub fn definitions_schema() -> Schema {
    let mut schema = schemars::schema_for!(Definitions);
    // The loader refuses keys that it does not know.
    let mut close = RecursiveTransform(|schema: &mut Schema| {
        if schema.get("properties").is_some() {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
    });
    close.transform(&mut schema);
    schema
}
