//! Lists, mappings, tuples, enums: what serde walks through.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::Overlay;
use super::error::DecodeError;
use crate::id::COMPONENT_ID;
use crate::optional::Flavor;
use crate::problem::Shown;
use crate::suggest::{listed, nearest};
use crate::{ComponentId, Content, Entry, Node, Origin, Problem, Value};

type Result<T> = std::result::Result<T, DecodeError>;

/// The elements of a list. Those that the user wrote have no defaults.
pub(super) struct Elements<'a> {
    list: Overlay<'a>,
    nodes: &'a [Node],
    defaults: &'a [Value],
    next: usize,
}

impl<'a> Elements<'a> {
    pub(super) fn new(list: Overlay<'a>) -> Self {
        let written = list.node.filter(|node| matches!(node.content, Content::List(_)));
        let nodes = written.map_or(&[][..], Node::items);
        let defaults = match (written, list.default) {
            (None, Some(Value::List(defaults))) => defaults.as_slice(),
            _ => &[],
        };
        Self { list, nodes, defaults, next: 0 }
    }

    pub(super) fn none(list: Overlay<'a>) -> Self {
        Self { list, nodes: &[], defaults: &[], next: 0 }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        loop {
            let index = self.next;
            self.next += 1;
            let (node, default) = (self.nodes.get(index), self.defaults.get(index));
            if node.is_none() && default.is_none() {
                return Ok(None);
            }
            let part = index.to_string();
            let path = self.list.path.then(&part);
            let element = self.list.part(node, default, &path);
            if element.node.is_none() && element.default.is_none() {
                // It was wrong in an earlier run.
                continue;
            }
            return seed.deserialize(element).map(Some).map_err(|error| element.record(error));
        }
    }
}

/// A field of a struct, for reporting that the struct does not have it.
#[derive(Clone, Copy)]
pub(super) struct Keyed<'a> {
    block: Overlay<'a>,
    key: &'a str,
    origin: Option<&'a Origin>,
    fields: &'static [&'static str],
}

impl Keyed<'_> {
    pub(super) fn unknown_key(&self) {
        match self.block.siblings {
            Some(siblings) => siblings.borrow_mut().refuse(self.key, self.fields),
            None => report_unknown(self.block, self.key, self.origin, self.fields),
        }
    }
}

fn report_unknown(block: Overlay<'_>, key: &str, origin: Option<&Origin>, fields: &[&str]) {
    let help = match nearest(key, fields.iter().copied()) {
        Some(field) => format!("did you mean {field:?}?"),
        None if fields.is_empty() => "this block has no keys".to_owned(),
        None => {
            let mut known = fields.to_vec();
            known.sort_unstable();
            format!("valid keys are {}", listed(known))
        }
    };
    let problem = Problem::new(block.path.to_string(), format!("unknown key {key:?}"));
    block.context.report(problem.with_help(help).with_origin(origin.cloned()).showing(Shown::Key));
}

/// The entries of a mapping: those that the user wrote, then those that only the default has.
pub(super) struct Entries<'a> {
    block: Overlay<'a>,
    fields: Option<&'static [&'static str]>,
    nodes: &'a [Entry],
    defaults: &'a [(String, Value)],
    next: usize,
    current: Option<Current<'a>>,
    ids: RefCell<HashSet<ComponentId>>,
}

#[derive(Clone, Copy)]
struct Current<'a> {
    key: &'a str,
    origin: Option<&'a Origin>,
    node: Option<&'a Node>,
    default: Option<&'a Value>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(block: Overlay<'a>, fields: Option<&'static [&'static str]>) -> Self {
        let nodes = block.node.map_or(&[][..], Node::entries);
        let defaults = match block.default {
            Some(Value::Map(defaults)) => defaults.as_slice(),
            _ => &[],
        };
        Self { block, fields, nodes, defaults, next: 0, current: None, ids: RefCell::default() }
    }

    fn written(&self, entry: &'a Entry) -> Option<Current<'a>> {
        if self.block.switched && entry.key == "enabled" {
            return None;
        }
        let path = self.block.path.then(&entry.key);
        let node = (!self.block.context.is_masked(&path)).then_some(&entry.value);
        let default = self.defaults.iter().find(|(key, _)| *key == entry.key).map(|(_, value)| value);
        // Nothing written and no default: a struct has its own.
        let is_own = self.fields.is_some_and(|fields| fields.contains(&entry.key.as_str()));
        let is_nothing = node.is_none_or(|node| node.is_null() && node.text.is_none() && is_own);
        (!is_nothing || default.is_some()).then_some(Current {
            key: &entry.key,
            origin: entry.origin.as_ref(),
            node,
            default,
        })
    }

    fn advance(&mut self) -> Option<Current<'a>> {
        while let Some(entry) = self.nodes.get(self.next) {
            self.next += 1;
            if let Some(current) = self.written(entry) {
                return Some(current);
            }
        }
        while let Some((key, value)) = self.defaults.get(self.next - self.nodes.len()) {
            self.next += 1;
            let is_written = self.nodes.iter().any(|entry| entry.key == *key)
                || self.ids.borrow().iter().any(|id| id.as_str() == key);
            if !is_written {
                return Some(Current { key, origin: None, node: None, default: Some(value) });
            }
        }
        None
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.current = self.advance();
        let Some(current) = self.current else { return Ok(None) };
        let key = Key { text: current.key, ids: &self.ids };
        seed.deserialize(key).map(Some).map_err(|error| {
            let path = self.block.path.then(current.key);
            let place = Node { origin: current.origin.cloned(), ..Node::default() };
            self.block.context.record_showing(error, &path, Some(&place), Shown::Key)
        })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let Some(Current { key, origin, node, default }) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let path = self.block.path.then(key);
        let keyed = self.fields.map(|fields| Keyed { block: self.block, key, origin, fields });
        let value = Overlay { of_struct: keyed.as_ref(), ..self.block.part(node, default, &path) };
        seed.deserialize(value).map_err(|error| value.record(error))
    }
}

