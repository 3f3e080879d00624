//! `sexton calendar`: what there is, a year by month, and every session for programs.

use sqlx::{Connection as _, SqliteConnection};

use super::desk::{Ask, Desk};

const US: &str = "override: XNYS\nclosed_ad_hoc: {National Day of Mourning: [2026-12-09]}\n\
                  early_close: {12:00: {Snow: [2026-12-10]}}\nextra: {Test: [2026-12-12]}\n";

/// With paths as people write them.
fn ask<'d>(desk: &'d Desk, words: &[&str]) -> Ask<'d> {
    desk.ask(words).env("SEXTON_CONFIG", "config")
}

fn show<'d>(desk: &'d Desk, words: &[&str]) -> Ask<'d> {
    ask(desk, &[&["calendar", "show"], words].concat())
}

fn check<'d>(desk: &'d Desk, words: &[&str]) -> Ask<'d> {
    ask(desk, &[&["check"], words].concat())
}

#[test]
fn months_hang_on_the_wall() {
    let desk = Desk::new();
    show(&desk, &["hkex", "--from", "2026-12-14", "--to", "2027-01-08"]).exit(0).stderr_is("").stdout_is(
        "\
XHKG  Hong Kong Stock Exchange, Asia/Hong_Kong
also called HKEX
known from 1990-01-01 to 2027-12-31, announced to 2026-12-31
Mon-Fri 09:30–12:00 13:00–16:00
2026-12-14 to 2027-01-08: 18 sessions, 2 holidays, 2 early closes

December 2026, 13 sessions
  Mo  Tu  We  Th  Fr  Sa  Su
 14  15  16  17  18           Thu 24  09:30–12:00  Christmas Eve
 21  22  23  24* --           Fri 25  closed       Christmas
 28  29  30  31*              Thu 31  09:30–12:00  New Year's Eve

January 2027, 5 sessions, projected
  Mo  Tu  We  Th  Fr  Sa  Su
                 --           Fri  1  closed  New Year's Day
  4   5   6   7   8
",
    );
    // Weeks of their own, hours that change, an evening before, all around the clock.
    let done = show(&desk, &["XTAE", "--from", "2025-12-28", "--to", "2026-01-31"]).exit(0);
    let done = done
        .stdout_has("\nSun 09:59–15:40, Mon-Thu 09:59–17:15\n")
        .stdout_has("  Su  Mo  Tu  We  Th  Fr  Sa\n");
    done.stdout_has("Mon  5  from now on  Mon-Thu 09:59–17:15, Fri 09:59–13:50\n");
    let done = show(&desk, &["CMES", "--from", "2026-11-23", "--to", "2026-11-27"]).exit(0);
    done.stdout_has("\nMon-Fri -1d 17:00–17:00\n").stdout_has("Thu 26  -1d 17:00–12:00  Thanksgiving Day\n");
    show(&desk, &["24/7", "2026"]).exit(0).stdout_has("\nMon-Sun 00:00–24:00\n2026: 365 sessions\n");
    show(&desk, &["XBOM", "--from", "2025-02-01", "--to", "2025-02-03"])
        .exit(0)
        .stdout_has("Sat  1  09:15–15:30  ");
}

#[test]
fn what_ones_own_files_say_is_marked() {
    let desk = Desk::new().file("config/calendars/us.yaml", US);
    let done = show(&desk, &["XNYS", "--from", "2026-12-07", "--to", "2026-12-25"]).exit(0).stderr_is("");
    done.stdout_has(
        "
with config/calendars/us.yaml
known from 1990-01-01 to 2027-12-31
Mon-Fri 09:30–16:00
2026-12-07 to 2026-12-25: 14 sessions, 1 holiday, 1 ad hoc closure, 2 early closes

December 2026, 14 sessions
  Mo  Tu  We  Th  Fr  Sa  Su
  7   8  --  10* 11  12*      Wed  9  closed ad hoc  National Day of Mourning, by config/calendars/us.yaml
 14  15  16  17  18           Thu 10  09:30–12:00    Snow, by config/calendars/us.yaml
 21  22  23  24* --           Sat 12  09:30–16:00    Test, by config/calendars/us.yaml
                              Thu 24  09:30–13:00    Christmas Eve
                              Fri 25  closed         Christmas
",
    );
    // What says nothing is told where it matters.
    let desk = desk.file("config/calendars/vain.yaml", "override: XLON\nclosed: [2026-12-25]\n");
    show(&desk, &["XNYS", "2026"]).exit(0).stderr_is("");
    let done = show(&desk, &["XLON", "2026"]).exit(0).stderr_has("config/calendars/vain.yaml:2:10");
    done.stderr_has("`XLON` is closed on 2026-12-25 already (Christmas)");
    ask(&desk, &["calendar", "list"]).exit(0).stdout_has(" config/calendars/us.yaml ");
}

