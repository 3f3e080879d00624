//! Reads authored shapes (serde structs) from a document and goes on after a mistake: a bad value, an
//! unknown key or a missing one is a finding, not the end. Shallow by design: what a [`Unread`] key holds
//! is left alone, so no depth of tree is ever on the stack.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::diagnostic::{Diagnostic, Diagnostics, Span, listed, nearest};
use super::document::{BROKEN_KEY, Document, ValueId, View};

const FIELD: &str = "$sexton::Field";
const UNREAD: &str = "$sexton::Unread";

/// A key's value with its place. `value` is `None` where it was wrong, which has then been reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<T> {
    pub(crate) id: ValueId,
    pub(crate) value: Option<T>,
}

/// A key's value that is read later, by hand; `S` is only its schema.
#[derive(Debug)]
pub(crate) struct Unread<S> {
    pub(crate) id: ValueId,
    schema: PhantomData<S>,
}

/// Reads the keys of `T` from the mapping at `id`. Keys of `others` are left for another reading of the
/// same mapping; the rest is unknown and reported, or with `None` left to that other reading too.
pub(crate) fn read<'d, T: Deserialize<'d> + Default>(
    document: &'d Document<'_>,
    id: ValueId,
    others: Option<&[&'static str]>,
    found: &mut Diagnostics,
) -> T {
    read_meaning(document, id, others, &[], found)
}

/// The same, where some words that are no keys are plainly meant as one: each with the key.
pub(crate) fn read_meaning<'d, T: Deserialize<'d> + Default>(
    document: &'d Document<'_>,
    id: ValueId,
    others: Option<&[&'static str]>,
    meant: &[(&str, &'static str)],
    found: &mut Diagnostics,
) -> T {
    let mut reader = Reader { document, others, meant, found };
    let value = ValueReader { reader: &mut reader, id, key: None };
    match T::deserialize(value) {
        Ok(read) => read,
        Err(error) => {
            found.push(error.at(document.span(id)));
            T::default()
        }
    }
}

struct Reader<'r, 'd, 's> {
    document: &'d Document<'s>,
    others: Option<&'r [&'static str]>,
    meant: &'r [(&'r str, &'static str)],
    found: &'r mut Diagnostics,
}

/// Why a value cannot be read; its place is the value's.
#[derive(Debug)]
pub(crate) struct ReadError {
    message: String,
    label: Option<String>,
    help: Option<String>,
}

impl ReadError {
    fn at(self, span: Span) -> Diagnostic {
        let mut error = Diagnostic::error(span, self.message);
        if let Some(label) = self.label {
            error = error.label(label);
        }
        if let Some(help) = self.help {
            error = error.help(help);
        }
        error
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), label: None, help: None }
    }
}

struct ValueReader<'a, 'r, 'd, 's> {
    reader: &'a mut Reader<'r, 'd, 's>,
    id: ValueId,
    key: Option<&'d str>,
}

impl<'d> ValueReader<'_, '_, 'd, '_> {
    /// `` `timeout` must be a duration, found a list``.
    fn wrong(&self, expected: &str) -> ReadError {
        let found = self.reader.document.describe(self.id);
        let message = match self.key {
            Some(key) => format!("`{key}` must be {expected}, found {found}"),
            None => format!("expected {expected}, found {found}"),
        };
        ReadError { message, label: Some(format!("expected {expected}")), help: None }
    }

    fn scalar(&self) -> Option<(&'d str, bool)> {
        let document = self.reader.document;
        match document.view(self.id) {
            View::Scalar { text, plain } if !document.is_null(self.id) => Some((text, plain)),
            View::Scalar { .. } | View::List(_) | View::Mapping(_) => None,
        }
    }

    fn number<N: std::str::FromStr>(&self, expected: &str) -> Result<N, ReadError> {
        match self.scalar() {
            Some((text, true)) if !text.starts_with('+') => text.parse().map_err(|_| self.wrong(expected)),
            Some(_) | None => Err(self.wrong(expected)),
        }
    }
}

