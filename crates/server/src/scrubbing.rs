//! The thread that reads what lies still, at a bounded rate, to find damage before a client does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ottla::Scrubber;

use crate::broker::Broker;

const STEP: Duration = Duration::from_secs(1);
/// Between the end of one round over all logs and the begin of the next.
const REST: Duration = Duration::from_secs(24 * 60 * 60);

/// The running thread; dropping this ends it and waits for it.
#[derive(Debug)]
pub(crate) struct Scrubbing {
    /// Nothing is ever sent: that it is gone is the message.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Scrubbing {
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start(broker: Arc<Broker>, bytes_per_second: u64) -> io::Result<Scrubbing> {
        let (running, stopped) = mpsc::channel::<()>();
        let scrub = move || {
            let mut scrubber = Scrubber::default();
            let mut pause = STEP;
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let round_ended = step(&broker, &mut scrubber, bytes_per_second);
                pause = if round_ended { REST } else { STEP };
            }
        };
        let thread = thread::Builder::new().name("ottla-scrub".to_owned()).spawn(scrub)?;
        Ok(Scrubbing { running: Some(running), thread: Some(thread) })
    }
}

impl Drop for Scrubbing {
    fn drop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Tells whether every log has been read.
fn step(broker: &Broker, scrubber: &mut Scrubber, max_bytes: u64) -> bool {
    let scrubbed = match catch_unwind(AssertUnwindSafe(|| broker.store.scrub(scrubber, max_bytes))) {
        Ok(Ok(scrubbed)) => scrubbed,
        // The store was closed; nobody else waits for this.
        Ok(Err(_)) => return true,
        Err(_) => {
            broker.metrics.panics.add(1);
            tracing::error!("a scrub panicked");
            return true;
        }
    };
    broker.metrics.damage_found.add(scrubbed.damaged.len());
    broker.metrics.scrubbed_bytes.add(usize::try_from(scrubbed.bytes).unwrap_or(usize::MAX));
    for (partition, damage) in &scrubbed.damaged {
        let (file, reason) = (damage.path.display(), &damage.reason);
        let (position, bytes) = (damage.position, damage.bytes);
        tracing::error!(%partition, %file, position, bytes, reason, "damaged: `ottla salvage` copies what is whole");
    }
    for (partition, error) in &scrubbed.failures {
        broker.metrics.storage_errors.add(1);
        tracing::error!(%partition, %error, "cannot be read to look for damage");
    }
    scrubbed.round_ended
}
