//! Trees that commands have written: read as files are, with findings that show the line of the output.

use crate::yaml::report::{Report, SourceFile};

use super::super::command::Command;
use super::super::generated::parse;
use super::super::kind::Kind;
use super::super::node::{NodeId, Tree};
use super::findings::pipeline;

const RUN: &str = "params: {n: 3}
retry: {limit: 2}
serial:
  ingest: {parallel: {prices: ingest prices}}
  per_symbol: {lazy: ./plan_symbols, env: {LEVEL: '1'}}
  other: {lazy: ./other}
";

fn read(text: &str) -> (Option<Tree>, String) {
    let pipeline = pipeline(RUN);
    let lazy = pipeline.tree.find("per_symbol").unwrap();
    let file = SourceFile::new("output of per_symbol/generate", text);
    let (tree, found) = parse(&file, &pipeline, pipeline.tree.settings(lazy));
    assert_eq!(tree.is_none(), found.has_errors());
    let mut report = Report::default();
    report.add(&file, found);
    (tree, report.render(false))
}

#[track_caller]
fn tree(text: &str) -> Tree {
    let (tree, findings) = read(text);
    assert_eq!(findings, "");
    tree.unwrap()
}

fn paths(tree: &Tree) -> Vec<String> {
    tree.ids().map(|id| tree.path(id)).collect()
}

#[test]
fn a_generated_tree_is_a_node_and_inherits() {
    let tree =
        tree("max_concurrent: 2\nenv: {SYMBOLS: all}\nparallel:\n  a: run a\n  b: {exec: run b, after: a}\n");
    assert_eq!(paths(&tree), ["/", "a", "b"]);
    assert_eq!(tree.name(NodeId::ROOT), "execute");
    let settings = tree.settings(NodeId(2));
    assert_eq!((settings.retry.limit, settings.env.len()), (2, 2));
    assert_eq!(tree.after(NodeId(2)).collect::<Vec<_>>(), [NodeId(1)]);
    assert_eq!(tree.limited(), [NodeId::ROOT]);
}

#[test]
fn a_bare_text_is_one_command() {
    let tree = tree("run everything --date {{ ds }}\n");
    assert_eq!((tree.len(), tree.leaves(NodeId::ROOT)), (1, 1));
    let Kind::Exec(Command::Shell(line)) = tree.kind(NodeId::ROOT) else { panic!("no command") };
    assert_eq!(&**line, "run everything --date {{ ds }}");
}

#[test]
fn json_is_read_too() {
    let tree = tree(
        r#"{"parallel":{"a":"x",
	"b":{"exec":["run","b\n",1.50,true],"description":"\ud83d\ude00 \"\u00e9\"\/"}}}"#,
    );
    let Kind::Exec(Command::Argv(argv)) = tree.kind(NodeId(2)) else { panic!("no command") };
    assert_eq!(argv.iter().map(|word| &**word).collect::<Vec<_>>(), ["run", "b\n", "1.50", "true"]);
    assert_eq!(tree.options(NodeId(2)).description.as_deref(), Some("😀 \"é\"/"));
}

#[test]
fn generated_trees_may_be_lazy() {
    let tree = tree("serial: {one: {lazy: ./more}, two: {exec: x, after: one}}");
    assert_eq!(paths(&tree), ["/", "one", "one/generate", "one/execute", "two"]);
}

