//! Pages of the book that say what can be written, and the JSON Schema for editors, of the factories and of the
//! command line itself.

mod command_line;
mod editor;
mod keys;
mod page;

use std::fs;

use etalon::Distribution;
use etalon_component::{ConnectorFactory, Factory, Stability};
use etalon_conf::Description;

use super::markdown::{self, SUMMARY};
use super::{Generated, Result, root};

/// Where the pages are.
const PAGES: &str = "reference/configuration";

/// A part of a configuration that has a page of its own.
struct Subject {
    /// The section: `receivers`, `service`.
    section: &'static str,
    /// What one of it is called: `receiver`.
    role: &'static str,
    /// The type of the component; empty for the section `service` itself.
    kind: &'static str,
    aliases: &'static [&'static str],
    /// What it supports; pairs of signals for a connector.
    signals: Vec<(String, Stability)>,
    description: Description,
}

pub(super) fn generate() -> Result<Vec<Generated>> {
    let distribution = Distribution::default();
    let subjects = subjects(&distribution);
    let mut files = vec![Generated {
        path: "book/src/reference/command-line.md".to_owned(),
        content: command_line::page(etalon::command(&distribution.build)),
    }];
    let mut problems = Vec::new();
    for subject in &subjects {
        let blocks = keys::blocks(&subject.description);
        let of_subject = |problem| format!("{}: {problem}", subject.title());
        problems.extend(keys::problems(&blocks).into_iter().map(of_subject));
        let guide = format!("use/{}.md", subject.file());
        let guide = root().join("book/src").join(&guide).is_file().then_some(guide);
        files.push(Generated {
            path: format!("book/src/{PAGES}/{}.md", subject.file()),
            content: page::render(subject, &blocks, guide.as_deref()),
        });
    }
    if !problems.is_empty() {
        return Err(format!("these keys cannot be documented:\n  {}", problems.join("\n  ")).into());
    }
    files.push(Generated {
        path: "book/src/reference/etalon.schema.json".to_owned(),
        content: editor::schema(&subjects)?,
    });
    let summary = fs::read_to_string(root().join(SUMMARY))?;
    files.push(Generated { path: SUMMARY.to_owned(), content: with_pages(&summary, &subjects)? });
    Ok(files)
}

/// The components by section and name, and `service` last.
fn subjects(distribution: &Distribution) -> Vec<Subject> {
    fn of<C: ?Sized>(
        section: &'static str,
        role: &'static str,
        factories: &[Factory<C>],
        signals: impl Fn(&Factory<C>) -> Vec<(String, Stability)>,
    ) -> Vec<Subject> {
        let mut subjects: Vec<Subject> = factories
            .iter()
            .map(|factory| Subject {
                section,
                role,
                kind: factory.kind(),
                aliases: factory.aliases(),
                signals: signals(factory),
                description: factory.describe(),
            })
            .collect();
        subjects.sort_by_key(|subject| subject.kind);
        subjects
    }
    let factories = &distribution.factories;
    let service = Subject {
        section: "service",
        role: "service",
        kind: "",
        aliases: &[],
        signals: Vec::new(),
        description: etalon_service::describe_service(),
    };
    [
        of("receivers", "receiver", &factories.receivers, signals),
        of("processors", "processor", &factories.processors, signals),
        of("exporters", "exporter", &factories.exporters, signals),
        of("connectors", "connector", &factories.connectors, pairs),
        of("extensions", "extension", &factories.extensions, signals),
        vec![service],
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn signals<C: ?Sized>(factory: &Factory<C>) -> Vec<(String, Stability)> {
    factory.signals().iter().map(|(signal, stability)| (signal.to_string(), *stability)).collect()
}

fn pairs(factory: &ConnectorFactory) -> Vec<(String, Stability)> {
    factory.pairs().iter().map(|(pair, stability)| (pair.to_string(), *stability)).collect()
}

impl Subject {
    fn title(&self) -> String {
        if self.kind.is_empty() { self.role.to_owned() } else { format!("{}: {}", self.role, self.kind) }
    }

    /// The name of its page, without the ending.
    fn file(&self) -> String {
        if self.kind.is_empty() {
            self.role.to_owned()
        } else {
            format!("{}-{}", self.role, self.kind.replace('_', "-"))
        }
    }
}

/// The summary with the pages of these subjects in the place of those that it has.
fn with_pages(summary: &str, subjects: &[Subject]) -> Result<String> {
    let entries = subjects.iter().map(|subject| (subject.title(), subject.file()));
    markdown::with_pages(summary, PAGES, &entries.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
