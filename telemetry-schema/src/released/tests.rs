use super::*;
use crate::Level;
use crate::check::{Scrape, check};

/// A folder with one release, as `freeze` makes it.
fn released() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let release = folder.path().join("0.1.0");
    fs::create_dir(&release).unwrap();
    let contract = crate::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap().to_json();
    let sums = format!("{}  {CONTRACT}\n", checksum(contract.as_bytes()));
    fs::write(release.join(CONTRACT), contract).unwrap();
    fs::write(release.join(SUMS), &sums).unwrap();
    let sha256 = checksum(sums.as_bytes());
    let list = format!("releases:\n  - {{version: 0.1.0, date: 2026-11-30, sha256: {sha256}}}\n");
    fs::write(folder.path().join(LIST), list).unwrap();
    folder
}

fn error(folder: &tempfile::TempDir) -> String {
    load(folder.path()).unwrap_err().to_string().replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn what_is_released_is_read_with_its_day() {
    let folder = released();
    let [release] = &load(folder.path()).unwrap()[..] else { panic!("one release") };
    assert_eq!(release.date, "2026-11-30".parse().unwrap());
    assert_eq!(release.contract.name, "etalon");
    assert_eq!(load(&folder.path().join("missing")).unwrap(), []);
}

#[test]
fn a_file_that_was_altered_is_named_and_so_is_a_list_that_covers_it() {
    let folder = released();
    let contract = folder.path().join("0.1.0").join(CONTRACT);
    let altered = fs::read_to_string(&contract).unwrap().replace("basic", "normal");
    fs::write(&contract, &altered).unwrap();
    assert!(error(&folder).starts_with("0.1.0/contract.json has been altered: "), "{}", error(&folder));
    let sums = format!("{}  {CONTRACT}\n", checksum(altered.as_bytes()));
    fs::write(folder.path().join("0.1.0").join(SUMS), sums).unwrap();
    assert!(error(&folder).starts_with("0.1.0/SHA256SUMS has been altered: "), "{}", error(&folder));
}

#[test]
fn what_no_list_names_is_refused_and_what_a_list_names_must_be_there() {
    let folder = released();
    fs::write(folder.path().join("0.1.0/more.txt"), "").unwrap();
    assert!(error(&folder).starts_with("0.1.0/more.txt is in no list: "), "{}", error(&folder));
    fs::remove_file(folder.path().join("0.1.0/more.txt")).unwrap();
    fs::create_dir(folder.path().join("0.2.0")).unwrap();
    assert!(error(&folder).starts_with("0.2.0 is in no list: "), "{}", error(&folder));
    fs::remove_dir(folder.path().join("0.2.0")).unwrap();
    fs::remove_dir_all(folder.path().join("0.1.0")).unwrap();
    assert_eq!(error(&folder), "cannot read 0.1.0/SHA256SUMS");
}

#[test]
fn the_releases_of_the_tree_are_what_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("released");
    let releases = load(&folder).unwrap_or_else(|error| panic!("{error}"));
    let versions: Vec<&Version> = releases.iter().map(|release| &release.contract.version).collect();
    assert!(versions.is_sorted(), "{versions:?}");
    for version in versions {
        let (carried, _) =
            crate::catalog::find(&version.to_string()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(carried.version, *version);
    }
}

#[test]
fn the_scrapes_of_a_release_show_what_its_contract_declares() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("released");
    for Release { contract, .. } in load(&folder).unwrap() {
        for exposition in &contract.expositions {
            let name = format!("{}/{}.txt", contract.version, exposition.id);
            let scrape = fs::read(folder.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let scrape = Scrape::parse(&scrape).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(check(&scrape, &contract, exposition, Level::Normal).findings, [], "{name}");
        }
    }
}

#[test]
fn a_release_says_all_that_its_contract_declares() {
    let tree = crate::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let [_, (_, events), (_, spans)] = &declared(&tree)[..] else { panic!("three files") };
    let values =
        |lines: &str| lines.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>().unwrap();
    let (events, spans) = (values(events), values(spans));
    assert!(events.iter().map(|event| event["event.name"].as_str().unwrap()).eq(tree.events.keys()));
    assert!(spans.iter().map(|span| span["type"].as_str().unwrap()).eq(tree.spans.keys()));
    for (event, declared) in events.iter().zip(tree.events.values()) {
        let fields = event["fields"].as_object().unwrap();
        assert_eq!(fields.len(), declared.attributes.len(), "{event}");
        for field in &declared.attributes {
            assert_eq!(fields[&field.key], json!(field.requirement_level), "{event}");
        }
        assert_eq!(event["sampled"], declared.annotations.contract.sampled, "{event}");
    }
}

/// A metric as a push shows it: its name, unit and kind, whether it only grows, and its labels.
type Pushed = (String, String, &'static str, bool, Vec<String>);

/// What a push shows of each metric.
fn pushed(request: &Value) -> Vec<Pushed> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let scopes = list(&request["resourceMetrics"]).into_iter().flat_map(|each| list(&each["scopeMetrics"]));
    let metric = |metric: Value| {
        let kind = ["sum", "gauge", "histogram"].into_iter().find(|kind| !metric[kind].is_null()).unwrap();
        let points = list(&metric[kind]["dataPoints"]);
        let keys = points.iter().flat_map(|point| list(&point["attributes"]));
        let mut keys: Vec<String> = keys.map(|each| each["key"].as_str().unwrap().to_owned()).collect();
        keys.sort();
        keys.dedup();
        let text = |key: &str| metric[key].as_str().unwrap_or_default().to_owned();
        (text("name"), text("unit"), kind, metric[kind]["isMonotonic"] == true, keys)
    };
    scopes.flat_map(|scope| list(&scope["metrics"])).map(metric).collect()
}

#[test]
fn the_push_and_the_lists_of_a_release_are_what_its_contract_declares() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("released");
    for Release { contract, .. } in load(&folder).unwrap() {
        let folder = folder.join(contract.version.to_string());
        if !folder.join(OTLP).exists() {
            continue;
        }
        for (name, text) in declared(&contract) {
            assert_eq!(fs::read_to_string(folder.join(&name)).unwrap(), text, "{}/{name}", contract.version);
        }
        let request = fs::read_to_string(folder.join(OTLP)).unwrap();
        let shown = pushed(&serde_json::from_str(&request).unwrap());
        for (name, unit, kind, is_monotonic, labels) in &shown {
            let metric = contract.metrics.get(name).unwrap_or_else(|| panic!("{name} is not declared"));
            let expected = match metric.instrument {
                crate::Instrument::Counter => ("sum", true),
                crate::Instrument::UpDownCounter => ("sum", false),
                crate::Instrument::Gauge => ("gauge", false),
                crate::Instrument::Histogram => ("histogram", false),
            };
            assert_eq!((*kind, *is_monotonic), expected, "{name}");
            assert_eq!(*unit, metric.unit, "{name}");
            for label in labels {
                assert!(metric.attributes.iter().any(|each| each.key == *label), "{name}: {label}");
            }
        }
        let at_start = contract.metrics.values().filter(|metric| {
            let note = &metric.annotations.contract;
            note.presence == crate::Presence::AtStart && note.level <= Level::Normal
        });
        for metric in at_start {
            assert!(shown.iter().any(|(name, ..)| *name == metric.name), "{} is not pushed", metric.name);
        }
    }
}

#[test]
fn a_day_is_counted_as_the_calendar_does() {
    for (days, text) in [(0, "1970-01-01"), (59, "1970-03-01"), (789, "1972-02-29"), (20_784, "2026-11-27")] {
        assert_eq!(Date::of_days(days).to_string(), text);
        assert_eq!(text.parse(), Ok(Date::of_days(days)));
    }
    let next = |text: &str| text.parse::<Date>().unwrap().next_year().to_string();
    assert_eq!((next("2026-11-30"), next("2028-02-29")), ("2027-11-30".to_owned(), "2029-03-01".to_owned()));
    for wrong in ["", "2026-11", "2026-13-01", "2026-11-32", "26-11-01", "2026-11-01-01", "2026-+1-01"] {
        assert!(wrong.parse::<Date>().is_err(), "{wrong}");
    }
}
