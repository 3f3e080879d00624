//! How columns become values: the small conversions that every read shares.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use serde::de::DeserializeOwned;

use super::error::{Damage, Error};
use super::instant::from_ms;

/// A column by its name.
pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &str) -> Result<T, Error>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    Ok(row.try_get(column)?)
}

pub(super) fn instant(row: &SqliteRow, column: &str) -> Result<Timestamp, Error> {
    Ok(from_ms(get(row, column)?)?)
}

pub(super) fn maybe_instant(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, Error> {
    Ok(get::<Option<i64>>(row, column)?.map(from_ms).transpose()?)
}

/// A count or size, which cannot be negative.
pub(super) fn number<N: TryFrom<i64>>(row: &SqliteRow, column: &'static str) -> Result<N, Error> {
    whole(column, get(row, column)?)
}

pub(super) fn maybe_number<N: TryFrom<i64>>(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<N>, Error> {
    get::<Option<i64>>(row, column)?.map(|number| whole(column, number)).transpose()
}

fn whole<N: TryFrom<i64>>(column: &'static str, number: i64) -> Result<N, Error> {
    Ok(N::try_from(number).map_err(|_| Damage::Number { column, number })?)
}

/// One of a closed set of words.
pub(super) fn word<T>(
    row: &SqliteRow,
    column: &'static str,
    from_word: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Error> {
    let word: &str = get(row, column)?;
    Ok(from_word(word).ok_or_else(|| Damage::Word { column, word: word.to_owned() })?)
}

pub(super) fn json<T: DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<T, Error> {
    parsed(column, get(row, column)?)
}

pub(super) fn maybe_json<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<T>, Error> {
    get::<Option<&str>>(row, column)?.map(|text| parsed(column, text)).transpose()
}

fn parsed<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, Error> {
    Ok(serde_json::from_str(text).map_err(|source| Damage::Json { column, source })?)
}
