use proptest::prelude::*;

use super::*;
use crate::{Secrets, Value};

fn any_node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (0..3_i128).prop_map(Value::Int),
        "[ab]{0,2}".prop_map(Value::String),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map("service|extensions|receivers|exporters|a", inner, 0..4)
                .prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    });
    value.prop_map(|value| Node::parse("x", &value.to_yaml(Secrets::Exposed)).unwrap())
}

proptest! {
    #[test]
    fn a_configuration_over_itself_is_itself(node in any_node()) {
        let twice = merge(node.clone(), node.clone(), Lists::Replace);
        prop_assert_eq!(twice.to_value(), node.to_value());
    }

    #[test]
    fn what_is_merged_once_more_changes_nothing(earlier in any_node(), later in any_node(), appends in any::<bool>()) {
        let lists = if appends { Lists::Append } else { Lists::Replace };
        let once = merge(earlier, later.clone(), lists);
        let twice = merge(once.clone(), later, lists);
        prop_assert_eq!(twice.to_value(), once.to_value());
    }

    #[test]
    fn an_empty_mapping_over_a_mapping_changes_nothing(node in any_node()) {
        prop_assume!(matches!(node.content, Content::Map(_)));
        let merged = merge(node.clone(), Node::new(Content::Map(Vec::new())), Lists::Replace);
        prop_assert_eq!(merged.to_value(), node.to_value());
    }
}
