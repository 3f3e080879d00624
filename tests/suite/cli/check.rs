//! `sexton check`: everything that is wrong, each with its place and the way out.

use super::desk::Desk;

const SEVEN: &str = "
serial:
  load:
    exec: run
    retrys: {limit: 1}
  load: again
  clean:
    exec: run {{ dss }}
    after: laod
    timeout: 5 parsecs
  both: {exec: run, serial: {x: run}}
  one: {after: two, exec: run}
  two: {after: [one], exec: run}
";

#[test]
fn seven_mistakes_are_seven_findings_each_with_its_place_and_fix() {
    let desk = Desk::new().pipeline("bad", SEVEN);
    let done = desk.check(&[]).exit(1).stdout_is("");
    let done = done.stderr_has("config/pipelines/bad.yaml:5:5").stderr_has("did you mean `retry`?");
    let done = done.stderr_has("config/pipelines/bad.yaml:6:3").stderr_has("`load`");
    let done = done.stderr_has("config/pipelines/bad.yaml:8:").stderr_has("did you mean `ds`?");
    let done = done.stderr_has("config/pipelines/bad.yaml:9:12").stderr_has("did you mean `load`?");
    let done = done.stderr_has("config/pipelines/bad.yaml:10:14").stderr_has("`90s`");
    let done = done.stderr_has("config/pipelines/bad.yaml:11:").stderr_has("config/pipelines/bad.yaml:1");
    assert_eq!(done.stderr.matches("error: ").count(), 7, "{}", done.all());
    let found = desk.check(&["--json"]).exit(1).json();
    assert_eq!(found.len(), 7);
    assert!(
        found.iter().all(|one| one["severity"] == "error" && one["line"].as_u64() > Some(1)),
        "{found:#?}"
    );
    assert!(found.iter().all(|one| one["file"].as_str().is_some_and(|file| file.ends_with("bad.yaml"))));
}

#[test]
fn valid_files_are_one_line_each() {
    let desk = Desk::new().pipeline("a", "exec: run").pipeline("b", "serial: {x: run, y: run}");
    let desk = desk.file("config/sexton.yaml", "parallelism: 2\n");
    let config = desk.path("config").display().to_string();
    desk.check(&[]).exit(0).stderr_is("").stdout_is(&format!(
        "{config}/sexton.yaml: valid\n{config}/pipelines/a.yaml: valid, 1 node\n{config}/pipelines/b.yaml: valid, 3 nodes\n2 pipelines\n"
    ));
    desk.check(&["--json"]).exit(0).stdout_is("");
}

#[test]
fn files_and_directories_may_be_named() {
    let desk = Desk::new()
        .pipeline("a", "exec: run")
        .file("drafts/b.yml", "exec: run")
        .file("drafts/c.yaml", "exce: run");
    desk.check(&["drafts/b.yml"]).exit(0).stdout_is("drafts/b.yml: valid, 1 node\n");
    let done = desk.check(&["config", "drafts"]).exit(1).stdout_has("config/pipelines/a.yaml: valid");
    done.stdout_has("drafts/b.yml: valid").stderr_has("drafts/c.yaml:1:1").stderr_has("did you mean `exec`?");
    let done = desk.check(&["drafts/none.yaml", "drafts/b.yml"]).exit(1).stdout_has("b.yml: valid");
    done.stderr_has("error: drafts/none.yaml: No such file or directory");
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.check(&["empty"]).exit(2).stderr_has("empty: no pipeline files (*.yaml) in it");
    desk.check(&["--config", "nowhere"]).exit(2).stderr_has("nowhere/pipelines: no such directory");
}

#[test]
fn two_files_cannot_have_one_name() {
    let desk = Desk::new().pipeline("a", "exec: run").pipeline("b", "name: a\nexec: run");
    let done = desk.check(&[]).exit(1).stderr_has("error: the name `a` is taken by ").stderr_has("/a.yaml");
    let done = done.stderr_has("/b.yaml:1:1").stderr_has("give one of them another `name`");
    done.stdout_has("a.yaml: valid, 1 node\n");
    let found = desk.check(&["--json"]).exit(1).json();
    assert!(
        found[0]["message"].as_str().is_some_and(|message| message.contains("`a` is taken by")),
        "{found:?}"
    );
}

