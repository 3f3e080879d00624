//! Sessions in templates, by the calendars that come with the program.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};

use crate::pipeline::environment::facts;
use crate::pipeline::tests::findings::book;
use crate::pipeline::text::because;
use crate::pipeline::text::scope::Scope;
use crate::pipeline::text::template::{TemplateError, evaluate, render};
use crate::pipeline::text::vocabulary::Shape;

use super::templates::scope;

/// A run for this date, of a schedule that goes by this calendar.
fn on(code: &str, date: Date) -> Scope {
    Scope { calendar: Some(book().get(code).unwrap()), logical_date: date, ..scope() }
}

fn holds(code: &str, date: Date, text: &str) -> Result<bool, TemplateError> {
    evaluate(text, &on(code, date), &BTreeMap::new())
}

fn value(code: &str, date: Date, text: &str) -> Result<String, String> {
    let rendered = render(&format!("{{{{ {text} }}}}"), &on(code, date), &BTreeMap::new());
    rendered.map_err(|error| error.to_string())
}

fn because(text: &str, scope: &Scope) -> Option<String> {
    because::because(text, scope, &BTreeMap::from([("GO".into(), "no".into())]))
}

#[track_caller]
fn values(code: &str, date: Date, table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(value(code, date, text).as_deref(), Ok(*expected), "{text} on {date}");
    }
}

/// That of these questions exactly those marked with `+` are answered with yes.
#[track_caller]
fn answers(code: &str, date: Date, questions: &str) {
    for question in questions.split_whitespace() {
        let (yes, name) = question.split_at(1);
        assert_eq!(holds(code, date, &format!("session.{name}")), Ok(yes == "+"), "{name} on {date}");
    }
}

#[test]
fn a_session_knows_what_it_is() {
    answers(
        "XNYS",
        date(2026, 11, 25),
        "+is_session -is_closed -is_holiday -is_regular_holiday -is_early_close -is_late_open \
         -is_first_of_month -is_last_of_month -is_last_of_week",
    );
    values(
        "XNYS",
        date(2026, 11, 25),
        &[
            ("session", "2026-11-25"),
            ("session.label", "2026-11-25"),
            ("session.label.weekday_name", "Wednesday"),
            ("session.open", "2026-11-25T09:30:00-05:00"),
            ("session.close", "2026-11-25T16:00:00-05:00"),
            ("session.close.strftime('%H:%M')", "16:00"),
            ("session.calendar", "XNYS"),
            ("session.nth_of_month", "18"),
            ("session.nth_last_of_month", "3"),
            ("session.previous", "2026-11-24"),
            ("session.next", "2026-11-27"),
            ("session.next.next.label", "2026-11-30"),
            ("session.shift(1)", "2026-11-27"),
            ("session.shift(-3)", "2026-11-20"),
            ("session.shift(0)", "2026-11-25"),
            ("session.shift(2).open", "2026-11-30T09:30:00-05:00"),
            ("session.break_start", "None"),
            ("session.holiday_name", "None"),
        ],
    );
}

#[test]
fn a_holiday_has_a_name_and_neighbours_and_no_hours() {
    let thanksgiving = date(2026, 11, 26);
    answers(
        "XNYS",
        thanksgiving,
        "-is_session +is_closed +is_holiday +is_regular_holiday -is_early_close -is_late_open -is_projected \
         -is_first_of_week -is_last_of_week -is_last_of_month",
    );
    values(
        "XNYS",
        thanksgiving,
        &[
            ("session.holiday_name", "Thanksgiving Day"),
            ("session", "2026-11-26"),
            ("session.date", "2026-11-26"),
            ("session.previous.label", "2026-11-25"),
            ("session.next.label", "2026-11-27"),
            ("session.shift(1)", "2026-11-27"),
            ("session.shift(-1)", "2026-11-25"),
            ("session.shift(2)", "2026-11-30"),
        ],
    );
    for text in [
        "open",
        "close",
        "break_start",
        "break_end",
        "label",
        "nth_of_month",
        "nth_last_of_month",
        "shift(0)",
    ] {
        let error = value("XNYS", thanksgiving, &format!("session.{text}")).unwrap_err();
        assert_eq!(error, "XNYS has no session on 2026-11-26 (Thanksgiving Day)", "{text}");
    }
}

