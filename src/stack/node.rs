//! A parsed layer as a tree whose every value knows its place, and the merge of two layers.
//!
//! The tree knows nothing of what keys mean; `decode.rs` does.

use super::place::Place;

/// What a scalar was written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Number,
    Text,
    /// From an environment variable, which has no types: fits whatever is asked for.
    Untyped,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    /// The text as written, without quotes.
    Scalar(Kind, String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub key: String,
    /// Of the key, where it was first written.
    pub place: Place,
    pub node: Node,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub value: Value,
    pub place: Place,
    /// What this value won over, the strongest first.
    pub losers: Vec<Loser>,
}

/// A value of a lower layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loser {
    pub value: String,
    pub place: Place,
}

impl Node {
    pub(crate) fn new(value: Value, place: Place) -> Self {
        Self { value, place, losers: Vec::new() }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null | Value::Scalar(..) | Value::List(_) => &[],
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value as flow YAML, for people.
    pub(crate) fn summary(&self) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Scalar(_, text) => text.clone(),
            Value::List(items) => {
                format!("[{}]", items.iter().map(Self::summary).collect::<Vec<_>>().join(", "))
            }
            Value::Map(entries) => {
                let pairs = entries.iter().map(|entry| format!("{}: {}", entry.key, entry.node.summary()));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Lays `high` over `low`: mappings merge key by key, anything else is replaced whole. A key without a value
/// says nothing, so that a section may be left empty.
pub(super) fn merge(low: Node, high: Node) -> Node {
    let Node { value: low_value, place: low_place, losers: low_losers } = low;
    match (low_value, high.value) {
        (value, Value::Null) => Node { value, place: low_place, losers: low_losers },
        (Value::Null, value) => Node { value, ..high },
        (Value::Map(low_entries), Value::Map(high_entries)) => Node {
            value: Value::Map(merge_entries(low_entries, high_entries)),
            place: low_place,
            losers: low_losers,
        },
        (low_value, high_value) => {
            let mut losers = high.losers;
            let loser = Node::new(low_value, low_place);
            losers.push(Loser { value: loser.summary(), place: loser.place });
            losers.extend(low_losers);
            Node { value: high_value, place: high.place, losers }
        }
    }
}

fn merge_entries(mut low: Vec<Entry>, high: Vec<Entry>) -> Vec<Entry> {
    for entry in high {
        match low.iter_mut().find(|known| known.key == entry.key) {
            Some(known) => {
                let empty = Node::new(Value::Null, known.node.place.clone());
                let below = std::mem::replace(&mut known.node, empty);
                known.node = merge(below, entry.node);
            }
            None => low.push(entry),
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::place::{Layer, Source};
    use super::*;

    /// A layer that sets some of six leaves, each to its own number; `None` leaves the key out.
    type Leaves = [Option<u8>; 6];

    fn layer(number: usize, leaves: Leaves) -> Node {
        let source = Source::new(Layer::File, format!("layer {number}"), "");
        let place = |index: usize| Place::new(&source, index + 1, 1, 1);
        let mut groups: Vec<Entry> = Vec::new();
        for (index, leaf) in leaves.iter().enumerate() {
            let Some(leaf) = leaf else { continue };
            let node = Node::new(Value::Scalar(Kind::Number, leaf.to_string()), place(index));
            let entry = Entry { key: format!("leaf{index}"), place: place(index), node };
            let group = format!("group{}", index % 2);
            match groups.iter_mut().find(|known| known.key == group) {
                Some(Entry { node: Node { value: Value::Map(entries), .. }, .. }) => entries.push(entry),
                _ => groups.push(Entry {
                    key: group,
                    place: place(index),
                    node: Node::new(Value::Map(vec![entry]), place(index)),
                }),
            }
        }
        Node::new(if groups.is_empty() { Value::Null } else { Value::Map(groups) }, place(0))
    }

    fn leaves() -> impl Strategy<Value = Leaves> {
        proptest::array::uniform6(proptest::option::of(any::<u8>()))
    }

    proptest! {
        #[test]
        fn merging_is_associative(a in leaves(), b in leaves(), c in leaves()) {
            let [a, b, c] = [layer(0, a), layer(1, b), layer(2, c)];
            let left = merge(merge(a.clone(), b.clone()), c.clone());
            let right = merge(a, merge(b, c));
            prop_assert_eq!(left, right);
        }

        #[test]
        fn the_highest_layer_that_sets_a_key_wins_and_the_rest_are_its_losers(
            layers in proptest::collection::vec(leaves(), 1..5)
        ) {
            let merged = layers
                .iter()
                .enumerate()
                .map(|(number, leaves)| layer(number, *leaves))
                .reduce(merge)
                .unwrap();
            for index in 0..6 {
                let mut setters = layers.iter().enumerate().rev().filter(|(_, leaves)| leaves[index].is_some());
                let leaf = merged
                    .get(&format!("group{}", index % 2))
                    .and_then(|group| group.node.get(&format!("leaf{index}")));
                let winner = setters.next();
                prop_assert_eq!(leaf.is_some(), winner.is_some());
                let (Some(leaf), Some((number, leaves))) = (leaf, winner) else { continue };
                prop_assert_eq!(leaf.node.summary(), leaves[index].unwrap().to_string());
                prop_assert_eq!(&leaf.node.place.source.name, &format!("layer {number}"));
                let losers: Vec<_> = leaf.node.losers.iter().map(|loser| loser.place.source.name.clone()).collect();
                let expected: Vec<_> = setters.map(|(number, _)| format!("layer {number}")).collect();
                prop_assert_eq!(losers, expected);
            }
        }
    }
}
