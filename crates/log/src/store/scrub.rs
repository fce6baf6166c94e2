//! Scrubbing all logs of a store, one after the other, as fast as the caller allows.

use super::state::Inner;
use crate::dir::TopicPartition;
use crate::error::{Error, Result};
use crate::recover::Damage;
use crate::scrub::{self, Place};

/// Where a scrub of a store stands; see [`Store::scrub`](crate::Store::scrub).
#[derive(Debug, Default)]
pub struct Scrubber {
    /// The log that is being read, or the last one that was.
    log: Option<TopicPartition>,
    /// Where it goes on in there; `None` where that log is done.
    place: Option<Place>,
}

/// What a step of a scrub found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Scrubbed {
    /// Bytes that were read and checked.
    pub bytes: u64,
    /// Bytes that are no whole batch.
    pub damaged: Vec<(TopicPartition, Damage)>,
    /// Logs that could not be read; they are passed over until the next round.
    pub failures: Vec<(TopicPartition, Error)>,
    /// Whether every log has been read once; the next step begins anew.
    pub round_ended: bool,
}

pub(super) fn run(store: &Inner, scrubber: &mut Scrubber, max_bytes: u64) -> Result<Scrubbed> {
    let mut done = Scrubbed::default();
    while done.bytes < max_bytes {
        drop(store.changes()?);
        let catalog = store.catalog.load();
        let place = scrubber.place.take();
        let is_next = |log: &TopicPartition| match &scrubber.log {
            Some(current) if place.is_some() => log >= current,
            Some(last) => log > last,
            None => true,
        };
        let candidates = catalog.logs().filter(|log| is_next(log.topic_partition()));
        let Some(log) = candidates.min_by(|one, other| one.topic_partition().cmp(other.topic_partition()))
        else {
            scrubber.log = None;
            done.round_ended = true;
            break;
        };
        let name = log.topic_partition().clone();
        // The place is another log's where that was deleted.
        let place = place.filter(|_| scrubber.log.as_ref() == Some(&name));
        match scrub::check(&log.inner.shared, place, max_bytes - done.bytes) {
            Ok(piece) => {
                done.bytes += piece.bytes;
                done.damaged.extend(piece.damaged.into_iter().map(|damage| (name.clone(), damage)));
                scrubber.place = piece.next;
            }
            Err(error) => done.failures.push((name.clone(), error)),
        }
        scrubber.log = Some(name);
    }
    Ok(done)
}
