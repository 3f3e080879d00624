//! Trees that commands write: how they run, what is said of them, and what becomes of those that are none.

use super::desk::Desk;

/// A program of the desk's own, which is run in the configuration's parent directory.
fn script(desk: Desk, text: &str) -> Desk {
    desk.file("plan", &format!("#!/bin/sh\n{text}\n"))
}

#[test]
fn a_template_of_the_tree_is_written_raw() {
    let yaml = "lazy: |\n  echo 'parallel:'\n  for feed in prices rates; do\n    \
                echo \"  $feed: {% raw %}echo {{ pipeline }} {% endraw %}$feed\"\n  done\n";
    let desk = Desk::new().pipeline("night", yaml);
    desk.run("night").exit(0);
    desk.ask(&["logs", "1", "execute/rates"]).exit(0).stdout_has("night rates\n");
}

#[test]
fn what_a_command_prints_is_run_in_its_place() {
    let yaml = "
env: {GREETING: hello}
serial:
  symbols: {lazy: sh plan AAPL MSFT, description: each of them}
  report: echo all
";
    let plan = r#"echo "planning $# of them" >&2
echo "parallel:"
for symbol in "$@"; do echo "  $symbol: echo \"\$GREETING $symbol of $SEXTON_DS\""; done"#;
    let desk = script(Desk::new(), plan).pipeline("night", yaml);
    let done = desk.run("night").date("2018-05-14").exit(0).stderr_is("");
    done.stdout_has(
        "
night         succeeded
  symbols     succeeded
    generate  succeeded
    execute   succeeded
      AAPL    succeeded
      MSFT    succeeded
  report      succeeded
",
    );
    desk.ask(&["logs", "1", "symbols/execute/MSFT"]).exit(0).stdout_is("hello MSFT of 2018-05-14\n");
    desk.ask(&["logs", "1", "symbols/generate"]).exit(0).stdout_is("planning 2 of them\n");
    desk.ask(&["tasks", "1"]).exit(0).stdout_has("      AAPL    succeeded\n");
    desk.ask(&["why", "1", "symbols/execute/AAPL"]).exit(0).stdout_has("`symbols/execute/AAPL` succeeded.");
    // What was written is kept with the run, and nowhere else.
    assert_eq!(std::fs::read_dir(desk.path("state/trees")).unwrap().count(), 0);
}

#[test]
fn what_nobody_took_up_before_the_end_is_removed_with_the_next_start() {
    let desk = Desk::new().pipeline("night", "exec: 'true'");
    desk.run("night").exit(0);
    let desk = desk.file("state/trees/7.stdout", "parallel:").file("state/outputs/7", "rows=1");
    desk.run("night").exit(0);
    for dir in ["state/trees", "state/outputs"] {
        assert_eq!(std::fs::read_dir(desk.path(dir)).unwrap().count(), 0, "{dir}");
    }
}

#[test]
fn a_file_goes_before_what_is_printed() {
    let plan = r#"echo "exec: echo printed"; printf '{"exec": ["echo", "written"]}' >"$SEXTON_TREE""#;
    let desk = script(Desk::new(), plan).pipeline("night", "lazy: [/bin/sh, plan]");
    desk.run("night")
        .exit(0)
        .stdout_has("\nnight       succeeded\n  generate  succeeded\n  execute   succeeded\n");
    desk.ask(&["logs", "1", "execute"]).exit(0).stdout_is("written\n");
}

