//! Expressions: what is accepted, what is refused and where it points, and the canonical text.

use std::ops::RangeInclusive;

use proptest::prelude::*;

use crate::schedule::cron::{Cron, CronError, Dialect, Line};

fn read(text: &str, dialect: Dialect<'_>) -> Result<Cron, CronError> {
    Line::parse(text, dialect).map(|line| match line {
        Line::Times(cron) => cron,
        Line::Reboot => panic!("{text} is no time"),
    })
}

#[track_caller]
fn expanded(text: &str, dialect: Dialect<'_>) -> String {
    read(text, dialect).unwrap_or_else(|error| panic!("{text}: {error:?}")).expanded()
}

/// The mistakes, each with its place marked below the text.
fn refused(texts: &[&str], dialect: Dialect<'_>) -> String {
    let drawn = texts.iter().map(|text| {
        let error = Line::parse(text, dialect).expect_err(text);
        let marks = "^".repeat(text[error.span.clone()].chars().count().max(1));
        let help = error.help.map(|help| format!("\n= {help}")).unwrap_or_default();
        let before = text[..error.span.start].chars().count();
        format!("{text}\n{}{marks} {}{help}\n", " ".repeat(before), error.message)
    });
    drawn.collect()
}

#[test]
fn an_expression_is_five_fields_or_six_or_a_nickname() {
    for (text, meant) in [
        ("30 21 * * 1-5", "30 21 * * 1-5"),
        ("\t 30  21 *\t* 1-5 ", "30 21 * * 1-5"),
        ("5 30 21 * * *", "5 30 21 * * *"),
        ("0 30 21 * * *", "30 21 * * *"),
        ("* * * * * *", "* * * * * *"),
        ("*/60 * * * * *", "* * * * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        (" @daily ", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("0 0 * jan-MAR,dec Mon,WED-fri", "0 0 * 1-3,12 1,3-5"),
        ("0 0 * * sun-2", "0 0 * * 0-2"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("0 0 * * 0-7", "0 0 * * 0-6"),
        ("*/5 *,10 */100 * */7", "*/5 * */31 * */7"),
        ("*/20,7 0-23 10,* 1-12 1-5/2", "*/20,7 0-23 1-31 * 1-5/2"),
        ("007 08 1-10/3,31 * *", "7 8 1,4,7,10,31 * *"),
    ] {
        assert_eq!(expanded(text, Dialect::Crontab), meant, "{text}");
    }
    assert_eq!(Line::parse("@reboot", Dialect::Crontab), Ok(Line::Reboot));
}

#[test]
fn a_text_is_refused_that_is_no_expression() {
    let texts =
        ["", "* * * *", "* * * * * * * *", "*/5 * * * * /usr/bin/true", "@Daily", "@every 5m", "@daily 5"];
    insta::assert_snapshot!(refused(&texts, Dialect::Crontab), @r#"
    ^ the expression is empty
    = the fields are: minute, hour, day of the month, month, day of the week
    * * * *
    ^^^^^^^ expected five fields, or six with seconds, found 4
    = the fields are: minute, hour, day of the month, month, day of the week
    * * * * * * * *
    ^^^^^^^^^^^^^^^ expected five fields, or six with seconds, found 8
    = the fields are: minute, hour, day of the month, month, day of the week
    */5 * * * * /usr/bin/true
                ^^^^^^^^^^^^^ `/usr/bin/true` is no day of the week
    = six fields begin with the seconds; a command is no part of them
    @Daily
    ^^^^^^ there is no nickname `@Daily`
    = nicknames are lower case: write `@daily`
    @every 5m
    ^^^^^^ there is no nickname `@every`
    = there are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @reboot
    @daily 5
           ^ nothing can stand behind `@daily`
    "#);
}

#[test]
fn a_number_is_refused_that_its_field_does_not_have() {
    let texts = [
        "60 * * * *",
        "5-64/30 * * * *",
        "* * 0 * *",
        "* * * 1-13 *",
        "* * * * 8",
        "mon * * * *",
        "* * * * monday",
        "99999999999999999999 * * * *",
        "ü * * * *",
    ];
    insta::assert_snapshot!(refused(&texts, Dialect::Crontab), @r#"
    60 * * * *
    ^^ `60` is no minute
    = expected 0 to 59
    5-64/30 * * * *
      ^^ `64` is no minute
    = expected 0 to 59
    * * 0 * *
        ^ `0` is no day of the month
    = expected 1 to 31
    * * * 1-13 *
            ^^ `13` is no month
    = expected 1 to 12, or jan to dec
    * * * * 8
            ^ `8` is no day of the week
    = expected 0 to 7, or sun to sat
    mon * * * *
    ^^^ `mon` is no minute
    = expected 0 to 59
    * * * * monday
            ^^^^^^ `monday` is no day of the week
    = expected 0 to 7, or sun to sat
    99999999999999999999 * * * *
    ^^^^^^^^^^^^^^^^^^^^ `99999999999999999999` is no minute
    = expected 0 to 59
    ü * * * *
    ^ `ü` is no minute
    = expected 0 to 59
    "#);
}

#[test]
fn a_backward_range_is_refused_and_turned() {
    let texts = [
        "* * * * fri-sun",
        "* * * nov-feb/2 *",
        "* 22-2 * * *",
        "* 22-2/2 * * *",
        "* * * * 5-0",
        "* * * * 7-2",
    ];
    insta::assert_snapshot!(refused(&texts, Dialect::Crontab), @r#"
    * * * * fri-sun
            ^^^^^^^ `fri-sun` goes backwards, and would never match
    = write `fri,sat,sun`
    * * * nov-feb/2 *
          ^^^^^^^^^ `nov-feb/2` goes backwards, and would never match
    = write `nov,jan`
    * 22-2 * * *
      ^^^^ `22-2` goes backwards, and would never match
    = write `22-23,0-2`
    * 22-2/2 * * *
      ^^^^^^ `22-2/2` goes backwards, and would never match
    = write `22,0,2`
    * * * * 5-0
            ^^^ `5-0` goes backwards, and would never match
    = write `5,6,0`
    * * * * 7-2
            ^^^ `7-2` goes backwards, and would never match
    = write `0-2`
    "#);
}

#[test]
fn an_item_is_refused_that_is_none() {
    let texts = [
        "1,,2 * * * *",
        "* 1, * * *",
        ", * * * *",
        "0/15 * * * *",
        "* * * * mon/2",
        "*/0 * * * *",
        "*/ * * * *",
        "5- * * * *",
        "-5 * * * *",
    ];
    insta::assert_snapshot!(refused(&texts, Dialect::Crontab), @r#"
    1,,2 * * * *
    ^^^^ an item of the list is empty
    = write `1,2`
    * 1, * * *
      ^^ an item of the list is empty
    = write `1`
    , * * * *
    ^ an item of the list is empty
    0/15 * * * *
    ^^^^ a step needs a range or `*` before it
    = write `0-59/15`
    * * * * mon/2
            ^^^^^ a step needs a range or `*` before it
    = write `1-7/2`
    */0 * * * *
      ^ a step is a number from 1 on
    = as in `*/5`
    */ * * * *
     ^ a step is a number from 1 on
    = as in `*/5`
    5- * * * *
    ^^ `5-` is no minute
    = expected 0 to 59
    -5 * * * *
    ^^ `-5` is no minute
    = expected 0 to 59
    "#);
}

#[test]
fn what_debian_reads_over_is_refused() {
    let texts = ["*5 * * * *", "1.5 * * * *", "0~59 * * * *", "1-2-3 * * * *", "*/5/2 * * * *"];
    insta::assert_snapshot!(refused(&texts, Dialect::Crontab), @r#"
    *5 * * * *
     ^ `5` behind `*` means nothing
    = write `*/5`
    1.5 * * * *
     ^^ `.5` behind `1` means nothing
    = a list has commas: `1,5`
    0~59 * * * *
     ^^^ `~59` behind `0` means nothing
    = pipeline files have `H` for a time of their own
    1-2-3 * * * *
       ^^ `-3` behind `1-2` means nothing
    = leave it out; Debian's cron reads over it
    */5/2 * * * *
       ^^ `/2` behind `*/5` means nothing
    = leave it out; Debian's cron reads over it
    "#);
}

#[test]
fn words_of_pipeline_files_are_none_of_a_crontab() {
    let texts = ["0 0 * * 5#2", "0 0 L * ?", "0 0 15W * *", "H H * * *"];
    insta::assert_snapshot!(refused(&texts, Dialect::Crontab), @r#"
    0 0 * * 5#2
            ^^^ a crontab has no `5#2`
    = pipeline files understand it
    0 0 L * ?
        ^ a crontab has no `L`
    = pipeline files understand it
    0 0 15W * *
        ^^^ a crontab has no `15W`
    = pipeline files understand it
    H H * * *
    ^ a crontab has no `H`
    = pipeline files understand it
    "#);
}

/// Any field of numbers, with stars, ranges, steps and lists.
pub(super) fn any_field(numbers: RangeInclusive<u32>) -> impl Strategy<Value = String> {
    let (low, high) = (*numbers.start(), *numbers.end());
    let item = prop_oneof![
        4 => (low..=high).prop_map(|number| number.to_string()),
        2 => (low..=high, low..=high).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (low..=high, low..=high, 1..=high)
            .prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b))),
        1 => (1..=high).prop_map(|step| format!("*/{step}")),
        1 => Just("*".to_owned()),
    ];
    let list = proptest::collection::vec(item, 1..4).prop_map(|items| items.join(","));
    prop_oneof![2 => Just("*".to_owned()), 5 => list]
}

/// What pipeline files may say of days, beside the rest.
fn any_days(words: &'static [&'static str], numbers: RangeInclusive<u32>) -> impl Strategy<Value = String> {
    let word = proptest::sample::select(words).prop_map(str::to_owned);
    let both = (any_field(numbers.clone()), word.clone()).prop_map(|(some, word)| format!("{some},{word}"));
    prop_oneof![3 => any_field(numbers), 1 => word, 1 => both]
}

proptest! {
    #[test]
    fn the_canonical_text_is_the_same_expression(
        seconds in any_field(0..=59), minutes in any_field(0..=59), hours in any_field(0..=23),
        dates in any_days(&["L", "LW", "1W", "15W", "31W"], 1..=31), months in any_field(1..=12),
        weekdays in any_days(&["fri#2", "7#1", "0L", "sunL", "tue#5"], 0..=7),
    ) {
        let cron = read(&format!("{seconds} {minutes} {hours} {dates} {months} {weekdays}"), Dialect::Extended);
        let cron = cron.unwrap();
        let canonical = cron.expanded();
        let again = read(&canonical, Dialect::Extended).unwrap();
        prop_assert_eq!(again.expanded(), &*canonical);
        prop_assert_eq!(again, cron, "{}", canonical);
    }

    #[test]
    fn no_text_breaks_it(text in r"[ \t@]?(\PC|[0-9*/,LWH#?()-]{1,4}[ \t]?){0,12}") {
        for dialect in [Dialect::Crontab, Dialect::Extended, Dialect::Pipeline { name: "nightly" }] {
            if let Err(CronError { span, .. }) = Line::parse(&text, dialect) {
                prop_assert!(text.get(span.clone()).is_some(), "{:?} of {:?}", span, text);
            }
        }
    }
}

#[test]
fn pipeline_files_understand_more() {
    for (text, meant) in [
        ("0 0 L * ?", "0 0 L * *"),
        ("0 0 LW,15W,1 * *", "0 0 1,15W,LW * *"),
        ("0 0 * * fri#2,MON#1,7#5", "0 0 * * 0#5,1#1,5#2"),
        ("0 0 ? * friL,2", "0 0 * * 2,5L"),
        ("0 0 *,L * *", "0 0 *,L * *"),
    ] {
        assert_eq!(expanded(text, Dialect::Extended), meant);
        assert_eq!(expanded(text, Dialect::Pipeline { name: "nightly" }), meant);
    }
    let texts = ["0 0 ?,5 * *", "0 0 32W * *", "0 0 * * 5#6", "0 0 * * L", "L * * * *", "H * * * *"];
    insta::assert_snapshot!(refused(&texts, Dialect::Extended), @r#"
    0 0 ?,5 * *
        ^ `?` stands alone in its field
    = write `*`
    0 0 32W * *
        ^^^ `32W` is no day of the month
    = expected 1 to 31
    0 0 * * 5#6
             ^^ `#6` behind `5` means nothing
    = the first to the fifth of a month are `5#1` to `5#5`
    0 0 * * L
            ^ `L` is no day of the week
    = the last Friday of a month is `friL`
    L * * * *
    ^ `L` is no minute
    = expected 0 to 59
    H * * * *
    ^ `H` is made from a pipeline's name, and there is none here
    = `sexton plan` shows the times of pipelines
    "#);
    let texts = ["H(1-70) * * * *", "H(9-5) * * * *", "H/0 * * * *", "Hx * * * *", "h * * * *"];
    insta::assert_snapshot!(refused(&texts, Dialect::Pipeline { name: "nightly" }), @r#"
    H(1-70) * * * *
    ^^^^^^^ `H(1-70)` is not understood
    = there are `H`, `H/n`, `H(a-b)` and `H(a-b)/n`, with n from 1 on; expected 0 to 59
    H(9-5) * * * *
    ^^^^^^ `H(9-5)` is not understood
    = there are `H`, `H/n`, `H(a-b)` and `H(a-b)/n`, with n from 1 on; expected 0 to 59
    H/0 * * * *
    ^^^ `H/0` is not understood
    = there are `H`, `H/n`, `H(a-b)` and `H(a-b)/n`, with n from 1 on; expected 0 to 59
    Hx * * * *
    ^^ `Hx` is not understood
    = there are `H`, `H/n`, `H(a-b)` and `H(a-b)/n`, with n from 1 on; expected 0 to 59
    h * * * *
    ^ `h` is no minute
    = expected 0 to 59
    "#);
}

#[test]
fn a_hashed_number_belongs_to_a_name_for_ever() {
    let text = "H H(0-5) H H H";
    let of = |name| expanded(text, Dialect::Pipeline { name });
    assert_eq!(of("nightly"), "26 5 27 6 6");
    assert_eq!(of("nightly2"), "11 0 18 3 6");
    assert_eq!(
        expanded("H/15 H(8-18)/4 * * *", Dialect::Pipeline { name: "nightly" }),
        "11-56/15 11,15 * * *"
    );
    // Every number comes up, and none beyond the field's.
    let minutes = (0..2_000).map(|n| {
        let name = format!("pipeline {n}");
        let cron = read("H * H * H", Dialect::Pipeline { name: &name }).unwrap();
        assert!((1..=28).contains(&cron.dates.trailing_zeros()) && cron.weekdays < 1 << 7);
        cron.minutes
    });
    assert_eq!(minutes.fold(0, |all, minute| all | minute), (1 << 60) - 1);
}
