use super::*;

#[test]
fn bytes_are_told_in_the_largest_unit_and_never_as_less_than_they_are() {
    for (number, told) in [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (1025, "1.1 KiB"),
        (64 << 20, "64 MiB"),
        (1000 * (64 << 20), "62.5 GiB"),
        (u64::MAX, "16 EiB"),
    ] {
        assert_eq!(bytes(number), told);
    }
}

#[test]
fn failures_have_ids_of_their_own_and_say_how_each_cell_is_known() {
    for (at, failure) in FAILURES.iter().enumerate() {
        assert!(FAILURES[..at].iter().all(|other| other.id != failure.id), "{}", failure.id);
        for mode in Mode::ALL {
            match failure.cell(mode) {
                Cell::Never(why) => assert!(!why.is_empty()),
                Cell::Costs(effect) => {
                    assert!(effect.text.ends_with('.'), "{}", effect.text);
                    assert_eq!(
                        effect.lost == Lost::Nothing,
                        effect.text.starts_with("Nothing"),
                        "{}: {}",
                        failure.id,
                        effect.text
                    );
                }
            }
        }
    }
}
