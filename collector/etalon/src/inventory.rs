//! What `components` prints: the inventory of a distribution.

use etalon_component::{ConnectorFactory, ExtensionFactory, Factory, Pair, Stability};
use etalon_conf::{Secrets, Value};
use etalon_pdata::Signal;

use crate::Distribution;

/// The places a configuration may come from, sorted.
const PROVIDERS: [&str; 5] = ["env", "file", "http", "https", "yaml"];

/// The inventory as YAML, in upstream's layout, sorted by name.
pub(crate) fn yaml(distribution: &Distribution) -> String {
    let Distribution { build, factories, .. } = distribution;
    let build_info = map([
        ("command", text(build.command)),
        ("description", text(build.description)),
        ("version", text(build.version)),
    ]);
    let providers =
        PROVIDERS.map(|scheme| map([("scheme", text(scheme)), ("module", module(build.version, "conf"))]));
    let inventory = map([
        ("buildinfo", build_info),
        ("receivers", listed(&factories.receivers, build.version, "receiver")),
        ("processors", listed(&factories.processors, build.version, "processor")),
        ("exporters", listed(&factories.exporters, build.version, "exporter")),
        ("connectors", connectors(&factories.connectors, &factories.signals, build.version)),
        ("extensions", extensions(&factories.extensions, build.version)),
        ("providers", Value::List(providers.into())),
    ]);
    inventory.to_yaml(Secrets::Redacted)
}

fn listed<C: ?Sized>(factories: &[Factory<C>], version: &str, role: &str) -> Value {
    entries(factories, version, role, |factory| {
        let mut signals = factory.signals().to_vec();
        signals.sort();
        signals.iter().map(|(signal, level)| (signal.name.to_owned(), text(name_of(*level)))).collect()
    })
}

/// With every pair of signals, as upstream has it.
fn connectors(factories: &[ConnectorFactory], signals: &[Signal], version: &str) -> Value {
    let mut signals = signals.to_vec();
    signals.sort();
    let pairs = || signals.iter().flat_map(|from| signals.iter().map(|to| Pair { from: *from, to: *to }));
    entries(factories, version, "connector", |factory| {
        let level = |pair| factory.pair_stability(pair).map_or("Undefined", name_of);
        pairs().map(|pair| (format!("{}-to-{}", pair.from, pair.to), text(level(pair)))).collect()
    })
}

fn extensions(factories: &[ExtensionFactory], version: &str) -> Value {
    entries(factories, version, "extension", |factory| {
        vec![("extension".to_owned(), text(name_of(factory.overall_stability())))]
    })
}

/// An entry for each factory, with its stability.
fn entries<C: ?Sized>(
    factories: &[Factory<C>],
    version: &str,
    role: &str,
    stability: impl Fn(&Factory<C>) -> Vec<(String, Value)>,
) -> Value {
    let mut sorted: Vec<&Factory<C>> = factories.iter().collect();
    sorted.sort_by_key(|factory| factory.kind());
    let entry = |factory: &Factory<C>| {
        let name = format!("{role}-{}", factory.kind().replace('_', "-"));
        map([
            ("name", text(factory.kind())),
            ("module", module(version, &name)),
            ("stability", Value::Map(stability(factory))),
        ])
    };
    Value::List(sorted.into_iter().map(entry).collect())
}

fn name_of(stability: Stability) -> &'static str {
    match stability {
        Stability::Development => "Development",
        Stability::Alpha => "Alpha",
        Stability::Beta => "Beta",
        Stability::Stable => "Stable",
    }
}

/// The crate that a part comes from, and its version.
fn module(version: &str, name: &str) -> Value {
    Value::String(format!("etalon-{name} v{version}"))
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}
