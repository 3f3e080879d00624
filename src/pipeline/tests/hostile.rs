//! Files that mean harm, or were cut off: always an answer, soon, and never a crash.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::calendar::book::Book;
use crate::pipeline::definition::{Defaults, parse};

use super::findings::messages;

/// On the stack of an ordinary thread, within a time that only a bomb exceeds.
fn survives(text: String) -> Vec<String> {
    let started = Instant::now();
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || messages(&text));
    let found = thread.expect("no thread").join().expect("crashed");
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
    found
}

#[test]
fn a_billion_laughs_is_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        writeln!(text, "a{level}: &a{level} [{}]", vec![alias; 10].join(", ")).unwrap();
    }
    text.push_str("exec: run\n");
    assert_eq!(survives(text), ["the file holds more than 20000000 values, aliases written out"]);
}

#[test]
fn a_bomb_of_nodes_is_refused() {
    let mut text = String::from("parallel:\n  a0: &a0 {parallel: {x: run, y: run}}\n");
    for level in 1..40 {
        let below = level - 1;
        writeln!(text, "  a{level}: &a{level} {{parallel: {{x: *a{below}, y: *a{below}}}}}").unwrap();
    }
    assert_eq!(survives(text).len(), 1);
}

#[test]
fn merge_bombs_are_refused() {
    let mut text = String::from("m0: &m0 {k: v}\n");
    for level in 1..3_000 {
        writeln!(text, "m{level}: &m{level} {{<<: *m{}, k{level}: v}}", level - 1).unwrap();
    }
    assert_eq!(survives(text), ["`<<` brings in more than 1000000 entries"]);
}

#[test]
fn an_alias_in_its_own_anchor_is_refused() {
    assert_eq!(survives("serial: &a {x: *a}\n".to_owned()), ["an alias stands inside its own anchor"]);
}

#[test]
fn deep_files_are_refused() {
    let deep = |depth: usize| format!("{}exec: run{}", "serial: {a: {".repeat(depth), "}}".repeat(depth));
    assert_eq!(survives("[".repeat(200_000)).len(), 1);
    assert_eq!(survives("a: [".repeat(200_000)).len(), 1);
    assert_eq!(survives(deep(5_000)), ["lists and mappings are nested more than 2100 deep"]);
    assert_eq!(survives(deep(1_000)), Vec::<String>::new());
    assert_eq!(survives(deep(1_001)), ["the tree is deeper than 1000 nodes"]);
    let mut block = String::new();
    for depth in 0..5_000 {
        writeln!(block, "{}serial:\n{}a:", " ".repeat(depth * 2), " ".repeat(depth * 2 + 1)).unwrap();
    }
    assert_eq!(survives(block).len(), 1);
}

#[test]
fn long_circles_are_found_in_time() {
    let mut ring = String::from("parallel:\n");
    let mut chain = String::from("serial:\n");
    for index in 0..50_000 {
        writeln!(ring, "  n{index}: {{exec: run, after: n{}}}", (index + 49_999) % 50_000).unwrap();
        writeln!(chain, "  n{index}: {{exec: run, after: n49999}}").unwrap();
    }
    assert_eq!(survives(ring).len(), 1);
    assert_eq!(survives(chain).len(), 11, "ten circles, and the last after itself");
}

#[test]
fn large_files_are_refused_at_once() {
    assert_eq!(survives("x".repeat(100 << 20)), ["the file is larger than 64 MiB"]);
    assert_eq!(survives(format!("exec: {}", "x".repeat(2 << 20))), ["a text is longer than 1024 KiB"]);
}

#[test]
fn many_mistakes_cost_little_and_are_counted() {
    let mut text = String::from("parallel:\n");
    for index in 0..20_000 {
        writeln!(text, "  n{index}: {{exec: run, after: m{index}, unknwon: 1}}").unwrap();
    }
    let file = crate::yaml::report::SourceFile::new("big.yaml", text);
    let (_, found) = parse(&file, &Defaults::default(), &Book::embedded());
    let mut report = crate::yaml::report::Report::default();
    report.add(&file, found);
    assert_eq!(report.iter().count(), 50);
    assert!(report.render(false).ends_with("… and 39950 more in big.yaml"), "{}", report.render(false));
}

#[test]
fn expressions_that_nest_are_refused_on_a_small_stack() {
    let expressions = [
        format!("{}ds{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("{}ds{}", "(".repeat(140), ")".repeat(140)),
        format!("{}{}", "[".repeat(90), "]".repeat(90)),
        vec!["1"; 30_000].join(" + "),
        vec!["1"; 90].join(" + "),
        format!("{} ds", "not ".repeat(190)),
        format!("{}1", "-".repeat(10_000)),
        format!("ds{}", ".a".repeat(90)),
        format!("ds{}", " | upper".repeat(95)),
        vec!["ds if ds else"; 30].join(" ") + " ds",
    ];
    for expression in expressions {
        survives(format!("when: '{expression}'\nexec: run {{{{ {expression} }}}}\n"));
    }
    survives(format!("exec: 'x {} {}'", "{% if ds %}".repeat(5_000), "{% endif %}".repeat(5_000)));
    survives(format!("exec: 'x {} {}'", "{% if ds %}".repeat(50), "{% endif %}".repeat(50)));
    survives(format!("exec: 'x {{% if ds %}}{}{{% endif %}}'", "{% elif ds %}".repeat(98)));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn no_bytes_crash_it(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        super::findings::findings(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_near_yaml_crashes_it(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "serial", "parallel", "exec", ": ", ":", "\n", "\n  ", "\n    ", "- ", "[", "]", "{", "}", ",", "*a", "&a ", "a",
            "\"", "'", "|\n", ">\n", "<<", "{{ ", " }}", "{% if ds %}", "ds", "params", "after", "when", "\t", "#", "!!str ",
            "---\n", "...", "? ", "é", "\u{feff}", "\0", "\\", "name", "timeout", "1m", "env", "retry", "~", "%", "a/b", "/",
        ]), 0..40)
    ) {
        super::findings::findings(&pieces.concat());
    }
}