/// A key of a mapping. Ids that differ only by blanks are the same.
struct Key<'a> {
    text: &'a str,
    ids: &'a RefCell<HashSet<ComponentId>>,
}

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_str(self.text)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if name == COMPONENT_ID
            && let Ok(id) = self.text.parse::<ComponentId>()
            && !self.ids.borrow_mut().insert(id.clone())
        {
            return Err(de::Error::custom(format!("duplicate name \"{id}\" after unmarshaling")));
        }
        visitor.visit_newtype_struct(StrDeserializer::new(self.text))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self.text.into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// Structs that read the same mapping: a key is unknown when none of them knows it.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    refused: HashMap<String, usize>,
    fields: Vec<&'static str>,
}

impl Siblings {
    fn refuse(&mut self, key: &str, fields: &'static [&'static str]) {
        *self.refused.entry(key.to_owned()).or_default() += 1;
        for field in fields {
            if !self.fields.contains(field) {
                self.fields.push(field);
            }
        }
    }

    /// All `len` of them have read.
    pub(super) fn report(self, len: usize, block: Overlay<'_>) {
        for entry in block.node.map_or(&[][..], Node::entries) {
            if self.refused.get(&entry.key).is_none_or(|times| *times < len) {
                continue;
            }
            match block.siblings {
                Some(outer) => outer.borrow_mut().refuse_among(&entry.key, &self.fields),
                None => report_unknown(block, &entry.key, entry.origin.as_ref(), &self.fields),
            }
        }
    }

    fn refuse_among(&mut self, key: &str, fields: &[&'static str]) {
        *self.refused.entry(key.to_owned()).or_default() += 1;
        for field in fields {
            if !self.fields.contains(field) {
                self.fields.push(field);
            }
        }
    }
}

/// The elements of a tuple that a mapping is read into: each reads the whole mapping.
pub(super) struct Tuple<'a> {
    block: Overlay<'a>,
    left: usize,
    siblings: &'a RefCell<Siblings>,
}

impl<'a> Tuple<'a> {
    pub(super) fn new(block: Overlay<'a>, len: usize, siblings: &'a RefCell<Siblings>) -> Self {
        Self { block, left: len, siblings }
    }
}

impl<'de> SeqAccess<'de> for Tuple<'_> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let element = Overlay { siblings: Some(self.siblings), of_struct: None, ..self.block };
        seed.deserialize(element).map(Some).map_err(|error| element.record(error))
    }
}

/// What an optional block becomes: a [`Flavor`], then the value.
pub(super) struct Flavored<'a> {
    flavor: Option<Flavor>,
    value: Overlay<'a>,
}

impl<'a> Flavored<'a> {
    pub(super) fn new(flavor: Flavor, value: Overlay<'a>) -> Self {
        Self { flavor: Some(flavor), value }
    }
}

impl<'de> SeqAccess<'de> for Flavored<'_> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        match self.flavor.take() {
            Some(flavor) => seed.deserialize((flavor as u8).into_deserializer()).map(Some),
            None => seed.deserialize(self.value).map(Some).map_err(|error| self.value.record(error)),
        }
    }
}

/// A mapping of one key: the variant, and what it holds.
pub(super) struct Variant<'a> {
    name: &'a str,
    block: Overlay<'a>,
    node: Option<&'a Node>,
    default: Option<&'a Value>,
}

impl<'a> Variant<'a> {
    pub(super) fn of(block: Overlay<'a>) -> Result<Self> {
        let default = |name: &str| block.default.and_then(|default| default.get(name));
        match (block.node.map(Node::entries), block.default) {
            (Some([entry]), _) => {
                Ok(Self { name: &entry.key, block, node: Some(&entry.value), default: default(&entry.key) })
            }
            (None, Some(Value::Map(entries))) if entries.len() == 1 => {
                Ok(Self { name: &entries[0].0, block, node: None, default: Some(&entries[0].1) })
            }
            _ => Err(de::Error::custom("expected a mapping with exactly one key")),
        }
    }

    fn within<T>(&self, read: impl FnOnce(Overlay<'_>) -> Result<T>) -> Result<T> {
        let path = self.block.path.then(self.name);
        let value = self.block.part(self.node, self.default, &path);
        read(value).map_err(|error| value.record(error))
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let name: StrDeserializer<'_, DecodeError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<()> {
        self.within(|value| serde::Deserialize::deserialize(value))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        self.within(|value| seed.deserialize(value))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value> {
        self.within(|value| value.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.within(|value| value.deserialize_struct("", fields, visitor))
    }
}