#[test]
fn every_session_for_programs() {
    let desk = Desk::new().file("config/calendars/us.yaml", US);
    let done =
        show(&desk, &["nyse", "--json", "--from", "2026-12-08", "--to", "2026-12-11"]).exit(0).stderr_is("");
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "{\"session\":\"2026-12-08\",\"open\":\"2026-12-08T14:30:00Z\",\"close\":\"2026-12-08T21:00:00Z\",\
             \"break_start\":null,\"break_end\":null,\"early_close\":false,\"late_open\":false,\"names\":[],\
             \"source\":\"table\"}",
            "{\"session\":\"2026-12-10\",\"open\":\"2026-12-10T14:30:00Z\",\"close\":\"2026-12-10T17:00:00Z\",\
             \"break_start\":null,\"break_end\":null,\"early_close\":true,\"late_open\":false,\
             \"names\":[\"Snow\"],\"source\":\"config/calendars/us.yaml\"}",
            "{\"session\":\"2026-12-11\",\"open\":\"2026-12-11T14:30:00Z\",\"close\":\"2026-12-11T21:00:00Z\",\
             \"break_start\":null,\"break_end\":null,\"early_close\":false,\"late_open\":false,\"names\":[],\
             \"source\":\"table\"}",
        ]
    );
    let tokyo = show(&desk, &["XTKS", "--json", "--from", "2026-11-24", "--to", "2026-11-24"]).exit(0).json();
    assert_eq!(tokyo[0]["break_start"], "2026-11-24T02:30:00Z");
    assert_eq!(tokyo[0]["break_end"], "2026-11-24T03:30:00Z");
    // Without a range, all there is.
    let all = show(&desk, &["XNYS", "--json"]).exit(0).json();
    assert_eq!(
        (&all[0]["session"], &all[all.len() - 1]["session"]),
        (&"1990-01-02".into(), &"2027-12-31".into())
    );
    assert_eq!(show(&desk, &["XNYS", "--json", "2026"]).exit(0).json().len(), 251);
    assert_eq!(show(&desk, &["XNYS", "--json", "--from", "2027-12-30"]).exit(0).json().len(), 2);
}

#[test]
fn all_calendars_are_listed_with_their_other_names() {
    let desk = Desk::new().file("config/calendars/desk.yaml", "code: desk\nextends: NYSE\naliases: [team]\n");
    let done = ask(&desk, &["calendar", "list"]).exit(0).stderr_is("");
    assert_eq!(done.stdout.lines().count(), 73);
    done.stdout_has("XNYS        New York Stock Exchange         America/New_York").stdout_has(" team\n");
    let all = ask(&desk, &["calendar", "list", "--json"]).exit(0).json();
    assert_eq!(all.len(), 72);
    let of = |code: &str| all.iter().find(|one| one["code"] == code).cloned().unwrap_or_default();
    assert_eq!(of("XSHG")["to"], "2026-12-31");
    assert_eq!(of("XTKS")["aliases"], serde_json::json!(["JPX"]));
    assert_eq!(of("desk")["files"], serde_json::json!(["config/calendars/desk.yaml"]));
    assert!(of("24/7")["next"]["open"].is_string());
}

