//! What a component author needs: ids, lifecycle, Consumer, Outcome, factories.
