//! Single values that several kinds of files share: how they are written, and their schemas.

use std::borrow::Cow;
use std::time::Duration;

use jiff::civil::Date;
use serde::Deserialize;

use crate::{duration, size};

/// Gives a shape that is read by hand its schema.
macro_rules! shape {
    ($(#[$doc:meta])* $name:ident, $title:literal, $schema:tt) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;
        shape!(schema $name, $title, $schema);
    };
    (schema $name:ident, $title:literal, $schema:tt) => {
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $title.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
pub(crate) use shape;

/// A duration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length(pub(crate) Duration);

impl<'d> Deserialize<'d> for Length {
    fn deserialize<D: serde::Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'d, str>>::deserialize(deserializer)?;
        duration::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// An amount of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(pub(crate) u64);

impl<'d> Deserialize<'d> for Size {
    fn deserialize<D: serde::Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'d, str>>::deserialize(deserializer)?;
        size::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A number from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count(pub(crate) std::num::NonZeroU32);

impl<'d> Deserialize<'d> for Count {
    fn deserialize<D: serde::Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        std::num::NonZeroU32::new(number)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("must be at least 1"))
    }
}

/// A date.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Day(pub(crate) Date);

impl<'d> Deserialize<'d> for Day {
    fn deserialize<D: serde::Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'d, str>>::deserialize(deserializer)?;
        let form =
            |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
        if text.len() != 10 || !text.bytes().enumerate().all(form) {
            return Err(serde::de::Error::custom("not a date; write `2026-11-20`"));
        }
        text.parse().map(Self).map_err(|_| serde::de::Error::custom("there is no such date"))
    }
}

shape!(schema Length, "duration", { "type": "string", "pattern": duration::PATTERN, "minLength": 2,
    "examples": ["90s", "10m", "4h", "1d", "1h30m"] });
shape!(schema Size, "size", { "type": "string", "pattern": size::PATTERN,
    "examples": ["64KiB", "512MiB", "4GiB"] });
shape!(schema Day, "date", { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" });
shape!(schema Count, "count", { "type": "integer", "minimum": 1 });
