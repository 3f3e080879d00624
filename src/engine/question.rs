//! From a sensor to the question that it asks: its texts filled in, its instants and dates worked out.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::calendar::book::Book;
use crate::calendar::calendar::Calendar;
use crate::calendar::offset::Offset;
use crate::calendar::session::Day;
use crate::pipeline::moments::{DateOffset, first_at};
use crate::pipeline::node::NodeId;
use crate::pipeline::sensor::{Condition, Http, NoSlot, Object, ObjectStore, OtherRun, Placed, time_of_day};
use crate::run::live::Live;
use crate::schedule::slot::Key;
use crate::sensor::question::{Files, Question, Subject};

use super::surroundings::Surroundings;
use super::texts::Texts;

/// What a sensor asks, and whom.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    /// The clock: whether this instant has come.
    Clock {
        at: Timestamp,
        /// What it is, in words.
        what: String,
    },
    /// The world.
    World(Question),
    /// A command, attempt by attempt.
    Command,
    /// The database.
    Runs(Other),
}

/// Another pipeline's run, or a task of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) pipeline: String,
    pub(super) task: Option<String>,
    /// The logical date it is for.
    pub(super) date: Date,
    pub(super) no_slot: NoSlot,
}

/// What the sensor at `node` asks now, or why it can ask nothing, in words.
pub(super) fn asked(
    live: &Live,
    node: NodeId,
    around: &Surroundings,
    calendars: &Book,
) -> Result<Asked, String> {
    let sensor = live.run.tree().kind(node).sensor().ok_or("it is no sensor")?;
    let mut texts = Texts::of(live, node, around)?;
    let subject = match &sensor.condition {
        Condition::Time { at, timezone } => {
            return time(live, &texts.rendered("its time", &at.text)?, timezone.as_deref());
        }
        Condition::Session { at, calendar } => return session(live, at, calendar.as_ref(), calendars),
        Condition::Exec(_) => return Ok(Asked::Command),
        Condition::Run(other) => return runs(live, other, &texts, calendars),
        Condition::File { glob, stable_for } => {
            let path = texts.working_dir()?.join(texts.filled_in("its file", glob)?);
            Subject::File(Files { pattern: path.display().to_string(), stable_for: *stable_for })
        }
        Condition::Http(question) => Subject::Http(http(question, &mut texts)?),
        Condition::Object(question) => Subject::Object(object(question, &mut texts)?),
    };
    Ok(Asked::World(Question { subject, mask: texts.mask }))
}

fn time(live: &Live, text: &str, zone: Option<&str>) -> Result<Asked, String> {
    let time = time_of_day(text).map_err(|error| error.to_string())?;
    let zone = match zone {
        None => live.scope.timezone.clone(),
        Some(name) => TimeZone::get(name).map_err(|_| format!("there is no time zone `{name}` any more"))?,
    };
    let what = format!("{text} {}", zone.iana_name().unwrap_or("UTC"));
    let at = first_at(time, &zone, live.scope.scheduled_at);
    Ok(Asked::Clock { at: at.ok_or_else(|| format!("{what} never comes"))?, what })
}

fn session(live: &Live, at: &Placed, code: Option<&Placed>, calendars: &Book) -> Result<Asked, String> {
    let calendar = calendar(live, code.map(|code| &*code.text), calendars)?;
    let offset = Offset::parse(&at.text).map_err(|error| error.to_string())?;
    let code = calendar.code();
    // The date that the run is for, if it is a session's, or if the run has one of an exchange all the same, as on a
    // holiday; else the first one after its slot.
    let own = live.scope.logical_date;
    let of_exchange = live.slot.as_ref().is_some_and(|slot| matches!(slot.key, Key::Session { .. }));
    let label = match calendar.day(own) {
        Day::Session(_) => Some(own),
        Day::Closed(_) if of_exchange => Some(own),
        Day::Closed(_) | Day::Off | Day::Before | Day::Beyond => {
            calendar.first_after(live.scope.scheduled_at).map(|session| session.label)
        }
    };
    let label = label.ok_or_else(|| format!("{code} knows no session after {}", live.scope.ds()))?;
    let what = format!("{offset} of {code} {label}");
    let at = offset.resolve(&calendar, label);
    Ok(Asked::Clock { at: at.ok_or_else(|| format!("{code} does not know {what}"))?, what })
}

