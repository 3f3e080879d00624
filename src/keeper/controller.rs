//! Who is connected, who is in command, and what he is told: the connections of the loop.
//! What is queued here leaves after the loop has written the journal.

use std::os::unix::net::UnixStream;

use rustix::event::epoll::EventFlags;

use super::attempt::Attempt;
use super::connection::Connection;
use super::journal::{Entry, Known};
use super::key::Key;
use super::protocol::{self, AttemptState, FromKeeper, Hello, PROTOCOL, ToKeeper, Token, Welcome};
use super::serve::Keeper;

/// Peers, most of which have not said hello; more are turned away.
const MAX_CONNECTIONS: usize = 16;

impl Keeper {
    pub(super) fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let own = rustix::process::geteuid();
            let peer = rustix::net::sockopt::socket_peercred(&stream);
            let allowed = peer.is_ok_and(|peer| peer.uid == own || peer.uid.is_root());
            if allowed && self.connections.len() < MAX_CONNECTIONS {
                let _ = self.welcome_stream(stream);
            }
        }
    }

    fn welcome_stream(&mut self, stream: UnixStream) -> std::io::Result<()> {
        let connection = Connection::new(stream)?;
        let id = self.next_connection;
        self.watch(&connection.stream, Key::Connection(id))?;
        self.next_connection += 1;
        self.connections.insert(id, connection);
        Ok(())
    }

    pub(super) fn on_connection(&mut self, id: u64, flags: EventFlags) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let mut alive = true;
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            alive = connection.receive(&mut self.buffer).is_ok();
        }
        // What came before the end still counts.
        while let Some(connection) = self.connections.get_mut(&id) {
            match connection.decoder.next() {
                Ok(Some(message)) => self.on_message(id, message),
                Ok(None) => break,
                Err(error) => {
                    eprintln!("a connection is closed: {error}");
                    alive = false;
                    break;
                }
            }
        }
        if alive { self.flush_room(id, flags) } else { self.disconnect(id) }
    }

    fn flush_room(&mut self, id: u64, flags: EventFlags) {
        if flags.contains(EventFlags::OUT) {
            self.flush(id);
        }
    }

    pub(super) fn flush(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.flush().is_err() {
            return self.disconnect(id);
        }
        let full = connection.is_full();
        if full != connection.wants_room {
            connection.wants_room = full;
            self.watch_room(id, full);
        }
    }

    fn disconnect(&mut self, id: u64) {
        if let Some(connection) = self.connections.remove(&id) {
            self.unwatch(&connection.stream);
        }
        if self.controller == Some(id) {
            self.controller = None;
            if self.bound {
                self.close();
            }
        }
    }

    fn on_message(&mut self, id: u64, message: ToKeeper) {
        match message {
            ToKeeper::Hello(hello) => self.on_hello(id, &hello),
            // Whoever has not introduced himself, or was replaced, has nothing to say.
            ToKeeper::Launch(_) | ToKeeper::Kill(_) | ToKeeper::Ack(_) | ToKeeper::Reexec(_)
                if self.controller != Some(id) =>
            {
                self.disconnect(id);
            }
            ToKeeper::Launch(launch) => self.on_launch(launch),
            ToKeeper::Kill(kill) => self.on_kill(kill.token),
            ToKeeper::Ack(ack) => {
                if let Some(Known::Exited(_)) = self.journal.memory().known.get(&ack.token) {
                    self.journal.note(Entry::Acked(ack.token));
                    self.written.push("after-acked");
                }
            }
            ToKeeper::Reexec(reexec) => self.reexec = Some(reexec.program),
        }
    }

    fn on_hello(&mut self, id: u64, hello: &Hello) {
        let newest = self.journal.memory().epoch;
        if hello.epoch < newest {
            return self.supersede(id, newest);
        }
        if let Some(old) = self.controller.filter(|old| *old != id) {
            // Not a disconnection: somebody else is here already.
            self.controller = None;
            self.supersede(old, hello.epoch);
        }
        if hello.epoch > newest {
            self.journal.note(Entry::Epoch(hello.epoch));
        }
        self.controller = Some(id);
        self.had_controller = true;
        let welcome = self.welcome(hello.protocol.min(PROTOCOL));
        self.tell(&FromKeeper::Welcome(welcome));
    }

    fn supersede(&mut self, id: u64, epoch: u64) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.queue(&FromKeeper::Superseded { epoch });
            // It may be what hangs: this is all it gets.
            let _ = connection.flush();
        }
        self.disconnect(id);
    }

    fn welcome(&self, protocol: u32) -> Welcome {
        let header = self.journal.header();
        let memory = self.journal.memory();
        let state = |(token, known): (&Token, &Known)| {
            let state = match known {
                Known::Exited(exited) => AttemptState::Ended(exited.clone()),
                Known::Spawning(_) | Known::Spawned(..) => {
                    self.attempts.get(token).map_or(AttemptState::Spawning, Attempt::state)
                }
            };
            protocol::Attempt { token: *token, state }
        };
        Welcome {
            protocol,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            boot_id: header.boot_id.clone(),
            journal_id: header.id.clone(),
            journal_created_at: header.created_at,
            high_water: memory.high_water,
            attempts: memory.known.iter().map(state).collect(),
        }
    }
}
