//! Everything that does not run has a reason, in one sentence.

use jiff::tz::TimeZone;

use super::world::World;
use crate::run::why::{Around, why};

#[track_caller]
fn explains(tree: &str, script: &str, path: &str, sentence: &str) {
    let mut world = World::new(tree);
    world.places = 2;
    world.play(script);
    let around = Around { zone: TimeZone::UTC, places: Some((world.run.taken(), 2)) };
    assert_eq!(why(&world.run, world.at(path), &around), sentence);
}

const TREE: &str = "
        p serial
          ingest parallel
            bars retry=1 delay=300
            prices
            quotes
          join after=ingest/bars
          report parallel when=false
            daily
          audit rule=one_failed";

#[test]
fn what_waits() {
    explains(TREE, "", "ingest/quotes", "`ingest/quotes` waits for a place (2 of 2 in use).");
    explains(
        TREE,
        "",
        "join",
        "`join` waits for `ingest` (running since 1970-01-01 00:00:00 UTC) and 1 more.",
    );
    explains(
        TREE,
        "",
        "report/daily",
        "`report/daily` waits with `report` for `ingest` (running since 1970-01-01 00:00:00 UTC) and 1 more.",
    );
    explains(
        "
        p parallel
          a
          b after=a",
        "",
        "b",
        "`b` waits for `a` (running since 1970-01-01 00:00:00 UTC).",
    );
    explains(
        "
        p parallel
          a
          b after=a",
        "a ok; clear a",
        "a",
        "`a` waits for the end of attempts that were cleared while they ran.",
    );
    explains(
        "
        p parallel max=1
          a
          b",
        "",
        "b",
        "`b` waits for a place below `/` (1 of 1 in use).",
    );
}

#[test]
fn what_runs() {
    explains(TREE, "", "ingest/bars", "`ingest/bars` runs since 1970-01-01 00:00:00 UTC (1/2 attempts).");
    explains(TREE, "", "/", "`/` runs since 1970-01-01 00:00:00 UTC.");
    explains(
        TREE,
        "ingest/bars 3",
        "ingest/bars",
        "`ingest/bars` will be tried again at 1970-01-01 00:05:00 UTC, exit code 3 (1/2 attempts).",
    );
    explains(
        TREE,
        "cancel /",
        "ingest/bars",
        "`ingest/bars` runs since 1970-01-01 00:00:00 UTC, being cancelled by ada.",
    );
}

#[test]
fn what_has_ended() {
    let good = "all ok";
    explains(TREE, good, "join", "`join` succeeded.");
    explains(TREE, good, "report", "`report` skipped: `when: false` is false.");
    explains(TREE, good, "report/daily", "`report/daily` skipped: with `report`.");
    explains(TREE, good, "audit", "`audit` skipped: nothing before it failed.");
    let bad = "ingest/prices signal:9; all ok";
    explains(TREE, bad, "report/daily", "`report/daily` upstream_failed: because of `ingest/prices`.");
    explains(TREE, bad, "ingest/prices", "`ingest/prices` failed: killed by SIGKILL, perhaps out of memory.");
}

#[test]
fn what_waits_for_something_outside() {
    const FEEDS: &str = "
        p serial
          feeds parallel
            file sensor=file
            poked sensor=exec
          load";
    let since = "1970-01-01 00:00:00 UTC";
    explains(FEEDS, "", "feeds/file", &format!("`feeds/file` waits since {since} for a file `/in/x`."));
    let poked = format!("`feeds/poked` waits since {since} for its command to exit with 0.");
    explains(FEEDS, "poke feeds/poked; wait 9", "feeds/poked", &poked);
    explains(FEEDS, "wait 9; poke feeds/poked; feeds/poked 1", "feeds/poked", &poked);
    let killed = format!("`feeds/poked` waits since {since}, being cancelled by ada.");
    explains(FEEDS, "poke feeds/poked; cancel p", "feeds/poked", &killed);
    explains(FEEDS, "", "load", &format!("`load` waits for `feeds` (running since {since})."));
    explains(FEEDS, "feeds/file met", "feeds/file", "`feeds/file` succeeded: it is there.");
}

#[test]
fn what_was_not_chosen() {
    const RISK: &str = "
        p serial
          risk branch
            half_day when=true
            full_day
          feeds choice
            choose
            prices
            rates";
    let script = "risk/half_day ok; feeds/choose chose prices; feeds/prices ok";
    let tells = |path, sentence| explains(RISK, script, path, sentence);
    tells("risk/full_day", "`risk/full_day` skipped: `half_day` was chosen.");
    tells("feeds/choose", "`feeds/choose` succeeded: chose `prices`.");
    tells("feeds/rates", "`feeds/rates` skipped: `feeds/choose` chose `prices`.");
    explains(RISK, "", "risk/full_day", "`risk/full_day` skipped: `half_day` was chosen.");
    explains(
        RISK,
        "risk/half_day ok",
        "feeds/rates",
        "`feeds/rates` waits for `feeds/choose` (running since 1970-01-01 00:00:00 UTC).",
    );
}
