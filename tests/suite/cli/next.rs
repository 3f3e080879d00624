//! `sexton next`: when an expression fires, or what is wrong with it.

use super::desk::{Desk, Done};

fn next(words: &[&str], code: i32) -> Done {
    Desk::new().ask(&[&["next"], words].concat()).exit(code)
}

const NEW_YORK: [&str; 2] = ["--timezone", "America/New_York"];

#[test]
fn instants_are_shown_as_their_zone_shows_them() {
    next(&["30 21 * * 1-5", "--from", "2025-03-07T21:30:00Z"], 0).stderr_is("").stdout_is(
        "2025-03-10T21:30:00Z\n2025-03-11T21:30:00Z\n2025-03-12T21:30:00Z\n2025-03-13T21:30:00Z\n\
         2025-03-14T21:30:00Z\n",
    );
    let night = ["30 2 * * *", "--from", "2025-03-08T00:00:00-05:00", "--count", "3"];
    next(&[&night[..], &NEW_YORK].concat(), 0)
        .stdout_is("2025-03-08T02:30:00-05:00\n2025-03-09T03:00:00-04:00\n2025-03-10T02:30:00-04:00\n");
    let seconds = ["*/30 * * * * *", "--from", "2025-01-01T00:00:00Z", "--count", "2"];
    next(&[&seconds[..], &["--timezone", "Europe/London"]].concat(), 0)
        .stdout_is("2025-01-01T00:00:30+00:00\n2025-01-01T00:01:00+00:00\n");
    // From now on.
    assert_eq!(next(&["@daily"], 0).stdout.lines().count(), 5);
}

#[test]
fn json_is_one_object_a_line() {
    let words = ["30 2 * * *", "--from", "2025-03-08T12:00:00Z", "--count", "2", "--json"];
    next(&[&words[..], &NEW_YORK].concat(), 0).stdout_is(
        "{\"utc\":\"2025-03-09T07:00:00Z\",\"local\":\"2025-03-09T03:00:00-04:00\"}\n\
         {\"utc\":\"2025-03-10T06:30:00Z\",\"local\":\"2025-03-10T02:30:00-04:00\"}\n",
    );
}

#[test]
fn what_never_fires_is_said() {
    let words = ["0 0 31 4,6,9,11 *", "--from", "2025-03-08T12:00:00Z"];
    let never = "`0 0 31 4,6,9,11 *` never fires: not once in the 41 years after 2025-03-08\n";
    next(&words, 1).stdout_is("").stderr_is(never);
    let reboot = "`@reboot` fires at the first start after each boot, not by the clock\n";
    next(&["@reboot"], 1).stdout_is("").stderr_is(reboot);
    // The last one there is.
    let words = ["59 59 23 * * *", "--from", "9999-12-29T00:00:00Z"];
    next(&words, 0).stdout_is("9999-12-29T23:59:59Z\n");
}

#[test]
fn a_mistake_is_drawn_at_its_field() {
    let done = next(&["0 22 * * fri-sun"], 2).stdout_is("");
    done.stderr_is(
        "error: `fri-sun` goes backwards, and would never match\n \
         --> expression:1:10\n  \
           |\n\
         1 | 0 22 * * fri-sun\n  \
           |          ^^^^^^^\n  \
           |\n  \
           = help: write `fri,sat,sun`\n\n",
    );
    next(&["@Daily"], 2).stderr_has("write `@daily`");
    next(&["* * * *"], 2).stderr_has("expected five fields, or six with seconds, found 4");
    next(&[""], 2).stderr_has("the expression is empty");
    next(&["ü\t*\u{1b}[31m * * *"], 2).stderr_has("`ü` is no minute");
}

#[test]
fn words_of_pipeline_files_are_understood_when_asked() {
    let lw = ["0 0 LW * ?", "--from", "2025-05-01T00:00:00Z", "--count", "2"];
    next(&[&lw[..], &["--extended"]].concat(), 0).stdout_is("2025-05-30T00:00:00Z\n2025-06-30T00:00:00Z\n");
    next(&lw, 2).stderr_has("a crontab has no `LW`").stderr_has("with `--extended` it is read as");
    let done = next(&["H 3 * * *", "--extended"], 2).stderr_has("`H` is made from a pipeline's name");
    done.stderr_has("`sexton plan`");
    let done = next(&["H 3 * * *"], 2).stderr_has("a crontab has no `H`");
    assert!(!done.stderr.contains("--extended"), "{}", done.all());
}

#[test]
fn wrong_use_is_told_with_the_fix() {
    let words = ["*/10", "3", "*", "*", "*", "--count", "2"];
    next(&words, 2)
        .stdout_is("")
        .stderr_is("error: expected one word, found 5; quote the expression: '*/10 3 * * *'\n");
    next(&["Cargo.toml", "src", "tests"], 2).stderr_has("quote the expression: '*/5 * * * *'");
    let unknown = "error: invalid value 'Europe/Lundon' for '--timezone <ZONE>': there is no such time zone; did you mean `Europe/London`?\n\nFor more information, try '--help'.\n";
    next(&["@daily", "--timezone", "Europe/Lundon"], 2).stderr_is(unknown);
    next(&["@daily", "--timezone", "moon"], 2).stderr_has("such as `Europe/London`");
    next(&["@daily", "--from", "2025-03-08"], 2).stderr_has("an instant with its offset");
    next(&["@daily", "--count", "0"], 2).stderr_has("--count");
    next(&[], 2).stderr_has("<EXPR>");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let script = format!("'{}' next '* * * * *' --count 100000 | head -n 1", env!("CARGO_BIN_EXE_sexton"));
    let script = format!("set -o pipefail; {script}");
    let done = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    assert_eq!(String::from_utf8_lossy(&done.stdout).lines().count(), 1);
}
