//! From the locations that a user gives to one configuration.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use crate::causes::with_causes;
use crate::expand::expand;
use crate::location::Location;
use crate::merge::{Lists, merge};
use crate::parse::{Document, ParseError, document};
use crate::provide::{Environment, Fetch, FetchError};
use crate::{Content, MAX_SOURCE_BYTES, Node, Origin, Problem, Problems, Source};

/// Finds configurations, merges them, and expands the `${…}` references in them.
///
/// The schemes `file`, `env` and `yaml` are always there; `http` and `https` need [`Resolver::with_fetch`].
pub struct Resolver {
    environment: Box<dyn Environment>,
    fetch: Option<Box<dyn Fetch>>,
    lists: Lists,
}

/// A configuration in one tree.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// With all references expanded.
    pub root: Node,
    /// What is allowed and yet most likely not meant, such as a reference to an environment variable that is not set.
    pub warnings: Vec<Problem>,
}

impl Resolver {
    /// Takes environment variables from `environment`, and refuses `http` and `https`.
    pub fn new(environment: impl Environment + 'static) -> Self {
        Self { environment: Box::new(environment), fetch: None, lists: Lists::default() }
    }

    /// Allows `http` and `https`.
    pub fn with_fetch(mut self, fetch: impl Fetch + 'static) -> Self {
        self.fetch = Some(Box::new(fetch));
        self
    }

    /// Says what happens to lists that two configurations have at the same place.
    pub fn with_lists(mut self, lists: Lists) -> Self {
        self.lists = lists;
        self
    }

    /// Merges the configurations at `uris`, later ones over earlier ones, then expands references.
    ///
    /// A location is `scheme:…`, or a path. All problems at once, as far as they can be told apart.
    pub fn resolve<U: AsRef<str>>(&self, uris: &[U]) -> Result<Resolved, Problems> {
        let mut retriever = Retriever::new(self);
        let mut merged = Node::new(Content::Map(Vec::new()));
        for uri in uris {
            match retriever.configuration(uri.as_ref()) {
                Ok(node) if node.is_null() => {}
                Ok(node) => merged = merge(merged, node, self.lists),
                Err(problems) => retriever.problems.extend(problems),
            }
        }
        let root = if retriever.problems.is_empty() { expand(merged, &mut retriever) } else { merged };
        match Problems::of(retriever.problems) {
            Some(problems) => Err(problems),
            None => Ok(Resolved { root, warnings: retriever.warnings }),
        }
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").field("lists", &self.lists).finish_non_exhaustive()
    }
}

/// `--set` without an equal sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("missing equal sign")]
pub struct SetError;

/// The location of what `--set a.b.c=value` means. The value is YAML; a key with a dot in it cannot be written.
pub fn set_uri(argument: &str) -> Result<String, SetError> {
    let (key, value) = argument.split_once('=').ok_or(SetError)?;
    Ok(format!("yaml:{}: {}", key.trim().replace('.', "::"), value.trim()))
}

/// What a reference yields.
#[derive(Clone)]
pub(crate) struct Retrieved {
    pub(crate) node: Node,
    /// What stands in the place of a reference that is only a part of a string.
    pub(crate) text: String,
}

/// Why a reference yields nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReferenceError {
    #[error("invalid uri: it must be ${{NAME}} or ${{scheme:…}}")]
    InvalidUri,
    #[error("the uri contains unsupported characters ('$')")]
    Dollar,
    #[error("scheme {scheme:?} is not supported; known are {known}")]
    Scheme { scheme: String, known: &'static str },
    #[error("a default needs the scheme: ${{env:NAME:-default}}")]
    DefaultWithoutScheme,
    #[error("{0}")]
    Unreadable(String),
    #[error("what it yields has too many values or levels")]
    TooLarge,
}

impl ReferenceError {
    /// In words, for a person who wrote `written`. What other references yielded may be a secret, so a reference that
    /// is not there as it was written is not named.
    pub(crate) fn told(&self, reference: &str, written: &str) -> String {
        if written.contains(reference) {
            return format!("cannot expand {reference}: {self}");
        }
        let reason = match self {
            Self::InvalidUri | Self::Dollar | Self::DefaultWithoutScheme | Self::TooLarge => self.to_string(),
            Self::Scheme { known, .. } => format!("its scheme is not supported; known are {known}"),
            Self::Unreadable(_) => "it cannot be read".to_owned(),
        };
        format!("cannot expand a reference that {written} leads to: {reason}")
    }
}