#[test]
fn generated_trees_may_generate_others_and_pass_outputs_on() {
    let yaml = r#"
serial:
  count: echo rows=7 >>$SEXTON_OUTPUT
  outer:
    env: {ROWS: '{{ outputs["count"].rows }}'}
    lazy: sh plan
"#;
    let plan = r#"cat <<'END'
serial:
  count: echo rows=8 >>$SEXTON_OUTPUT
  inner: {lazy: "echo 'exec: echo $ROWS {{ '{{ outputs[\"/count\"].rows }}' }}'"}
  tell:
    when: outputs["count"].rows == "8"
    exec: echo {{ outputs["count"].rows | shquote }} {{ outputs["/count"].rows | shquote }} $ROWS
END"#;
    let desk = script(Desk::new(), plan).pipeline("night", yaml);
    desk.run("night").exit(0).stdout_has(
        "
  outer           succeeded
    generate      succeeded
    execute       succeeded
      count       succeeded
      inner       succeeded
        generate  succeeded
        execute   succeeded
      tell        succeeded
",
    );
    desk.ask(&["logs", "1", "outer/execute/tell"]).exit(0).stdout_is("8 7 7\n");
    desk.ask(&["logs", "1", "outer/execute/inner/execute"]).exit(0).stdout_is("7 7\n");
}

#[test]
fn mistakes_are_shown_with_their_lines() {
    let plan = "printf 'parallel:\\n  AAPL: {exce: run}\\n  MSFT: {exec: run, timeout: 5}\\n'";
    let desk = script(Desk::new(), plan).pipeline("night", "{retry: {limit: 1}, lazy: sh plan}");
    let short = "bad tree: unknown key `exce` in line 2: `AAPL: {exce: run}`, did you mean `exec`?; and 1 more, see the log";
    let done =
        desk.run("night").exit(1).stdout_has(&format!("generate  failed           {short} (2/2 attempts)"));
    let drawn = "
  error: unknown key `exce`
   --> output of generate:2:10
    |
  2 |   AAPL: {exce: run}
    |          ^^^^ did you mean `exec`?
";
    done.stdout_has(drawn).stdout_has("execute   upstream_failed  because of `generate`");
    desk.ask(&["why", "1", "generate"]).exit(0).stdout_has(&format!(", {short}\n"));
    desk.ask(&["logs", "1", "generate"]).exit(0).stdout_has("\n --> output of generate:3:30\n");
}

#[test]
fn what_writes_no_tree_has_failed() {
    let yaml = "
parallel:
  silent: {lazy: 'true'}
  unsure: {lazy: 'echo parallel: {; exit 3'}
  huge: {lazy: 'yes | head -c 5000'}
  endless: {lazy: 'yes | head -c 50000000'}
  killed: {lazy: 'echo exec: x; kill -9 $$'}
  missing: {lazy: [no/such/program]}
";
    let desk = Desk::new().pipeline("night", yaml).file("config/sexton.yaml", "lazy_limit: 4KiB");
    let done = desk.run("night").exit(1);
    let done = done.stdout_has("bad tree: the output is empty");
    let done = done.stdout_has("bad tree: it has 5000 bytes, and `lazy_limit` of sexton.yaml allows 4KiB");
    let done =
        done.stdout_has("bad tree: it has 50000000 bytes, and `lazy_limit` of sexton.yaml allows 4KiB");
    let done = done.stdout_has("exit code 3").stdout_has("killed by SIGKILL");
    done.stdout_has("not started: cannot run `no/such/program`: No such file");
}

/// Its first KiB is a tree, too.
#[test]
fn a_part_of_a_tree_is_never_run() {
    let plan = r#"echo parallel:; for n in $(seq 1000 1999); do echo "  t$n: touch ran # as planned"; done"#;
    let settings = "lazy_limit: 1KiB";
    let desk = script(Desk::new(), plan).pipeline("night", "lazy: sh plan");
    let desk = desk.file("config/sexton.yaml", settings);
    let done = desk.run("night").exit(1);
    let done = done.stdout_has("bad tree: it has 32010 bytes, and `lazy_limit` of sexton.yaml allows 1KiB");
    done.stdout_has("execute   upstream_failed  because of `generate`");
    assert!(!desk.path("ran").exists());
}

