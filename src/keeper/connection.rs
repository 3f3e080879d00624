//! One connection to the socket: bytes in, bytes out, never waiting for the other side.

use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;

use rustix::net::SendFlags;

use super::protocol::{Decoder, FromKeeper, ToKeeper, encode};

/// A peer. What is queued is written when the loop says so, as far as the peer takes it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: UnixStream,
    pub(super) decoder: Decoder<ToKeeper>,
    out: Vec<u8>,
    sent: usize,
    /// Whether the loop is to tell when there is room again.
    pub(super) wants_room: bool,
}

/// The peer is gone, or speaks nonsense: nothing more to say to it.
#[derive(Debug)]
pub(super) struct Closed;

impl Connection {
    pub(super) fn new(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, decoder: Decoder::default(), out: Vec::new(), sent: 0, wants_room: false })
    }

    /// Queues a message.
    pub(super) fn queue(&mut self, message: &FromKeeper) {
        // Only a Welcome could be too long, with tens of thousands of ends that nobody acknowledges.
        if let Err(error) = encode(message, &mut self.out) {
            eprintln!("a message cannot be sent: {error}");
        }
    }

    /// Takes in what has arrived, up to `buffer`'s length.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Closed> {
        match self.stream.read(buffer) {
            Ok(0) => Err(Closed),
            Ok(read) => {
                self.decoder.push(&buffer[..read]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(_) => Err(Closed),
        }
    }

    /// Whether something waits to be written.
    pub(super) fn is_full(&self) -> bool {
        self.sent < self.out.len()
    }

    /// Writes as much as the peer takes.
    pub(super) fn flush(&mut self) -> Result<(), Closed> {
        while self.is_full() {
            match rustix::net::send(&self.stream, &self.out[self.sent..], SendFlags::NOSIGNAL) {
                Ok(sent) => self.sent += sent,
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(Closed),
            }
        }
        self.out.clear();
        self.out.shrink_to(64 << 10);
        self.sent = 0;
        Ok(())
    }
}
