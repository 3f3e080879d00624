//! The instants at which an expression fires in a zone. A zone is stretches of constant offset: within one an
//! instant is a time of the calendar, and what happens at its edges is decided here, as Debian's cron does (its
//! main loop, `cron.c`) or as the schedule says. Nothing is remembered between two questions.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneTransition};

use super::civil::{DAY, YEARS};
use super::cron::Cron;

/// What a schedule says about clock changes; `None` is the rule of Debian's cron.
///
/// That rule: a fixed time that is skipped fires at the first instant after the gap, and one in a repeated hour
/// fires the first time only; expressions with a star for minute or hour go by what the clock shows. A change
/// by three hours forward, or by more than three back, is a correction: nothing is caught up or held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dst {
    /// What becomes of times that the clock skips.
    pub gap: Option<Gap>,
    /// What becomes of times that the clock shows twice.
    pub overlap: Option<Fold>,
}

/// What becomes of a time that the clock skips, however the expression is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// It fires at the first instant after the gap.
    After,
    /// It does not fire.
    Skip,
}

/// When a time fires that the clock shows twice, however the expression is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The first time.
    First,
    /// The second time.
    Second,
    /// Both times.
    Both,
}

/// From three hours on a forward change is a correction; backward, above three hours. Changes by less than five
/// minutes, which Debian's cron takes for a late wake-up, no zone has had since 1970; nor two changes in one day.
const CORRECTION: i64 = 3 * 3_600;
/// More than any offset.
const FAR: i64 = 26 * 3_600;
const HORIZON: i64 = YEARS * 366 * DAY;

impl Gap {
    /// Both.
    pub const ALL: [Self; 2] = [Self::After, Self::Skip];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Skip => "skip",
        }
    }
}

impl Fold {
    /// All three.
    pub const ALL: [Self; 3] = [Self::First, Self::Second, Self::Both];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
            Self::Both => "both",
        }
    }
}

impl Dst {
    /// As a pipeline file says it, with a blank before it; empty where it says nothing.
    pub fn spelled(&self) -> String {
        match (self.gap.map(Gap::word), self.overlap.map(Fold::word)) {
            (None, None) => String::new(),
            (Some(gap), None) => format!(" dst: {{gap: {gap}}}"),
            (None, Some(overlap)) => format!(" dst: {{overlap: {overlap}}}"),
            (Some(gap), Some(overlap)) => format!(" dst: {{gap: {gap}, overlap: {overlap}}}"),
        }
    }

    /// Whether what a change by `seconds` forward skips fires right after.
    fn catches_up(self, cron: &Cron, seconds: i64) -> bool {
        match self.gap {
            None => cron.is_fixed() && seconds < CORRECTION,
            Some(Gap::After) => true,
            Some(Gap::Skip) => false,
        }
    }

    /// Of the times that a change by `seconds` backward repeats: when they fire.
    fn of_repeated(self, cron: &Cron, seconds: i64) -> Fold {
        let held_back = cron.is_fixed() && seconds <= CORRECTION;
        self.overlap.unwrap_or(if held_back { Fold::First } else { Fold::Both })
    }
}

/// The first instant after `after` at which it fires; `None` if there is none in 41 years.
pub fn next(cron: &Cron, zone: &TimeZone, dst: Dst, after: Timestamp) -> Option<Timestamp> {
    instant(first_after(cron, zone, dst, floor(after))?)
}

/// The last instant before `before` at which it fires; `None` if there was none in 41 years.
pub fn previous(cron: &Cron, zone: &TimeZone, dst: Dst, before: Timestamp) -> Option<Timestamp> {
    let before = floor(before) + i64::from(before.subsec_nanosecond() != 0);
    let furthest = (before - HORIZON).max(Timestamp::MIN.as_second()) - 1;
    let fires_after = |after| first_after(cron, zone, dst, after).filter(|&at| at < before);
    fires_after(furthest)?;
    // Back in doubled steps until there is one; then the last one by halves.
    let mut steps = (0..).map(|n| (before - (60 << n)).max(furthest));
    let mut last = steps.find_map(fires_after)?;
    let mut none_after = before - 1;
    while last < none_after {
        let middle = last + (none_after - last) / 2;
        match fires_after(middle) {
            Some(later) => last = later,
            None => none_after = middle,
        }
    }
    instant(last)
}

/// A change of the clock that an expression meets, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// The first of the times that it meets, as the zone's clocks show it, or would have.
    pub civil: DateTime,
    /// What happens to it.
    pub change: Change,
    /// The instants at which that time fires.
    pub fires: Vec<Timestamp>,
}

/// What a clock does to a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It skips it.
    Gap,
    /// It shows it twice.
    Fold,
}

