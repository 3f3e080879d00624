//! Which fields of an expression do not allow a day, or a time of it, in words.

use jiff::civil::{Date, DateTime};

use super::civil::DAY;
use super::cron::Cron;
use super::field::{DATE, FIELDS, HOUR, MINUTE, MONTH, SECOND, WEEKDAY};

impl Cron {
    /// Why no time of this day is named; `None` where its fields allow the day.
    pub(super) fn misfit_of_day(&self, date: Date) -> Option<String> {
        let month = self.months >> date.month() & 1 != 0;
        let all = Self { months: u64::MAX, ..self.clone() };
        // Each of the two alone, whatever the other says.
        let dates = Self { weekdays: 0x7F, stars: all.stars | 1 << WEEKDAY, ..all.clone() };
        let weekdays = Self { dates: u64::from(u32::MAX), stars: all.stars | 1 << DATE, ..all.clone() };
        let [dates, weekdays] = [dates, weekdays].map(|cron| cron.allows(date));
        if !self.wants_both_days() && !dates && !weekdays {
            let neither = "neither the day of the month nor the day of the week matches";
            return Some(if month {
                neither.to_owned()
            } else {
                format!("the month does not match, and {neither}")
            });
        }
        let either = !self.wants_both_days();
        let fits = [(MONTH, month), (DATE, dates || either), (WEEKDAY, weekdays || either)];
        told(fits.into_iter())
    }

    /// Why this time of a day that is allowed is not named.
    pub(super) fn misfit_of_time(&self, at: DateTime) -> Option<String> {
        let fits = [
            (HOUR, self.hours >> at.hour() & 1 != 0),
            (MINUTE, self.minutes >> at.minute() & 1 != 0),
            (SECOND, self.seconds >> at.second() & 1 != 0),
        ];
        told(fits.into_iter())
    }

    fn allows(&self, date: Date) -> bool {
        let midnight = date.since(Date::constant(1970, 1, 1)).map(|span| i64::from(span.get_days()) * DAY);
        midnight.is_ok_and(|midnight| self.at_or_after(midnight).is_some_and(|at| at < midnight + DAY))
    }
}

/// Of fields, each with whether it fits: those that do not.
fn told(fits: impl Iterator<Item = (usize, bool)>) -> Option<String> {
    let names: Vec<String> =
        fits.filter(|(_, fits)| !fits).map(|(place, _)| format!("the {}", FIELDS[place].name)).collect();
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("{only} does not match")),
        [most @ .., last] => Some(format!("{} and {last} do not match", most.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, datetime};

    use super::super::cron::{Dialect, Line};
    use super::*;

    fn cron(text: &str) -> Cron {
        match Line::parse(text, Dialect::Extended).unwrap() {
            Line::Times(cron) => cron,
            Line::Reboot => panic!("{text}"),
        }
    }

    #[test]
    fn the_field_that_does_not_allow_a_day_is_named() {
        // A Saturday.
        let day = |text: &str| cron(text).misfit_of_day(date(2026, 11, 21));
        let told = |text: &str| day(text).unwrap_or_default();
        assert_eq!(day("30 2 * * *"), None);
        assert_eq!(day("30 2 21 11 sat"), None);
        assert_eq!(told("30 2 * * 1-5"), "the day of the week does not match");
        assert_eq!(told("30 2 1 * *"), "the day of the month does not match");
        assert_eq!(told("30 2 L * *"), "the day of the month does not match");
        assert_eq!(told("30 2 * 1-6 *"), "the month does not match");
        assert_eq!(told("30 2 * 1-6 mon"), "the month and the day of the week do not match");
        assert_eq!(told("30 2 */2 1-6 mon"), "the month and the day of the week do not match");
        assert_eq!(told("30 2 */3 * mon"), "the day of the month and the day of the week do not match");
        assert_eq!(day("30 2 * * sat#3"), None);
        assert_eq!(told("30 2 * * sat#4"), "the day of the week does not match");
    }

    #[test]
    fn of_two_day_fields_either_is_enough() {
        let day = |text: &str| cron(text).misfit_of_day(date(2026, 11, 21));
        assert_eq!(day("30 2 21 * mon"), None);
        assert_eq!(day("30 2 1 * sat"), None);
        let neither = "neither the day of the month nor the day of the week matches";
        assert_eq!(day("30 2 1 * mon").unwrap(), neither);
        assert_eq!(day("30 2 1 1 mon").unwrap(), format!("the month does not match, and {neither}"));
        assert_eq!(day("30 2 1 1 sat").unwrap(), "the month does not match");
    }

    #[test]
    fn the_fields_that_do_not_allow_a_time_are_named() {
        let at = |text: &str| cron(text).misfit_of_time(datetime(2026, 11, 21, 2, 30, 0, 0));
        assert_eq!(at("*/15 2 * * *"), None);
        assert_eq!(at("31 2 * * *").unwrap(), "the minute does not match");
        assert_eq!(at("7 8 9 * * *").unwrap(), "the hour, the minute and the second do not match");
    }
}
