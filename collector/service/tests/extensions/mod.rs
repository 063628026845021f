//! Extensions beside the pipelines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use etalon_conf::Secrets;
use etalon_service::{Collector, FeatureGates, chain};
use tokio::time::Instant;

use super::components::{Journal, distribution};
use super::{BUILD, build, decode, problems};

/// A service with these extensions, of which `list` is started.
fn yaml(extensions: &str, list: &str) -> String {
    format!(
        "
receivers: {{source: }}
exporters: {{sink: }}
extensions: {extensions}
service:
  telemetry: {{metrics: {{level: none}}}}
  extensions: {list}
  pipelines:
    traces: {{receivers: [source], exporters: [sink]}}
"
    )
}

/// Why the extensions cannot be built.
fn build_error(extensions: &str, list: &str) -> String {
    let journal = Arc::default();
    let config = decode(&yaml(extensions, list), &journal, &FeatureGates::default()).unwrap();
    chain(&Collector::build(&config, &distribution(&journal), &BUILD, &BTreeMap::new()).unwrap_err())
}

#[tokio::test]
async fn extensions_start_before_the_pipelines_in_the_order_written_and_stop_after_them() {
    let journal = Arc::<Journal>::default();
    let mut collector = build(&yaml("{aid/b: , aid/a: , aid/unused: }", "[aid/b, aid/a]"), &journal);
    collector.start().await.unwrap();
    assert_eq!(journal.take(), ["start aid/b", "start aid/a", "start sink traces", "start source"]);
    assert!(collector.shutdown(Instant::now() + Duration::from_secs(5)).await.is_empty());
    assert_eq!(journal.take(), ["stop source", "stop sink traces", "stop aid/a", "stop aid/b"]);
}

#[tokio::test]
async fn an_extension_starts_after_those_that_it_depends_on() {
    let journal = Arc::<Journal>::default();
    let extensions = "{aid/1: {after: [aid/3]}, aid/2: , aid/3: {after: [aid/4]}, aid/4: }";
    let mut collector = build(&yaml(extensions, "[aid/1, aid/2, aid/3, aid/4]"), &journal);
    collector.start().await.unwrap();
    assert_eq!(journal.take()[..4], ["start aid/2", "start aid/4", "start aid/3", "start aid/1"]);
}

#[test]
fn dependencies_that_cannot_be_met_are_told_as_go_does() {
    assert_eq!(
        build_error("{aid/1: {after: [aid/2]}, aid/2: }", "[aid/1]"),
        "failed to build extensions: unable to find extension aid/2 on which extension aid/1 depends"
    );
    assert_eq!(
        build_error(
            "{aid/0: {after: [aid/1]}, aid/1: {after: [aid/2]}, aid/2: {after: [aid/1]}}",
            "[aid/0, aid/1, aid/2]"
        ),
        "failed to build extensions: unable to order extensions by dependencies, \
         cycle found [aid/1 -> aid/2 -> aid/1]"
    );
}

#[tokio::test]
async fn an_extension_that_does_not_start_keeps_the_pipelines_from_starting() {
    let journal = Arc::<Journal>::default();
    let mut collector = build(&yaml("{aid/broken: }", "[aid/broken]"), &journal);
    let error = collector.start().await.unwrap_err();
    assert_eq!(
        chain(&error),
        "failed to start extensions: failed to start \"aid/broken\" extension: broken on purpose"
    );
    assert_eq!(journal.take(), ["start aid/broken"]);
    collector.shutdown(Instant::now() + Duration::from_secs(5)).await;
    assert_eq!(journal.take().len(), 3, "everything is shut down, started or not");
}

#[test]
fn the_section_is_decoded_and_validated_whether_or_not_an_extension_is_started() {
    let all =
        problems(&yaml("{aid: , aid/2: {after: [a, b, c]}, health: }", "[aid, aid/missing]")).join("\n");
    assert!(all.contains("unknown type: \"health\" for id: \"health\" (valid values: [aid])"), "{all}");
    let all = problems(&yaml("{aid: , aid/2: {after: [a, b, c]}}", "[aid, aid/missing]")).join("\n");
    assert!(all.contains("extensions::aid/2::after: too many"), "{all}");
    let reference = "service::extensions::1: references extension \"aid/missing\" which is not configured";
    assert!(all.contains(reference), "{all}");
}

#[test]
fn the_printed_configuration_has_the_extensions() {
    let config =
        decode(&yaml("{aid/b: , aid/a: }", "[aid/b, aid/a]"), &Arc::default(), &FeatureGates::default())
            .unwrap();
    let printed = config.to_value().to_yaml(Secrets::Redacted);
    let again = decode(&printed, &Arc::default(), &FeatureGates::default()).unwrap();
    assert_eq!(again.started_extensions, config.started_extensions);
    assert_eq!(again.to_value().to_yaml(Secrets::Redacted), printed);
}
