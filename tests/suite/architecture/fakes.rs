//! The rules themselves, held against small houses that are made up: each breach is found, at its line, and
//! nothing else is.

use super::house::{Breach, Source, breaches};

/// A house of files, each with its `//!` put in front on the same line.
fn house(files: &[(&str, &str)]) -> Vec<Breach> {
    breaches(files.iter().map(|(path, text)| Source::new(path, &format!("//! A file.\n{text}"))).collect())
}

/// The text begins at line 2, behind the `//!`.
#[track_caller]
fn breaks(path: &str, text: &str, line: usize, rule: &str) {
    let found = house(&[(path, text)]);
    let fits =
        found.iter().any(|breach| breach.path == path && breach.line == line && breach.rule.contains(rule));
    assert!(fits, "{path}:{line} breaks `{rule}`, but this was found: {found:#?}\n{text}");
}

#[track_caller]
fn keeps(path: &str, text: &str) {
    let found = house(&[(path, text)]);
    assert!(found.is_empty(), "{found:#?}\n{text}");
}

#[test]
fn an_import_never_goes_up_or_sideways() {
    for (path, text, rule) in [
        (
            "src/run/flow.rs",
            "use crate::store::db::Store;",
            "`run` (floor 2) names `store::db::Store` (floor 3)",
        ),
        ("src/pipeline/node.rs", "fn f() { crate::run::state::go(); }", "(floor 1) names `run::state::go`"),
        ("src/engine/runner.rs", "use crate::{clock, daemon};", "(floor 4) names `daemon` (floor 5)"),
        ("src/web/api.rs", "use crate::engine::runner::Runner;", "on its own floor 4"),
        ("src/cli/run.rs", "use super::super::web::router;", "on its own floor 4"),
        ("src/store/db.rs", "use crate::executor::job::Job;", "on its own floor 3"),
        ("src/executor/docker.rs", "use crate::keeper::protocol::Token;", "on its own floor 3"),
        ("src/executor/local.rs", "use crate::keeper::{error, journal};", "names `keeper::journal`"),
        ("src/calendar/data.rs", "use crate::clock::Clock;", "on its own floor 1"),
        ("src/calendar/data.rs", "use crate::schedule::cron;", "on its own floor 1"),
        ("src/pipeline/node.rs", "use crate::config::Config;", "on its own floor 1"),
        (
            "src/keeper/serve.rs",
            "use crate::run::state::RunId;",
            "of the house it may name only [\"clock\", \"mask\"]",
        ),
        (
            "src/engine/perform.rs",
            "use crate::config::settings::Config;",
            "only [\"daemon\", \"cli\", \"main\"] may",
        ),
        ("src/engine/perform.rs", "use crate::wire::Run;", "only [\"web\", \"cli\"] may"),
        ("src/engine/perform.rs", "use crate::attic::Box;", "`attic::Box` is in no room"),
        ("src/attic/chest.rs", "", "the room `attic` stands on no floor"),
        ("src/main.rs", "use sexton::attic::Box;", "in no room"),
        (
            "src/pipeline/node.rs",
            "mod inner { use super::super::super::run::state::State; }",
            "(floor 1) names",
        ),
    ] {
        let line = if text.is_empty() { 1 } else { 2 };
        breaks(path, text, line, rule);
    }
}

#[test]
fn an_import_goes_down_or_by_its_own_door() {
    for (path, text) in [
        ("src/main.rs", "fn main() { sexton::daemon::serve(sexton::cli::args::Args::read()) }"),
        ("src/daemon.rs", "use crate::{config::file::Config, engine, store, web};"),
        ("src/config.rs", "use crate::yaml::diagnostic::Report;"),
        ("src/config/file.rs", "use crate::yaml::diagnostic::Report;"),
        ("src/schedule/plan.rs", "use crate::calendar::query;"),
        ("src/pipeline/spec.rs", "use crate::schedule::cron; use crate::duration;"),
        (
            "src/executor/local.rs",
            "use crate::keeper::{address, error, protocol::{self, Ack}, start, verdict};",
        ),
        ("src/keeper/serve.rs", "use crate::clock::{Clock, System}; use super::lock::Lock;"),
        ("src/store/db.rs", "#[cfg(test)] mod tests { use crate::engine::runner; }"),
        ("src/store/db.rs", "/* crate::engine */ const A: &str = \"crate::engine\"; // crate::web::api"),
    ] {
        keeps(path, text);
    }
}

