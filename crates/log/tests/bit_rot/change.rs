//! All the ways in which one file may have changed.

use std::fmt;

/// What happened to the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Bit(usize),
    Byte { at: usize, to: u8 },
    Zeroed { at: usize, len: usize },
    Swapped { one: usize, other: usize, len: usize },
}

const SECTORS: [usize; 2] = [512, 4096];

impl Change {
    /// Every change of a file of so many bytes; some may change nothing.
    pub(crate) fn all(len_bytes: usize) -> impl Iterator<Item = Change> {
        let bits = (0..len_bytes * 8).map(Change::Bit);
        let whole = (0..len_bytes).flat_map(|at| [0, 0xff].map(|to| Change::Byte { at, to }));
        let zeroed = SECTORS
            .into_iter()
            .flat_map(move |len| (0..len_bytes).step_by(len).map(move |at| Change::Zeroed { at, len }));
        let swapped = SECTORS.into_iter().flat_map(move |len| {
            let starts = move || (0..len_bytes).step_by(len);
            let pairs = starts().flat_map(move |one| starts().map(move |other| (one, other)));
            pairs.filter(|(one, other)| one < other).map(move |(one, other)| Change::Swapped {
                one,
                other,
                len,
            })
        });
        bits.chain(whole).chain(zeroed).chain(swapped)
    }

    /// The bytes after it.
    pub(crate) fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        match self {
            Change::Bit(bit) => changed[bit / 8] ^= 1 << (bit % 8),
            Change::Byte { at, to } => changed[at] = to,
            Change::Zeroed { at, len } => {
                let end = (at + len).min(bytes.len());
                changed[at..end].fill(0);
            }
            Change::Swapped { one, other, len } => {
                let len = len.min(bytes.len() - other);
                changed[one..one + len].copy_from_slice(&bytes[other..other + len]);
                changed[other..other + len].copy_from_slice(&bytes[one..one + len]);
            }
        }
        changed
    }

    /// The one byte that changed; `None` where it was more than one.
    pub(crate) fn byte(self) -> Option<usize> {
        match self {
            Change::Bit(bit) => Some(bit / 8),
            Change::Byte { at, .. } => Some(at),
            Change::Zeroed { .. } | Change::Swapped { .. } => None,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Bit(bit) => write!(f, "bit {} of byte {}", bit % 8, bit / 8),
            other => write!(f, "{other:?}"),
        }
    }
}