#[test]
fn a_weekend_is_closed_and_no_holiday() {
    let saturday = date(2026, 11, 28);
    answers("XNYS", saturday, "-is_session +is_closed -is_holiday -is_regular_holiday -is_early_close");
    values("XNYS", saturday, &[("session.holiday_name", "None"), ("session.next", "2026-11-30")]);
    assert_eq!(
        value("XNYS", saturday, "session.open"),
        Err("XNYS has no session on 2026-11-28 (Saturday)".to_owned())
    );
}

#[test]
fn a_day_of_mourning_is_a_holiday_and_no_regular_one() {
    answers("XNYS", date(2025, 1, 9), "-is_session +is_closed +is_holiday -is_regular_holiday");
    answers("XNYS", date(2026, 12, 25), "-is_session +is_holiday +is_regular_holiday");
}

#[test]
fn half_days_and_late_opens_are_sessions() {
    answers(
        "XNYS",
        date(2026, 11, 27),
        "+is_session -is_holiday +is_early_close -is_late_open +is_last_of_week",
    );
    values(
        "XNYS",
        date(2026, 11, 27),
        &[("session.close", "2026-11-27T13:00:00-05:00"), ("session.close.hour", "13")],
    );
    // Ash Wednesday, and the first session of a year in Korea.
    answers("BVMF", date(2026, 2, 18), "+is_session +is_late_open -is_early_close");
    answers("XKRX", date(2024, 1, 2), "+is_session +is_late_open -is_early_close");
}

#[test]
fn a_session_knows_its_place_in_week_month_quarter_and_year() {
    for (day, questions) in [
        (date(2026, 11, 23), "+is_first_of_week -is_last_of_week -is_first_of_month"),
        (date(2026, 11, 30), "+is_last_of_month +is_first_of_week -is_last_of_quarter"),
        (date(2026, 11, 2), "+is_first_of_month -is_first_of_quarter"),
        (date(2026, 10, 1), "+is_first_of_month +is_first_of_quarter -is_first_of_year"),
        (date(2026, 12, 31), "+is_last_of_month +is_last_of_quarter +is_last_of_year +is_last_of_week"),
        (date(2026, 1, 2), "+is_first_of_year +is_first_of_quarter +is_first_of_month -is_first_of_week"),
        // Labor Day is the Monday before.
        (date(2026, 9, 8), "+is_first_of_week"),
        (date(2026, 9, 7), "-is_first_of_week"),
    ] {
        answers("XNYS", day, questions);
    }
    // Saudi Arabia's week begins on a Sunday.
    answers("XSAU", date(2026, 11, 22), "+is_session +is_first_of_week");
    answers("XSAU", date(2026, 11, 26), "+is_session +is_last_of_week");
    values("XNYS", date(2026, 11, 2), &[("session.nth_of_month", "1"), ("session.nth_last_of_month", "20")]);
    values("XNYS", date(2026, 11, 30), &[("session.nth_of_month", "20"), ("session.nth_last_of_month", "1")]);
}

#[test]
fn times_are_the_exchanges_own_and_may_lie_on_another_day() {
    values(
        "XTKS",
        date(2026, 11, 24),
        &[
            ("session.open", "2026-11-24T09:00:00+09:00"),
            ("session.break_start", "2026-11-24T11:30:00+09:00"),
            ("session.break_end.hour", "12"),
        ],
    );
    // Its label is a Monday, and it opens on Sunday evening in Chicago; the clocks were changed in between.
    values(
        "CMES",
        date(2026, 3, 9),
        &[
            ("session.open", "2026-03-08T17:00:00-05:00"),
            ("session.open.date", "2026-03-08"),
            ("session.label", "2026-03-09"),
            ("session.previous.open", "2026-03-05T17:00:00-06:00"),
        ],
    );
    answers("CMES", date(2026, 3, 8), "-is_session +is_closed -is_holiday");
    answers("XBOM", date(2025, 2, 1), "+is_session");
}

