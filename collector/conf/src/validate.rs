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
