//! What the keeper does about launches, births, output and exits.
//! Nothing here is sent or forked before the loop has written the journal.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::pipe::{PipeFlags, pipe_with};

use super::attempt::{Attempt, DRAIN, Exit, Phase};
use super::command;
use super::crash;
use super::journal::{Birth, Entry, Known, Spawning};
use super::key::Key;
use super::output::{Output, Stream};
use super::printed::Printed;
use super::protocol::{
    AttemptState, By, End, Exited, FromKeeper, Launch, MAX_TOKEN, Refusal, Spawned, Token, Usage,
};
use super::serve::Keeper;
use super::spawn::{Reaped, Who, reap};
use super::spawner::{Born, Job, Leader};
use super::tree::Scope;

/// One attempt's output is read this far, then others have their turn.
const MAX_READS: usize = 4;

/// The end of a stream that is read here, and the end that the child gets.
type Pipe = (OwnedFd, OwnedFd);

impl Keeper {
    pub(super) fn on_launch(&mut self, launch: Box<Launch>) {
        let token = launch.token;
        let memory = self.journal.memory();
        if let Some(known) = memory.known.get(&token) {
            // It was sent before: the answer is what became of it.
            let answer = match (known, self.attempts.get(&token).map(Attempt::state)) {
                (Known::Exited(exited), _) => Some(FromKeeper::Exited(exited.clone())),
                (_, Some(AttemptState::Running { pid, at })) => {
                    Some(FromKeeper::Spawned(Spawned { token, pid, at }))
                }
                (Known::Spawning(_) | Known::Spawned(..), _) => None,
            };
            return answer.iter().for_each(|answer| self.tell(answer));
        }
        let refusal = if token <= memory.high_water {
            Some(Refusal::Superseded { high_water: memory.high_water })
        } else if token.0 >= MAX_TOKEN {
            Some(Refusal::Malformed(format!("the token {} is too large", token.0)))
        } else if self.closing {
            Some(Refusal::Ending)
        } else {
            command::malformed(&launch).map(Refusal::Malformed)
        };
        if let Some(why) = refusal {
            return self.tell(&FromKeeper::Refused { token, why });
        }
        if self.reexec.is_some() {
            return self.held.push(*launch);
        }
        crash::point("before-spawning");
        let kill_grace_ms = launch.kill_grace_ms;
        self.journal.note(Entry::Spawning(Spawning { token, kill_grace_ms, keeper: std::process::id() }));
        self.written.push("after-spawning");
        let mut attempt = Attempt {
            token,
            kill_grace: Duration::from_millis(kill_grace_ms),
            timeout: launch.timeout_ms.map(Duration::from_millis),
            output: Some(Output::new(launch.log.clone(), launch.log_limit, &launch.mask)),
            printed: None,
            stdout: None,
            stderr: None,
            phase: Phase::Spawning { end: None },
            leader: None,
            ending: None,
            armed: None,
            leftovers: 0,
            scope: Scope::Below,
        };
        match self.output_of(&launch) {
            Ok((printed, [(stdout_read, stdout), (stderr_read, stderr)])) => {
                attempt.printed = printed;
                attempt.stdout = Some(stdout_read);
                attempt.stderr = Some(stderr_read);
                self.attempts.insert(token, attempt);
                self.launches.push(Job { launch, stdout, stderr });
            }
            Err(why) => {
                self.attempts.insert(token, attempt);
                self.not_started(token, why);
            }
        }
    }

    /// The file that standard output has to itself, if it has one, and the pipes of both streams.
    fn output_of(&self, launch: &Launch) -> Result<(Option<Printed>, [Pipe; 2]), String> {
        let printed = launch.stdout.as_ref().map(|path| {
            let made = Printed::make(path, launch.stdout_limit);
            made.map_err(|error| format!("cannot make {}: {error}", path.display()))
        });
        let printed = printed.transpose()?;
        let pipe = |stream| {
            let made = self.pipe(launch.token, stream);
            made.map_err(|error| format!("cannot make a pipe for its output: {error}"))
        };
        Ok((printed, [pipe(Stream::Stdout)?, pipe(Stream::Stderr)?]))
    }

