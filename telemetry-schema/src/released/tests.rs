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