#[test]
fn beyond_the_calendar_nothing_is_guessed() {
    let calendar = book().get("XSHG").unwrap();
    let (first, last) = (calendar.first(), calendar.last());
    let after = format!("nothing is known of XSHG after {last}");
    let before = format!("nothing is known of XSHG before {first}");
    let names =
        Shape::Session.attributes().map(|(name, _)| name).filter(|name| !["date", "calendar"].contains(name));
    for name in names.chain(["shift(1)", "shift(-1)"]) {
        let name = format!("session.{name}");
        assert_eq!(value("XSHG", last.tomorrow().unwrap(), &name), Err(after.clone()), "{name}");
        assert_eq!(value("XSHG", first.yesterday().unwrap(), &name), Err(before.clone()), "{name}");
    }
    values("XSHG", last.tomorrow().unwrap(), &[("session.calendar", "XSHG")]);
    let final_session = calendar.previous_label(last.tomorrow().unwrap()).unwrap();
    for text in ["next", "shift(1)", "shift(99999999999)", "next.label"] {
        assert_eq!(value("XSHG", final_session, &format!("session.{text}")), Err(after.clone()), "{text}");
    }
    for text in ["shift(-99999999999)", "shift(-2147483648)", "shift(-30000)"] {
        assert_eq!(value("XSHG", final_session, &format!("session.{text}")), Err(before.clone()), "{text}");
    }
    // Whether it is the last of a week that goes on, nobody knows yet.
    let goes_on = final_session.weekday().to_monday_one_offset() < 5;
    assert_eq!(holds("XSHG", final_session, "session.is_last_of_week").is_err(), goes_on);
    answers("XSHG", final_session, "+is_last_of_month +is_last_of_year");
}

#[test]
fn long_chains_are_answered_or_refused_at_once() {
    let day = date(2026, 11, 25);
    let chain = |links: usize| format!("session{}.label", ".next.previous".repeat(links));
    assert_eq!(value("XNYS", day, &chain(40)).as_deref(), Ok("2026-11-25"));
    assert_eq!(value("XNYS", day, &chain(60)), Err("the template is too long".to_owned()));
    let shifts = format!("session{}", ".shift(9)".repeat(30));
    assert_eq!(value("XNYS", day, &shifts).map(|text| text.len()), Ok(10));
    let steps = "{% for n in range(1000) %}{{ session.shift(n).open }}{% endfor %}";
    assert!(render(steps, &on("XNYS", date(2010, 1, 4)), &BTreeMap::new()).is_ok());
}

#[test]
fn what_is_extrapolated_is_marked() {
    let calendar = book().get("XNYS").unwrap();
    let announced = calendar.announced_to();
    answers("XNYS", announced, "-is_projected");
    if let Some(projected) = calendar.next_label(announced) {
        answers("XNYS", projected, "+is_projected");
    }
}

