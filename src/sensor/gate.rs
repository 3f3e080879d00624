//! Who may ask the network now: so many at the same time in all, and fewer of one server. Pure.

use std::collections::{HashMap, VecDeque};

use super::question::WatchId;

/// In all.
const MOST: usize = 32;
/// Of one server.
const MOST_OF_ONE: usize = 4;

/// Those who ask, and those who wait for it.
#[derive(Debug, Default)]
pub(super) struct Gate {
    inside: usize,
    servers: HashMap<Box<str>, Server>,
    /// Servers that somebody waits for and that could take one, each once.
    ready: VecDeque<Box<str>>,
}

#[derive(Debug, Default)]
struct Server {
    inside: usize,
    queue: VecDeque<WatchId>,
    is_ready: bool,
}

impl Gate {
    /// Stands in line for a server.
    pub(super) fn queue(&mut self, watch: WatchId, server: &str) {
        self.servers.entry(server.into()).or_default().queue.push_back(watch);
        self.settle(server);
    }

    /// The next that may ask now, and whom.
    pub(super) fn admit(&mut self) -> Option<(WatchId, Box<str>)> {
        if self.inside >= MOST {
            return None;
        }
        let name = self.ready.pop_front()?;
        let server = self.servers.get_mut(&name)?;
        server.is_ready = false;
        let watch = server.queue.pop_front()?;
        server.inside += 1;
        self.inside += 1;
        self.settle(&name);
        Some((watch, name))
    }

    /// One who has asked this server is done.
    pub(super) fn leave(&mut self, server: &str) {
        self.inside = self.inside.saturating_sub(1);
        if let Some(known) = self.servers.get_mut(server) {
            known.inside = known.inside.saturating_sub(1);
        }
        self.settle(server);
    }

    fn settle(&mut self, name: &str) {
        let Some(server) = self.servers.get_mut(name) else { return };
        if server.queue.is_empty() {
            if server.inside == 0 {
                self.servers.remove(name);
            }
        } else if server.inside < MOST_OF_ONE && !server.is_ready {
            server.is_ready = true;
            self.ready.push_back(name.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(gate: &mut Gate) -> Vec<(u64, Box<str>)> {
        std::iter::from_fn(|| gate.admit()).map(|(watch, server)| (watch.0, server)).collect()
    }

    #[test]
    fn a_slow_server_holds_up_nobody_elses() {
        let mut gate = Gate::default();
        for watch in 0..100 {
            gate.queue(WatchId(watch), "slow");
        }
        gate.queue(WatchId(100), "quick");
        let first = admitted(&mut gate);
        assert_eq!(first.len(), MOST_OF_ONE + 1);
        assert!(first.contains(&(100, "quick".into())));
        gate.leave("quick");
        assert!(admitted(&mut gate).is_empty());
        gate.leave("slow");
        assert_eq!(admitted(&mut gate), [(4, "slow".into())]);
    }

    #[test]
    fn so_many_in_all_and_everybody_in_the_end() {
        let mut gate = Gate::default();
        for watch in 0..1_000 {
            gate.queue(WatchId(watch), &format!("server {}", watch % 50));
        }
        let mut inside = admitted(&mut gate);
        assert_eq!(inside.len(), MOST);
        let mut seen = Vec::new();
        while let Some((watch, server)) = inside.pop() {
            seen.push(watch);
            gate.leave(&server);
            inside.extend(admitted(&mut gate));
            assert!(inside.len() <= MOST);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..1_000).collect::<Vec<_>>());
        assert!(gate.servers.is_empty() && gate.ready.is_empty(), "{gate:?}");
    }
}
