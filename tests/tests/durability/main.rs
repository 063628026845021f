//! What was acknowledged with a queue on disk arrives, whatever happens to the process. The oracle counts items by their
//! numbers, outside of the process.

mod full_disk;
mod kill;
mod limits;
mod orphans;
mod recovery;
mod reload;
mod stop;

use etalon_tests::Sink;
use etalon_tests::rig::ITEMS;

/// The items of these requests are all there.
fn assert_all_arrived(sink: &Sink, requests: impl IntoIterator<Item = u32>) {
    let items = sink.items();
    for request in requests {
        for item in request * ITEMS..(request + 1) * ITEMS {
            assert!(
                items.contains_key(&item),
                "item {item} of request {request} was acknowledged and is lost"
            );
        }
    }
}
