//! What a command of a node finds: environment, directory, shell, user.

use super::desk::{Desk, Done};

fn log(desk: &Desk, run: &str, path: &str) -> Done {
    desk.ask(&["logs", run, path]).exit(0)
}

#[test]
fn nothing_of_the_callers_environment_leaks() {
    let desk = Desk::new().pipeline("env", "exec: [env]\n");
    desk.run("env").env("AWS_SECRET_ACCESS_KEY", "leak").env("LD_DEBUG_OUTPUT", "leak").exit(0);
    let log = log(&desk, "1", "env").stdout_lacks("leak").stdout_lacks("SEXTON_STATE_DIR");
    let mut names: Vec<&str> = log.stdout.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.retain(|name| !name.starts_with("SEXTON_"));
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH", "SHELL", "USER"], "{}", log.all());
}

#[test]
fn the_facts_of_the_run_are_variables() {
    let yaml = "timezone: America/New_York\nparams: {full: true}\nserial: {in: {serial: {load: env}}}\n";
    let desk = Desk::new().pipeline("facts", yaml).file("config/sexton.yaml", "environment: test\n");
    desk.run("facts").date("2018-05-14").exit(0);
    let mut log = log(&desk, "1", "in/load");
    for fact in [
        "SEXTON_RUN=1",
        "SEXTON_PIPELINE=facts",
        "SEXTON_ENVIRONMENT=test",
        "SEXTON_DS=2018-05-14",
        "SEXTON_DS_NODASH=20180514",
        "SEXTON_DATA_INTERVAL_START=2018-05-14T00:00:00-04:00",
        "SEXTON_DATA_INTERVAL_END=2018-05-15T00:00:00-04:00",
        "SEXTON_PARAM_FULL=true",
        "SEXTON_PATH=in/load",
        "SEXTON_ATTEMPT_NUMBER=1",
    ] {
        log = log.stdout_has(&format!("{fact}\n"));
    }
}

#[test]
fn env_is_merged_key_by_key() {
    let yaml = "env: {A: pipeline, B: pipeline}\nserial:\n  in:\n    env: {B: in, C: '{{ ds }}'}\n    serial:\n      x: {env: {D: x}, exec: 'echo $A $B $C $D $E'}\n  out: echo $A $B ${C-none}\n";
    let settings = "defaults: {env: {A: settings, E: settings}}\n";
    let desk = Desk::new().pipeline("env", yaml).file("config/sexton.yaml", settings);
    desk.run("env").date("2018-05-14").exit(0);
    log(&desk, "1", "in/x").stdout_is("pipeline in 2018-05-14 x settings\n");
    log(&desk, "1", "out").stdout_is("pipeline pipeline none\n");
}

#[test]
fn the_directory_is_the_configurations_parent_unless_set() {
    let yaml = "serial:\n  plain: pwd\n  below: {exec: pwd, working_dir: 'data/{{ ds }}'}\n  above: {exec: pwd, working_dir: /}\n";
    let desk = Desk::new().pipeline("dirs", yaml).file("data/2018-05-14/x", "").file("other/x", "");
    desk.run("dirs").date("2018-05-14").at("other").exit(0);
    let home = desk.path("").canonicalize().unwrap();
    log(&desk, "1", "plain").stdout_is(&format!("{}\n", home.display()));
    log(&desk, "1", "below").stdout_is(&format!("{}\n", home.join("data/2018-05-14").display()));
    log(&desk, "1", "above").stdout_is("/\n");
    desk.run("dirs").date("2018-05-15").exit(1).stdout_has("not started: cannot enter the directory `");
}

#[test]
fn a_shell_may_be_another_and_a_list_needs_none() {
    let yaml = "serial:\n  sh: 'echo $0'\n  bash: {shell: bash -c, exec: 'echo ${BASH_VERSION:+bash}'}\n  strict: {shell: [bash, -euo, pipefail, -c], exec: 'false | true', suppress_errors: true}\n  list: {exec: [echo, '$HOME;', 'a  b', '{{ ds }}']}\n";
    let desk = Desk::new().pipeline("shells", yaml);
    desk.run("shells").date("2018-05-14").exit(0).stdout_has("strict  failed     exit code 1, suppressed");
    log(&desk, "1", "sh").stdout_is("/bin/sh\n");
    log(&desk, "1", "bash").stdout_is("bash\n");
    log(&desk, "1", "list").stdout_is("$HOME; a  b 2018-05-14\n");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let yaml = "parallel:\n  list: [nosuchprogram, -v]\n  list2: {exec: [nosuchprogram, -v]}\n  line: nosuchprogram -v\n";
    let desk = Desk::new().pipeline("gone", &yaml.replace("  list: [nosuchprogram, -v]\n", ""));
    let done = desk.run("gone").exit(1);
    let done = done.stdout_has("not started: cannot run `nosuchprogram`: No such file or directory");
    done.stdout_has("in any directory of PATH")
        .stdout_has("exit code 127")
        .stdout_has("list2, attempt 1, printed nothing");
}

#[test]
fn another_user_needs_root() {
    let desk = Desk::new().pipeline("who", "exec: [id, -un]\nuser: nobody\nworking_dir: /\n");
    if nix::unistd::geteuid().is_root() {
        desk.run("who").exit(0);
        log(&desk, "1", "who").stdout_is("nobody\n");
    } else {
        desk.run("who")
            .exit(1)
            .stdout_has("not started: cannot run as the user `nobody`: only root may change users");
    }
    let desk = desk.pipeline("who", "exec: id\nuser: nosuchuser\n");
    desk.run("who").exit(1).stdout_has("cannot run as the user `nosuchuser`: there is no such user");
}
