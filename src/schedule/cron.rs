//! A cron expression, checked: text in; out come sets of numbers, or the place of the mistake. The rules are
//! those of Debian's cron (3.0pl1-162, `entry.c`). It never knows a date or a zone.

use std::ops::Range;

use super::extended::Extra;
use super::field::{DATE, FIELDS, Field, HOUR, MINUTE, WEEKDAY, digits, set};

/// What stands where a schedule's times stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Times by the clock.
    Times(Cron),
    /// `@reboot`.
    Reboot,
}

/// The times that an expression allows: the numbers of each field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cron {
    /// Bits 0 to 59.
    pub(super) seconds: u64,
    /// Bits 0 to 59.
    pub(super) minutes: u64,
    /// Bits 0 to 23.
    pub(super) hours: u64,
    /// Bits 1 to 31, and those of `extended`.
    pub(super) dates: u64,
    /// Bits 1 to 12.
    pub(super) months: u64,
    /// Bits 0 to 6 from Sunday, and those of `extended`.
    pub(super) weekdays: u64,
    /// Which fields have a star: bits by their places in [`FIELDS`].
    pub(super) stars: u8,
}

/// Which words are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect<'a> {
    /// Those of a crontab.
    Crontab,
    /// Also `?`, `L`, `LW`, `15W`, `fri#2` and `friL`.
    Extended,
    /// Also `H`, `H(a-b)`, `H/n` and `H(a-b)/n`: numbers made from a pipeline's name, so that many pipelines
    /// do not all start at once.
    Pipeline {
        /// The pipeline's name.
        name: &'a str,
    },
}

/// Why a text is no cron expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    /// The bytes that are wrong.
    pub span: Range<usize>,
    /// What is wrong with them, in one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// The nicknames and what they stand for; lower case only. `@reboot` is none: it is no time.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];
const REBOOT: &str = "@reboot";

impl Line {
    /// Reads an expression: a nickname, or five fields between blanks, or six with the seconds in front.
    pub fn parse(text: &str, dialect: Dialect<'_>) -> Result<Self, CronError> {
        let words: Vec<Piece<'_>> = pieces(Piece { text, at: 0 }, &[' ', '\t']);
        let words: Vec<_> = words.into_iter().filter(|word| !word.text.is_empty()).collect();
        match words.as_slice() {
            [] => Err(Piece { text, at: 0 }.error("the expression is empty").help(ORDER)),
            [nickname, rest @ ..] if nickname.text.starts_with('@') => read_nickname(*nickname, rest),
            &[minutes, hours, dates, months, weekdays] => {
                let seconds = Piece { text: "0", at: 0 };
                Cron::read([seconds, minutes, hours, dates, months, weekdays], dialect).map(Self::Times)
            }
            &[seconds, minutes, hours, dates, months, weekdays] => {
                let cron = Cron::read([seconds, minutes, hours, dates, months, weekdays], dialect);
                cron.map(Self::Times).map_err(|error| {
                    // Somebody has copied a line of a crontab.
                    let command = error.span.start == weekdays.at && weekdays.text.starts_with(['/', '.']);
                    let help = "six fields begin with the seconds; a command is no part of them";
                    if command { error.help(help) } else { error }
                })
            }
            [first, .., last] => {
                let span = first.at..last.span().end;
                let message = format!("expected five fields, or six with seconds, found {}", words.len());
                Err(CronError { span, message, help: None }.help(ORDER))
            }
            [only] => {
                let message = format!("expected five fields, found only `{}`", only.text);
                Err(only.error(message).help(ORDER))
            }
        }
    }
}

const ORDER: &str = "the fields are: minute, hour, day of the month, month, day of the week";

fn read_nickname(nickname: Piece<'_>, rest: &[Piece<'_>]) -> Result<Line, CronError> {
    let known = NICKNAMES.iter().map(|(name, _)| *name).chain([REBOOT]);
    if !known.clone().any(|name| name == nickname.text) {
        let error = nickname.error(format!("there is no nickname `{}`", nickname.text));
        return Err(match known.clone().find(|name| name.eq_ignore_ascii_case(nickname.text)) {
            Some(meant) => error.help(format!("nicknames are lower case: write `{meant}`")),
            None => error.help(format!("there are {}", known.collect::<Vec<_>>().join(", "))),
        });
    }
    if let [first, .., last] | [first @ last] = rest {
        let span = first.at..last.span().end;
        let message = format!("nothing can stand behind `{}`", nickname.text);
        return Err(CronError { span, message, help: None });
    }
    match NICKNAMES.iter().find(|(name, _)| *name == nickname.text) {
        Some((_, meaning)) => Line::parse(meaning, Dialect::Crontab),
        None => Ok(Line::Reboot),
    }
}