#[test]
fn what_just_fits_is_run_and_what_is_printed_beside_a_file_is_not_asked_for() {
    let yaml = r#"
parallel:
  fits: {lazy: "printf '%-4096s' 'exec: echo fits'"}
  beside: {lazy: 'yes | head -c 5000; echo "exec: echo beside" >$SEXTON_TREE'}
  named: {lazy: 'echo "exec:" >/dev/stdout; echo "  echo named" >/dev/stdout'}
"#;
    let desk = Desk::new().pipeline("night", yaml).file("config/sexton.yaml", "lazy_limit: 4KiB");
    desk.run("night").exit(0);
    for name in ["fits", "beside", "named"] {
        let path = format!("{name}/execute");
        desk.ask(&["logs", "1", &path]).exit(0).stdout_is(&format!("{name}\n"));
    }
}

#[test]
fn a_tree_with_the_value_of_a_secret_is_refused_and_kept_nowhere() {
    let yaml = "
env: {KEY: '{{ secret(\"key\") }}'}
lazy: |
  echo \"exec: echo 'got <$KEY>'\"
";
    let settings = "secrets: {key: {file: ../key}}";
    let desk =
        Desk::new().pipeline("night", yaml).file("config/sexton.yaml", settings).file("key", "hunter2*\n");
    let words =
        "bad tree: it contains the value of the secret `key`: write `{{ secret(\"key\") }}` in its place";
    let done = desk.run("night").exit(1).stdout_has(words);
    assert!(!done.all().contains("hunter2"), "{}", done.all());
    desk.ask(&["why", "1", "generate"]).exit(0).stdout_has(words).stdout_lacks("hunter2");
    let holding = super::secrets::holding(&desk.path("state"), &["hunter2"]);
    assert_eq!(holding, Vec::<std::path::PathBuf>::new());
}

#[test]
fn the_last_words_of_a_generator_that_fails_are_in_its_log() {
    let plan = "for n in $(seq 30); do echo \"row $n\"; done; echo $KEY; echo 'no such table' >&2; exit 3";
    let yaml = "{env: {KEY: '{{ secret(\"key\") }}'}, lazy: sh plan}";
    let settings = "secrets: {key: {file: ../key}}";
    let desk = script(Desk::new(), plan).pipeline("night", yaml);
    let desk = desk.file("config/sexton.yaml", settings).file("key", "hunter2\n");
    let done = desk.run("night").exit(1).stdout_lacks("printed nothing").stdout_lacks("  row 11\n");
    done.stdout_has("  row 12\n").stdout_has("  row 30\n  ***\n").stdout_lacks("hunter2");
    let rows: String = (12..=30).map(|n| format!("row {n}\n")).collect();
    desk.ask(&["logs", "1", "generate"]).exit(0).stdout_is(&format!(
        "no such table\nit has failed, and its standard output, which was to be the tree, ended so:\n{rows}***\n"
    ));
}

#[test]
fn what_json_tells_of_a_run_has_the_new_nodes() {
    let desk =
        Desk::new().pipeline("night", "serial: {x: {lazy: \"echo 'serial: {a: \\\"true\\\"}'\"}, y: 'true'}");
    let done = desk.run("night").json().exit(0);
    let told = done.story().into_iter().filter(|line| !line.ends_with("queued")).collect::<Vec<_>>();
    let expected = [
        "/ running",
        "x running",
        "x/generate running",
        "x/generate succeeded",
        "x/execute running",
        "x/execute/a running",
        "x/execute/a succeeded",
        "x/execute succeeded",
        "x succeeded",
        "y running",
        "y succeeded",
        "/ succeeded",
    ];
    assert_eq!(told, expected, "{}", done.all());
}

#[test]
fn what_is_much_is_told_in_short() {
    let plan = "echo parallel:; for n in $(seq 300); do echo \"  t$n: {exec: [\\\"true\\\"]}\"; done";
    let desk = script(Desk::new(), plan).pipeline("wide", "lazy: sh plan");
    desk.run("wide").exit(0).stdout_has("    … 288 more  succeeded\n").stdout_has("run 1: succeeded in ");
    let tasks = desk.ask(&["tasks", "1", "--json"]).exit(0).json();
    assert_eq!(tasks.iter().filter(|task| task["state"] == "succeeded").count(), 303);
}
