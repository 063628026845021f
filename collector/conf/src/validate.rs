//! Rules that a value must obey beyond its type.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::{Problem, Problems};

/// A configuration that can say what is wrong with it.
pub trait Validate {
    /// Reports every broken rule to `check`.
    fn validate(&self, check: &mut Check);
}

/// Collects the problems that validation finds, and knows where in the configuration it is.
#[derive(Debug, Default)]
pub struct Check {
    path: Vec<String>,
    problems: Vec<Problem>,
}

impl Check {
    /// Nothing found yet, at the root.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `value`'s rules.
    pub fn run(value: &(impl Validate + ?Sized)) -> Result<(), Problems> {
        let mut check = Self::new();
        value.validate(&mut check);
        check.finish()
    }

    /// Something is wrong here.
    pub fn error(&mut self, message: impl Into<String>) {
        self.problems.push(Problem::new(self.path(), message));
    }

    /// Something is wrong here, and this is what to do.
    pub fn error_with_help(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::new(self.path(), message).with_help(help));
    }

    /// Checks a part: a field, a list element by its index, or a map entry by its key.
    pub fn at(&mut self, part: impl Display, rules: impl FnOnce(&mut Self)) {
        self.path.push(part.to_string());
        rules(self);
        self.path.pop();
    }

    /// Runs the rules of the value of a field, list element or map entry.
    pub fn field(&mut self, part: impl Display, value: &(impl Validate + ?Sized)) {
        self.at(part, |check| value.validate(check));
    }

    /// Where it is: `receivers::otlp`.
    pub fn path(&self) -> String {
        self.path.join("::")
    }

    /// What was found; an error when that is anything.
    pub fn finish(self) -> Result<(), Problems> {
        Problems::of(self.problems).map_or(Ok(()), Err)
    }
}

impl<T: Validate + ?Sized> Validate for &T {
    fn validate(&self, check: &mut Check) {
        (**self).validate(check);
    }
}

impl<T: Validate + ?Sized> Validate for Box<T> {
    fn validate(&self, check: &mut Check) {
        (**self).validate(check);
    }
}

impl<T: Validate> Validate for Option<T> {
    fn validate(&self, check: &mut Check) {
        if let Some(value) = self {
            value.validate(check);
        }
    }
}

impl<T: Validate> Validate for Vec<T> {
    fn validate(&self, check: &mut Check) {
        for (index, value) in self.iter().enumerate() {
            check.field(index, value);
        }
    }
}

impl<K: Display, V: Validate> Validate for BTreeMap<K, V> {
    fn validate(&self, check: &mut Check) {
        for (key, value) in self {
            check.field(key, value);
        }
    }
}

/// Both are the same part of the configuration.
impl<A: Validate, B: Validate> Validate for (A, B) {
    fn validate(&self, check: &mut Check) {
        self.0.validate(check);
        self.1.validate(check);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Optional;

    struct Port(u16);

    impl Validate for Port {
        fn validate(&self, check: &mut Check) {
            if self.0 == 0 {
                check.error("must not be 0");
            }
        }
    }

    #[test]
    fn the_path_leads_through_lists_mappings_and_blocks_that_are_on() {
        struct All {
            list: Vec<Port>,
            map: BTreeMap<String, Option<Port>>,
            on: Optional<Port>,
            off: Optional<Port>,
            pair: (Port, Box<Port>),
        }
        impl Validate for All {
            fn validate(&self, check: &mut Check) {
                check.field("list", &self.list);
                check.field("map", &self.map);
                check.field("on", &self.on);
                check.field("off", &self.off);
                check.field("pair", &self.pair);
            }
        }
        let all = All {
            list: vec![Port(1), Port(0)],
            map: [("a".to_owned(), Some(Port(0))), ("b".to_owned(), None)].into(),
            on: Optional::on(Port(0)),
            off: Optional::off(Port(0)),
            pair: (Port(0), Box::new(Port(1))),
        };
        let problems = Check::run(&all).unwrap_err().to_string();
        assert_eq!(
            problems,
            "list::1: must not be 0\nmap::a: must not be 0\non: must not be 0\npair: must not be 0"
        );
    }

    #[test]
    fn a_value_without_problems_is_valid() {
        assert_eq!(Check::run(&Port(1)), Ok(()));
    }
}
