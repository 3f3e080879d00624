//! The findings about templates, conditions and parameters, as people see them.

use super::findings::findings;

#[test]
fn a_bad_template() {
    let text = "exec: 'run {{ ds'
";
    insta::assert_snapshot!(findings(text), @r#"
    error: not a valid template: unexpected end of input, expected end of variable block
     --> nightly.yaml:1:15
      |
    1 | exec: 'run {{ ds'
      |               ^^
    "#);
}

#[test]
fn a_template_in_a_block_text() {
    let text = "exec: |
  first line
  second {{ dz }} line
";
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown name `dz`
     --> nightly.yaml:3:13
      |
    3 |   second {{ dz }} line
      |             ^^ did you mean `ds`?
    "#);
}

#[test]
fn a_template_in_an_escaped_text() {
    let text = r#"exec: "a \"quoted\" \u00e9 {{ params.x }}"
"#;
    insta::assert_snapshot!(findings(text), @r#"
    error: there is no parameter `x`
     --> nightly.yaml:1:31
      |
    1 | exec: "a \"quoted\" \u00e9 {{ params.x }}"
      |                               ^^^^^^^^
      |
      = help: declare it under `params`
    "#);
}

#[test]
fn a_template_in_a_folded_text() {
    let text = "exec: >-
  one {{ ds }}
  two {{ pipelin }}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown name `pipelin`
     --> nightly.yaml:3:10
      |
    3 |   two {{ pipelin }}
      |          ^^^^^^^ did you mean `pipeline`?
    "#);
}

#[test]
fn braces_in_a_condition() {
    let text = r#"exec: run
when: "{{ ds }}"
"#;
    insta::assert_snapshot!(findings(text), @r#"
    error: not a valid expression: unexpected `}`, expected `:`
     --> nightly.yaml:2:14
      |
    2 | when: "{{ ds }}"
      |              ^
      |
      = help: `when` is a bare expression: leave out the braces
    "#);
}

#[test]
fn an_unknown_filter() {
    let text = "exec: 'run {{ ds | uper }}'
";
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown filter `uper`
     --> nightly.yaml:1:20
      |
    1 | exec: 'run {{ ds | uper }}'
      |                    ^^^^ did you mean `upper`?
    "#);
}

#[test]
fn an_unknown_function() {
    let text = "exec: run
when: sesion('x')
";
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown function `sesion`
     --> nightly.yaml:2:7
      |
    2 | when: sesion('x')
      |       ^^^^^^^^^^^
      |
      = help: there are `calendar`, `date`, `range` and `secret`
    "#);
}

#[test]
fn a_secret_in_a_condition() {
    let text = "exec: run
when: secret('x') == 'y'
";
    insta::assert_snapshot!(findings(text), @r#"
    error: a condition cannot read a secret: its value is put in only where a command starts
     --> nightly.yaml:2:7
      |
    2 | when: secret('x') == 'y'
      |       ^^^^^^^^^^^
    "#);
}

#[test]
fn an_unknown_output() {
    let text = r#"serial: {ingest: {serial: {bars: run}}, b: 'x {{ outputs["ingest/bar"].rows | shquote }}'}
"#;
    insta::assert_snapshot!(findings(text), @r#"
    error: there is no node `ingest/bar`
     --> nightly.yaml:1:50
      |
    1 | serial: {ingest: {serial: {bars: run}}, b: 'x {{ outputs["ingest/bar"].rows | shquote }}'}
      |                                                  ^^^^^^^^^^^^^^^^^^^^^ did you mean `outputs["ingest/bars"]`?
    "#);
}

#[test]
fn an_unknown_parameter() {
    let text = "params: {region: eu}
exec: 'run {{ params.regoin | shquote }}'
";
    insta::assert_snapshot!(findings(text), @r#"
    error: there is no parameter `regoin`
     --> nightly.yaml:2:15
      |
    2 | exec: 'run {{ params.regoin | shquote }}'
      |               ^^^^^^^^^^^^^ did you mean `region`?
    "#);
}

#[test]
fn an_unknown_attribute() {
    let text = "exec: run
when: logical_date.moth == 1
";
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown attribute `moth`
     --> nightly.yaml:2:7
      |
    2 | when: logical_date.moth == 1
      |       ^^^^^^^^^^^^^^^^^ did you mean `month`?
    "#);
}

#[test]
fn a_tag_that_is_not_ours() {
    let text = "exec: 'run {% set x = 1 %}'
";
    insta::assert_snapshot!(findings(text), @r#"
    error: this tag is not part of Sexton's templates
     --> nightly.yaml:1:15
      |
    1 | exec: 'run {% set x = 1 %}'
      |               ^^^^^^^^^
      |
      = help: there are `if` and `for`
    "#);
}

#[test]
fn a_product_that_could_grow() {
    let text = r#"exec: "run {{ 'x' * 100000000 }}"
"#;
    insta::assert_snapshot!(findings(text), @r#"
    error: `*` needs a number on both sides
     --> nightly.yaml:1:15
      |
    1 | exec: "run {{ 'x' * 100000000 }}"
      |               ^^^^^^^^^^^^^^^
      |
      = help: say that a value is one: `(params.n | int) * 2`
    "#);
}

#[test]
fn a_variable_that_reads_another() {
    let text = "exec: run
env: {A: '{{ env.B }}'}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: a variable of `env` cannot read `env`
     --> nightly.yaml:2:14
      |
    2 | env: {A: '{{ env.B }}'}
      |              ^^^
    "#);
}

#[test]
fn spliced_texts_are_warned_about() {
    let text = r#"params: {file: a.csv, n: 1, mode: {enum: [fast, full], default: fast}}
serial:
  a: load {{ params.file }} {{ params.n }} {{ params.mode }} {{ params.file | shquote }}
  b: echo {{ outputs["a"].rows }} {{ secret("db") }}
  c: {exec: [load, '{{ params.file }}']}
"#;
    insta::assert_snapshot!(findings(text), @r#"
    warning: the parameter `file` becomes part of a shell line as it is
     --> nightly.yaml:3:14
      |
    3 |   a: load {{ params.file }} {{ params.n }} {{ params.mode }} {{ params.file | shquote }}
      |              ^^^^^^^^^^^
      |
      = help: write "$SEXTON_PARAM_FILE", or {{ params.file | shquote }}

    warning: an output becomes part of a shell line as it is
     --> nightly.yaml:4:14
      |
    4 |   b: echo {{ outputs["a"].rows }} {{ secret("db") }}
      |              ^^^^^^^^^^^^^^^^^
      |
      = help: add `| shquote`

    warning: a secret becomes part of a shell line
     --> nightly.yaml:4:38
      |
    4 |   b: echo {{ outputs["a"].rows }} {{ secret("db") }}
      |                                      ^^^^^^^^^^^^
      |
      = help: give it to the command in `env`, where other users cannot see it
    "#);
}

#[test]
fn bad_parameters() {
    let text = "params:
  1x: a
  n: {type: integer, default: ten}
  r: {default: a, required: true}
  p: {pattern: '('}
  q: {type: integr}
  e: {enum: [a, b], default: c}
  N: 1
exec: run
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `1x` cannot be the name of a parameter
     --> nightly.yaml:2:3
      |
    2 |   1x: a
      |   ^^
      |
      = help: a name is letters, digits and `_`, and does not begin with a digit

    error: the parameter `n` must be a whole number, found `ten`
     --> nightly.yaml:3:31
      |
    3 |   n: {type: integer, default: ten}
      |                               ^^^

    error: the parameter `r` has a default, so nobody has to give it
     --> nightly.yaml:4:29
      |
    4 |   r: {default: a, required: true}
      |                             ^^^^

    error: not a regular expression: found open group without closing ')'
     --> nightly.yaml:5:16
      |
    5 |   p: {pattern: '('}
      |                ^^^

    error: `type` must be one of `string`, `integer`, `number`, `boolean` and `date`, found `integr`
     --> nightly.yaml:6:13
      |
    6 |   q: {type: integr}
      |             ^^^^^^ expected one of `string`, `integer`, `number`, `boolean` and `date`
      |
      = help: did you mean `integer`?

    error: the parameter `e` must be one of `a` and `b`, found `c`
     --> nightly.yaml:7:30
      |
    7 |   e: {enum: [a, b], default: c}
      |                              ^

    error: `N` and `n` would be the same variable, `SEXTON_PARAM_N`
     --> nightly.yaml:8:3
      |
    8 |   N: 1
      |   ^
    "#);
}

#[test]
fn an_argument_that_is_a_list() {
    let text = "exec: [run, [x]]
";
    insta::assert_snapshot!(findings(text), @r#"
    error: an argument must be a text, found a list
     --> nightly.yaml:1:13
      |
    1 | exec: [run, [x]]
      |             ^^^
    "#);
}
