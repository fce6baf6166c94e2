//! What is measured, how large, and in which order. Pure.

use std::path::Path;
use std::time::Duration;

use super::claim::Claim;
use super::error::Error;
use super::work::Work;

/// The sizes of a run.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Scale {
    /// How often everything is measured.
    pub rounds: u32,
    /// The size of every file.
    pub file_bytes: u64,
    /// The longest that one measurement of single calls goes on.
    pub at_most_ms: u64,
    /// How much one call reads or writes.
    pub block_bytes: &'static [usize],
    /// How much is handed to a socket at a time.
    pub chunk_bytes: &'static [usize],
    /// Records of 1 KiB in one write.
    pub records_per_write: &'static [usize],
}

const KIB: usize = 1 << 10;
const MIB: u64 = 1 << 20;

/// The whole run.
const FULL: Scale = Scale {
    rounds: 5,
    file_bytes: 256 * MIB,
    at_most_ms: 600,
    block_bytes: &[4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB],
    chunk_bytes: &[64 * KIB, 1024 * KIB],
    records_per_write: &[1, 8, 64, 512],
};

/// A first look.
const QUICK: Scale = Scale {
    rounds: 3,
    file_bytes: 64 * MIB,
    at_most_ms: 150,
    block_bytes: &[4 * KIB, 64 * KIB, 1024 * KIB],
    chunk_bytes: &[64 * KIB],
    records_per_write: &[1, 64],
};

/// The smallest file that says anything.
const SMALLEST_FILE_BYTES: u64 = 16 * MIB;
/// Files that are there at the same time: one to write over, one to read, one to send or append to, one that touches memory.
const FILES_AT_ONCE: u64 = 4;

impl Scale {
    /// The sizes of a run that leaves at least half of the free disk and of the free memory alone.
    ///
    /// # Errors
    /// Where not even the smallest run has room.
    pub fn fitting(
        quick: bool,
        rounds: Option<u32>,
        dir: &Path,
        disk_bytes: u64,
        memory_bytes: u64,
    ) -> Result<Self, Error> {
        let wanted = if quick { QUICK } else { FULL };
        let usable = disk_bytes.min(memory_bytes) / 2;
        let fitting = usable / FILES_AT_ONCE / MIB * MIB;
        if fitting < SMALLEST_FILE_BYTES {
            let needed_bytes = SMALLEST_FILE_BYTES * FILES_AT_ONCE;
            return Err(Error::NoRoom { dir: dir.to_owned(), free_bytes: usable, needed_bytes });
        }
        Ok(Self {
            rounds: rounds.unwrap_or(wanted.rounds),
            file_bytes: wanted.file_bytes.min(fitting),
            ..wanted
        })
    }

    /// The smallest block, with which an order shows most.
    pub fn smallest_block(&self) -> usize {
        self.block_bytes.iter().copied().min().unwrap_or(4 * KIB)
    }

    /// The largest block.
    pub fn largest_block(&self) -> usize {
        self.block_bytes.iter().copied().max().unwrap_or(4 * KIB)
    }
}

/// Every case of these claims, once, experiment by experiment.
pub fn cases(claims: &[&Claim], scale: &Scale) -> Vec<Work> {
    let mut works: Vec<Work> = claims.iter().flat_map(|claim| claim.works(scale)).collect();
    works.sort_unstable();
    works.dedup();
    works
}

/// The cases in the order of one round: each round begins elsewhere, and every other one runs backwards, so that no case
/// always follows the same one.
pub fn turned(cases: &[Work], round: u32, rounds: u32) -> Vec<Work> {
    let mut order = cases.to_vec();
    let start = cases.len() * (round % rounds.max(1)) as usize / rounds.max(1) as usize;
    order.rotate_left(start);
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// Whether one more round fits into the time, judged by the rounds so far.
pub fn has_time_for_another(done: u32, spent: Duration, at_most: Duration) -> bool {
    done == 0 || spent + spent / done <= at_most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::folklore::ALL;

    fn scale(disk_bytes: u64) -> Result<Scale, Error> {
        Scale::fitting(false, None, Path::new("d"), disk_bytes, u64::MAX)
    }

    #[test]
    fn a_run_shrinks_to_the_free_disk() {
        assert_eq!(scale(1 << 40).unwrap().file_bytes, 256 * MIB);
        assert_eq!(scale(800 * MIB).unwrap().file_bytes, 100 * MIB);
    }

    #[test]
    fn a_full_disk_is_refused_with_what_is_missing() {
        let text = scale(100 * MIB).unwrap_err().to_string();
        assert!(text.contains("50 MiB") && text.contains("64 MiB") && text.contains("--dir"), "{text}");
    }

    #[test]
    fn every_round_has_every_case_once_in_an_order_of_its_own() {
        let claims: Vec<&Claim> = ALL.iter().collect();
        let cases = cases(&claims, &FULL);
        let orders: Vec<Vec<Work>> =
            (0..FULL.rounds).map(|round| turned(&cases, round, FULL.rounds)).collect();
        for (number, order) in orders.iter().enumerate() {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, cases);
            assert!(orders.iter().skip(number + 1).all(|other| other != order));
        }
    }

    #[test]
    fn another_round_begins_only_where_it_should_end_in_time() {
        let second = Duration::from_secs(1);
        assert!(has_time_for_another(0, Duration::ZERO, second));
        assert!(has_time_for_another(2, 2 * second, 3 * second));
        assert!(!has_time_for_another(2, 3 * second, 4 * second));
    }
}
