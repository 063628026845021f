use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use etalon_component::{BuildInfo, Component as _, Extension, Host, Settings};
use etalon_telemetry::Telemetry;
use tokio::sync::mpsc;

use crate::folder::Folder;
use crate::{Config, create};

fn config(directory: &Path) -> Config {
    Config { directory: directory.to_owned(), ..Config::default() }
}

async fn start(config: &Config) -> Result<(), String> {
    let host = Host::new(mpsc::channel(1).0);
    Folder::new(config).start(&host).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_made_when_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a/b");
    let missing = start(&config(&path)).await.expect_err("it is not there");
    assert_eq!(
        missing,
        format!("the folder {} is not there: make it, or set create_directory", path.display())
    );
    let made = Config { create_directory: true, directory_permissions: "0700".to_owned(), ..config(&path) };
    start(&made).await.expect("it is made");
    assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o700);
    start(&config(&path)).await.expect("now it is there");
}

#[tokio::test]
async fn a_file_is_no_folder() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let refused = start(&config(file.path())).await.expect_err("it is a file");
    assert_eq!(refused, format!("{} is not a folder", file.path().display()));
}

#[tokio::test]
async fn exporters_are_offered_the_folder_with_its_limits() {
    let settings = Settings {
        id: "file_storage".parse().expect("an id"),
        pipeline: None,
        build: BuildInfo { command: "test", description: "Test", version: "0" },
        telemetry: Telemetry::new(&[]),
        span: tracing::Span::none(),
    };
    let id: etalon_component::ComponentId = "file_storage".parse().expect("an id");
    let limited = Config { max_size: 1 << 30, ..config(Path::new("/s")) };
    let extension: Extension = create(settings, &limited).expect("it can be made");
    let host = Host::new(mpsc::channel(1).0).with_extensions([(id.clone(), extension)].into());
    let storage = host.storage(&id).expect("it offers storage");
    assert_eq!((storage.directory.as_path(), storage.queue_bytes), (Path::new("/s"), 1 << 30));
    let other = host.storage(&"file_storage/other".parse().expect("an id")).expect_err("there is none");
    assert!(other.to_string().starts_with("no storage client extension found"), "{other}");
}