/// The calendar of this code, else the run's, as it is by the files that are in force now.
fn calendar(live: &Live, code: Option<&str>, calendars: &Book) -> Result<Arc<Calendar>, String> {
    let own = live.scope.calendar.as_ref().map(|own| own.code());
    let code = code.or(own).ok_or("it names no `calendar`, and neither does the pipeline")?;
    calendars.get(code).map_err(|error| error.to_string())
}

fn runs(live: &Live, other: &OtherRun, texts: &Texts<'_>, calendars: &Book) -> Result<Asked, String> {
    let pipeline = texts.rendered("its run", &other.pipeline.text)?;
    let task = other.task.as_ref().map(|task| texts.rendered("its task", &task.text)).transpose()?;
    let task = task.map(|task| task.trim_matches('/').to_owned()).filter(|task| !task.is_empty());
    let own = live.scope.logical_date;
    let date = match &other.offset {
        None => own,
        Some(offset) => {
            let parsed = DateOffset::parse(&offset.text).map_err(|error| error.to_string())?;
            let sessions = |by| {
                let calendar = calendar(live, None, calendars)?;
                calendar
                    .shifted(own, by)
                    .ok_or_else(|| format!("{} does not know that date", calendar.code()))
            };
            match parsed {
                DateOffset::Days(_) | DateOffset::Sessions(0) => parsed
                    .in_days(own)
                    .ok_or_else(|| format!("there is no date {} from {own}", offset.text))?,
                DateOffset::Sessions(by) => sessions(by)?,
            }
        }
    };
    if task.is_none() && pipeline == *live.pipeline.name && date == own {
        return Err(
            "it would wait for its own run to end; give it an `offset`, or the `task` that it waits for"
                .to_owned(),
        );
    }
    Ok(Asked::Runs(Other { pipeline, task, date, no_slot: other.no_slot }))
}

fn http(question: &Http, texts: &mut Texts<'_>) -> Result<Http, String> {
    let headers = question.headers.iter().map(|(name, value)| {
        let value = texts.filled_in(&format!("its header `{name}`"), value)?;
        Ok((name.clone(), value.into()))
    });
    let headers = headers.collect::<Result<_, String>>()?;
    Ok(Http {
        url: texts.filled_in("its address", &question.url)?.into(),
        method: question.method,
        headers,
        status: question.status.clone(),
        body: filled_in(texts, "its body", question.body.as_deref())?,
    })
}

fn object(question: &Object, texts: &mut Texts<'_>) -> Result<Object, String> {
    let store = match &question.store {
        ObjectStore::S3 { region, keys } => ObjectStore::S3 {
            region: filled_in(texts, "its region", region.as_deref())?,
            keys: match keys {
                None => None,
                Some((id, secret)) => Some((
                    texts.filled_in("its access_key", id)?.into(),
                    texts.filled_in("its secret_key", secret)?.into(),
                )),
            },
        },
        ObjectStore::Gcs { service_account } => ObjectStore::Gcs {
            service_account: filled_in(texts, "its service_account", service_account.as_deref())?,
        },
        ObjectStore::Azure { account, access_key } => ObjectStore::Azure {
            account: texts.filled_in("its account", account)?.into(),
            access_key: filled_in(texts, "its access_key", access_key.as_deref())?,
        },
    };
    Ok(Object {
        store,
        url: texts.filled_in("its object", &question.url)?.into(),
        endpoint: filled_in(texts, "its endpoint", question.endpoint.as_deref())?,
    })
}

fn filled_in(texts: &mut Texts<'_>, what: &str, text: Option<&str>) -> Result<Option<Box<str>>, String> {
    text.map(|text| Ok(texts.filled_in(what, text)?.into())).transpose()
}