#[test]
fn nothing_runs_in_a_circle() {
    let found = house(&[
        ("src/engine/a.rs", "use super::b::B;"),
        ("src/engine/b.rs", "\nuse super::c::C;"),
        ("src/engine/c.rs", "use crate::engine::a::A; use super::a::Other;"),
    ]);
    assert_eq!(found.len(), 1, "{found:#?}");
    let circle = "files of a room: src/engine/a.rs -> src/engine/b.rs -> src/engine/c.rs -> src/engine/a.rs";
    assert!(found[0].rule.ends_with(circle), "{found:#?}");

    let found = house(&[
        ("src/schedule/plan.rs", "use crate::calendar::query::Sessions;"),
        ("src/calendar/query.rs", "use crate::schedule::plan::Slot;"),
    ]);
    let circle = "a circle of rooms: calendar -> schedule -> calendar";
    assert!(found.iter().any(|breach| breach.rule == circle), "{found:#?}");
}

#[test]
fn a_type_may_go_on_in_another_file() {
    let machine = "use super::books::counted;\npub struct Run;";
    let went_on = "use super::machine::Run;\nimpl Run { fn more(&self) {} }\nfn counted() {}";
    assert_eq!(house(&[("src/run/machine.rs", machine), ("src/run/books.rs", went_on)]), []);
    let takes = "use super::machine::Run;\nfn counted(run: impl Into<Run>) -> impl Fn() {}";
    assert_eq!(house(&[("src/run/machine.rs", machine), ("src/run/books.rs", takes)]).len(), 1);
    let only_uses = "use super::machine::Run;\nimpl Display for Run {}\nfn counted() {}";
    assert_eq!(house(&[("src/run/machine.rs", machine), ("src/run/books.rs", only_uses)]).len(), 1);
}

#[test]
fn a_pure_room_reaches_out_for_nothing() {
    for text in [
        "async fn f() {}",
        "fn f() { tokio::spawn(g()); }",
        "use sqlx::Row;",
        "fn f() -> reqwest::Result<()> {}",
        "use bollard::Docker;",
        "use std::{fmt, fs};",
        "use std::net::{IpAddr, TcpStream};",
        "fn f() { ::std::process::abort() }",
        "use std::thread;",
        "use rand::Rng;",
        "use std::time::SystemTime;",
        "use std::time::{Duration, Instant}; fn f() { Instant::now(); }",
        "use jiff::Timestamp as T; fn f() { T::now(); }",
        "const NOW: fn() -> jiff::Zoned = jiff::Zoned::now;",
    ] {
        for path in ["src/run/flow.rs", "src/wire.rs", "src/wire/run.rs", "src/keeper/protocol.rs"] {
            breaks(path, text, 2, "in a pure room");
        }
        for path in ["src/pipeline/a.rs", "src/calendar/a.rs", "src/schedule/a.rs", "src/keeper/verdict.rs"] {
            breaks(path, text, 2, "in a pure room");
        }
    }
    keeps(
        "src/run/flow.rs",
        "use std::time::Duration; fn f(now: Timestamp) -> Tokio { 'r'; r#\"std::fs\"#; now }",
    );
    keeps("src/keeper/serve.rs", "use std::{fs, process, time::Instant}; fn f() { Instant::now(); }");
}

#[test]
fn some_names_have_one_place() {
    for (path, text, rule) in [
        ("src/engine/a.rs", "fn f() { jiff::Timestamp::now(); }", "only the clock's file"),
        ("src/store/a.rs", "use jiff::Zoned; fn f() { Zoned::now(); }", "only the clock's file"),
        ("src/keeper/a.rs", "fn f() { std::time::SystemTime::now(); }", "only the clock's file"),
        ("src/engine/a.rs", "fn f(row: sqlx::Row) {}", "only `store` knows SQL"),
        ("src/keeper/a.rs", "use tokio::net::UnixStream;", "no runtime"),
        ("src/keeper/tree.rs", "fn f() { unsafe { g() } }", "spawn file"),
        ("src/main.rs", "use std::process; fn f() { process::exit(1) }", "return"),
        ("src/cli/a.rs", "fn f() { std::process::exit(1) }", "return"),
    ] {
        breaks(path, text, 2, rule);
    }
    keeps("src/clock.rs", "fn f() { Timestamp::now(); }");
    keeps("src/store/db.rs", "use sqlx::Row;");
    keeps("src/keeper/spawn.rs", "#![allow(unsafe_code)] fn f() { unsafe { g() } }");
    keeps("src/main.rs", "use std::process::ExitCode; fn f() -> ExitCode { ExitCode::SUCCESS }");
}

