//! Branches from end to end: by conditions, and by what a command prints.

use super::desk::Desk;

const DAYS: &str = "
serial:
  risk:
    branch:
      half_day: {when: logical_date.weekday == 5, exec: echo half}
      full_day: echo full
  report: 'true'
";

#[test]
fn the_first_child_whose_condition_holds_runs() {
    let desk = Desk::new().pipeline("days", DAYS);
    desk.run("days").date("2018-05-18").exit(0).stdout_has(
        "
days          succeeded
  risk        succeeded
    half_day  succeeded
    full_day  skipped    `half_day` was chosen
  report      succeeded
",
    );
    desk.run("days").date("2018-05-17").exit(0).stdout_has(
        "
days          succeeded
  risk        succeeded
    half_day  skipped    `when: logical_date.weekday == 5` is false
    full_day  succeeded
  report      succeeded
",
    );
    desk.ask(&["why", "1", "risk/full_day"])
        .exit(0)
        .stdout_has("`risk/full_day` skipped: `half_day` was chosen.\n");
}

fn feeds(choose: &str) -> String {
    format!(
        "
params: {{feeds: ''}}
serial:
  feeds:
    choose: {choose}
    branch:
      prices: echo prices
      rates: {{serial: {{fetch: echo fetch, load: echo load}}}}
      bad news: echo news
  report: 'true'
"
    )
}

#[test]
fn a_command_names_the_children_in_the_last_line_that_it_prints() {
    let choose = "echo looking; echo 'bad news' >&2; echo \" prices ,rates\"; echo; echo done >&2";
    let desk = Desk::new().pipeline("feeds", &feeds(&format!("'{}'", choose.replace('\'', "''"))));
    desk.run("feeds").exit(0).stdout_has(
        "
feeds         succeeded
  feeds       succeeded
    choose    succeeded  chose `prices` and `rates`
    prices    succeeded
    rates     succeeded
      fetch   succeeded
      load    succeeded
    bad news  skipped    `feeds/choose` chose `prices` and `rates`
  report      succeeded
",
    );
    desk.ask(&["logs", "1", "feeds/choose"]).exit(0).stdout_has("looking\n");
    desk.ask(&["tasks", "1"]).exit(0).stdout_has("    choose    succeeded  chose `prices` and `rates`\n");
}

#[test]
fn a_command_that_prints_nothing_chooses_nothing() {
    for choose in ["'true'", "echo", "echo bad news >&2"] {
        let desk = Desk::new().pipeline("feeds", &feeds(choose));
        desk.run("feeds").exit(0).stdout_has(
            "
feeds         succeeded
  feeds       succeeded
    choose    succeeded  chose nothing
    prices    skipped    `feeds/choose` chose nothing
    rates     skipped    `feeds/choose` chose nothing
    bad news  skipped    `feeds/choose` chose nothing
  report      succeeded
",
        );
    }
}

#[test]
fn a_name_that_is_no_child_is_a_failure_that_lists_them_and_is_tried_again() {
    let choose = "'[ $SEXTON_ATTEMPT_NUMBER -ge 2 ] && echo bad news || echo price'\n    retry: {limit: 1}";
    let desk = Desk::new().pipeline("feeds", &feeds(choose));
    let why = "bad choice: it chose `price`, and the children are `prices`, `rates` and `bad news`; did you \
               mean `prices`?";
    desk.run("feeds").exit(0).stdout_has("    choose    succeeded  chose `bad news` (2/2 attempts)\n");
    desk.ask(&["why", "1", "feeds/choose"]).exit(0).stdout_has(&format!(", {why}\n"));
    let desk = Desk::new().pipeline("feeds", &feeds("echo choose"));
    desk.run("feeds").exit(1).stdout_has(
        "choose    failed           bad choice: it chose `choose`, and the children are `prices`, `rates` and",
    );
}

#[test]
fn what_a_chooser_writes_counts_only_with_a_choice() {
    let yaml = "
choose: 'echo n=1 > $SEXTON_OUTPUT; echo {{ params.name }}'
params: {name: {enum: [a, b], default: a}}
branch:
  a: {when: 'outputs[\"choose\"].n == \"1\"', exec: 'true'}
";
    let desk = Desk::new().pipeline("written", yaml);
    desk.run("written").exit(0).stdout_has("outputs:\n  choose: n=1\n");
    let done = desk.run("written").param("name=b").exit(1);
    done.stdout_lacks("outputs:").stdout_has("it chose `b`, and the children are `a`");
}

#[test]
fn a_failed_chooser_takes_the_children_along() {
    let desk = Desk::new().pipeline("feeds", &feeds("exit 3"));
    desk.run("feeds").exit(1).stdout_has(
        "
feeds         failed           because of `feeds/choose`
  feeds       failed           because of `feeds/choose`
    choose    failed           exit code 3
    prices    upstream_failed  because of `feeds/choose`
    rates     upstream_failed  because of `feeds/choose`
    bad news  upstream_failed  because of `feeds/choose`
  report      upstream_failed  because of `feeds/choose`
",
    );
}
