//! What an event of the loop is about, in the 64 bits that epoll carries. Pure.

use super::output::Stream;
use super::protocol::Token;

/// What an event is about, packed into the 64 bits that epoll carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Listener,
    Signals,
    Born,
    Connection(u64),
    Leader(Token),
    Pipe(Token, Stream),
    Leftover(i32),
}

impl Key {
    pub(super) fn pack(self) -> u64 {
        match self {
            Self::Listener => 0,
            Self::Signals => 1,
            Self::Born => 2,
            Self::Connection(id) => id << 3 | 3,
            Self::Leader(token) => token.0 << 3 | 4,
            Self::Pipe(token, Stream::Stdout) => token.0 << 3 | 5,
            Self::Pipe(token, Stream::Stderr) => token.0 << 3 | 6,
            Self::Leftover(pid) => u64::from(pid.cast_unsigned()) << 3 | 7,
        }
    }

    pub(super) fn unpack(packed: u64) -> Self {
        let value = packed >> 3;
        match packed & 7 {
            0 => Self::Listener,
            1 => Self::Signals,
            2 => Self::Born,
            3 => Self::Connection(value),
            4 => Self::Leader(Token(value)),
            5 => Self::Pipe(Token(value), Stream::Stdout),
            6 => Self::Pipe(Token(value), Stream::Stderr),
            _ => Self::Leftover(value as i32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::protocol::MAX_TOKEN;

    #[test]
    fn every_key_comes_back() {
        let token = Token(MAX_TOKEN - 1);
        let pipes = [Key::Pipe(token, Stream::Stdout), Key::Pipe(token, Stream::Stderr)];
        let keys = [
            Key::Listener,
            Key::Signals,
            Key::Born,
            Key::Connection(9),
            Key::Leader(token),
            Key::Leftover(42),
        ];
        for key in keys.into_iter().chain(pipes) {
            assert_eq!(Key::unpack(key.pack()), key);
        }
    }
}
