//! The two checksums of Kafka's log: CRC-32C since magic 2, CRC-32 before.

use crc_fast::{CrcAlgorithm, Digest};

/// CRC-32C (Castagnoli) of `bytes`.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// CRC-32C of two pieces that stand one after the other.
pub(crate) fn crc32c_of_two(first: &[u8], second: &[u8]) -> u32 {
    let mut running = Running::crc32c();
    running.update(first);
    running.update(second);
    running.finish()
}

/// CRC-32 (IEEE) of `bytes`, as messages of magic 0 and 1 carry it.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// A checksum of bytes that come in pieces.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and the large variant is the common one"
)]
pub(crate) enum Running {
    Crc32c(Digest),
    Crc32(crc32fast::Hasher),
}

impl Running {
    pub(crate) fn crc32c() -> Running {
        Running::Crc32c(Digest::new(CrcAlgorithm::Crc32Iscsi))
    }

    pub(crate) fn crc32() -> Running {
        Running::Crc32(crc32fast::Hasher::new())
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        match self {
            Running::Crc32c(digest) => digest.update(piece),
            Running::Crc32(hasher) => hasher.update(piece),
        }
    }

    pub(crate) fn finish(self) -> u32 {
        match self {
            Running::Crc32c(digest) => digest.finalize() as u32,
            Running::Crc32(hasher) => hasher.finalize(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_check_values_of_the_catalogue_hold() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32c(b""), 0);
    }

    proptest! {
        #[test]
        #[cfg_attr(miri, ignore = "Miri is slow with tables, and the vector instructions are not its own")]
        fn two_implementations_agree(bytes in proptest::collection::vec(any::<u8>(), 0..5_000), at in 0usize..5_000) {
            let (first, second) = bytes.split_at(at.min(bytes.len()));
            prop_assert_eq!(crc32c(&bytes), crc32c::crc32c(&bytes));
            prop_assert_eq!(crc32c_of_two(first, second), crc32c::crc32c(&bytes));
        }
    }
}
