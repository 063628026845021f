//! What readers of the expositions see.

use super::Rule;
use super::site::Site;
use crate::contract::{Contract, Metric};
use crate::exposition::Exposition;

/// The expositions themselves.
pub(super) fn expositions(site: &mut Site<'_>, old: &[Exposition], new: &[Exposition]) {
    let default = |list: &[Exposition]| list.first().map(|exposition| exposition.id.clone());
    site.field("default", &default(old), &default(new), Rule::DefaultExpositionChanged);
    for exposition in old {
        let mut site = site.at(&exposition.id);
        match new.iter().find(|new| new.id == exposition.id) {
            Some(new) => naming(&mut site, exposition, new),
            None => site.tell(Rule::ExpositionRemoved, Some(exposition.id.clone()), None),
        }
    }
    for exposition in new.iter().filter(|exposition| !old.iter().any(|old| old.id == exposition.id)) {
        site.at(&exposition.id).tell(Rule::Added, None, Some(exposition.id.clone()));
    }
}

fn naming(site: &mut Site<'_>, old: &Exposition, new: &Exposition) {
    let Exposition {
        id: _,
        escaping,
        unit_suffix,
        annotation_suffix,
        type_suffix,
        scope_labels,
        resource_labels,
    } = old;
    site.field("escaping", escaping, &new.escaping, Rule::NamingChanged);
    site.field("unit_suffix", unit_suffix, &new.unit_suffix, Rule::NamingChanged);
    site.field("annotation_suffix", annotation_suffix, &new.annotation_suffix, Rule::NamingChanged);
    site.field("type_suffix", type_suffix, &new.type_suffix, Rule::NamingChanged);
    let rules = (Rule::LabelAdded, Rule::LabelRemoved);
    site.names("scope_labels", scope_labels, &new.scope_labels, rules);
    site.names("resource_labels", resource_labels, &new.resource_labels, rules);
}

/// A metric through each exposition that both contracts have. Labels that come or go are told of the metric or of the
/// exposition; here, those that are called otherwise.
pub(super) fn families(
    site: &mut Site<'_>,
    (old, old_contract): (&Metric, &Contract),
    (new, new_contract): (&Metric, &Contract),
) {
    for old_exposition in &old_contract.expositions {
        let Some(new_exposition) = new_contract.exposition(&old_exposition.id) else { continue };
        let mut site = site.at(&old_exposition.id);
        let (seen, now) =
            (old_contract.family(old, old_exposition), new_contract.family(new, new_exposition));
        site.field("name", &seen.name, &now.name, Rule::ExposedNameChanged);
        site.field("type", &seen.kind.word(), &now.kind.word(), Rule::ExposedTypeChanged);
        let stayed = |key: &String| new.attributes.iter().any(|attribute| attribute.key == *key);
        for key in old.attributes.iter().map(|attribute| &attribute.key).filter(|key| stayed(key)) {
            let (seen, now) = (old_exposition.escaped(key), new_exposition.escaped(key));
            site.at("labels").field(key, &seen, &now, Rule::ExposedLabelChanged);
        }
    }
}