#[test]
fn warnings_fail_only_if_strict() {
    let desk = Desk::new().pipeline("w", "params: {who: you}\nexec: echo {{ params.who }}");
    desk.check(&[]).exit(0).stderr_has("warning: ").stderr_has("w.yaml:2:");
    desk.check(&["--strict"]).exit(1).stderr_has("warning: ");
    assert_eq!(desk.check(&["--json"]).exit(0).json()[0]["severity"], "warning");
}

#[test]
fn mistakes_in_the_settings_are_found_too() {
    let desk = Desk::new().pipeline("a", "exec: run").file("config/sexton.yaml", "timezone: Europe/Lundon\n");
    let done =
        desk.check(&[]).exit(1).stderr_has("sexton.yaml:1:11").stderr_has("did you mean `Europe/London`?");
    done.stdout_has("a.yaml: valid");
}

#[test]
fn every_file_of_the_repositorys_configuration_is_valid() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config");
    let desk = Desk::new();
    let done = desk.check(&["--strict", "--config", config]).exit(0).stderr_is("");
    assert_eq!(done.stdout.lines().count(), 8, "{}", done.all());
    done.stdout_has("calendars/desk.yaml: valid, defines desk\n");
}

#[test]
fn configurations_do_not_share_their_names() {
    let desk = Desk::new()
        .file("one/pipelines/a.yaml", "exec: run")
        .file("two/pipelines/a.yaml", "exec: run")
        .file("two/pipelines/b.yaml", "name: a\nexec: run");
    let ask = |paths: &[&str]| desk.check(paths).without_env("SEXTON_CONFIG");
    ask(&["one", "two/pipelines/a.yaml"]).exit(0);
    ask(&["one", "two"]).exit(1).stderr_has("the name `a` is taken by two/pipelines/a.yaml");
}

#[test]
fn a_scheduled_pipeline_says_when_it_is_next() {
    let desk = Desk::new()
        // No clock changes there, and nothing else here that today's date would decide.
        .file("config/sexton.yaml", "timezone: Asia/Tokyo\n")
        .pipeline("boot", "schedule: '@reboot'\nexec: run")
        .pipeline("daily", "schedule: 30 21 * * *\nexec: run")
        .pipeline("over", "schedule: 30 21 * * *\nend_date: 2001-01-31\nexec: run")
        .pipeline("later", "schedule: 30 21 * * *\nstart_date: 2999-12-31\nexec: run")
        .pipeline(
            "two",
            "schedule:\n- {name: late, cron: '* * * * *'}\n- {name: rare, cron: 0 5 1 1 *}\nexec: run",
        );
    let done = desk.check(&["--strict"]).exit(0).stderr_is("");
    let done = done.stdout_has("boot.yaml: valid, 1 node, next at a boot\n");
    let done = done.stdout_has("daily.yaml: valid, 1 node, next 2").stdout_has("T21:30:00+09:00\n");
    let done = done.stdout_has("later.yaml: valid, 1 node, next 2999-12-31T21:30:00+09:00\n");
    let done = done.stdout_has("over.yaml: valid, 1 node, no slot left before its end_date 2001-01-31\n");
    done.stdout_has("two.yaml: valid, 1 node, next 2").stdout_has(":00+09:00 (late)\n");
}

#[test]
fn a_clock_change_ahead_is_a_warning_until_dst_says_what_is_wanted() {
    let zone = "timezone: America/New_York\nexec: run\n";
    let night = |dst: &str| format!("{zone}schedule: {{cron: 30 2 * * *{dst}}}\n");
    let desk = Desk::new().pipeline("night", &night(""));
    let done = desk.check(&[]).exit(0).stdout_has("night.yaml: valid, 1 node, next ");
    let done = done.stderr_has("warning: 02:30 does not exist on 2").stderr_has("it runs at 03:00");
    done.stderr_has("night.yaml:3:18").stderr_has("`dst: {gap: skip}` leaves it out");
    desk.check(&["--strict"]).exit(1);
    let found = desk.check(&["--json"]).exit(0).json();
    assert_eq!((&found[0]["severity"], &found[0]["line"]), (&"warning".into(), &3.into()));
    let desk = desk.pipeline("night", &night(", dst: {gap: after}"));
    desk.check(&["--strict"]).exit(0).stderr_is("");
}