#[test]
fn mistakes_are_shown_with_the_lines_of_the_output() {
    insta::assert_snapshot!(read("parallel:\n  AAPL: {exce: run AAPL}\n  MSFT: {exec: run MSFT, timeout: 90}\n  MSFT: x\n").1, @r#"
    error: unknown key `exce`
     --> output of per_symbol/generate:2:10
      |
    2 |   AAPL: {exce: run AAPL}
      |          ^^^^ did you mean `exec`?

    error: `timeout`: a duration needs a unit: did you mean `90s`?
     --> output of per_symbol/generate:3:35
      |
    3 |   MSFT: {exec: run MSFT, timeout: 90}
      |                                   ^^

    error: `MSFT` stands twice
     --> output of per_symbol/generate:4:3
      |
    3 |   MSFT: {exec: run MSFT, timeout: 90}
      |   ---- first here
    4 |   MSFT: x
      |   ^^^^ again here
      |
      = help: remove one, or give it another name
    "#);
    insta::assert_snapshot!(read("name: x\nschedule: '@daily'\nexec: x\n").1, @r#"
    error: unknown key `name`
     --> output of per_symbol/generate:1:1
      |
    1 | name: x
      | ^^^^
      |
      = help: the keys here are `exec`, `serial`, `parallel`, `branch`, `sensor`, `lazy`, `description`, `doc`, `tags`, `when`, `trigger_rule`, `after`, `skip`, `suppress_errors`, `timeout`, `stop_on_error`, `max_concurrent`, `choose`, `poke_interval`, `on_timeout`, `env`, `working_dir`, `shell`, `user`, `retry` and `kill_grace`

    error: unknown key `schedule`
     --> output of per_symbol/generate:2:1
      |
    2 | schedule: '@daily'
      | ^^^^^^^^
      |
      = help: the keys here are `exec`, `serial`, `parallel`, `branch`, `sensor`, `lazy`, `description`, `doc`, `tags`, `when`, `trigger_rule`, `after`, `skip`, `suppress_errors`, `timeout`, `stop_on_error`, `max_concurrent`, `choose`, `poke_interval`, `on_timeout`, `env`, `working_dir`, `shell`, `user`, `retry` and `kill_grace`
    "#);
    insta::assert_snapshot!(read("after: ingest\ntrigger_rule: all_done\nexec: x\n").1, @r#"
    error: `after` means nothing on the root of a generated tree
     --> output of per_symbol/generate:1:1
      |
    1 | after: ingest
      | ^^^^^
      |
      = help: it runs when its `generate` has succeeded; the `lazy` node says when that is

    error: there is no node `ingest`
     --> output of per_symbol/generate:1:8
      |
    1 | after: ingest
      |        ^^^^^^
      |
      = help: paths are names joined by `/`, from the root: `ingest/fundamentals`

    error: `trigger_rule` means nothing on the root of a generated tree
     --> output of per_symbol/generate:2:1
      |
    2 | trigger_rule: all_done
      | ^^^^^^^^^^^^
      |
      = help: it runs when its `generate` has succeeded; the `lazy` node says when that is
    "#);
    insta::assert_snapshot!(read("serial:\n  a: {exec: a, after: /ingest/prices}\n  b: {exec: b, after: per_symbol}\n").1, @r#"
    error: a generated tree waits for nothing outside of it
     --> output of per_symbol/generate:2:23
      |
    2 |   a: {exec: a, after: /ingest/prices}
      |                       ^^^^^^^^^^^^^^
      |
      = help: paths in its `after` are from its own root, without a `/` before them

    error: there is no node `per_symbol`
     --> output of per_symbol/generate:3:23
      |
    3 |   b: {exec: b, after: per_symbol}
      |                       ^^^^^^^^^^
      |
      = help: paths are names joined by `/`, from the root: `ingest/fundamentals`
    "#);
}

#[test]
fn what_is_no_tree_is_said_to_be_none() {
    for text in [
        "",
        "# planned nothing\n",
        "null",
        "[a, b]",
        "serial: {}",
        "max_concurrent: 1",
        "a: b",
        "{",
        "12: x",
        "a: 1\n---\nb: 2\n",
    ] {
        let (tree, found) = read(text);
        assert!(tree.is_none(), "{text}");
        assert!(found.contains("output of per_symbol/generate"), "{text}: {found}");
    }
    insta::assert_snapshot!(read("").1, @r#"
    error: the output is empty
     --> output of per_symbol/generate:1:1
      |
    1 |
      | ^
      |
      = help: expected one of `exec`, `serial`, `parallel`, `branch`, `sensor` and `lazy`
      = help: where there is nothing to do, write a command that does nothing: `exec: "true"`
    "#);
    insta::assert_snapshot!(read("parallel: {}").1, @r#"
    error: `parallel` has no children
     --> output of per_symbol/generate:1:11
      |
    1 | parallel: {}
      |           ^^
      |
      = help: where there is nothing to do, write a command that does nothing: `exec: "true"`
    "#);
    insta::assert_snapshot!(read("planning: 3 of: 4\nserial: {a: x}\n").1, @r#"
    error: a second `: ` on one line
     --> output of per_symbol/generate:1:15
      |
    1 | planning: 3 of: 4
      |               ^
      |
      = help: quote a text that contains `: `
      = help: what a generator has to say goes to standard error; or write the tree to the file $SEXTON_TREE
    "#);
    insta::assert_snapshot!(read("[a, b]").1, @r#"
    error: a generated tree is a mapping or a command line, found a list
     --> output of per_symbol/generate:1:1
      |
    1 | [a, b]
      | ^
      |
      = help: expected one of `exec`, `serial`, `parallel`, `branch`, `sensor` and `lazy`
      = help: what a generator has to say goes to standard error; or write the tree to the file $SEXTON_TREE
    "#);
    insta::assert_snapshot!(read("max_concurrent: 1").1, @r#"
    error: the generated tree has no kind
     --> output of per_symbol/generate:1:1
      |
    1 | max_concurrent: 1
      | ^
      |
      = help: expected one of the keys `exec`, `serial`, `parallel`, `branch`, `sensor` and `lazy`
    "#);
}

#[test]
fn outputs_are_those_of_the_tree_and_with_a_slash_those_of_the_run() {
    tree("serial: {a: x, b: {exec: y, when: 'outputs[\"a\"].n == \"1\"'}}");
    tree("when: outputs[\"/ingest/prices\"].rows != \"0\"\nexec: x");
    // What another node generates is not known here.
    tree("when: outputs[\"/other/execute/x\"].rows != \"0\"\nexec: x");
    insta::assert_snapshot!(read("when: outputs[\"ingest/prices\"].rows != \"0\"\nexec: x").1, @r#"
    error: there is no node `ingest/prices`
     --> output of per_symbol/generate:1:7
      |
    1 | when: outputs["ingest/prices"].rows != "0"
      |       ^^^^^^^^^^^^^^^^^^^^^^^^ did you mean `outputs["/ingest/prices"]`?
    "#);
    insta::assert_snapshot!(read("when: outputs[\"/ingest/price\"].rows != \"0\"\nexec: x").1, @r#"
    error: there is no node `/ingest/price`
     --> output of per_symbol/generate:1:7
      |
    1 | when: outputs["/ingest/price"].rows != "0"
      |       ^^^^^^^^^^^^^^^^^^^^^^^^ did you mean `outputs["/ingest/prices"]`?
    "#);
    insta::assert_snapshot!(read("serial: {l: {lazy: x}, b: {exec: y, when: 'outputs[\"l/execute/q\"].n'}}").1, @r#"
    error: nothing outside can name `l/execute/q`: its tree is not there yet
     --> output of per_symbol/generate:1:44
      |
    1 | serial: {l: {lazy: x}, b: {exec: y, when: 'outputs["l/execute/q"].n'}}
      |                                            ^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: it can leave data for others in $SEXTON_RUN_DIR
    "#);
}

#[test]
fn its_texts_are_checked() {
    tree("when: params.n == 3\nexec: x");
    insta::assert_snapshot!(read("when: params.m == 3\nexec: 'run {{ dss }}'").1, @r#"
    error: there is no parameter `m`
     --> output of per_symbol/generate:1:7
      |
    1 | when: params.m == 3
      |       ^^^^^^^^ did you mean `n`?

    error: unknown name `dss`
     --> output of per_symbol/generate:2:15
      |
    2 | exec: 'run {{ dss }}'
      |               ^^^ did you mean `ds`?
    "#);
}