impl<'de> Deserializer<'de> for ValueReader<'_, '_, 'de, '_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.scalar() {
            Some(("true", true)) => visitor.visit_bool(true),
            Some(("false", true)) => visitor.visit_bool(false),
            Some((text, _)) => {
                let mut error = self.wrong("`true` or `false`");
                match text.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" | "1" => error.help = Some("write `true`".to_owned()),
                    "no" | "off" | "n" | "false" | "0" => error.help = Some("write `false`".to_owned()),
                    _ => {}
                }
                Err(error)
            }
            None => Err(self.wrong("`true` or `false`")),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_u32(self.number("a whole number from 0")?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_i64(self.number("a whole number")?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_f64(self.number("a number")?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        // A number or a `yes` is a text too, by its spelling.
        let Some((text, _)) = self.scalar() else { return Err(self.wrong("a text")) };
        visitor.visit_borrowed_str(text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match name {
            FIELD => visitor.visit_seq(FieldReader { value: self, id_given: false }),
            UNREAD => visitor.visit_u32(self.id.0),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let expected = format!("one of {}", listed(variants.iter().copied()));
        let Some((text, _)) = self.scalar() else { return Err(self.wrong(&expected)) };
        if variants.contains(&text) {
            return visitor.visit_enum(text.into_deserializer());
        }
        let mut error = self.wrong(&expected);
        error.help = nearest(text, variants.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
        Err(error)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let document = self.reader.document;
        let View::Mapping(members) = document.view(self.id) else { return Err(self.wrong("a mapping")) };
        let (members, outer) = (members.chunks_exact(2), self.key.is_none());
        visitor.visit_map(KeyReader { reader: self.reader, members, value: None, outer, fields })
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u64 u128 f32 char bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

struct KeyReader<'a, 'r, 'd, 's> {
    reader: &'a mut Reader<'r, 'd, 's>,
    members: std::slice::ChunksExact<'d, ValueId>,
    value: Option<(&'d str, ValueId)>,
    outer: bool,
    fields: &'static [&'static str],
}

impl<'d> de::MapAccess<'d> for KeyReader<'_, '_, 'd, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'d>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        for pair in self.members.by_ref() {
            let key = self.reader.document.key(pair[0]);
            if let Some(&field) = self.fields.iter().find(|field| **field == key) {
                self.value = Some((field, pair[1]));
                return seed.deserialize(de::value::BorrowedStrDeserializer::new(key)).map(Some);
            }
            // Retry and parameter mappings stand inside: `others` are keys of the outer mapping only.
            let others = if self.outer { self.reader.others } else { Some(&[] as &[_]) };
            if let Some(others) = others.filter(|others| !others.contains(&key) && key != BROKEN_KEY) {
                let span = self.reader.document.span(pair[0]);
                let known = self.fields.iter().chain(others).copied();
                let meant = self.reader.meant.iter().find(|(word, _)| self.outer && *word == key);
                self.reader.found.push_error(|| match meant {
                    Some((_, meant)) => unknown(key, span).label(did_you_mean(meant)),
                    None => unknown_key(key, span, known),
                });
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'d>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let (key, id) = self.value.take().unwrap_or(("", ValueId(0)));
        seed.deserialize(ValueReader { reader: self.reader, id, key: Some(key) })
    }
}

/// A key nobody knows.
pub(crate) fn unknown_key<'a>(
    key: &str,
    span: Span,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let error = unknown(key, span);
    match nearest(key, known.clone()) {
        Some(meant) => error.label(did_you_mean(meant)),
        None => error.help(format!("the keys here are {}", listed(known))),
    }
}

fn unknown(key: &str, span: Span) -> Diagnostic {
    Diagnostic::error(span, format!("unknown key `{key}`"))
}

fn did_you_mean(key: &str) -> String {
    format!("did you mean `{key}`?")
}

/// Hands a [`Field`] its id, and then its value or, after reporting why, none.
struct FieldReader<'a, 'r, 'd, 's> {
    value: ValueReader<'a, 'r, 'd, 's>,
    id_given: bool,
}

impl<'d> de::SeqAccess<'d> for FieldReader<'_, '_, 'd, '_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'d>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        if !std::mem::replace(&mut self.id_given, true) {
            return seed.deserialize(self.value.id.0.into_deserializer()).map(Some);
        }
        let value = ValueReader { reader: &mut *self.value.reader, id: self.value.id, key: self.value.key };
        match seed.deserialize(value) {
            Ok(read) => Ok(Some(read)),
            Err(mut error) => {
                if let Some(key) = self.value.key.filter(|_| !error.message.starts_with('`')) {
                    error.message = format!("`{key}`: {}", error.message);
                }
                let span = self.value.reader.document.span(self.value.id);
                self.value.reader.found.push(error.at(span));
                Ok(None)
            }
        }
    }
}

impl<'d, T: Deserialize<'d>> Deserialize<'d> for Field<T> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(PhantomData<T>);
        impl<'d, T: Deserialize<'d>> Visitor<'d> for Parts<T> {
            type Value = Field<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of a document")
            }

            fn visit_seq<A: de::SeqAccess<'d>>(self, mut parts: A) -> Result<Field<T>, A::Error> {
                let id = ValueId(parts.next_element()?.unwrap_or_default());
                Ok(Field { id, value: parts.next_element()? })
            }
        }
        deserializer.deserialize_newtype_struct(FIELD, Parts(PhantomData))
    }
}

impl<'d, S> Deserialize<'d> for Unread<S> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;
        impl Visitor<'_> for Id {
            type Value = u32;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of a document")
            }

            fn visit_u32<E>(self, id: u32) -> Result<u32, E> {
                Ok(id)
            }
        }
        let id = ValueId(deserializer.deserialize_newtype_struct(UNREAD, Id)?);
        Ok(Self { id, schema: PhantomData })
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<S: JsonSchema> JsonSchema for Unread<S> {
    fn inline_schema() -> bool {
        S::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        S::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        S::json_schema(generator)
    }
}