#[test]
fn a_state_changes_in_one_file() {
    for text in [
        "fn f(run: &mut Run) { run.entries[0].state = State::Pending; }",
        "fn f(entry: &mut Entry) { entry.state = State::Pending; }",
        "fn f(&mut self) { std::mem::replace(&mut self.entries[0].state, state); }",
        "fn f(&mut self) { let entry = &mut self.entries[node.index()]; }",
        "fn f(&mut self) { self.entries[node.index()] = Entry::NEW; }",
        "fn f(&mut self) { self.entries.iter_mut().for_each(g); }",
    ] {
        breaks("src/run/books.rs", text, 2, "a state changes in `run/machine.rs`");
        keeps("src/run/machine.rs", text);
    }
    keeps(
        "src/run/books.rs",
        "fn f(a: &Run) -> bool { let state = a.entries[0].state == B; a.state <= state }",
    );
}

#[test]
fn a_file_is_in_order() {
    for (path, text, line, rule) in [
        ("src/run/flow.rs", "// ok\n/* see\n FIXME */", 4, "FIXME"),
        ("tests/suite/a.rs", "/// XXX", 2, "XXX"),
        ("src/run/flow.rs", "fn f() {\n todo!() }", 3, "`todo!`"),
        ("tests/suite/a.rs", "fn f() { unimplemented!() }", 2, "`unimplemented!`"),
        ("benches/a.rs", "fn f() { dbg!(1) }", 2, "`dbg!`"),
        ("tests/suite/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}", 3, "#[ignore]"),
        ("src/run/flow.rs", "#[cfg(test)] mod tests { #[cfg_attr(a, ignore)] fn f() {} }", 2, "#[ignore]"),
        ("src/run/utils.rs", "", 1, "`utils` says nothing"),
        ("src/run/types/state.rs", "", 1, "`types` says nothing"),
        ("tests/suite/helpers/mod.rs", "", 1, "`helpers` says nothing"),
        ("src/run/flow.rs", "mod common {}", 2, "`common`"),
        ("src/run/mod.rs", "pub mod state;\npub use state::State;", 3, "only declares"),
        ("src/run/mod.rs", "mod state {}", 2, "only declares"),
        ("src/lib.rs", "pub mod run;\npub fn f() {}", 3, "only declares"),
    ] {
        breaks(path, text, line, rule);
    }
    breaks("src/run/flow.rs", &"\n".repeat(500), 501, "501 lines");
    keeps("src/run/flow.rs", &"\n".repeat(499));
    keeps(
        "src/run/mod.rs",
        "#![allow(a)]\n/// Why.\npub mod a;\npub(crate) mod b;\n#[cfg(test)]\nmod tests;",
    );
    let found = breaches(vec![Source::new("src/run/flow.rs", "// A file.\n//! Too late.")]);
    assert!(found.len() == 1 && found[0].rule.contains("opens with"), "{found:#?}");
}

#[test]
fn what_is_for_tests_only_is_free() {
    let beside = "use super::*;\nuse std::fs;";
    assert_eq!(
        house(&[("src/run/mod.rs", "#[cfg(test)]\nmod tests;"), ("src/run/tests/world.rs", beside)]),
        []
    );
    assert_eq!(house(&[("src/run/a.rs", "#[cfg(test)]\nmod tests;"), ("src/run/a/tests.rs", beside)]), []);
    let named = "#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;";
    assert_eq!(house(&[("src/run/a.rs", named), ("src/run/a_tests.rs", beside)]), []);
    keeps("src/run/a.rs", "impl A {\n#[cfg(test)]\n#[must_use]\nfn f<A, B>() { std::fs::read(a) }\n}");
    for after in
        ["mod tests;", "use std::fs;", "mod tests { fn f() {} }", "fn f() {}", "const A: [u8; 2] = [1, 2];"]
    {
        breaks("src/run/a.rs", &format!("#[cfg(test)]\n{after}\nuse std::net;"), 4, "in a pure room");
    }
    breaks("src/run/a.rs", "struct A {\n#[cfg(test)]\na: u8,\nb: std::fs::File }", 5, "in a pure room");
    breaks("src/run/a.rs", "#[cfg(not(test))]\nuse std::fs;", 3, "in a pure room");
}

#[test]
fn text_is_not_code() {
    for text in [
        "const A: &str = \"a \\\" use std::fs;\";",
        "const A: &str = r##\"a \"# use std::fs; \"##;",
        "const A: &[u8] = br\"\\\"; const B: char = '\"'; // use std::fs; \"",
        "const A: char = '\\''; /* /* a */ use std::fs; */",
        "fn f<'a>(a: &'a str) -> &'a str { \"'\"; a } // use std::fs;",
    ] {
        keeps("src/run/a.rs", text);
        breaks("src/run/a.rs", &format!("{text}\nuse std::fs;"), 3, "`std::fs` in a pure room");
    }
}
