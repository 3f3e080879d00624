//! What tasks hand to later ones: outputs and the run's directory.

use super::desk::Desk;

#[test]
fn an_output_reaches_templates_and_conditions_of_later_nodes() {
    let yaml = r#"
serial:
  count: echo "rows=41" >>"$SEXTON_OUTPUT"; echo "rows=42" >>"$SEXTON_OUTPUT"
  use:
    env: {ROWS: '{{ outputs["count"].rows }}'}
    exec: echo "$ROWS {{ outputs["count"].rows | int + 1 }}"
  many: {when: 'outputs["count"].rows | int > 50', exec: echo many}
"#;
    let desk = Desk::new().pipeline("pass", yaml);
    desk.run("pass")
        .exit(0)
        .stdout_has("many   skipped    `when: outputs[\"count\"].rows | int > 50` is false");
    desk.ask(&["logs", "1", "use"]).exit(0).stdout_is("42 43\n");
}

#[test]
fn a_line_that_is_no_output_fails_the_task() {
    let yaml = "serial:\n  count: echo 'rows 42' >>$SEXTON_OUTPUT\n";
    let desk = Desk::new().pipeline("bad", yaml);
    desk.run("bad").exit(1).stdout_has("count  failed  bad output: line 1 has no `=`: rows 42");
    desk.ask(&["why", "1", "count"])
        .exit(0)
        .stdout_has("`count` failed: bad output: line 1 has no `=`: rows 42.");
}

#[test]
fn what_is_no_file_holds_nobody_up() {
    let yaml = "parallel:\n  pipe: rm -f $SEXTON_OUTPUT; mkfifo $SEXTON_OUTPUT\n  \
                tree: {lazy: mkfifo $SEXTON_TREE}\n";
    let desk = Desk::new().pipeline("bad", yaml);
    desk.run("bad")
        .exit(1)
        .stdout_has("bad output: it is no regular file\n")
        .stdout_has("bad tree: it is no regular file\n");
}

#[test]
fn an_output_that_was_not_written_is_named() {
    let yaml = "serial:\n  count: 'true'\n  use: {exec: [echo, '{{ outputs[\"count\"].rows }}']}\n";
    let desk = Desk::new().pipeline("unset", yaml);
    desk.run("unset").exit(1).stdout_has("outputs['count'].rows");
}

#[test]
fn the_run_directory_is_shared_by_the_tasks_of_one_run() {
    let yaml = "serial:\n  write: '[ ! -e $SEXTON_RUN_DIR/x ] && echo here >$SEXTON_RUN_DIR/x'\n  read: cat $SEXTON_RUN_DIR/x\n";
    let desk = Desk::new().pipeline("share", yaml);
    desk.run("share").exit(0);
    desk.run("share").exit(0);
    desk.ask(&["logs", "2", "read"]).exit(0).stdout_is("here\n");
}

#[test]
fn only_the_attempt_that_succeeded_speaks_for_its_task() {
    let yaml = r#"
serial:
  a:
    retry: {limit: 1}
    exec: |
      if [ "$SEXTON_ATTEMPT_NUMBER" = 1 ]; then echo rows=5 >>"$SEXTON_OUTPUT"; exit 1; fi
      echo other=1 >>"$SEXTON_OUTPUT"
  seen: {exec: echo seen, when: 'outputs["a"].rows is defined'}
"#;
    let desk = Desk::new().pipeline("tries", yaml);
    let ended = desk.run("tries").exit(0).stdout_has("a: other=1").stdout_has("seen  skipped");
    ended.stdout_lacks("rows=5");
}
