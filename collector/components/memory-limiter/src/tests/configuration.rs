//! What may be written, and what it means.

use etalon_conf::Check;

use super::*;

fn read(yaml: &str) -> Config {
    Node::parse("test.yaml", yaml).unwrap().decode().unwrap()
}

fn error(yaml: &str) -> String {
    Check::run(&read(yaml)).expect_err("it is not valid").to_string()
}

#[test]
fn a_fixed_limit_has_a_spike_of_a_fifth_unless_one_is_written() {
    let mib = |mib: usize| mib * MIB;
    let limits = |yaml: &str| read(yaml).limits(u64::MAX);
    assert_eq!(limits("limit_mib: 100"), MemoryLimits { hard: mib(100), soft: mib(80) });
    let written = limits("{limit_mib: 100, spike_limit_mib: 1}");
    assert_eq!(written, MemoryLimits { hard: mib(100), soft: mib(99) });
    let both = limits("{limit_mib: 100, limit_percentage: 50}");
    assert_eq!(both.hard, mib(100), "limit_mib takes precedence");
}

#[test]
fn percentages_are_of_the_memory_that_there_is() {
    let limits = |yaml: &str| read(yaml).limits(1000 * 100);
    assert_eq!(limits("limit_percentage: 50"), MemoryLimits { hard: 50_000, soft: 40_000 });
    let written = limits("{limit_percentage: 50, spike_limit_percentage: 20}");
    assert_eq!(written, MemoryLimits { hard: 50_000, soft: 30_000 });
}

#[test]
fn what_the_go_collector_refuses_is_refused_in_its_words() {
    let valid = "check_interval: 1s, limit_mib: 100";
    for (written, expected) in [
        ("limit_mib: 100", "'check_interval' must be greater than zero"),
        ("check_interval: 1s", "'limit_mib' or 'limit_percentage' must be greater than zero"),
        (
            "check_interval: 1s, limit_percentage: 101",
            "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred",
        ),
        (
            "check_interval: 1s, limit_mib: 5, spike_limit_mib: 5",
            "'spike_limit_mib' must be smaller than 'limit_mib'",
        ),
        (
            "check_interval: 1s, limit_percentage: 5, spike_limit_percentage: 6",
            "'spike_limit_percentage' must be smaller than 'limit_percentage'",
        ),
        (
            &format!("{valid}, min_gc_interval_when_hard_limited: 11s"),
            "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'",
        ),
        (
            &format!("{valid}, max_gc_interval_when_soft_limited: -1s"),
            "'max_gc_interval_when_soft_limited' must be non-negative",
        ),
        (
            &format!("{valid}, max_gc_interval_when_soft_limited: 5s, max_gc_interval_when_hard_limited: 5s"),
            "'max_gc_interval_when_soft_limited' must be greater than or equal to 'min_gc_interval_when_soft_limited' (or 0 to disable)",
        ),
        (
            &format!("{valid}, min_gc_interval_when_hard_limited: 2s, max_gc_interval_when_hard_limited: 1s"),
            "'max_gc_interval_when_hard_limited' must be greater than or equal to 'min_gc_interval_when_hard_limited' (or 0 to disable)",
        ),
        (
            &format!("{valid}, max_gc_interval_when_soft_limited: 20s"),
            "'max_gc_interval_when_soft_limited' should be larger than or equal to 'max_gc_interval_when_hard_limited' (when both are set)",
        ),
    ] {
        let told = error(&format!("{{{written}}}"));
        assert!(told.contains(expected), "{written}: {told}");
    }
    Check::run(&read(&format!("{{{valid}}}"))).unwrap();
    Check::run(&read(&format!(
        "{{{valid}, max_gc_interval_when_soft_limited: 0, max_gc_interval_when_hard_limited: 0}}"
    )))
    .unwrap();
    assert!(Node::parse("x", "limit_mib: -1").unwrap().decode::<Config>().is_err());
}

#[test]
fn senders_are_told_apart_by_the_field_that_is_written() {
    assert_eq!(read("{}").fair_by(), None);
    let by = read("fair_by_metadata_key: X-Tenant").fair_by();
    assert_eq!(by, Some(FairBy { metadata_key: "x-tenant".to_owned(), most: 1000 }));
    let by = read("{fair_by_metadata_key: x-tenant, metadata_cardinality_limit: 5}").fair_by();
    assert_eq!(by.unwrap().most, 5);
    let valid = "check_interval: 1s, limit_mib: 100";
    for (written, expected) in [
        ("fair_by_metadata_key: 'x-tenant, x-user'", "is not the name of a header field"),
        ("fair_by_metadata_key: x, metadata_cardinality_limit: 0", "must be greater than zero"),
    ] {
        let error = error(&format!("{{{valid}, {written}}}"));
        assert!(error.contains(expected), "{written}: {error}");
    }
}
