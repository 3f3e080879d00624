//! What sensors were last answered: a row each, which the next answer overwrites.

use serde::Serialize;

use crate::run::poke::LastPoke;
use crate::run::state::RunId;

use super::db::Reader;
use super::error::Error;
use super::instant::ms;
use super::row::{get, instant, maybe_instant, number};

#[derive(Debug, Serialize)]
pub(super) struct PokeRow<'a> {
    run_id: i64,
    path: &'a str,
    pokes: u32,
    at: i64,
    words: &'a str,
    next_at: Option<i64>,
}

impl<'a> PokeRow<'a> {
    pub(super) fn of(((run, path), poke): (&'a (RunId, String), &'a LastPoke)) -> Self {
        let LastPoke { pokes, at, words, next } = poke;
        Self { run_id: run.0, path, pokes: *pokes, at: ms(*at), words, next_at: next.map(ms) }
    }
}

pub(super) const UPSERT_POKES: &str = "
    insert into pokes (run_id, path, pokes, at, words, next_at)
    select value ->> 'run_id', value ->> 'path', value ->> 'pokes', value ->> 'at', value ->> 'words',
        value ->> 'next_at'
    from jsonb_each(?) where true
    on conflict (run_id, path) do update set pokes = excluded.pokes, at = excluded.at, words = excluded.words,
        next_at = excluded.next_at;";

impl Reader {
    /// What the sensor at a path of a run was last answered; `None` if it never was.
    pub async fn last_poke(&self, run: RunId, path: &str) -> Result<Option<LastPoke>, Error> {
        let row = sqlx::query("select pokes, at, words, next_at from pokes where run_id = ? and path = ?");
        let row = row.bind(run.0).bind(path).fetch_optional(&self.pool).await?;
        let read = |row: &_| {
            Ok(LastPoke {
                pokes: number(row, "pokes")?,
                at: instant(row, "at")?,
                words: get(row, "words")?,
                next: maybe_instant(row, "next_at")?,
            })
        };
        row.as_ref().map(read).transpose()
    }
}
