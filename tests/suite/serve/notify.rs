//! What a supervisor is told: ready, reloading, stopping, alive. The tests are the supervisor.

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use super::annals::Annals;
use super::tower::Tower;
use crate::suite::keeper::client::{DEADLINE, until};

const BELL: &str = "schedule: '@reboot'\nexec: 'true'\n";

/// A supervisor.
struct Supervisor {
    socket: UnixDatagram,
}

impl Supervisor {
    fn of(tower: &Tower) -> Self {
        let socket = UnixDatagram::bind(tower.path("notify")).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket }
    }

    /// A daemon that is supervised.
    fn command(tower: &Tower, words: &[&str]) -> Command {
        let mut command = tower.command(words);
        command.env("NOTIFY_SOCKET", tower.path("notify"));
        command
    }

    /// The next message, by lines.
    fn hear(&self) -> Vec<String> {
        let mut bytes = [0; 4096];
        let read = self.socket.recv(&mut bytes).expect("a message");
        String::from_utf8(bytes[..read].to_vec()).unwrap().lines().map(str::to_owned).collect()
    }

    /// Whether there is no message any more.
    fn hears_nothing(&self) -> bool {
        self.socket.set_nonblocking(true).unwrap();
        let heard = self.socket.recv(&mut [0; 1]);
        self.socket.set_nonblocking(false).unwrap();
        heard.is_err()
    }

    fn hears_that_it_is_ready(&self, status: &str) {
        assert_eq!(self.hear(), ["READY=1".to_owned(), format!("STATUS={status}")]);
    }

    fn hears_a_reload(&self, status: &str) {
        let reloading = self.hear();
        assert_eq!(reloading[0], "RELOADING=1");
        let at = reloading[1].strip_prefix("MONOTONIC_USEC=").expect("when");
        assert!(at.parse::<u64>().unwrap() > 0);
        self.hears_that_it_is_ready(status);
    }
}

#[tokio::test]
async fn a_supervisor_is_told_of_every_stage() {
    let mut tower = Tower::new();
    tower.pipeline("bell", BELL);
    let supervisor = Supervisor::of(&tower);
    tower.launch(Supervisor::command(&tower, &[]));
    supervisor.hears_that_it_is_ready("1 pipelines, 1 schedules");
    // Whoever waited for this may read what there is, and finds it in force.
    let annals = Annals::of(&tower).await;
    assert!(annals.ledger("bell").await.len() <= 1);
    assert_eq!(annals.reader().in_force().await.unwrap().unwrap().pipelines.len(), 1);

    tower.signal("HUP");
    supervisor.hears_a_reload("1 pipelines, 1 schedules");
    // One that is refused has come to its end as well.
    tower.pipeline("bell", "exec: 'true'\ntimeuot: 3m\n");
    tower.signal("HUP");
    supervisor.hears_a_reload("the files cannot be gone by; those before them are in force");
    tower.wait_for("not reloaded");
    assert!(supervisor.hears_nothing());
    tower.signal("TERM");
    assert_eq!(supervisor.hear(), ["STOPPING=1"]);
    assert_eq!(tower.end().code(), Some(0));
    assert!(supervisor.hears_nothing());
}

#[test]
fn a_supervisor_is_told_that_a_daemon_drains() {
    let mut tower = Tower::new();
    tower.pipeline(
        "night",
        "schedule: '@reboot'\nexec: \"echo >begun; until [ -e gate ]; do sleep 0.05; done\"\n",
    );
    let supervisor = Supervisor::of(&tower);
    tower.launch(Supervisor::command(&tower, &["--drain"]));
    supervisor.hears_that_it_is_ready("1 pipelines, 1 schedules");
    until("its task runs", || tower.path("begun").exists());
    tower.signal("TERM");
    assert_eq!(supervisor.hear(), ["STOPPING=1"]);
    // Its supervisor would kill it while it waits.
    let more = supervisor.hear();
    let more = more[0].strip_prefix("EXTEND_TIMEOUT_USEC=").expect("a wish");
    assert!(more.parse::<u64>().unwrap() >= 10_000_000, "{more}");
    tower.write("gate", "");
    assert_eq!(tower.end().code(), Some(0));
}

#[test]
fn nobody_is_told_that_a_start_has_failed() {
    let mut tower = Tower::new();
    tower.pipeline("bell", "exec: 'true'\ntimeuot: 3m\n");
    let supervisor = Supervisor::of(&tower);
    tower.launch(Supervisor::command(&tower, &[]));
    assert_eq!(tower.end().code(), Some(2));
    assert!(supervisor.hears_nothing());
}

#[test]
fn an_idle_daemon_pets_its_watchdog() {
    const PATIENCE: u64 = 400_000;
    let mut tower = Tower::new();
    let supervisor = Supervisor::of(&tower);
    let mut command = Supervisor::command(&tower, &[]);
    command.env("WATCHDOG_USEC", PATIENCE.to_string());
    tower.launch(command);
    let mut heard = Vec::new();
    while heard.iter().filter(|word| *word == "WATCHDOG=1").count() < 5 {
        heard.extend(supervisor.hear());
    }
    assert!(heard.contains(&"READY=1".to_owned()), "{heard:?}");
    tower.signal("TERM");
    assert_eq!(tower.end().code(), Some(0));
    let mut last = supervisor.hear();
    while last == ["WATCHDOG=1"] {
        last = supervisor.hear();
    }
    assert_eq!(last, ["STOPPING=1"]);
}

#[test]
fn a_watchdog_of_somebody_else_is_not_petted() {
    let mut tower = Tower::new();
    let supervisor = Supervisor::of(&tower);
    let mut command = Supervisor::command(&tower, &[]);
    // As whoever was started by a supervised process sees it.
    command.env("WATCHDOG_USEC", "100000").env("WATCHDOG_PID", "1");
    tower.launch(command);
    supervisor.hears_that_it_is_ready("0 pipelines, 0 schedules");
    tower.signal("HUP");
    supervisor.hears_a_reload("0 pipelines, 0 schedules");
    tower.signal("TERM");
    assert_eq!(supervisor.hear(), ["STOPPING=1"]);
}