#[test]
fn a_secret_that_nobody_declares_is_a_warning() {
    let uses = "env: {A: '{{ secret(\"vendor_token\") }}', B: '{{ secret(\"db\") }}'}\nexec: run\n";
    let desk = Desk::new().pipeline("a", uses);
    let desk = desk.file("config/sexton.yaml", "secrets: {vendor-token: {env: X}, other: {env: Y}}\n");
    let done = desk.check(&[]).exit(0).stderr_has("a.yaml:1:14");
    let done = done.stderr_has("warning: sexton.yaml declares no secret `vendor_token`");
    let done = done.stderr_has("did you mean `vendor-token`?");
    let done = done.stderr_has("warning: sexton.yaml declares no secret `db`");
    done.stderr_has("`secrets: {db: {env: VARIABLE}}`").stdout_has("a.yaml: valid");
    desk.check(&["--strict", "config/pipelines/a.yaml"]).exit(1);
    let desk = desk.file("config/sexton.yaml", "secrets: {vendor_token: {env: X}, db: {file: /run/db}}\n");
    desk.check(&["--strict"]).exit(0).stderr_is("");
    // Nothing says which secrets there are.
    std::fs::remove_file(desk.path("config/sexton.yaml")).unwrap();
    desk.check(&["config/pipelines/a.yaml"]).exit(0).stderr_is("");
    desk.check(&[]).exit(0).stderr_has("declares no secret `db`");
    let desk = desk.file("config/sexton.yaml", "secrets: {db: {}}\n");
    assert_eq!(desk.check(&[]).exit(1).stderr.matches("declares no").count(), 0);
}

#[test]
fn settings_are_read_where_there_is_no_pipeline_yet() {
    let desk = Desk::new().file("config/sexton.yaml", "paralelism: 2\n");
    desk.check(&[]).exit(1).stderr_has("sexton.yaml:1:1").stderr_has("did you mean `parallelism`?");
    let desk = desk.file("config/sexton.yaml", "parallelism: 2\n");
    let pipelines = desk.path("config/pipelines").display().to_string();
    let none = format!("no pipelines: there is no file *.yaml in {pipelines}\n");
    desk.check(&["--strict"]).exit(0).stdout_has("sexton.yaml: valid\n").stdout_has(&none);
    std::fs::remove_dir(pipelines).unwrap();
    desk.check(&["--strict"]).exit(0).stdout_has("sexton.yaml: valid\n").stdout_has(&none);
}

#[test]
fn pipelines_are_counted_and_files_that_nobody_reads_are_named() {
    let desk = Desk::new()
        .pipeline("a", "exec: run")
        .pipeline("b", "exce: run")
        .file("config/pipelines/c.YAML", "exec: run")
        .file("config/pipelines/.d.swp", "")
        .file("config/calendars/desk.yaml~", "");
    let done = desk.check(&[]).exit(1).stderr_has("pipelines/c.YAML").stderr_has("calendars/desk.yaml~");
    assert_eq!(done.stderr.matches("warning: the file is not read").count(), 2, "{}", done.all());
    std::fs::remove_file(desk.path("config/pipelines/b.yaml")).unwrap();
    desk.check(&[]).exit(0).stdout_has("\n1 pipeline\n");
    desk.check(&["--strict"]).exit(1);
    let files = desk.check(&["--strict", "config/pipelines/a.yaml"]).exit(0).stderr_is("");
    assert_eq!(files.stdout.lines().count(), 1, "{}", files.all());
}