#[test]
fn what_is_not_known_is_said() {
    let desk = Desk::new();
    show(&desk, &["XNYC"]).exit(2).stderr_is("error: there is no calendar `XNYC`; did you mean `XNYS`?\n");
    let done = show(&desk, &["zzzzzz"]).exit(2);
    done.stderr_is("error: there is no calendar `zzzzzz`; `sexton calendar list` shows them all\n");
    let done = show(&desk, &["XSHG", "2027"]).exit(2).stdout_is("");
    done.stderr_is(
        "error: `XSHG` knows the dates from 1990-12-03 to 2026-12-31, and none from 2027-01-01 to 2027-12-31\n",
    );
    let done = show(&desk, &["XSHG", "--json", "--from", "2026-12-31", "--to", "2027-01-31"]).exit(0);
    assert_eq!(done.json().len(), 1);
    done.stderr_is("`XSHG` ends 2026-12-31; what comes after is not known\n");
    show(&desk, &["XSHG", "1990"])
        .exit(0)
        .stderr_is("`XSHG` begins 1990-12-03; what was before is not known\n");
    show(&desk, &["XNYS", "--from", "2026-02-01", "--to", "2026-01-01"])
        .exit(2)
        .stderr_has("--to is before --from");
    show(&desk, &["XNYS", "2026", "--from", "2026-02-01"]).exit(2).stderr_has("cannot be used with");
    ask(&desk, &["calendar", "list", "--config", "nowhere"]).exit(2).stderr_has("nowhere: no such directory");
}

#[test]
fn files_with_mistakes_are_shown_and_nothing_else() {
    let desk = Desk::new().file("config/calendars/us.yaml", "override: XNYS\nclosd: [2026-12-09]\n");
    let done = show(&desk, &["XLON", "2026"]).exit(2).stdout_is("");
    done.stderr_has("config/calendars/us.yaml:2:1").stderr_has("did you mean `closed`?");
}

#[test]
fn check_and_schema_know_calendars() {
    let desk = Desk::new()
        .file("config/calendars/desk.yaml", "code: desk\nextends: XNYS\n")
        .file("config/calendars/us.yaml", US);
    check(&desk, &["config/calendars/us.yaml"]).exit(0).stderr_is("").stdout_is(
        "config/calendars/desk.yaml: valid, defines desk\nconfig/calendars/us.yaml: valid, changes XNYS\n",
    );
    let desk = desk
        .pipeline("a", "exec: run")
        .file("config/calendars/vain.yaml", "override: desk\nclosed: [2026-12-25]\n");
    let done = check(&desk, &[])
        .exit(0)
        .stdout_has("calendars/vain.yaml: valid, changes desk\n")
        .stdout_has("a.yaml: valid");
    done.stderr_has("vain.yaml:2:10").stderr_has("`desk` is closed on 2026-12-25 already");
    check(&desk, &["--strict"]).exit(1);
    let desk = desk.file("config/calendars/vain.yaml", "override: dsk\n");
    let done = check(&desk, &[])
        .exit(1)
        .stderr_has("did you mean `desk`?")
        .stdout_has("us.yaml: valid, changes XNYS");
    assert!(!done.stdout.contains("vain.yaml"), "{}", done.all());
    check(&desk, &["config/calendars/none.yaml"]).exit(1).stderr_has("none.yaml: No such file");
    check(&desk, &["config/calendars/us.yaml", "--json"]).exit(1).stdout_has("\"line\":1");
    let schema = desk.ask(&["schema", "calendar"]).exit(0);
    schema.stdout_has("\"title\": \"Sexton calendar\"").stdout_has("\"closed_ad_hoc\"");
}

#[test]
fn a_run_says_which_data_it_went_by() {
    let desk = Desk::new().pipeline("a", "exec: 'true'").file("config/calendars/us.yaml", US);
    desk.run("a").exit(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let url = format!("sqlite://{}", desk.path("state").join(sexton::store::db::FILE).display());
    let evidence: String = runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&url).await.expect("the database");
        sqlx::query_scalar("select evidence from runs").fetch_one(&mut connection).await.expect("a run")
    });
    assert!(evidence.contains("exchange_calendars") && evidence.contains(", files "), "{evidence}");
    let desk = desk.file("config/calendars/us.yaml", "override: XNYZ\n");
    desk.run("a").exit(2).stderr_has("did you mean `XNYS`?");
}