impl Cron {
    fn read(words: [Piece<'_>; 6], dialect: Dialect<'_>) -> Result<Self, CronError> {
        let mut sets = [0; 6];
        let mut stars = 0;
        for (place, word) in words.into_iter().enumerate() {
            for item in pieces(word, &[',']) {
                if item.text.is_empty() {
                    let items: Vec<&str> = word.text.split(',').filter(|item| !item.is_empty()).collect();
                    let help = (!items.is_empty()).then(|| format!("write `{}`", items.join(",")));
                    let message = "an item of the list is empty".to_owned();
                    return Err(CronError { span: word.span(), message, help });
                }
                sets[place] |= Item { place, text: item, alone: item.text == word.text, dialect }.read()?;
            }
            // `*/2` and `*,5` have a star, `5,*` and `1-31` have none.
            stars |= u8::from(word.text.starts_with(['*', '?'])) << place;
        }
        // In the other two a star says nothing more than its numbers.
        stars &= 1 << MINUTE | 1 << HOUR | 1 << DATE | 1 << WEEKDAY;
        let [seconds, minutes, hours, dates, months, mut weekdays] = sets;
        // 7 is Sunday too.
        weekdays = weekdays & !(1 << 7) | weekdays >> 7 & 1;
        Ok(Self { seconds, minutes, hours, dates, months, weekdays, stars })
    }

    /// Whether the times are fixed ones, so that each is meant once a day whatever the clock does: neither
    /// minute nor hour has a star. `0-59 0-23 * * *` is fixed, `*/5 3 * * *` is not.
    pub fn is_fixed(&self) -> bool {
        !self.has_star(MINUTE) && !self.has_star(HOUR)
    }

    /// Whether it names one time of a day only.
    pub(super) fn is_once_a_day(&self) -> bool {
        [self.seconds, self.minutes, self.hours].map(u64::count_ones) == [1; 3]
    }

    /// Whether a day must be allowed by both day fields: one of them has a star. Else one of them is enough.
    pub(super) fn wants_both_days(&self) -> bool {
        self.has_star(DATE) || self.has_star(WEEKDAY)
    }

    pub(super) fn has_star(&self, place: usize) -> bool {
        self.stars & 1 << place != 0
    }
}

/// A part of the text and where it stands.
#[derive(Clone, Copy)]
struct Piece<'t> {
    text: &'t str,
    at: usize,
}

impl Piece<'_> {
    fn span(self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    fn split_at(self, length: usize) -> (Self, Self) {
        let (text, rest) = self.text.split_at(length);
        (Self { text, at: self.at }, Self { text: rest, at: self.at + length })
    }

    fn strip_prefix(self, prefix: char) -> Option<Self> {
        let text = self.text.strip_prefix(prefix)?;
        Some(Self { text, at: self.at + prefix.len_utf8() })
    }

    /// The letters and digits it begins with, and the rest.
    fn word(self) -> (Self, Self) {
        self.split_at(self.text.bytes().take_while(u8::is_ascii_alphanumeric).count())
    }

    fn error(self, message: impl Into<String>) -> CronError {
        CronError { span: self.span(), message: message.into(), help: None }
    }
}

fn pieces<'t>(whole: Piece<'t>, separators: &[char]) -> Vec<Piece<'t>> {
    let mut at = whole.at;
    let piece = |text: &'t str| {
        let piece = Piece { text, at };
        // Blanks and commas are one byte.
        at += text.len() + 1;
        piece
    };
    whole.text.split(separators).map(piece).collect()
}

impl CronError {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// One item of a field's list.
struct Item<'t> {
    /// Of its field.
    place: usize,
    text: Piece<'t>,
    /// Whether it is the whole list.
    alone: bool,
    dialect: Dialect<'t>,
}

impl<'t> Item<'t> {
    /// The numbers it allows.
    fn read(&self) -> Result<u64, CronError> {
        match self.beyond_crontabs() {
            Some(numbers) => numbers,
            None => self.numbers(),
        }
    }

