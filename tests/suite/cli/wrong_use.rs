//! What `sexton run` refuses before anything has run: parameters, files, words. Always 2, always with the fix.

use super::desk::Desk;

const PARAMS: &str = "
params:
  customer: {type: string}
  days: {type: integer, default: 3}
  mode: {enum: [full, delta], default: full}
exec: echo $SEXTON_PARAM_CUSTOMER $SEXTON_PARAM_DAYS {{ params.mode }}
";

#[test]
fn parameters_reach_the_command() {
    let desk = Desk::new().pipeline("bill", PARAMS);
    desk.run("bill").param("customer=Ann & Sons; date").param("days=5").exit(0);
    desk.ask(&["logs", "1", "/"]).exit(0).stdout_is("Ann & Sons; date 5 full\n");
}

#[test]
fn all_that_is_wrong_with_parameters_is_said_at_once() {
    let desk = Desk::new().pipeline("bill", PARAMS);
    let done = desk.run("bill").param("dayz=1").param("days=x").param("mode=half").exit(2);
    done.stdout_is("").stderr_is(
        "error: there is no parameter `dayz`; did you mean `days`?\n\
         error: the parameter `days` must be a whole number, found `x`\n\
         error: the parameter `mode` must be one of `full` and `delta`, found `half`\n\
         error: the parameter `customer` (string) must be given\n",
    );
    desk.run("bill").param("customer").exit(2).stderr_has("expected NAME=VALUE");
    desk.run("bill").param("customer=a").param("customer=b").exit(2).stderr_has("`customer` is given twice");
    desk.ask(&["runs"]).exit(2).stderr_has("nothing has run here yet");
}

#[test]
fn an_invalid_file_is_shown_and_not_run() {
    let desk = Desk::new().pipeline("night", "exec: 'true'\ntimeuot: 3m\n");
    let done = desk.run("night").exit(2).stdout_is("");
    done.stderr_has("error: unknown key `timeuot`")
        .stderr_has("config/pipelines/night.yaml:2:1")
        .stderr_has("did you mean `timeout`?");
    assert!(!desk.path("state").exists(), "nothing was made");
}

#[test]
fn invalid_settings_are_shown_and_nothing_is_run() {
    let desk = Desk::new().pipeline("night", "exec: 'true'").file("config/sexton.yaml", "paralellism: 2\n");
    let done = desk.run("night").exit(2).stdout_is("");
    done.stderr_has("sexton.yaml:1:1").stderr_has("did you mean `parallelism`?");
}

#[test]
fn warnings_are_said_and_do_not_hinder() {
    let desk =
        Desk::new().pipeline("bill", "params: {who: {default: you}}\nexec: echo hi {{ params.who }}\n");
    let done = desk.run("bill").exit(0).stderr_has("warning: ").stderr_has("| shquote");
    assert!(done.stderr.ends_with("\n\n"), "an empty line is below: {}", done.all());
}

#[test]
fn unknown_words_are_refused_with_help() {
    let desk = Desk::new();
    desk.ask(&["rnu", "x"]).exit(2).stderr_has("unrecognized subcommand 'rnu'").stderr_has("'run");
    desk.run("nothing").exit(2).stderr_has("`nothing` is neither a file nor a pipeline in ");
    desk.ask(&["--version"]).exit(0).stdout_has("sexton ");
}

#[test]
fn no_help_is_wider_than_a_hundred_columns() {
    let desk = Desk::new();
    for word in ["", "run", "serve", "check", "plan", "next", "logs", "ledger", "why"] {
        let words = [word, "--help"];
        let words = if word.is_empty() { &words[1..] } else { &words[..] };
        let done = desk.ask(words).exit(0);
        assert!(done.stdout.lines().all(|line| line.chars().count() <= 100), "{}", done.all());
    }
}
