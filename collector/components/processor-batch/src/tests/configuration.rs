//! What may be written.

use etalon_conf::Check;

use super::*;

#[test]
fn what_the_go_collector_refuses_is_refused_in_its_words() {
    for (yaml, expected) in [
        ("timeout: -1s", "timeout must be greater or equal to 0"),
        (
            "{send_batch_size: 10, send_batch_max_size: 9}",
            "send_batch_max_size must be greater or equal to send_batch_size",
        ),
        (
            "metadata_keys: [Tenant, other, tenant]",
            "duplicate entry in metadata_keys: \"tenant\" (case-insensitive)",
        ),
    ] {
        let told = Check::run(&read(yaml)).expect_err("it is not valid").to_string();
        assert!(told.contains(expected), "{yaml}: {told}");
    }
    Check::run(&read("{send_batch_size: 10, send_batch_max_size: 10, metadata_keys: [a, b]}")).unwrap();
}

#[test]
fn the_defaults_are_those_of_the_go_collector() {
    let Config { timeout, send_batch_size, send_batch_max_size, metadata_keys, metadata_cardinality_limit } =
        Config::default();
    assert_eq!(timeout, etalon_conf::Duration::from_millis(200));
    assert_eq!((send_batch_size, send_batch_max_size, metadata_cardinality_limit), (8192, 0, 1000));
    assert!(metadata_keys.is_empty());
}
