//! The findings about nodes, keys and values, as people see them.

use super::findings::findings;

#[test]
fn one_file_tells_all_seven_mistakes() {
    let text = "description: seven mistakes
serial:
  extract:
    exec: extract --date {{ dss }}
    timeot: 5m
    timeout: 90
  load: {exec: load, serial: {x: run}}
  load: again
  check:
    exec: check
    after: extarct
  first: {exec: run, after: last}
  last: run
";
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown name `dss`
     --> nightly.yaml:4:29
      |
    4 |     exec: extract --date {{ dss }}
      |                             ^^^ did you mean `ds`?

    error: unknown key `timeot`
     --> nightly.yaml:5:5
      |
    5 |     timeot: 5m
      |     ^^^^^^ did you mean `timeout`?

    error: `timeout`: a duration needs a unit: did you mean `90s`?
     --> nightly.yaml:6:14
      |
    6 |     timeout: 90
      |              ^^

    error: the node `load` has two kinds
     --> nightly.yaml:7:22
      |
    7 |   load: {exec: load, serial: {x: run}}
      |          ----        ^^^^^^ `serial` here
      |          |
      |          `exec` here
      |
      = help: a node has exactly one kind; make each a child of a `serial` or `parallel`

    error: `load` stands twice
     --> nightly.yaml:8:3
      |
    7 |   load: {exec: load, serial: {x: run}}
      |   ---- first here
    8 |   load: again
      |   ^^^^ again here
      |
      = help: remove one, or give it another name

    error: there is no node `extarct`
      --> nightly.yaml:11:12
       |
    11 |     after: extarct
       |            ^^^^^^^ did you mean `extract`?

    error: these wait for each other: `last` → `first` → `last`
      --> nightly.yaml:12:29
       |
    12 |   first: {exec: run, after: last}
       |                             ^^^^ `first` waits for this
       |
       = help: each waits for the one after the arrow, by `after` or by its place in a `serial`; remove one `after`
    "#);
}

#[test]
fn a_node_without_a_kind() {
    let text = "serial:
  a: {timeout: 5m}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: the node `a` has no kind
     --> nightly.yaml:2:3
      |
    2 |   a: {timeout: 5m}
      |   ^
      |
      = help: expected one of the keys `exec`, `serial`, `parallel`, `branch`, `sensor` and `lazy`
    "#);
}

#[test]
fn a_misspelt_kind_is_one_mistake() {
    let text = "serial:
  a: {exce: run}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown key `exce`
     --> nightly.yaml:2:7
      |
    2 |   a: {exce: run}
      |       ^^^^ did you mean `exec`?
    "#);
}

#[test]
fn an_empty_file() {
    let text = "# nothing
";
    insta::assert_snapshot!(findings(text), @r#"
    error: the file is empty
     --> nightly.yaml:1:1
      |
    1 | # nothing
      | ^
      |
      = help: expected one of `exec`, `serial`, `parallel`, `branch`, `sensor` and `lazy`, and what the pipeline says about itself
    "#);
}

#[test]
fn a_file_that_is_a_text() {
    let text = "run me
";
    insta::assert_snapshot!(findings(text), @r#"
    error: a pipeline file is a mapping, found `run me`
     --> nightly.yaml:1:1
      |
    1 | run me
      | ^
      |
      = help: expected one of `exec`, `serial`, `parallel`, `branch`, `sensor` and `lazy`, and what the pipeline says about itself
    "#);
}

#[test]
fn an_empty_container() {
    let text = "serial: {}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `serial` has no children
     --> nightly.yaml:1:9
      |
    1 | serial: {}
      |         ^^
      |
      = help: a container has at least one child
    "#);
}

#[test]
fn a_list_of_children() {
    let text = "serial:
  - make
  - test
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `serial` must be a mapping of names to nodes, found a list
     --> nightly.yaml:2:3
      |
    2 | /   - make
    3 | |   - test
      | |________^
      |
      = help: give each child a name: `- make` becomes `make: make`
    "#);
}

#[test]
fn a_node_that_is_a_list() {
    let text = "serial:
  a: [run, x]
";
    insta::assert_snapshot!(findings(text), @r#"
    error: the node `a` is a list
     --> nightly.yaml:2:6
      |
    2 |   a: [run, x]
      |      ^^^^^^^^
      |
      = help: for a program and its arguments write `exec: […]`; children are a mapping of names
    "#);
}

#[test]
fn a_node_that_is_nothing() {
    let text = "serial:
  a:
";
    insta::assert_snapshot!(findings(text), @r#"
    error: the node `a` is empty
     --> nightly.yaml:2:3
      |
    2 |   a:
      |   ^
      |
      = help: expected a command line, or a mapping with one of `exec`, `serial`, `parallel`, `branch`, `sensor` and `lazy`
    "#);
}

#[test]
fn a_misplaced_key() {
    let text = "serial:
  a: {exec: run, max_concurrent: 2}
  b: {parallel: {c: run}, stop_on_error: false}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `max_concurrent` means nothing on `exec`
     --> nightly.yaml:2:18
      |
    2 |   a: {exec: run, max_concurrent: 2}
      |                  ^^^^^^^^^^^^^^
      |
      = help: it belongs on a container: `serial`, `parallel`, `branch` and `lazy`

    error: `stop_on_error` means nothing on `parallel`
     --> nightly.yaml:3:27
      |
    3 |   b: {parallel: {c: run}, stop_on_error: false}
      |                           ^^^^^^^^^^^^^
      |
      = help: it belongs on a `serial`
    "#);
}

#[test]
fn a_name_with_a_colon() {
    let text = "serial:
  'a:b': run
";
    insta::assert_snapshot!(findings(text), @r#"
    error: the name `a:b` contains `:`
     --> nightly.yaml:2:3
      |
    2 |   'a:b': run
      |   ^^^^^
      |
      = help: a name is letters, digits, `_`, `-`, `.` and spaces, at most 200 bytes
    "#);
}

#[test]
fn a_key_that_is_a_template() {
    let text = "serial:
  {{ ds }}: run
";
    insta::assert_snapshot!(findings(text), @r#"
    error: a key must be a text, found a mapping
     --> nightly.yaml:2:4
      |
    2 |   {{ ds }}: run
      |    ^^^^^^
      |
      = help: if this is a template, quote it: "{{ ds }}"
    "#);
}