#[test]
fn other_calendars_are_asked_by_their_codes() {
    let day = date(2026, 11, 26);
    values(
        "XNYS",
        day,
        &[
            ("calendar('XLON')", "XLON"),
            ("calendar('lse').code", "XLON"),
            ("calendar('XLON').session(ds)", "2026-11-26"),
            ("calendar('XLON').session(logical_date).open", "2026-11-26T08:00:00+00:00"),
            ("calendar('XLON').session('2026-12-25').holiday_name", "Christmas"),
            ("calendar('XLON').session(session.date).next", "2026-11-27"),
            ("calendar('XLON').session(session.next.label).previous", "2026-11-26"),
            ("calendar('NASDAQ').session(ds).shift(2)", "2026-11-30"),
        ],
    );
    for (text, expected) in [
        ("calendar('XLON').is_session(ds)", true),
        ("calendar('XNYS').is_session(ds)", false),
        ("calendar('XLON').is_session('2026-11-28')", false),
        ("session.previous == calendar('XNYS').session('2026-11-25')", true),
        ("session.previous == calendar('XLON').session('2026-11-25')", false),
        ("session.previous < session.next", true),
        ("session.is_closed and not calendar('XLON').session(ds).is_closed", true),
    ] {
        assert_eq!(holds("XNYS", day, text), Ok(expected), "{text}");
    }
    for (text, expected) in [
        ("calendar('XLONN')", "there is no calendar `XLONN`; did you mean `XLON`?"),
        ("calendar(params.file).code", "there is no calendar `it's; rm`"),
        ("calendar('XLON').session(params.file)", "`it's; rm` is no date; one is written like `2026-11-27`"),
        ("calendar('XLON').is_session(data_interval_end)", "an instant is no date: say `.date` behind it"),
        ("calendar('XLON').is_session('9999-01-01')", "nothing is known of XLON after 2027-12-31"),
    ] {
        assert_eq!(value("XNYS", day, text), Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn without_a_calendar_there_is_no_session() {
    let error = render("{{ session.is_session }}", &scope(), &BTreeMap::new()).unwrap_err().to_string();
    assert_eq!(error, "no calendar: give the schedule or the pipeline a `calendar:`");
    assert!(facts(&scope()).iter().all(|(name, _)| !name.contains("SESSION") && !name.contains("CALENDAR")));
}

#[test]
fn every_attribute_of_a_session_that_check_knows_is_there() {
    for (name, _) in Shape::Session.attributes() {
        assert_eq!(
            holds("XTKS", date(2026, 11, 24), &format!("session.{name} is defined")),
            Ok(true),
            "{name}"
        );
    }
    for (name, _) in Shape::Run.attributes() {
        assert_eq!(holds("XNYS", date(2026, 11, 24), &format!("run.{name} is defined")), Ok(true), "{name}");
    }
}

#[test]
fn a_command_sees_the_session() {
    let told = |day: Date| {
        let all = facts(&on("XNYS", day)).into_iter();
        let own = all.filter(|(name, _)| name.contains("SESSION") || name.contains("CALENDAR"));
        own.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(
        told(date(2026, 11, 27)),
        [
            "SEXTON_CALENDAR=XNYS",
            "SEXTON_SESSION=2026-11-27",
            "SEXTON_SESSION_OPEN=2026-11-27T09:30:00-05:00",
            "SEXTON_SESSION_CLOSE=2026-11-27T13:00:00-05:00",
        ]
    );
    assert_eq!(told(date(2026, 11, 26)), ["SEXTON_CALENDAR=XNYS"]);
}

#[test]
fn the_run_is_its_number_and_knows_what_made_it() {
    let late = Scope { is_latest: false, ..scope() };
    let render = |text: &str| render(text, &late, &BTreeMap::new());
    assert_eq!(render("{{ run }} {{ run.id }} {{ run.kind }}").as_deref(), Ok("r1 r1 scheduled"));
    assert_eq!(render("{{ run ~ '.csv' }} {{ run | shquote }}").as_deref(), Ok("r1.csv 'r1'"));
    assert_eq!(render("{{ [run] | tojson }}").as_deref(), Ok("[\"r1\"]"));
    assert_eq!(evaluate("run.is_latest", &late, &BTreeMap::new()), Ok(false));
    assert_eq!(evaluate("run.is_latest", &scope(), &BTreeMap::new()), Ok(true));
}

#[test]
fn what_does_not_hold_is_told_with_the_sessions_facts() {
    for (day, text, expected) in [
        (date(2026, 11, 26), "session.is_session", "XNYS is closed on 2026-11-26 (Thanksgiving Day)"),
        (
            date(2026, 11, 26),
            "session.is_early_close and session.is_last_of_month",
            "XNYS is closed on 2026-11-26 (Thanksgiving Day)",
        ),
        (date(2026, 11, 28), "not session.is_closed", "XNYS has no session on Saturdays"),
        (date(2026, 11, 25), "session.is_holiday", "XNYS 2026-11-25 is a session"),
        (
            date(2026, 11, 25),
            "session.is_last_of_month",
            "XNYS 2026-11-25 is not the last session of its month",
        ),
        (
            date(2026, 11, 27),
            "session.is_last_of_month or not session.is_early_close or session.is_first_of_week",
            "XNYS 2026-11-27 is not the last session of its month, an early close, not the first session of its \
             week",
        ),
        (date(2026, 11, 25), "session.nth_of_month == 3", "XNYS 2026-11-25 is session 18 of its month"),
        (
            date(2026, 11, 25),
            "session.nth_last_of_month == 1",
            "XNYS 2026-11-25 is session 3 of its month from the end",
        ),
        (date(2026, 11, 25), "session.previous.is_early_close", "XNYS 2026-11-24 is not an early close"),
        (date(2026, 11, 25), "session.is_holiday or session.is_closed", "XNYS 2026-11-25 is a session"),
        (date(2026, 11, 25), "session.holiday_name == 'Christmas Day'", "XNYS 2026-11-25 is a session"),
        (date(2026, 12, 25), "session.holiday_name == 'x'", "XNYS is closed on 2026-12-25 (Christmas)"),
        // Boxing Day was a Saturday.
        (
            date(2026, 12, 28),
            "session.is_session and calendar('XLON').is_session(ds)",
            "XLON is closed on 2026-12-28 (Boxing Day (in lieu))",
        ),
        (
            date(2026, 12, 28),
            "session.is_session and not (session.is_early_close or not calendar('XLON').session(ds).is_session)",
            "XLON is closed on 2026-12-28 (Boxing Day (in lieu))",
        ),
        (
            date(2026, 11, 26),
            "session.is_closed and calendar('XLON').session(ds).is_holiday",
            "XLON 2026-11-26 is a session",
        ),
        (
            date(2026, 11, 25),
            "session.is_closed and calendar('XLON').is_session(ds)",
            "XNYS 2026-11-25 is a session",
        ),
        (
            date(2026, 12, 25),
            "session.is_session and calendar('XLON').is_session(ds)",
            "XNYS is closed on 2026-12-25 (Christmas); XLON is closed on 2026-12-25 (Christmas)",
        ),
        (
            date(2026, 11, 26),
            "session.is_session and session.close.hour < 16",
            "XNYS is closed on 2026-11-26 (Thanksgiving Day)",
        ),
        (
            date(2026, 11, 30),
            "params.n == 3 and not session.is_last_of_month",
            "XNYS 2026-11-30 is the last session of its month",
        ),
        (
            date(2026, 11, 26),
            "session.is_early_close if session.is_session else false",
            "XNYS is closed on 2026-11-26 (Thanksgiving Day)",
        ),
        (
            date(2026, 11, 25),
            "session.is_early_close if session.is_session else params.n == 3",
            "XNYS 2026-11-25 is not an early close",
        ),
        (
            date(2026, 11, 25),
            "session.is_last_of_month in [true]",
            "XNYS 2026-11-25 is not the last session of its month",
        ),
    ] {
        assert_eq!(because(text, &on("XNYS", day)).as_deref(), Some(expected), "{text}");
    }
    let beyond = because("session.is_session", &on("XSHG", date(2200, 1, 1)));
    assert!(beyond.is_some_and(|words| words.starts_with("nothing is known of XSHG after ")));
    let late = Scope { is_latest: false, ..on("XNYS", date(2026, 11, 25)) };
    assert_eq!(because("run.is_latest", &late).as_deref(), Some("a later slot of its schedule is due"));
    assert_eq!(
        because("run.is_latest and session.is_first_of_year", &late).as_deref(),
        Some("a later slot of its schedule is due; XNYS 2026-11-25 is not the first session of its year")
    );
    assert_eq!(because("session.is_session and not run.is_latest and params.n == 4", &late), None);
    assert_eq!(because("session.is_session", &scope()), None);
}

#[test]
fn what_has_not_decided_is_not_told() {
    for text in [
        "session.is_session and params.n == 4",
        "not session.is_last_of_month and params.n == 4",
        "(session.is_session or session.is_early_close) and params.n == 4",
        "session.is_session and env.GO == 'yes'",
        "params.n == 4 if session.is_session else session.is_early_close",
        "session.previous.label != logical_date.minus(1)",
        "session.close.hour == 13",
        "logical_date.weekday == 5",
        "params.session == 'x'",
        "",
        "session",
        "session.",
        "'",
        "x.session.y",
    ] {
        assert_eq!(because(text, &on("XNYS", date(2026, 11, 25))), None, "{text}");
    }
}
