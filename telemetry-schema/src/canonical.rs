//! The one way to write a contract down, so that two files of one contract have the same bytes.

use crate::contract::Contract;

impl Contract {
    /// As JSON: indented by two, maps by key, lists in their order, a line break at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a contract has only string keys");
        text.push('\n');
        text
    }

    /// What [`to_json`](Self::to_json) has written, in this version or an older one.
    ///
    /// # Errors
    /// Text that is no contract.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_read_back_is_the_same_and_is_written_the_same() {
        let contract = crate::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let text = contract.to_json();
        let read = Contract::from_json(&text).unwrap();
        assert_eq!(read, contract);
        assert_eq!(read.to_json(), text);
    }
}
