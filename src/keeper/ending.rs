//! How the keeper ends what runs: kills, timeouts, leftovers of an attempt, and what a killed predecessor
//! has left. An attempt is reported when nothing of it runs, so that a retry never meets it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};

use super::attempt::{Attempt, Ending, Exit, GIVE_UP, Member, Phase, Stage};
use super::journal::Known;
use super::key::Key;
use super::output::Stream;
use super::protocol::{By, End, Token, Usage};
use super::serve::Keeper;
use super::tree::{self, Found, Process, Quest, Scope, Table};

impl Keeper {
    /// Begins to end the attempt: SIGTERM now, SIGKILL after its grace. Does nothing if that has begun, or
    /// if the leader has just ended by itself.
    pub(super) fn begin_ending(&mut self, token: Token, by: By) {
        if self.reap_leader(token) {
            // It ended by itself; what it left is ended next.
        }
        let Some(attempt) = self.attempts.get_mut(&token) else { return };
        if let Phase::Spawning { end } = &mut attempt.phase {
            end.get_or_insert(by);
            return;
        }
        if attempt.ending.is_some() {
            return;
        }
        let kill_at = Instant::now() + attempt.kill_grace;
        attempt.ending = Some(Ending { by, stage: Stage::Asked { kill_at }, members: HashMap::new() });
        self.sweep(token, Signal::TERM);
        self.arm(token);
    }

    pub(super) fn on_deadline(&mut self, token: Token, now: Instant) {
        let Some(attempt) = self.attempts.get_mut(&token) else { return };
        match &attempt.phase {
            Phase::Running { timeout_at: Some(at), .. } if *at <= now && attempt.ending.is_none() => {
                return self.begin_ending(token, By::Timeout);
            }
            Phase::Draining { exit, until } if *until <= now => {
                attempt.phase = Phase::Clearing { exit: exit.clone() };
                self.unsettled.insert(token);
            }
            Phase::Spawning { .. }
            | Phase::Running { .. }
            | Phase::Draining { .. }
            | Phase::Clearing { .. } => {}
        }
        let Some(ending) = &mut attempt.ending else { return };
        match ending.stage {
            Stage::Asked { kill_at } if kill_at <= now => {
                ending.stage = Stage::Killed { give_up_at: now + GIVE_UP };
                self.sweep(token, Signal::KILL);
            }
            Stage::Killed { give_up_at } if give_up_at <= now => {
                ending.stage = Stage::Killed { give_up_at: now + GIVE_UP };
                if let Phase::Clearing { .. } = attempt.phase {
                    let left = ending.members.len() as u32;
                    self.finish(token, left);
                } else {
                    self.sweep(token, Signal::KILL);
                }
            }
            Stage::Asked { .. } | Stage::Killed { .. } => {}
        }
    }

    /// A watched process is gone.
    pub(super) fn on_leftover(&mut self, pid: i32) {
        let Some(token) = self.watched.remove(&pid) else { return };
        let Some(attempt) = self.attempts.get_mut(&token) else { return };
        let Some(ending) = &mut attempt.ending else { return };
        let member = ending.members.remove(&pid);
        if ending.members.is_empty()
            && let Phase::Clearing { .. } = attempt.phase
        {
            self.unsettled.insert(token);
        }
        if let Some(member) = member {
            self.unwatch(&member.pidfd);
        }
    }

    /// Looks at every attempt whose leader has ended and whose output is complete: nothing left, and it is
    /// reported; else what is left is ended first.
    ///
    /// What is left of an attempt has, by descent, an ancestor whose own parent has died. That one was given
    /// to this process, the nearest subreaper, and in it to the first living thread: the main one. Leaders
    /// are children of the spawner's thread. So if the main thread has no child, no attempt has left
    /// anything, and one system call knows it; else the process table is read, once for all.
    pub(super) fn settle(&mut self) {
        while !self.unsettled.is_empty() {
            let strangers = self.reap_orphans();
            let tokens = std::mem::take(&mut self.unsettled);
            let mut table = None;
            for token in tokens {
                let Some(attempt) = self.attempts.get_mut(&token) else { continue };
                let Phase::Clearing { .. } = attempt.phase else { continue };
                let members = if !strangers && attempt.scope == Scope::Below {
                    Vec::new()
                } else {
                    let known = attempt.known();
                    let table = table.get_or_insert_with(Table::read);
                    table.members(&quest(attempt, &self.journal.header().id, &known))
                };
                if members.is_empty() {
                    self.finish(token, 0);
                } else {
                    self.clear(token, &members);
                }
            }
        }
    }

    fn clear(&mut self, token: Token, members: &[Process]) {
        let Some(attempt) = self.attempts.get_mut(&token) else { return };
        attempt.leftovers = attempt.leftovers.max(members.len() as u32);
        match attempt.ending.as_ref().map(|ending| ending.stage) {
            None => self.begin_ending(token, By::Itself),
            Some(Stage::Killed { .. }) => self.sweep(token, Signal::KILL),
            // They were told, or were born since: they have until the grace is over.
            Some(Stage::Asked { .. }) => {
                for process in members {
                    if let Some(pidfd) = tree::open(process.pid, process.start) {
                        self.watch_member(token, process.pid, Member { start: process.start, pidfd });
                    }
                }
            }
        }
        let ending = self.attempts.get(&token).and_then(|attempt| attempt.ending.as_ref());
        if ending.is_some_and(|ending| ending.members.is_empty()) {
            // They have gone in the meantime.
            self.unsettled.insert(token);
        }
    }

