//! The thread that compacts, one log after the other, while clients are served.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};

use ottla::{Cleaner, Stopper};

use crate::broker::Broker;
use crate::log_limit::About;

/// The running thread; dropping this ends it, gives up what it is compacting, and waits for it.
#[derive(Debug)]
pub(crate) struct Cleaning {
    /// Nothing is ever sent: that it is gone is the message.
    running: Option<Sender<()>>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Cleaning {
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start(broker: Arc<Broker>) -> io::Result<Cleaning> {
        let (running, stopped) = mpsc::channel::<()>();
        let mut cleaner = Cleaner::new(broker.config.cleaner);
        let stopper = cleaner.stopper();
        let backoff = broker.config.cleaner_backoff;
        let clean = move || {
            while stopped.recv_timeout(backoff) == Err(RecvTimeoutError::Timeout) {
                while run(&broker, &mut cleaner) {}
            }
        };
        let thread = thread::Builder::new().name("ottla-cleaner".to_owned()).spawn(clean)?;
        Ok(Cleaning { running: Some(running), stopper, thread: Some(thread) })
    }
}

impl Drop for Cleaning {
    fn drop(&mut self) {
        self.running = None;
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Compacts the log that needs it most; tells whether there was one. A failure is the log's own matter: it is
/// set aside, and the thread goes on.
fn run(broker: &Broker, cleaner: &mut Cleaner) -> bool {
    let compact = || broker.store.compact_filthiest(cleaner);
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(compact)) {
        Ok(Ok(None)) => false,
        Ok(Ok(Some((partition, done)))) => {
            tracing::info!(%partition, ?done, "compacted");
            !cleaner.stopper().is_stopped()
        }
        Ok(Err(error)) => {
            broker.metrics.storage_errors.add(1);
            if let Some(left_out) = broker.log_limit.admit(About::Storage) {
                tracing::error!(%error, left_out, "compaction failed");
            }
            false
        }
        Err(_) => {
            broker.metrics.panics.add(1);
            tracing::error!("compaction panicked");
            false
        }
    }
}
