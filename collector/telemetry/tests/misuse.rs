//! What goes against the contract does not compile, and the compiler says what is wrong.
//!
//! After a change of the compiler's words, `TRYBUILD=overwrite cargo test -p etalon-telemetry --test misuse` writes them
//! down anew.

#[test]
fn what_the_contract_does_not_declare_cannot_be_recorded() {
    trybuild::TestCases::new().compile_fail("tests/misuse/*.rs");
}
