//! The facts of a new run: what its dates, parameters and expressions are.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::calendar::calendar::Calendar;
use crate::pipeline::definition::Pipeline;
use crate::pipeline::params::ParamValue;
use crate::pipeline::text::scope::Scope;
use crate::schedule::definition::Schedule;
use crate::schedule::exchange::Exchange;
use crate::store::record::{Interval, NewRun, Params};

/// The zone of a pipeline's dates; the name was checked when the file was read.
pub fn zone(pipeline: &Pipeline) -> TimeZone {
    TimeZone::get(&pipeline.timezone).unwrap_or(TimeZone::UTC)
}

/// The date of an instant where the pipeline is.
pub fn date(pipeline: &Pipeline, at: Timestamp) -> Date {
    at.to_zoned(zone(pipeline)).date()
}

/// The local day of a date: what a manual run is about. `None` at the end of time.
pub fn day(date: Date, zone: &TimeZone) -> Option<Interval> {
    let midnight = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp());
    Some(Interval { start: midnight(date)?, end: midnight(date.tomorrow().ok()?)? })
}

/// What a run's expressions see.
pub fn scope(run: &NewRun, pipeline: &Pipeline, environment: &str) -> Scope {
    Scope {
        run: run.id.to_string(),
        kind: run.kind.word(),
        is_latest: true,
        pipeline: pipeline.name.to_string(),
        environment: environment.to_owned(),
        logical_date: run.logical_date,
        calendar: run.calendar.as_deref().and_then(|code| calendar(pipeline, code)),
        calendars: pipeline.calendars.clone(),
        timezone: zone(pipeline),
        scheduled_at: run.scheduled_at.unwrap_or(run.created_at),
        data_interval_start: run.interval.start,
        data_interval_end: run.interval.end,
        params: Arc::new(params(&run.params, pipeline)),
        outputs: Arc::default(),
        base: String::new(),
    }
}

/// The calendar of this code, as the pipeline's schedules go by it, or the pipeline itself.
fn calendar(pipeline: &Pipeline, code: &str) -> Option<Arc<Calendar>> {
    let exchanges = pipeline.timetable.schedules.iter().filter_map(Schedule::exchange);
    let mut calendars = exchanges.map(Exchange::calendar).chain(&pipeline.calendar);
    calendars.find(|calendar| calendar.code() == code).cloned()
}

/// Parameters as they are kept: JSON values of their own kinds.
pub fn kept_params(params: &BTreeMap<String, ParamValue>) -> Params {
    let json = |value: &ParamValue| match value {
        ParamValue::Integer(number) => (*number).into(),
        ParamValue::Number(number) => (*number).into(),
        ParamValue::Boolean(truth) => (*truth).into(),
        ParamValue::String(_) | ParamValue::Date(_) => value.to_string().into(),
    };
    params.iter().map(|(name, value)| (name.clone(), json(value))).collect()
}

fn params(kept: &Params, pipeline: &Pipeline) -> BTreeMap<String, ParamValue> {
    let read = |(name, value): (&String, &serde_json::Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let value = pipeline.params.get(name)?.kind.read(&text)?;
        Some((name.clone(), value))
    };
    kept.iter().filter_map(read).collect()
}
