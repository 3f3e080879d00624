//! The one canonical text of a cron expression: `H` is a number in it, names and nicknames are gone. Read again it
//! is the same expression.

use super::cron::Cron;
use super::extended::{LAST, LAST_WORKDAY, last_weekday, nearest_workday, nth_weekday};
use super::field::{DATE, FIELDS, MONTH, SECOND, WEEKDAY, set};

impl Cron {
    /// The expression as five fields of numbers, or six where the seconds are not 0.
    pub fn expanded(&self) -> String {
        let sets = [self.seconds, self.minutes, self.hours, self.dates, self.months, self.weekdays];
        let fields = sets.into_iter().enumerate().skip(usize::from(self.seconds == 1));
        fields.map(|(place, set)| self.spelled(place, set)).collect::<Vec<_>>().join(" ")
    }

    fn spelled(&self, place: usize, set: u64) -> String {
        let mut items = Vec::new();
        let mut numbers = set & stepped(place, 1);
        // A star in these two changes nothing but the length of the text.
        let whole = [SECOND, MONTH].contains(&place) && numbers == stepped(place, 1);
        if self.has_star(place) || whole {
            let step = (1..=60).find(|&step| stepped(place, step) & !numbers == 0).unwrap_or(60);
            items.push(if step == 1 { "*".to_owned() } else { format!("*/{step}") });
            numbers &= !stepped(place, step);
        }
        items.extend(listed(numbers));
        match place {
            DATE => {
                let near = (1..=31).filter(|&date| set & nearest_workday(date) != 0);
                items.extend(near.map(|date| format!("{date}W")));
                items.extend((set & LAST != 0).then(|| "L".to_owned()));
                items.extend((set & LAST_WORKDAY != 0).then(|| "LW".to_owned()));
            }
            WEEKDAY => {
                for weekday in 0..7 {
                    let nth = (1..=5).filter(|&nth| set & nth_weekday(weekday, nth) != 0);
                    items.extend(nth.map(|nth| format!("{weekday}#{nth}")));
                    items.extend((set & last_weekday(weekday) != 0).then(|| format!("{weekday}L")));
                }
            }
            _ => {}
        }
        items.join(",")
    }
}

/// The numbers of `*/step`.
fn stepped(place: usize, step: u32) -> u64 {
    let field = &FIELDS[place];
    let high = if place == WEEKDAY { 6 } else { field.high };
    set((field.low..=high).step_by(step as usize))
}

/// Numbers as items: one range if they go by equal steps, else ranges of neighbours. Two are no range.
fn listed(set: u64) -> Vec<String> {
    let numbers: Vec<u32> = (0..64).filter(|number| set >> number & 1 != 0).collect();
    if let [first, second, .., last] = numbers.as_slice() {
        let step = second - first;
        if numbers.windows(2).all(|pair| pair[1] - pair[0] == step) {
            return vec![if step == 1 {
                format!("{first}-{last}")
            } else {
                format!("{first}-{last}/{step}")
            }];
        }
    }
    let rows = numbers.chunk_by(|number, next| number + 1 == *next);
    rows.flat_map(|row| match row {
        [first, _, .., last] => vec![format!("{first}-{last}")],
        few => few.iter().map(u32::to_string).collect(),
    })
    .collect()
}
