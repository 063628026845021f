//! Metrics that go on under the name that they had.
//!
//! Whoever reads the old name goes on reading it, beside the new one, until the version that removes it. Nothing is
//! recorded twice: the values are those of the new name.

use crate::definition::Definition;

/// A metric that is deprecated, and the one that it is called now. They are the same but for their names.
pub(crate) type Renamed = (&'static Definition, &'static Definition);

/// The names under which `definition` is told, its own first.
pub(crate) fn names_of(
    definition: &'static Definition,
    renamed: &'static [Renamed],
) -> impl Iterator<Item = &'static Definition> {
    let old = renamed.iter().filter(|(_, new)| new.name == definition.name).map(|(old, _)| *old);
    std::iter::once(definition).chain(old)
}