#[test]
fn sensors_that_wait_for_no_run_are_warned_of() {
    let sensors = "parallel:
  known: {sensor: {run: nightly, task: ingest/bars}}
  root: {sensor: {run: nightly, task: /}}
  later: {sensor: {run: nightly, task: plan/execute/whatever}}
  any: {sensor: {run: '{{ params.which }}', task: ingest/bras}}
  any_task: {sensor: {run: nightly, task: 'ingest/{{ params.which }}'}}
  broken: {sensor: {run: broken, task: x}}
  yesterday: {sensor: {run: waits, offset: -1d}}
  own_task: {sensor: {run: waits, task: known}}
  typo: {sensor: {run: nightyl}}
  none: {sensor: {run: something_else}}
  no_task: {sensor: {run: nightly, task: ingest/bras}}
  itself: {sensor: {run: waits}}
params: {which: nightly}
";
    let desk = Desk::new()
        .pipeline("nightly", "serial: {ingest: {parallel: {bars: run}}, plan: {lazy: ./plan}}")
        .pipeline("broken", "exce: run")
        .pipeline("waits", sensors);
    let done = desk.check(&[]).exit(1).stdout_has("waits.yaml: valid");
    let done = done.stderr_has("warning: there is no pipeline `nightyl` in this configuration");
    let done = done.stderr_has("waits.yaml:11:").stderr_has("did you mean `nightly`?");
    let done = done.stderr_has("warning: there is no pipeline `something_else` in this configuration");
    let done = done.stderr_has("warning: `nightly` has no node `ingest/bras`");
    let done = done.stderr_has("waits.yaml:13:").stderr_has("did you mean `ingest/bars`?");
    let done = done.stderr_has("warning: it would wait for its own run to end");
    assert_eq!(done.stderr.matches("warning: ").count(), 4, "{}", done.all());
    // Of one file alone nobody knows the others.
    desk.check(&["--strict", "config/pipelines/waits.yaml"]).exit(0).stderr_is("");
}

#[test]
fn a_file_in_the_wrong_directory_is_one_finding() {
    let desk = Desk::new()
        .file("config/pipelines/desk.yaml", "code: desk\nextends: XNYS\n")
        .file("config/calendars/night.yaml", "schedule: '@daily'\nexec: run\n");
    let done =
        desk.check(&[]).exit(1).stderr_has("pipelines/desk.yaml:1:1").stderr_has("looks like a calendar");
    let done = done.stderr_has("calendars/night.yaml:2:1").stderr_has("looks like a pipeline");
    assert_eq!(done.stderr.matches("error: ").count(), 2, "{}", done.all());
}

#[test]
fn a_reader_that_has_gone_away_is_no_error() {
    let desk = Desk::new().pipeline("good", "exec: run").pipeline("bad", "exce: run");
    assert_eq!(desk.check(&["config/pipelines/good.yaml"]).unheard(), Some(0));
    assert_eq!(desk.check(&[]).unheard(), Some(1));
    assert_eq!(desk.ask(&["next", "@reboot"]).unheard(), Some(1));
    assert_eq!(desk.ask(&["tasks", "7"]).unheard(), Some(2));
    assert_eq!(desk.ask(&["--nonsense"]).unheard(), Some(2));
}

#[test]
fn schemas_are_json() {
    let desk = Desk::new();
    for file in ["pipeline", "config"] {
        let done = desk.ask(&["schema", file]).exit(0);
        let schema: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{file}");
    }
}

#[test]
fn the_shells_length_of_a_variable_is_explained() {
    let desk = Desk::new().file("night.yaml", "exec: X=abc; echo ${#X}\n");
    let text = "for the shell's write `{{ '{#' }}`";
    desk.check(&["night.yaml"]).exit(1).stderr_has(text);
}

#[test]
fn a_file_is_checked_with_the_settings_it_would_run_with() {
    let desk = Desk::new()
        .file("other/sexton.yaml", "paralelism: 3\n")
        .file("other/pipelines/night.yaml", "exec: 'true'\n");
    let ask = desk.check(&["other/pipelines/night.yaml"]).without_env("SEXTON_CONFIG");
    ask.exit(1).stderr_has("did you mean `parallelism`?");
}