    /// A pipe whose read end is watched; the write end blocks, as a task expects.
    fn pipe(&self, token: Token, stream: Stream) -> rustix::io::Result<Pipe> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&read, true)?;
        self.watch(&read, Key::Pipe(token, stream))?;
        Ok((read, write))
    }

    /// A launch that could not be journaled: nothing has happened, and the token is as good as new.
    pub(super) fn forget_launch(&mut self, token: Token, error: String) {
        self.launches.retain(|job| job.launch.token != token);
        if let Some(attempt) = self.attempts.remove(&token) {
            attempt.stdout.iter().chain(&attempt.stderr).for_each(|pipe| self.unwatch(pipe));
        }
        self.tell(&FromKeeper::Refused { token, why: Refusal::Unjournaled(error) });
    }

    pub(super) fn on_kill(&mut self, token: Token) {
        match self.journal.memory().known.get(&token) {
            Some(Known::Exited(_)) => {}
            Some(Known::Spawning(_) | Known::Spawned(..)) => self.begin_ending(token, By::Kill),
            None => {
                self.held.retain(|launch| launch.token != token);
                self.tell(&FromKeeper::Refused { token, why: Refusal::Unknown });
            }
        }
    }

    pub(super) fn on_born(&mut self) {
        let _ = rustix::io::read(&*self.spawner.ready, &mut [0; 8]);
        while let Some(Born { token, outcome }) = self.spawner.next() {
            match outcome {
                Ok(leader) => self.on_leader(token, leader),
                Err(why) => self.not_started(token, why),
            }
        }
    }

    fn on_leader(&mut self, token: Token, leader: Leader) {
        crash::point("after-fork");
        let (pid, at) = (leader.pid.cast_unsigned(), leader.at.as_millisecond());
        self.journal.note(Entry::Spawned(Birth { token, pid, start: leader.start, at }));
        self.written.push("after-spawned");
        self.tell(&FromKeeper::Spawned(Spawned { token, pid, at }));
        let watched = self.watch(&leader.pidfd, Key::Leader(token));
        let Some(attempt) = self.attempts.get_mut(&token) else { return };
        attempt.leader = Some((leader.pid, leader.start));
        let timeout_at = attempt.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let before = std::mem::replace(&mut attempt.phase, Phase::Running { leader, timeout_at });
        self.arm(token);
        if let Phase::Spawning { end: Some(by) } = before {
            self.begin_ending(token, by);
        }
        if watched.is_err() {
            // Without a watch its end would go unseen: out of kernel memory, in practice never.
            self.begin_ending(token, By::Shutdown);
        }
    }

    pub(super) fn not_started(&mut self, token: Token, why: String) {
        let Some(attempt) = self.attempts.remove(&token) else { return };
        attempt.stdout.iter().chain(&attempt.stderr).for_each(|pipe| self.unwatch(pipe));
        let now = self.now();
        let by = match attempt.phase {
            Phase::Spawning { end: Some(by) } => by,
            Phase::Spawning { end: None }
            | Phase::Running { .. }
            | Phase::Draining { .. }
            | Phase::Clearing { .. } => By::Itself,
        };
        let exit = Exit {
            end: End::NotStarted(why),
            started_at: None,
            ended_at: now.as_millisecond(),
            by,
            usage: Usage::default(),
        };
        let exited = attempt.record(exit, 0, now);
        self.report(exited);
    }

    /// An attempt has ended: into the journal, then to the controller.
    pub(super) fn report(&mut self, exited: Exited) {
        let exited = Box::new(exited);
        self.journal.note(Entry::Exited(exited.clone()));
        self.written.push("after-exited");
        self.sent.push("after-sent");
        self.tell(&FromKeeper::Exited(exited));
    }

    pub(super) fn on_pipe(&mut self, token: Token, stream: Stream) {
        self.read_pipe(token, stream, MAX_READS);
        let Some(attempt) = self.attempts.get_mut(&token) else { return };
        if let Phase::Draining { exit, .. } = &attempt.phase
            && attempt.is_drained()
        {
            attempt.phase = Phase::Clearing { exit: exit.clone() };
            self.unsettled.insert(token);
            self.arm(token);
        }
    }

    pub(super) fn read_pipe(&mut self, token: Token, stream: Stream, reads: usize) {
        for _ in 0..reads {
            let now = self.now();
            let Some(attempt) = self.attempts.get_mut(&token) else { return };
            let Some(pipe) = attempt.pipe(stream) else { return };
            match rustix::io::read(&*pipe, &mut self.buffer[..]) {
                Ok(0) => {}
                Ok(read) => {
                    attempt.take(stream, &self.buffer[..read], now);
                    continue;
                }
                Err(rustix::io::Errno::AGAIN) => return,
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => eprintln!("attempt {}: a pipe cannot be read: {error}", token.0),
            }
            if let Some(pipe) = attempt.pipe(stream).take() {
                self.unwatch(&pipe);
            }
            return;
        }
    }

    /// Reads what is in the pipe by now; whoever still holds its other end is not waited for.
    pub(super) fn read_rest(&mut self, token: Token, stream: Stream) {
        let pipe = self.attempts.get_mut(&token).and_then(|attempt| attempt.pipe(stream).as_ref());
        let held = pipe.map_or(0, |pipe| rustix::io::ioctl_fionread(pipe).unwrap_or(0));
        self.read_pipe(token, stream, held as usize / self.buffer.len() + 1);
    }

    /// Sees whether the leader has ended.
    pub(super) fn reap_leader(&mut self, token: Token) -> bool {
        let Some(Attempt { phase: Phase::Running { leader, .. }, .. }) = self.attempts.get(&token) else {
            return false;
        };
        match reap(Who::Child(leader.pid), false) {
            Reaped::One { end, usage, .. } => {
                self.on_leader_end(token, end, usage);
                true
            }
            Reaped::Running => false,
            Reaped::None => {
                // Cannot be: nobody else reaps. If it were, an end that nobody knows is a lost one.
                let end = End::Lost("its leader was reaped by somebody else".into());
                self.on_leader_end(token, end, Usage::default());
                true
            }
        }
    }

    /// Reaps orphans; whether any other child of this thread is left. Leaders are children of the spawner's
    /// thread and do not count, those taken over in a re-exec apart.
    pub(super) fn reap_orphans(&mut self) -> bool {
        loop {
            match reap(Who::OfThisThread, false) {
                Reaped::One { pid, end, usage } => {
                    if let Some(token) = self.inherited.remove(&pid) {
                        self.on_leader_end(token, end, usage);
                    }
                }
                Reaped::Running => return true,
                Reaped::None => return false,
            }
        }
    }

    fn on_leader_end(&mut self, token: Token, end: End, usage: Usage) {
        crash::point("after-exit");
        let ended_at = self.now().as_millisecond();
        let Some(attempt) = self.attempts.get_mut(&token) else { return };
        let by = attempt.ending.as_ref().map_or(By::Itself, |ending| ending.by);
        let until = Instant::now() + DRAIN;
        let exit = Exit { end, started_at: None, ended_at, by, usage };
        let before = std::mem::replace(&mut attempt.phase, Phase::Draining { exit, until });
        if let (Phase::Running { leader, .. }, Phase::Draining { exit, .. }) = (before, &mut attempt.phase) {
            exit.started_at = Some(leader.at.as_millisecond());
            self.inherited.remove(&leader.pid);
            self.unwatch(&leader.pidfd);
        }
        // Usually all there is, and the end: no further round is needed.
        self.on_pipe(token, Stream::Stdout);
        self.on_pipe(token, Stream::Stderr);
        self.arm(token);
    }
}
