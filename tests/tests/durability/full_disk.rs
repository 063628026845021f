//! A file system without space.

use std::io::Write as _;

use etalon_tests::rig::full_disk;

#[test]
fn a_full_file_system_refuses_so_that_senders_try_again_and_loses_nothing() {
    match full_disk(3) {
        Ok(summary) => {
            println!("{summary}");
            summary.assert_kept();
        }
        // What is printed by a macro is only shown when a test fails.
        Err(why) => {
            let _unread = writeln!(
                std::io::stderr(),
                "SKIPPED: no full file system was tried, for none can be mounted here: {why}"
            );
        }
    }
}
