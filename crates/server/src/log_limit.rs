//! Log lines that clients can cause come at most once a second of each kind: nobody fills a disk by
//! sending rubbish.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// A connection that was closed because of a limit, or of what came over it.
    Connection,
    /// A batch that was refused.
    Batch,
    /// A failure of the disk.
    Storage,
    /// Settings that a client changed.
    Settings,
}

const EVERY: Duration = Duration::from_secs(1);

/// Remembers when there was a line of each kind, and how many were left out since.
#[derive(Debug, Default)]
pub(crate) struct LogLimit {
    kinds: [Mutex<Kind>; 4],
}

#[derive(Debug, Default)]
struct Kind {
    last: Option<Instant>,
    left_out: u64,
}

impl LogLimit {
    /// Whether a line may be written now: then the number of those that were left out before it.
    pub(crate) fn admit(&self, about: About) -> Option<u64> {
        self.admit_at(about, Instant::now())
    }

    fn admit_at(&self, about: About, now: Instant) -> Option<u64> {
        let mut kind = self.kinds.get(about as usize)?.lock().unwrap_or_else(PoisonError::into_inner);
        if kind.last.is_some_and(|last| now.saturating_duration_since(last) < EVERY) {
            kind.left_out += 1;
            return None;
        }
        kind.last = Some(now);
        Some(std::mem::take(&mut kind.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_of_each_kind() {
        let limit = LogLimit::default();
        let now = Instant::now();
        assert_eq!(limit.admit_at(About::Connection, now), Some(0));
        assert_eq!(limit.admit_at(About::Connection, now), None);
        assert_eq!(limit.admit_at(About::Connection, now + EVERY / 2), None);
        assert_eq!(limit.admit_at(About::Storage, now), Some(0), "another kind has its own");
        assert_eq!(limit.admit_at(About::Connection, now + EVERY), Some(2));
        assert_eq!(limit.admit_at(About::Connection, now + EVERY), None);
    }
}
