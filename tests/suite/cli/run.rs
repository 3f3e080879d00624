//! `sexton run`: trees to their end, and how they are told.

use super::desk::Desk;

const MIXED: &str = "
serial:
  first: echo one
  second: seq 1 30; echo sorry >&2; exit 3
  third: echo never
";

#[test]
fn a_green_run_ends_with_0_and_a_tree() {
    let desk = Desk::new().pipeline("night", "serial:\n  load: echo hello\n  tell: echo bye\n");
    let done = desk.run("night").date("2018-05-14").exit(0).stderr_is("");
    let done = done.stdout_has("\nnight   succeeded\n  load  succeeded\n  tell  succeeded\n");
    done.stdout_has("night [2018-05-14] run 1: succeeded in ").stdout_has("/state/logs/night/1\n");
    assert!(desk.read("state/logs/night/1/load.1.log").ends_with(" stdout F hello\n"));
}

#[test]
fn a_red_run_ends_with_1_and_the_last_20_lines_of_what_failed() {
    let desk = Desk::new().pipeline("night", MIXED);
    let done = desk.run("night").exit(1);
    let done = done.stdout_has(
        "\nnight     failed           because of `second`\n  first   succeeded\n  second  failed           exit code 3\n  third   upstream_failed  because of `second`\n",
    );
    let lines: String = (12..=30).map(|line| format!("  {line}\n")).collect();
    let end = format!("/second.1.log:\n{lines}  sorry\n\nnight [");
    done.stdout_has("second, attempt 1, last lines of ").stdout_has(&end).stdout_lacks("first, attempt");
}

#[test]
fn transitions_are_told_in_order() {
    let desk = Desk::new().pipeline("night", "timezone: UTC\nserial:\n  in:\n    serial: {load: 'true'}\n");
    let done = desk.run("night").exit(0);
    let told: Vec<String> = done
        .stdout
        .lines()
        .filter_map(|line| line.split_once(" UTC  "))
        .map(|(_, told)| told.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let expected = [
        "running night",
        "running in",
        "running in/load",
        "succeeded in/load",
        "succeeded in",
        "succeeded night",
    ];
    assert_eq!(told, expected, "{}", done.all());
}

#[test]
fn json_lines_tell_the_story() {
    let desk = Desk::new().pipeline("night", MIXED);
    let done = desk.run("night").json().exit(1);
    let story = done.story();
    let expected = [
        "/ queued",
        "/ running",
        "first running",
        "first succeeded",
        "second running",
        "second failed",
        "/ failed",
    ];
    assert_eq!(story, expected, "{}", done.all());
    let lines = done.json();
    assert!(lines.iter().all(|line| line["run"] == 1), "{}", done.all());
    assert_eq!((&lines[5]["reason"], &lines[5]["attempts"]), (&"exit code 3".into(), &1.into()));
    done.stderr_is("");
}

#[test]
fn a_pipeline_is_named_or_is_a_file() {
    let desk = Desk::new().pipeline("night", "exec: 'true'").file("elsewhere/day.yaml", "exec: pwd");
    desk.run("night").exit(0).stdout_has("\nnight  succeeded\n");
    desk.run("config/pipelines/night.yaml").without_env("SEXTON_CONFIG").exit(0).stdout_has("night [");
    desk.run("day.yaml").at("elsewhere").exit(0).stdout_has("day [");
    desk.run("nigth")
        .exit(2)
        .stderr_has("`nigth` is neither a file nor a pipeline in ")
        .stderr_has("did you mean `night`?");
}

#[test]
fn the_date_is_today_unless_one_is_given() {
    let desk = Desk::new().pipeline("night", "exec: echo \"$SEXTON_DS {{ ds_nodash }}\"\ntimezone: UTC");
    desk.run("night").date("2018-05-14").exit(0);
    desk.ask(&["logs", "1", "night"]).exit(0).stdout_is("2018-05-14 20180514\n");
    desk.run("night").date("yesterday").exit(2).stderr_has("'--date <YYYY-MM-DD>'");
    desk.run("night").exit(0);
    let run = &desk.ask(&["runs", "--json"]).exit(0).json()[0];
    let day = run["created_at"].as_str().and_then(|at| at.split('T').next()).map(str::to_owned);
    assert_eq!(run["logical_date"].as_str(), day.as_deref());
}

#[test]
fn outputs_are_told_at_the_end() {
    let yaml = "serial:\n  b: echo rows=7 >>$SEXTON_OUTPUT\n  a: printf 'x=1\\ny=a=b\\n' >>$SEXTON_OUTPUT\n";
    let desk = Desk::new().pipeline("night", yaml);
    desk.run("night").exit(0).stdout_has("\noutputs:\n  b: rows=7\n  a: x=1\n  a: y=a=b\n\nnight [");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let tasks: String = (0..400).map(|task| format!("  t{task}: 'true'\n")).collect();
    let desk = Desk::new().pipeline("wide", &format!("parallel:\n{tasks}"));
    let script = "\"$0\" run wide 2>stderr | head -1 >/dev/null; \"$0\" tasks --json 2>>stderr | head -1 >/dev/null; cat stderr";
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_sexton")]).current_dir(desk.path(""));
    command.env("SEXTON_CONFIG", desk.path("config")).env("SEXTON_STATE_DIR", desk.path("state"));
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    desk.ask(&["runs"]).exit(0).stdout_has("  succeeded  ");
}

#[test]
fn the_state_directory_may_be_relative_or_the_users() {
    let desk =
        Desk::new().pipeline("night", "exec: echo \"$SEXTON_RUN_DIR\"; cd /; echo a=1 >>$SEXTON_OUTPUT");
    desk.run("night")
        .without_env("SEXTON_STATE_DIR")
        .arg("--state-dir")
        .arg("here")
        .exit(0)
        .stdout_has("a=1");
    desk.ask(&["runs", "--state-dir", "here"]).exit(0).stdout_has("night");
    desk.run("night").without_env("SEXTON_STATE_DIR").exit(0);
    assert!(desk.path(".local/state/sexton/desk/sexton.db").exists());
    desk.run("night")
        .without_env("SEXTON_STATE_DIR")
        .env("XDG_STATE_HOME", &desk.path("xdg").display().to_string())
        .exit(0);
    assert!(desk.path("xdg/sexton/desk/sexton.db").exists());
}

#[test]
fn a_keeper_that_cannot_start_is_wrong_use() {
    let desk =
        Desk::new().pipeline("night", "exec: 'true'").file("state/keeper", "a file where a directory goes");
    desk.run("night").exit(2).stderr_has("state/keeper");
}

#[test]
fn a_pipeline_is_found_by_the_name_it_gives_itself() {
    let desk = Desk::new().pipeline("file", "name: nightly\nexec: 'true'\n");
    desk.run("nightly").exit(0).stdout_has("nightly  succeeded");
    desk.run("file").exit(0).stdout_has("nightly  succeeded");
}
