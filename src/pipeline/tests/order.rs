//! The findings about order and names, as people see them.

use super::findings::findings;

#[test]
fn an_after_that_names_a_sibling() {
    let text = "serial:
  ingest:
    parallel:
      a: run
      b: {exec: run, after: a}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: there is no node `a`
     --> nightly.yaml:5:29
      |
    5 |       b: {exec: run, after: a}
      |                             ^ did you mean `ingest/a`?
      |
      = help: paths in `after` are from the root
    "#);
}

#[test]
fn an_after_around_and_inside() {
    let text = "serial:
  a:
    after: [a, a/b]
    serial:
      b: {exec: run, after: a}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `a` cannot come after itself
     --> nightly.yaml:3:13
      |
    2 |   a:
      |   - declared here
    3 |     after: [a, a/b]
      |             ^

    error: `a` cannot come after what it contains: that starts only when this has started
     --> nightly.yaml:3:16
      |
    3 |     after: [a, a/b]
      |                ^^^
    4 |     serial:
    5 |       b: {exec: run, after: a}
      |       - declared here

    error: `a/b` cannot come after a container around it: that ends only when this has ended
     --> nightly.yaml:5:29
      |
    2 |   a:
      |   - declared here
    ...
    5 |       b: {exec: run, after: a}
      |                             ^
    "#);
}

#[test]
fn a_circle_through_a_container() {
    let text = "serial:
  a: {parallel: {x: {exec: run, after: b/y}, z: run}}
  b: {parallel: {y: run}}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: these wait for each other: `b/y` → `a/x` → `b/y`
     --> nightly.yaml:2:40
      |
    2 |   a: {parallel: {x: {exec: run, after: b/y}, z: run}}
      |                                        ^^^ `a/x` waits for this
      |
      = help: each waits for the one after the arrow, by `after` or by its place in a `serial`; remove one `after`
    "#);
}

#[test]
fn a_circle_of_three() {
    let text = "parallel:
  a: {exec: run, after: c}
  b: {exec: run, after: a}
  c: {exec: run, after: b}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: these wait for each other: `c` → `b` → `a` → `c`
     --> nightly.yaml:3:25
      |
    2 |   a: {exec: run, after: c}
      |                         - `a` waits for this
    3 |   b: {exec: run, after: a}
      |                         ^ `b` waits for this
    4 |   c: {exec: run, after: b}
      |                         - `c` waits for this
      |
      = help: each waits for the one after the arrow, by `after` or by its place in a `serial`; remove one `after`
    "#);
}

#[test]
fn a_second_name_from_a_path() {
    let text = "serial:
  a: {serial: {b: run}}
  a/b: run
  c/d: run
  ab/d: run
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `b` stands twice
     --> nightly.yaml:3:3
      |
    2 |   a: {serial: {b: run}}
      |                - first here
    3 |   a/b: run
      |   ^^^ again here
      |
      = help: remove one, or give it another name

    error: there is no container `c` above
     --> nightly.yaml:4:3
      |
    4 |   c/d: run
      |   ^^^ did you mean `a/d`?
      |
      = help: a key that is a path adds to a container declared earlier in the same mapping

    error: there is no container `ab` above
     --> nightly.yaml:5:3
      |
    5 |   ab/d: run
      |   ^^^^ did you mean `a/d`?
      |
      = help: a key that is a path adds to a container declared earlier in the same mapping
    "#);
}