    /// Stops all of the attempt's processes, then signals them.
    fn sweep(&mut self, token: Token, signal: Signal) {
        let Some(attempt) = self.attempts.get(&token) else { return };
        let known = attempt.known();
        let leader = match &attempt.phase {
            Phase::Running { leader, .. } => Some(leader.pid),
            Phase::Spawning { .. } | Phase::Draining { .. } | Phase::Clearing { .. } => None,
        };
        let found = tree::freeze(&quest(attempt, &self.journal.header().id, &known));
        for Found { process, pidfd, .. } in found {
            // One that may not be signalled stays a member: it is waited for, and reported if it stays.
            let _ = pidfd_send_signal(&pidfd, signal);
            let _ = pidfd_send_signal(&pidfd, Signal::CONT);
            if leader != Some(process.pid) {
                self.watch_member(token, process.pid, Member { start: process.start, pidfd });
            }
        }
    }

    pub(super) fn watch_member(&mut self, token: Token, pid: i32, member: Member) {
        let Some(ending) = self.attempts.get_mut(&token).and_then(|attempt| attempt.ending.as_mut()) else {
            return;
        };
        if ending.members.get(&pid).is_some_and(|known| known.start == member.start) {
            return;
        }
        let old = ending.members.remove(&pid);
        if let Some(old) = old {
            self.unwatch(&old.pidfd);
        }
        if self.watch(&member.pidfd, Key::Leftover(pid)).is_err() {
            return;
        }
        self.watched.insert(pid, token);
        if let Some(ending) = self.attempts.get_mut(&token).and_then(|attempt| attempt.ending.as_mut()) {
            ending.members.insert(pid, member);
        }
    }

    /// The end of an attempt: what is still in the pipes, then the record.
    fn finish(&mut self, token: Token, unkillable: u32) {
        self.read_rest(token, Stream::Stdout);
        self.read_rest(token, Stream::Stderr);
        let Some(attempt) = self.attempts.remove(&token) else { return };
        attempt.stdout.iter().chain(&attempt.stderr).for_each(|pipe| self.unwatch(pipe));
        for (pid, member) in attempt.ending.iter().flat_map(|ending| &ending.members) {
            self.unwatch(&member.pidfd);
            self.watched.remove(pid);
        }
        if let Some(armed) = attempt.armed {
            self.timers.remove(&(armed, token));
        }
        let Phase::Clearing { exit } = &attempt.phase else { return };
        let mut exit = exit.clone();
        let now = self.now();
        if let End::Lost(evidence) = &mut exit.end {
            let left = match attempt.leftovers {
                0 => "none of its processes was still running".to_owned(),
                1 => "1 of its processes was still running and was ended".to_owned(),
                many => format!("{many} of its processes were still running and were ended"),
            };
            *evidence = format!("{evidence}; {left}");
        }
        let exited = attempt.record(exit, unkillable, now);
        self.report(exited);
    }

    /// Attempts that the journal knows to have begun and not to have ended: their keeper was killed. What
    /// they have left is ended, then they are reported as lost.
    pub(super) fn recover(&mut self) {
        let memory = self.journal.memory();
        let begun: Vec<Known> =
            memory.known.values().filter(|k| !matches!(k, Known::Exited(_))).cloned().collect();
        let now = self.now().as_millisecond();
        for known in begun {
            let (spawning, birth) = match known {
                Known::Spawning(spawning) => (spawning, None),
                Known::Spawned(spawning, birth) => (spawning, Some(birth)),
                Known::Exited(_) => continue,
            };
            let forked =
                if birth.is_some() { "while the attempt ran" } else { "as the attempt was being started" };
            let evidence = if self.journal.rebooted() {
                "the machine was restarted before the attempt's end was known".to_owned()
            } else {
                format!("the keeper (pid {}) was killed {forked}", spawning.keeper)
            };
            let exit = Exit {
                end: End::Lost(evidence),
                started_at: birth.map(|birth| birth.at),
                ended_at: now,
                by: By::Itself,
                usage: Usage::default(),
            };
            let attempt = Attempt {
                token: spawning.token,
                kill_grace: Duration::from_millis(spawning.kill_grace_ms),
                timeout: None,
                output: None,
                printed: None,
                stdout: None,
                stderr: None,
                phase: Phase::Clearing { exit },
                leader: birth.map(|birth| (birth.pid.cast_signed(), birth.start)),
                ending: None,
                armed: None,
                leftovers: 0,
                scope: Scope::Everywhere,
            };
            self.attempts.insert(spawning.token, attempt);
            if self.journal.rebooted() {
                // Nothing of that boot runs any more; its pids mean nothing now.
                self.finish(spawning.token, 0);
            } else {
                self.unsettled.insert(spawning.token);
            }
        }
    }
}

fn quest<'a>(attempt: &Attempt, keeper_id: &'a str, known: &'a HashMap<i32, u64>) -> Quest<'a> {
    Quest { token: attempt.token, keeper_id, leader: attempt.leader, known, scope: attempt.scope }
}
