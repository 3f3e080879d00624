//! What the daemon may conclude about an unresolved attempt row from a keeper's `Welcome`. Pure.
//! It never guesses: what is not proven is lost.

use super::protocol::{AttemptState, Exited, Token, Welcome};

/// What the daemon's database says of an attempt that has not ended there.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The attempt's token.
    pub token: Token,
    /// When its row was committed, Unix milliseconds.
    pub created_at: i64,
    /// The machine's boot then. The clock alone does not tell: it may have been set back by a reboot.
    pub boot_id: &'a str,
}

/// What is true of such an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// The keeper has it in hand; its `Exited` will come.
    Live(&'a AttemptState),
    /// It has ended, and so.
    Ended(&'a Exited),
    /// It provably never started: launch it, under the same token.
    NeverStarted,
    /// It may have run; nobody can say. The evidence in words.
    Lost(String),
}

/// Decides for one row. "A token the keeper never saw never started" holds only within one boot and for
/// a journal that is older than the row: then the journal would know.
pub fn verdict<'a>(welcome: &'a Welcome, row: Row<'_>) -> Verdict<'a> {
    if let Some(attempt) = welcome.attempts.iter().find(|attempt| attempt.token == row.token) {
        return match &attempt.state {
            AttemptState::Ended(exited) => Verdict::Ended(exited),
            live @ (AttemptState::Spawning | AttemptState::Running { .. } | AttemptState::Clearing) => {
                Verdict::Live(live)
            }
        };
    }
    if welcome.boot_id != row.boot_id {
        return Verdict::Lost(
            "the machine has been restarted since, and the keeper's journal does not tell".into(),
        );
    }
    if welcome.journal_created_at >= row.created_at {
        return Verdict::Lost(format!(
            "the keeper's journal {} was begun after the attempt; what was before it is not known",
            welcome.journal_id
        ));
    }
    if row.token <= welcome.high_water {
        return Verdict::Lost(format!(
            "the keeper has gone on to attempt {} and knows this one no more",
            welcome.high_water.0
        ));
    }
    Verdict::NeverStarted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::protocol::{Attempt, By, End, LogSummary, Usage};

    fn ended(token: u64) -> Exited {
        Exited {
            token: Token(token),
            end: End::Code(0),
            started_at: Some(50),
            ended_at: 60,
            by: By::Itself,
            usage: Usage::default(),
            log: LogSummary::default(),
            stdout: None,
            leftovers: 0,
            unkillable: 0,
        }
    }

    fn welcome() -> Welcome {
        let attempt = |token, state| Attempt { token: Token(token), state };
        Welcome {
            protocol: 1,
            version: "0".into(),
            pid: 1,
            boot_id: "this boot".into(),
            journal_id: "j".into(),
            journal_created_at: 100,
            high_water: Token(9),
            attempts: vec![
                attempt(5, AttemptState::Running { pid: 7, at: 120 }),
                attempt(6, AttemptState::Spawning),
                attempt(7, AttemptState::Clearing),
                attempt(8, AttemptState::Ended(Box::new(ended(8)))),
            ],
        }
    }

    #[test]
    fn a_row_is_judged_by_what_is_proven() {
        let table = [
            // token, created_at, boot, verdict
            (5, 110, "this boot", "live"),
            (6, 110, "this boot", "live"),
            (7, 50, "this boot", "live"),
            (7, 50, "last boot", "live"),
            (8, 110, "this boot", "ended"),
            (8, 50, "last boot", "ended"),
            (10, 101, "this boot", "never started"),
            (10, 100, "this boot", "lost"),
            (10, 99, "this boot", "lost"),
            (10, 101, "last boot", "lost"),
            (9, 101, "this boot", "lost"),
            (4, 101, "this boot", "lost"),
        ];
        let welcome = welcome();
        for (token, created_at, boot_id, expected) in table {
            let found = match verdict(&welcome, Row { token: Token(token), created_at, boot_id }) {
                Verdict::Live(_) => "live",
                Verdict::Ended(exited) => {
                    assert_eq!(exited.token, Token(token));
                    "ended"
                }
                Verdict::NeverStarted => "never started",
                Verdict::Lost(_) => "lost",
            };
            assert_eq!(found, expected, "token {token}, created at {created_at}, {boot_id}");
        }
    }
}
