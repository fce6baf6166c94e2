//! The thread that compacts, one log after the other, while clients are served.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use ottla::dir::TopicPartition;
use ottla::{Cleaner, Quarantined, Stopper};

use crate::broker::Broker;
use crate::log_limit::About;
use crate::metrics::Compaction;
use crate::recurring::{Recurring, guarded};

/// The running thread; dropping this ends it, gives up what it is compacting, and waits for it.
#[derive(Debug)]
pub(crate) struct Cleaning {
    thread: Recurring,
    stopper: Stopper,
}

impl Cleaning {
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start(broker: Arc<Broker>) -> io::Result<Cleaning> {
        let mut cleaner = Cleaner::new(broker.config.cleaner);
        let stopper = cleaner.stopper();
        let backoff = broker.config.cleaner_backoff;
        let mut failed = Failed::default();
        let thread = Recurring::start("ottla-cleaner", backoff, move || {
            while run(&broker, &mut cleaner, &mut failed) {}
            backoff
        })?;
        Ok(Cleaning { thread, stopper })
    }
}

impl Drop for Cleaning {
    fn drop(&mut self) {
        // First that nothing more is begun, then that what is being done ends.
        self.thread.end();
        self.stopper.stop();
    }
}

/// How often each log that is set aside now was seen to fail. The store writes each failure to the log of the
/// server; here they are counted.
#[derive(Debug, Default)]
struct Failed(BTreeMap<TopicPartition, u32>);

impl Failed {
    fn count(&mut self, set_aside: &[Quarantined], counters: &Compaction) {
        for log in set_aside {
            let seen = self.0.get(&log.topic_partition).copied().unwrap_or(0);
            for _ in seen.min(log.attempts)..log.attempts {
                counters.count_failure(format!("{}: {}", log.topic_partition, log.reason));
            }
        }
        // One that was compacted since begins anew.
        self.0 = set_aside.iter().map(|log| (log.topic_partition.clone(), log.attempts)).collect();
    }
}

/// Compacts the log that needs it most; tells whether there was one. A failure is the log's own matter: it is
/// set aside, and the thread goes on.
fn run(broker: &Broker, cleaner: &mut Cleaner, failed: &mut Failed) -> bool {
    let compacted = guarded(broker, "compaction", || broker.store.compact_filthiest(cleaner));
    failed.count(&broker.store.quarantined(), &broker.metrics.compaction);
    match compacted {
        Some(Ok(None)) => false,
        Some(Ok(Some((partition, done)))) => {
            broker.metrics.compaction.count(&done);
            tracing::info!(%partition, ?done, "compacted");
            !cleaner.stopper().is_stopped()
        }
        Some(Err(error)) => {
            broker.metrics.storage_errors.add(1);
            broker.metrics.compaction.count_failure(error.to_string());
            if let Some(left_out) = broker.log_limit.admit(About::Storage) {
                tracing::error!(%error, left_out, "compaction failed");
            }
            false
        }
        None => {
            broker.metrics.compaction.count_failure("it panicked".to_owned());
            false
        }
    }
}