    fn field(&self) -> &'static Field {
        &FIELDS[self.place]
    }

    /// What it is where it is a word of pipeline files.
    fn beyond_crontabs(&self) -> Option<Result<u64, CronError>> {
        let Piece { text, .. } = self.text;
        let error = |message: String| self.text.error(message);
        Some(match (self.dialect, Extra::read(self.place, text)?) {
            (Dialect::Crontab, Extra::Malformed) => return None,
            (Dialect::Crontab, Extra::Any | Extra::Days(_) | Extra::Hashed(_)) => {
                Err(error(format!("a crontab has no `{text}`")).help("pipeline files understand it"))
            }
            (_, Extra::Any) if self.alone => Ok(self.field().all()),
            (_, Extra::Any) => Err(error("`?` stands alone in its field".to_owned()).help("write `*`")),
            (_, Extra::Days(days)) => Ok(days),
            (_, Extra::Malformed) => {
                let known = "`H`, `H/n`, `H(a-b)` and `H(a-b)/n`";
                let help = format!("there are {known}, with n from 1 on; {}", self.field().expected());
                Err(error(format!("`{text}` is not understood")).help(help))
            }
            (Dialect::Extended, Extra::Hashed(_)) => {
                let message = "`H` is made from a pipeline's name, and there is none here";
                Err(error(message.to_owned()).help("`sexton plan` shows the times of pipelines"))
            }
            (Dialect::Pipeline { name }, Extra::Hashed(hashed)) => Ok(hashed.numbers(self.place, name)),
        })
    }

    /// `n`, `a-b`, `*`; the last two with `/step`.
    fn numbers(&self) -> Result<u64, CronError> {
        let field = self.field();
        let (first, last, rest) = if let Some(rest) = self.text.strip_prefix('*') {
            (field.low, field.high, rest)
        } else {
            let (first, rest) = self.number(self.text)?;
            match rest.strip_prefix('-') {
                Some(rest) => {
                    let (last, rest) = self.number(rest)?;
                    (first, last, rest)
                }
                None if rest.text.starts_with('/') => return Err(self.bare_step(first, rest)),
                None => (first, first, rest),
            }
        };
        let (step, rest) = match rest.strip_prefix('/') {
            Some(rest) => Self::step(rest)?,
            None => (1, rest),
        };
        if !rest.text.is_empty() {
            return Err(self.trailing(rest));
        }
        if last < first {
            return Err(self.backwards(first, last, step));
        }
        Ok(set((first..=last).step_by(step as usize)))
    }

    /// A number or name in front of `text`, and what follows.
    fn number(&self, text: Piece<'t>) -> Result<(u32, Piece<'t>), CronError> {
        let field = self.field();
        let (word, rest) = text.word();
        match field.number(word.text) {
            Some(number) if field.has(number) => Ok((number, rest)),
            Some(_) | None => {
                let shown = if word.text.is_empty() { self.text } else { word };
                let error = shown.error(format!("`{}` is no {}", shown.text, field.name));
                Err(match shown.text {
                    "L" if self.place == WEEKDAY => error.help("the last Friday of a month is `friL`"),
                    _ => error.help(field.expected()),
                })
            }
        }
    }

    /// Any positive step is one: that of `*/100` is beyond the end, and the first number is left.
    fn step(text: Piece<'t>) -> Result<(u32, Piece<'t>), CronError> {
        let (word, rest) = text.word();
        match digits(word.text) {
            Some(step) if step > 0 => Ok((step, rest)),
            Some(_) | None => {
                let shown = if word.text.is_empty() { Piece { at: text.at - 1, text: "/" } } else { word };
                Err(shown.error("a step is a number from 1 on").help("as in `*/5`"))
            }
        }
    }

    /// Debian's cron refuses it; others take `5/15` for `5-59/15`.
    fn bare_step(&self, first: u32, rest: Piece<'_>) -> CronError {
        let error = self.text.error("a step needs a range or `*` before it");
        error.help(format!("write `{first}-{}{}`", self.field().high, rest.text))
    }

    /// What Debian's cron reads over.
    fn trailing(&self, rest: Piece<'_>) -> CronError {
        let (good, _) = self.text.split_at(rest.at - self.text.at);
        let error = rest.error(format!("`{}` behind `{}` means nothing", rest.text, good.text));
        let other = rest.text.trim_start_matches(['.', ';', ':', '*']);
        match rest.text.as_bytes()[0] {
            b'0'..=b'9' if good.text == "*" => error.help(format!("write `*/{}`", rest.text)),
            b'.' | b';' | b':' => error.help(format!("a list has commas: `{},{other}`", good.text)),
            b'~' => error.help("pipeline files have `H` for a time of their own"),
            b'#' if self.place == WEEKDAY => {
                error.help("the first to the fifth of a month are `5#1` to `5#5`")
            }
            _ => error.help("leave it out; Debian's cron reads over it"),
        }
    }

    /// Debian's cron accepts it and never fires. What is meant goes round the end.
    fn backwards(&self, first: u32, last: u32, step: u32) -> CronError {
        let field = self.field();
        let high = if self.place == WEEKDAY { 6 } else { field.high };
        let first = if first > high { field.low } else { first };
        let numbers = (first..=high).chain(field.low..=last);
        let spelled = |number: u32| match field.names.get((number - field.low) as usize) {
            Some(name) if self.text.text.contains(|c: char| c.is_ascii_alphabetic()) => (*name).to_owned(),
            Some(_) | None => number.to_string(),
        };
        let run = |from: u32, to: u32| if from == to { from.to_string() } else { format!("{from}-{to}") };
        let meant = if first <= last {
            // `7-2` begins on the Sunday that is 0.
            run(first, last)
        } else if step == 1 && field.names.is_empty() {
            format!("{},{}", run(first, high), run(field.low, last))
        } else {
            numbers.step_by(step as usize).map(spelled).collect::<Vec<_>>().join(",")
        };
        let error = self.text.error(format!("`{}` goes backwards, and would never match", self.text.text));
        error.help(format!("write `{meant}`"))
    }
}
