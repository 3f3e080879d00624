//! The text of a generated tree as it is kept with its run: compressed, known by its hash, and the same text
//! again for ever. Pure: bytes in, bytes out.

use std::fmt::{self, Write as _};
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use sha2::{Digest, Sha256};

/// A text, packed.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed {
    /// SHA-256, in hex, of the text.
    pub hash: Box<str>,
    /// Bytes of the text.
    pub size: u64,
    /// The text, compressed (zlib).
    pub bytes: Arc<[u8]>,
}

/// Why there is no text in what was kept.
#[derive(Debug, thiserror::Error)]
pub enum Spoilt {
    /// The bytes are no compressed text.
    #[error("it cannot be unpacked: {0}")]
    Bytes(#[from] std::io::Error),
    /// It is another text than was kept.
    #[error("its hash is not that of the text that was kept")]
    Hash,
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("hash", &self.hash).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Packed {
    /// Packs a text.
    pub fn of(text: &str) -> Self {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        // Writing to a Vec cannot fail.
        let bytes = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
        Self { hash: hash(text), size: text.len() as u64, bytes: bytes.into() }
    }

    /// The text again.
    pub fn text(&self) -> Result<String, Spoilt> {
        let mut text = String::new();
        // No more than was kept is ever taken out.
        ZlibDecoder::new(&*self.bytes).take(self.size + 1).read_to_string(&mut text)?;
        if hash(&text) == self.hash { Ok(text) } else { Err(Spoilt::Hash) }
    }
}

fn hash(text: &str) -> Box<str> {
    let digest = Sha256::digest(text.as_bytes());
    let hex = digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Nor can writing to a String.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    hex.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_the_same() {
        for text in ["", "exec: 'true'\n", &"  AAPL: {exec: run AAPL}\n".repeat(100_000)] {
            let packed = Packed::of(text);
            assert_eq!((packed.size, packed.hash.len()), (text.len() as u64, 64));
            assert_eq!(packed.text().unwrap(), text);
            assert!(text.len() < 1_000 || packed.bytes.len() * 20 < text.len());
        }
    }

    #[test]
    fn what_is_spoilt_is_no_text() {
        let packed = Packed::of("exec: 'true'\n");
        let other = Packed { bytes: Packed::of("exec: 'tru!'\n").bytes, ..packed.clone() };
        assert!(matches!(other.text(), Err(Spoilt::Hash)));
        let longer = Packed { bytes: Packed::of("exec: 'true'\n\n").bytes, ..packed.clone() };
        assert!(matches!(longer.text(), Err(Spoilt::Hash)));
        let cut = Packed { bytes: packed.bytes[..5].into(), ..packed };
        assert!(matches!(cut.text(), Err(Spoilt::Bytes(_))));
    }
}