/// Reads from locations, each reference once.
pub(crate) struct Retriever<'a> {
    resolver: &'a Resolver,
    known: HashMap<String, Result<Retrieved, ReferenceError>>,
    warned: BTreeSet<String>,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Retriever<'a> {
    fn new(resolver: &'a Resolver) -> Self {
        Self {
            resolver,
            known: HashMap::new(),
            warned: BTreeSet::new(),
            warnings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// A whole configuration: a mapping, or nothing.
    fn configuration(&mut self, uri: &str) -> Result<Node, Problems> {
        let location =
            Location::of_argument(uri).ok_or_else(|| Problem::new("", format!("invalid uri: {uri:?}")))?;
        if !self.supports(&location.scheme) {
            let problem = Problem::new("", format!("unsupported scheme on URI {uri:?}"));
            return Err(problem.with_help(format!("known are {}", self.schemes())).into());
        }
        let text = self
            .read(&location, None)
            .map_err(|message| Problem::new("", format!("cannot retrieve the configuration: {message}")))?;
        let Document { root, ignored_from } = document(&text).map_err(ParseError::into_problems)?;
        if let Some(origin) = ignored_from {
            let message = "only the first YAML document of a source is read; this begins another";
            self.warnings.push(Problem::new("", message).with_origin(Some(origin)));
        }
        match root.content {
            Content::Map(_) | Content::Null => Ok(root),
            other => {
                let message = format!("a configuration must be a mapping, and this is {}", other.kind());
                Err(Problem::new("", message).with_origin(root.origin).into())
            }
        }
    }

    /// What `reference` yields, which `written` led to at the place `at`.
    pub(crate) fn reference(
        &mut self,
        reference: &str,
        written: &str,
        at: Option<&Origin>,
    ) -> Result<Retrieved, ReferenceError> {
        if !self.known.contains_key(reference) {
            let retrieved = self.retrieve(reference, at);
            self.known.insert(reference.to_owned(), retrieved);
        }
        let known = self.known.get(reference).cloned();
        let retrieved = known.unwrap_or(Err(ReferenceError::InvalidUri))?;
        let has_own_place = matches!(retrieved.node.content, Content::List(_) | Content::Map(_))
            && !is_of_environment(reference);
        let node = if has_own_place { retrieved.node } else { placed(retrieved.node, at, written) };
        Ok(Retrieved { node, ..retrieved })
    }

    fn retrieve(&mut self, reference: &str, at: Option<&Origin>) -> Result<Retrieved, ReferenceError> {
        let inner = reference.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).unwrap_or(reference);
        let uri = if inner.contains(':') { inner.to_owned() } else { format!("env:{inner}") };
        let location = Location::parse(&uri).ok_or(ReferenceError::InvalidUri)?;
        if location.opaque.contains('$') {
            return Err(ReferenceError::Dollar);
        }
        if location.opaque.starts_with('-') && is_variable_name(&location.scheme) {
            return Err(ReferenceError::DefaultWithoutScheme);
        }
        if !self.supports(&location.scheme) {
            return Err(ReferenceError::Scheme { scheme: location.scheme, known: self.schemes() });
        }
        if location.scheme == "env" && location.opaque.ends_with(":-") && self.is_unset(&location) {
            // No default is nothing; an empty default is an empty string.
            return Ok(Retrieved { node: Node::new(Content::String(String::new())), text: String::new() });
        }
        let source = self.read(&location, at).map_err(ReferenceError::Unreadable)?;
        let text = source.text().to_owned();
        let node = match document(&source) {
            // A string stays as it was written, quotes and comments included.
            Ok(Document { root: Node { content: Content::String(_), origin, .. }, .. }) => {
                Node { content: Content::String(text.clone()), origin, text: None }
            }
            Ok(Document { root, .. }) => root,
            Err(ParseError::Invalid(_)) => Node::new(Content::String(text.clone())),
            Err(ParseError::TooLarge(_)) => return Err(ReferenceError::TooLarge),
        };
        Ok(Retrieved { node, text })
    }

    fn read(&mut self, location: &Location, at: Option<&Origin>) -> Result<Arc<Source>, String> {
        match location.scheme.as_str() {
            "file" => read_file(&location.opaque).map(|text| Source::new(&location.opaque, text)),
            "yaml" => Ok(Source::new("<inline YAML>", &location.opaque)),
            "env" => self.variable(&location.opaque, at),
            _ => self.download(&location.to_string()),
        }
    }

    fn variable(&mut self, opaque: &str, at: Option<&Origin>) -> Result<Arc<Source>, String> {
        let (name, default) = name_and_default(opaque);
        if !is_variable_name(name) {
            return Err(format!(
                "environment variable {name:?} has invalid name: must match regex {VARIABLE_NAME}"
            ));
        }
        let value = match (self.resolver.environment.get(name), default) {
            (Some(value), _) => value
                .into_string()
                .map_err(|_| format!("the value of the environment variable {name:?} is not valid UTF-8"))?,
            (None, Some(default)) => default.to_owned(),
            (None, None) => {
                if self.warned.insert(name.to_owned()) {
                    let message = format!("configuration references unset environment variable {name:?}");
                    let help = format!("set it, or write ${{env:{name}:-}} if it may be missing");
                    self.warnings.push(Problem::new("", message).with_help(help).with_origin(at.cloned()));
                }
                String::new()
            }
        };
        Ok(Source::new(format!("environment variable {name}"), value))
    }

    fn is_unset(&self, location: &Location) -> bool {
        let (name, default) = name_and_default(&location.opaque);
        default == Some("") && is_variable_name(name) && self.resolver.environment.get(name).is_none()
    }

    fn download(&self, url: &str) -> Result<Arc<Source>, String> {
        let shown = without_password(url);
        let fetch =
            self.resolver.fetch.as_ref().ok_or_else(|| format!("unsupported scheme on URI {shown:?}"))?;
        let body = fetch.get(url).map_err(|error| match &error {
            FetchError::Status(status) => {
                format!("failed to load resource from uri {shown:?}. status code: {status}")
            }
            FetchError::Invalid(cause) => format!("invalid uri {shown:?}: {}", with_causes(&**cause)),
            FetchError::Transport(cause) => {
                format!(
                    "unable to download the file via HTTP GET for uri {shown:?}: {}",
                    with_causes(&**cause)
                )
            }
        })?;
        if body.len() > MAX_SOURCE_BYTES {
            return Err(format!("unable to use what is at {shown:?}: larger than {MAX_SOURCE_BYTES} bytes"));
        }
        let text = String::from_utf8(body)
            .map_err(|_| format!("unable to use what is at {shown:?}: not valid UTF-8"))?;
        Ok(Source::new(shown, text))
    }

    fn supports(&self, scheme: &str) -> bool {
        matches!(scheme, "file" | "env" | "yaml")
            || (matches!(scheme, "http" | "https") && self.resolver.fetch.is_some())
    }

    fn schemes(&self) -> &'static str {
        if self.resolver.fetch.is_some() { "env, file, http, https and yaml" } else { "env, file and yaml" }
    }
}

