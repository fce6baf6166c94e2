//! One round for all logs of a store that somebody waits for.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::asked::Asked;
use super::keeper::Keeper;

/// Syncs for those who do not wait themselves: callbacks, polls and futures of a
/// [`Durability`](crate::Durability). The library starts no thread; an embedder gives this one of his.
///
/// ```
/// use ottla::{Store, StoreConfig};
/// # use ottla_record::BatchBuilder;
///
/// let data = tempfile::tempdir()?;
/// let (store, _report) = Store::open(data.path(), StoreConfig::default())?;
/// let committer = store.committer();
/// let thread = std::thread::spawn(move || committer.run());
///
/// let letters = store.create_topic("letters", 1, &Default::default())?;
/// # let mut batch = BatchBuilder::new();
/// # batch.push(0, None, Some(b"Dear Ottla"), &[])?;
/// let appended = letters.log(0).unwrap().append(&batch.build()?)?;
/// let (sender, receiver) = std::sync::mpsc::channel();
/// appended.durability.when_durable(move |outcome| { let _ = sender.send(outcome); });
/// receiver.recv()??; // or do something else meanwhile
///
/// store.close()?; // which ends the committer
/// thread.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Committer {
    asked: Arc<Asked<Keeper>>,
}

impl Committer {
    pub(crate) fn new(asked: Arc<Asked<Keeper>>) -> Committer {
        Committer { asked }
    }

    /// Serves round after round until the store, or the log that was opened alone, is closed.
    pub fn run(&self) {
        const FOR_LONG: Duration = Duration::from_secs(3600);
        while self.round(FOR_LONG) {}
    }

    /// Waits at most `timeout` until somebody asks, then syncs every log that was asked for, each once, and
    /// calls those who wait. Returns `false` once nobody can ask any more.
    ///
    /// Callbacks run here, without any lock. Where a disk fails, those who wait for its log are told so.
    pub fn round(&self, timeout: Duration) -> bool {
        let Some(logs) = self.asked.take(timeout) else { return false };
        let logs: Vec<Arc<Keeper>> = logs.iter().filter_map(Weak::upgrade).collect();
        for log in &logs {
            log.promises.begin_round();
        }
        Keeper::begin_together(&logs);
        for log in &logs {
            // Whether it failed is told to each of those who wait, by what it means for him.
            let _ = log.commit.sync_to(&log.shared, log.shared.log_end_offset());
            log.promises.settle();
        }
        // A log that was closed or cut meanwhile has answered; one that goes on may have been asked again.
        for log in logs.iter().filter(|log| !log.promises.is_empty()) {
            log.ask_for_sync();
        }
        true
    }
}
