//! A daemon that starts: what it says, what it refuses, and what it goes by when its files are not valid.

use std::fs;

use super::annals::{Annals, assert_every_second};
use super::tower::{READY, Tower};

const QUIET: &str = "exec: 'true'\n";
const INVALID: &str = "exec: 'true'\ntimeuot: 3m\n";

#[test]
fn it_says_when_it_is_ready() {
    let mut tower = Tower::new();
    tower.pipeline("quiet", QUIET);
    tower.start();
    tower.has_said(" is ready: 1 pipelines, 0 schedules; first start; nothing was under way; state in ");
    tower.stop();
    tower.has_said("sexton has ended; nothing is under way");
    tower.start();
    tower.has_said(" schedules; down for ");
}

#[test]
fn a_state_directory_has_one_daemon() {
    let mut tower = Tower::new();
    tower.start();
    let holder = tower.pid();
    let second = tower.command(&[]).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains(&format!("is in use by process {holder}")), "{said}");
    assert!(said.contains("name another --state-dir"), "{said}");
    // The first goes on as if nothing had been.
    tower.reload("reloaded: ");
    tower.stop();
}

#[test]
fn a_secret_that_is_too_short_to_be_hidden_is_named_at_the_start() {
    let mut tower = Tower::new();
    tower.write("config/sexton.yaml", "secrets: {pin: {file: ../pin}, none: {env: NOT_SET}}\n");
    tower.write("pin", "9Q7\n");
    tower.start();
    tower.has_said("the secret `pin` has fewer than 4 characters");
    tower.has_not_said("9Q7");
    tower.has_not_said("`none`");
    tower.stop();
}

#[test]
fn a_first_start_with_invalid_files_is_refused() {
    let mut tower = Tower::new();
    tower.pipeline("good", QUIET);
    tower.pipeline("bad", INVALID);
    tower.write("config/sexton.yaml", "paralellism: 2\n");
    tower.launch(tower.command(&[]));
    assert_eq!(tower.end().code(), Some(2));
    for finding in [
        "unknown key `timeuot`",
        "bad.yaml:2:1",
        "unknown key `paralellism`",
        "nothing was ever in force here",
    ] {
        tower.has_said(finding);
    }
    tower.has_not_said(READY);
    assert_eq!(tower.keeper(), None, "nobody needs a keeper");
    // Nothing of it stays: mended, it is the first start.
    tower.pipeline("bad", QUIET);
    tower.write("config/sexton.yaml", "parallelism: 2\n");
    tower.start();
    tower.has_said("first start");
}

#[tokio::test]
async fn a_later_start_with_invalid_files_goes_by_the_last_valid_ones() {
    let mut tower = Tower::new();
    let rings = "schedule: '* * * * * *'\nmax_active_runs: 20\ngrace: 1h\nexec: 'true'\n";
    tower.pipeline("rings", rings);
    tower.pipeline("quiet", QUIET);
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("rings", 1).await;
    tower.stop();

    tower.pipeline("rings", INVALID);
    tower.remove("quiet");
    tower.start();
    tower.has_said("going by the last files that were valid; those that are there now are not valid");
    tower.has_said("unknown key `timeuot`");
    tower.has_said(" is ready: 2 pipelines, 1 schedules");
    let before = annals.fired("rings").await.len();
    annals.wait_for_fires("rings", before + 2).await;
    // Mended, they are gone by again.
    tower.pipeline("rings", QUIET);
    tower.reload("reloaded: 1 pipelines, 0 schedules");
    tower.stop();
    let slots: Vec<_> = annals.check("rings").await.iter().map(|line| line.first).collect();
    assert_every_second(&slots);
}

#[test]
fn without_a_configuration_directory_nothing_starts() {
    let mut tower = Tower::new();
    fs::remove_dir_all(tower.path("config")).unwrap();
    tower.launch(tower.command(&[]));
    assert_eq!(tower.end().code(), Some(2));
    tower.has_said("config: ");
    tower.has_not_said(READY);
    assert!(!tower.path("state").exists(), "nothing was made");
}

#[tokio::test]
async fn a_configuration_directory_that_is_gone_leaves_the_last_valid_files_in_force() {
    let mut tower = Tower::new();
    tower.pipeline("rings", "schedule: '* * * * * *'\nexec: 'true'\n");
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("rings", 1).await;
    fs::rename(tower.path("config"), tower.path("elsewhere")).unwrap();
    tower.reload("not reloaded");
    tower.stop();
    tower.start();
    tower.has_said("going by the last files that were valid; those that are there now cannot be read");
    let before = annals.fired("rings").await.len();
    annals.wait_for_fires("rings", before + 1).await;
    // A disk that is not mounted.
    fs::create_dir(tower.path("config")).unwrap();
    tower.reload("neither sexton.yaml nor pipelines/ is in it");
    fs::remove_dir(tower.path("config")).unwrap();
    fs::rename(tower.path("elsewhere"), tower.path("config")).unwrap();
    tower.reload("reloaded: 1 pipelines, 1 schedules; no schedule is new");
    tower.stop();
}

#[test]
fn options_say_the_same_as_the_environment_and_count_for_more() {
    let mut tower = Tower::new();
    tower.pipeline("quiet", QUIET);
    // Not where it is looked for without a word.
    let (config, state) = (tower.path("elsewhere"), tower.path("state"));
    fs::rename(tower.path("config"), &config).unwrap();
    let words = ["--config", config.to_str().unwrap(), "--state-dir", state.to_str().unwrap()];
    let mut command = tower.command(&words);
    command.env_remove("SEXTON_CONFIG").env_remove("SEXTON_STATE_DIR");
    tower.start_as(command);
    tower.has_said(&format!("state in {}", state.display()));
    tower.stop();

    let mut command = tower.command(&words);
    command.env("SEXTON_CONFIG", tower.path("nowhere")).env("SEXTON_STATE_DIR", tower.path("nowhere"));
    tower.start_as(command);
    tower.has_said("down for ");
    tower.has_not_said("going by the last files that were valid");
    assert!(!tower.path("nowhere").exists());
    tower.stop();
}

#[tokio::test]
async fn a_boot_is_answered_once() {
    let mut tower = Tower::new();
    let boot = "schedule: '@reboot'\nexec: echo $SEXTON_PIPELINE >>side\n";
    tower.pipeline("first", boot);
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_end(1).await;
    // What is read later than the boot waits for the next one.
    tower.pipeline("second", boot);
    tower.reload("reloaded: 2 pipelines, 2 schedules; beginning now: second/default");
    for _ in 0..2 {
        tower.kill();
        tower.start();
    }
    tower.pipeline("bell", "schedule: '* * * * * *'\nexec: 'true'\n");
    tower.reload("beginning now: bell/default");
    annals.wait_for_fires("bell", 1).await;
    tower.stop();
    assert_eq!(tower.lines("side"), ["first"]);
    assert_eq!(annals.check("first").await[0].reason, "the machine has booted");
    let second = annals.check("second").await;
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].reason, "added after the machine's boot; it fires after the next");
}