/// A URL as it may be shown: without user and password.
fn without_password(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return url.into() };
    let authority = rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end]);
    match authority.rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]).into(),
        None => url.into(),
    }
}

/// `NAME:-default`.
fn name_and_default(opaque: &str) -> (&str, Option<&str>) {
    opaque.split_once(":-").map_or((opaque, None), |(name, default)| (name, Some(default)))
}

/// As people know it from the Go collector.
const VARIABLE_NAME: &str = "^[a-zA-Z_][a-zA-Z0-9_]*$";

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a reference names an environment variable: its value shows in no excerpt.
fn is_of_environment(reference: &str) -> bool {
    reference.starts_with("${env:") || !reference.contains(':')
}

/// `node` and all in it, at the place of what was `written` to get it.
fn placed(node: Node, at: Option<&Origin>, written: &str) -> Node {
    let Node { content, text, .. } = node;
    let origin = at.map(|origin| origin.clone().through(written));
    let content = match content {
        Content::List(items) => {
            Content::List(items.into_iter().map(|item| placed(item, at, written)).collect())
        }
        Content::Map(entries) => Content::Map(
            entries
                .into_iter()
                .map(|entry| crate::Entry {
                    key: entry.key,
                    origin: origin.clone(),
                    value: placed(entry.value, at, written),
                })
                .collect(),
        ),
        scalar => scalar,
    };
    Node { content, origin, text }
}

fn read_file(path: &str) -> Result<String, String> {
    let unable = |error: &dyn std::fmt::Display| format!("unable to read the file file:{path}: {error}");
    let too_large = || unable(&format_args!("larger than {MAX_SOURCE_BYTES} bytes"));
    let limit = MAX_SOURCE_BYTES as u64;
    if !is_open_already(path) {
        // Opening a pipe would wait for somebody to write into it.
        let metadata = std::fs::metadata(path).map_err(|error| unable(&error))?;
        if metadata.is_dir() {
            return Err(unable(&"is a directory"));
        }
        if !metadata.is_file() {
            return Err(unable(&"is not a regular file"));
        }
        if metadata.len() > limit {
            return Err(too_large());
        }
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| unable(&error))?;
    if bytes.len() > MAX_SOURCE_BYTES {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].split(|byte| *byte == b'\n').count();
        unable(&format_args!("not valid UTF-8 in line {line}, at byte {valid}"))
    })
}

/// Whether a path names a descriptor that was handed to this process, as a shell's `<(…)` does.
fn is_open_already(path: &str) -> bool {
    path == "/dev/stdin" || ["/dev/fd/", "/proc/self/fd/"].iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests;