/// The next change of the clock within two years after `after` that skips or repeats a time of an expression of
/// fixed times, under the rule of Debian's cron. What is written with a star for minute or hour goes by what
/// the clock shows, and surprises nobody.
pub fn affected(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Affected> {
    if !cron.is_fixed() {
        return None;
    }
    let after = floor(after);
    let mut from = after;
    while from - after <= 2 * 366 * DAY {
        let Stretch { offset, end: Some(end), .. } = Stretch::at(zone, from)? else { return None };
        let (shown, other) = (end.at + end.offset, end.at + offset);
        if let Some(civil) = cron.at_or_after(shown.min(other)).filter(|&civil| civil < shown.max(other)) {
            let rule = Dst::default();
            let (change, fires) = if shown > other {
                let caught_up = rule.catches_up(cron, shown - other);
                (Change::Gap, if caught_up { vec![end.at] } else { vec![] })
            } else {
                let fires = match rule.of_repeated(cron, other - shown) {
                    Fold::First => vec![civil - offset],
                    Fold::Second => vec![civil - end.offset],
                    Fold::Both => vec![civil - offset, civil - end.offset],
                };
                (Change::Fold, fires)
            };
            let civil = Offset::UTC.to_datetime(instant(civil)?);
            return Some(Affected { civil, change, fires: fires.into_iter().filter_map(instant).collect() });
        }
        from = end.at;
    }
    None
}

fn first_after(cron: &Cron, zone: &TimeZone, dst: Dst, after: i64) -> Option<i64> {
    let mut from = after + 1;
    while from - after <= HORIZON {
        let stretch = Stretch::at(zone, from)?;
        if stretch.begins_with_a_slot(cron, dst, from) {
            return Some(from);
        }
        let (begin, end) = stretch.window(cron, dst);
        let begin = begin.max(from + stretch.offset);
        let time = cron.at_or_after(begin)?;
        if time < end {
            return Some(time - stretch.offset).filter(|at| at - after <= HORIZON);
        }
        // No time between `begin` and `time` is allowed: the stretches in between can be passed over, but for
        // the next one if it begins by repeating earlier times.
        let next = stretch.end?;
        let repeats = next.at + next.offset < begin;
        from = if repeats { next.at } else { next.at.max(time - FAR) };
    }
    None
}

/// A stretch of constant offset, around an instant. All in seconds.
struct Stretch {
    offset: i64,
    /// Where it begins, if that is near, and the offset before it.
    start: Option<Edge>,
    /// Where it ends, and the offset after it.
    end: Option<Edge>,
}

/// A place where the offset changes.
struct Edge {
    at: i64,
    /// On the other side.
    offset: i64,
}

impl Stretch {
    /// The stretch with this instant; `None` beyond the end of time.
    fn at(zone: &TimeZone, second: i64) -> Option<Self> {
        let at = instant(second)?;
        let seconds = |offset: Offset| i64::from(offset.seconds());
        let start = instant(second + 1).and_then(|after| zone.preceding(after).next());
        let offset = start.as_ref().map_or_else(|| zone.to_offset(at), TimeZoneTransition::offset);
        let start = start.map(|start| start.timestamp().as_second()).filter(|start| second - start < FAR);
        let start = start.and_then(|start| {
            let before = zone.to_offset(instant(start - 1)?);
            Some(Edge { at: start, offset: seconds(before) })
        });
        let end = zone.following(at).next();
        let end = end.map(|end| Edge { at: end.timestamp().as_second(), offset: seconds(end.offset()) });
        Some(Self { offset: seconds(offset), start, end })
    }

    /// Whether it begins at this instant, and times that were skipped there fire now: all of them as one.
    fn begins_with_a_slot(&self, cron: &Cron, dst: Dst, second: i64) -> bool {
        let Some(start) = self.start.as_ref().filter(|start| start.at == second) else { return false };
        let skipped = (second + start.offset)..(second + self.offset);
        !skipped.is_empty()
            && dst.catches_up(cron, self.offset - start.offset)
            && cron.at_or_after(skipped.start).is_some_and(|time| skipped.contains(&time))
    }

    /// The times of the calendar that may fire in it: all that it shows, but those that another stretch shows
    /// too and that fire there.
    fn window(&self, cron: &Cron, dst: Dst) -> (i64, i64) {
        let begin = match &self.start {
            None => i64::MIN,
            Some(start) if start.offset > self.offset => {
                match dst.of_repeated(cron, start.offset - self.offset) {
                    Fold::First => start.at + start.offset,
                    Fold::Second | Fold::Both => start.at + self.offset,
                }
            }
            Some(start) => start.at + self.offset,
        };
        let end = match &self.end {
            None => i64::MAX,
            Some(end) if end.offset < self.offset => match dst.of_repeated(cron, self.offset - end.offset) {
                Fold::Second => end.at + end.offset,
                Fold::First | Fold::Both => end.at + self.offset,
            },
            Some(end) => end.at + self.offset,
        };
        (begin, end)
    }
}

/// The second that an instant lies in.
fn floor(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

fn instant(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}
