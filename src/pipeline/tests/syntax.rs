//! The findings about YAML itself, as people see them.

use super::findings::findings;

#[test]
fn two_documents() {
    let text = "exec: run
---
exec: again
";
    insta::assert_snapshot!(findings(text), @r#"
    error: a file holds one document, and here a second one begins
     --> nightly.yaml:2:1
      |
    2 | ---
      | ^^^
      |
      = help: make it a file of its own
    "#);
}

#[test]
fn a_tab() {
    let text = "serial:
	a: run
";
    insta::assert_snapshot!(findings(text), @r#"
    error: a tab cannot be used for indentation
     --> nightly.yaml:2:1
      |
    2 |     a: run
      | ^^^^
      |
      = help: use spaces
    "#);
}

#[test]
fn an_unquoted_cron_line() {
    let text = "serial:
  a: * * * * *
";
    insta::assert_snapshot!(findings(text), @r#"
    error: a plain text cannot start with `*`
     --> nightly.yaml:2:6
      |
    2 |   a: * * * * *
      |      ^ YAML reads this as an alias
      |
      = help: if it is a cron line or a pattern, quote it: "* * * * *"
    "#);
}

#[test]
fn an_unknown_alias() {
    let text = "serial:
  a: &base run
  b: *bsae
";
    insta::assert_snapshot!(findings(text), @r#"
    error: there is no anchor `&bsae` above
     --> nightly.yaml:3:6
      |
    3 |   b: *bsae
      |      ^^^^^ a plain text that starts with `*` is an alias
      |
      = help: did you mean `*base`?
      = help: if it is a cron line or a pattern, quote it: "* * * * *"
    "#);
}

#[test]
fn a_duplicate_key() {
    let text = "exec: run
timeout: 1m
timeout: 2m
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `timeout` stands twice
     --> nightly.yaml:3:1
      |
    2 | timeout: 1m
      | ------- first here
    3 | timeout: 2m
      | ^^^^^^^ again here
      |
      = help: remove one, or give it another name
    "#);
}

#[test]
fn an_unquoted_template() {
    let text = "exec: {{ ds }} --now
";
    insta::assert_snapshot!(findings(text), @r#"
    error: not YAML: while parsing a block mapping, did not find expected key
     --> nightly.yaml:1:7
      |
    1 | exec: {{ ds }} --now
      |       ^^ YAML reads `{` as the start of a mapping
      |
      = help: quote the text: one that starts with a template, or holds one inside `{}` or `[]`

    error: a key must be a text, found a mapping
     --> nightly.yaml:1:8
      |
    1 | exec: {{ ds }} --now
      |        ^^^^^^
      |
      = help: if this is a template, quote it: "{{ ds }}"
    "#);
}

#[test]
fn an_unquoted_template_in_a_flow_mapping() {
    let text = "serial:
  a: {exec: load {{ ds }}, timeout: 1m}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: not YAML: while parsing a flow mapping, did not find expected ',' or '}'
     --> nightly.yaml:2:18
      |
    2 |   a: {exec: load {{ ds }}, timeout: 1m}
      |                  ^^ YAML reads `{` as the start of a mapping
      |
      = help: quote the text: one that starts with a template, or holds one inside `{}` or `[]`
    "#);
}

#[test]
fn a_colon_in_a_plain_text() {
    let text = "exec: echo a: b
";
    insta::assert_snapshot!(findings(text), @r#"
    error: a second `: ` on one line
     --> nightly.yaml:1:13
      |
    1 | exec: echo a: b
      |             ^
      |
      = help: quote a text that contains `: `
    "#);
}

#[test]
fn an_unquoted_at() {
    let text = "exec: @daily
";
    insta::assert_snapshot!(findings(text), @r#"
    error: a plain text cannot start with `@`
     --> nightly.yaml:1:7
      |
    1 | exec: @daily
      |       ^
      |
      = help: quote the text
    "#);
}

#[test]
fn a_nul() {
    let text = "exec: a\0b\n";
    insta::assert_snapshot!(findings(text), @r#"
    error: the file contains a NUL character
     --> nightly.yaml:1:8
      |
    1 | exec: a␀b
      |        ^
      |
      = help: is this a text file?
    "#);
}

#[test]
fn an_unclosed_quote() {
    let text = r#"exec: "run
"#;
    insta::assert_snapshot!(findings(text), @r#"
    error: a quoted text is not closed, or not indented as deep as what it belongs to
     --> nightly.yaml:2:1
      |
    2 |
      | ^ the text has gone on to here
    "#);
}

#[test]
fn a_tag() {
    let text = "exec: !shell run
";
    insta::assert_snapshot!(findings(text), @r#"
    error: the YAML tag `!shell` means nothing here
     --> nightly.yaml:1:14
      |
    1 | exec: !shell run
      |              ^^^
      |
      = help: leave it out
    "#);
}
