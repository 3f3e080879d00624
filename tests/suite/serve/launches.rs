//! What has fired and is in no hands yet: a daemon that is killed between the commit of a slot's run and its
//! launch, and one that is killed in the middle of a reload. A keeper that is stopped makes the moment last.

use std::time::{Duration, Instant};

use sexton::run::state::{Exit, RunId};

use super::annals::{Annals, assert_every_second, until_so};
use super::tower::{READY, Tower};
use crate::suite::keeper::client::{DEADLINE, signal, until};

const DUE: &str = "
schedule: '* * * * * *'
max_active_runs: 20
grace: 1h
exec: echo $SEXTON_RUN $SEXTON_SCHEDULED_AT >>side; exit 3
";

async fn each_ran_once(tower: &mut Tower, annals: &Annals) {
    tower.remove("due");
    tower.reload("reloaded: ");
    annals.wait_till_idle().await;
    tower.stop();
    let lines = annals.check("due").await;
    assert_every_second(&lines.iter().map(|line| line.first).collect::<Vec<_>>());
    let mut ran = tower.lines("side");
    ran.sort_by_key(|line| line.split_once(' ').unwrap().0.parse::<i64>().unwrap());
    assert_eq!(ran.len(), lines.len(), "each ran once: {ran:?}");
    for (line, ran) in lines.iter().zip(&ran) {
        let (run, slot) = ran.split_once(' ').unwrap();
        assert_eq!((line.run, line.first), (Some(RunId(run.parse().unwrap())), slot.parse().unwrap()));
        assert_eq!(annals.exit(line.run.unwrap().0, "/").await, Some(Exit::Code(3)));
    }
}

/// Waits till so many attempts are written down as begun and have not ended.
async fn wait_for_attempts(annals: &Annals, count: usize) {
    until_so("attempts are written down", async || {
        let mut found = 0;
        for run in annals.reader().unfinished_runs().await.unwrap() {
            found += annals.reader().live_attempts(run.id).await.unwrap().len();
        }
        found >= count
    })
    .await;
}

#[tokio::test]
async fn orders_that_a_keeper_has_not_read_count_once() {
    let mut tower = Tower::new();
    tower.pipeline("due", DUE);
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("due", 1).await;
    annals.wait_till_idle().await;
    let keeper = tower.keeper().expect("a keeper");
    signal(keeper, "STOP");
    // Written down and sent: what becomes of them, nobody knows who comes later.
    wait_for_attempts(&annals, 2).await;
    tower.kill();
    tower.launch(tower.command(&[]));
    tower.wait_for(READY);
    signal(keeper, "CONT");
    each_ran_once(&mut tower, &annals).await;
}

#[tokio::test]
async fn runs_that_no_keeper_was_there_for_are_launched_by_a_later_daemon() {
    let mut tower = Tower::new();
    tower.pipeline("due", DUE);
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("due", 1).await;
    let keeper = tower.keeper().expect("a keeper");
    tower.kill();
    signal(keeper, "STOP");
    // Two daemons one after another fire what is due, and can launch nothing.
    for _ in 0..2 {
        let fired = annals.fired("due").await.len();
        tower.start();
        annals.wait_for_fires("due", fired + 2).await;
        tower.kill();
    }
    let waiting = annals.reader().unfinished_runs().await.unwrap().len();
    assert!(waiting >= 4, "{waiting}");
    signal(keeper, "CONT");
    tower.start();
    each_ran_once(&mut tower, &annals).await;
}

#[tokio::test]
async fn a_crowd_that_is_due_at_once_loses_nobody_to_kills_in_between() {
    // More than one turn decides.
    const CROWD: usize = 150;
    let mut tower = Tower::new();
    for n in 0..CROWD {
        let name = format!("p{n}");
        tower.pipeline(&name, "schedule: '@reboot'\nexec: echo $SEXTON_PIPELINE >>side\n");
    }
    for ran in [1, 10, 50] {
        tower.start();
        until("some have run", || tower.lines("side").len() >= ran);
        tower.kill();
    }
    tower.start();
    let annals = Annals::of(&tower).await;
    until_so("all have fired", async || annals.runs().await.len() == CROWD).await;
    annals.wait_till_idle().await;
    tower.stop();
    let mut ran = tower.lines("side");
    ran.sort();
    let mut all: Vec<_> = (0..CROWD).map(|n| format!("p{n}")).collect();
    all.sort();
    assert_eq!(ran, all);
    for name in all {
        assert_eq!(annals.check(&name).await.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_daemon_that_is_killed_as_it_reloads_goes_by_one_set_or_the_other() {
    let kills: u32 = if std::env::var_os("SEXTON_LONG").is_some() { 60 } else { 8 };
    let mut tower = Tower::new();
    tower.pipeline("due", DUE);
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("due", 1).await;
    for kill in 0..kills {
        // Every time another expression that says the same, and a pipeline that comes or goes.
        let spaces = " ".repeat(kill as usize + 2);
        tower.pipeline(
            "changes",
            &DUE.replace("* * * * * *", &format!("*{spaces}* * * * *")).replace("side", "b"),
        );
        if kill % 2 == 0 {
            tower.pipeline("comes", &DUE.replace("side", "c"));
        } else {
            tower.remove("comes");
        }
        tower.signal("HUP");
        let (start, most) = (Instant::now(), Duration::from_micros(u64::from(kill) * 7_919 % 30_000));
        while start.elapsed() < most && tower.count("reloaded: ") == 0 {
            assert!(start.elapsed() < DEADLINE);
            std::thread::sleep(Duration::from_micros(100));
        }
        tower.kill();
        tower.start();
    }
    tower.pipeline("changes", "exec: 'true'\n");
    tower.pipeline("comes", "exec: 'true'\n");
    each_ran_once(&mut tower, &annals).await;
    for pipeline in ["changes", "comes"] {
        // There are gaps: it began anew again and again. What fired did so once, and ran once.
        annals.check(pipeline).await;
    }
}
