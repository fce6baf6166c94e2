//! The thread that looks after the store while clients are served.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};

use crate::broker::Broker;
use crate::log_limit::About;

/// The running thread; dropping this ends it and waits for it.
#[derive(Debug)]
pub(crate) struct Housekeeping {
    /// Nothing is ever sent: that it is gone is the message.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Housekeeping {
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start(broker: Arc<Broker>) -> io::Result<Housekeeping> {
        let (running, stopped) = mpsc::channel::<()>();
        let interval = broker.config.housekeeping_interval;
        let keep_house = move || {
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                run(&broker);
            }
        };
        let thread = thread::Builder::new().name("ottla-housekeeping".to_owned()).spawn(keep_house)?;
        Ok(Housekeeping { running: Some(running), thread: Some(thread) })
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A failure of one round does not end the next: the disk may have room again.
fn run(broker: &Broker) {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| broker.store.housekeep()));
    match done {
        Ok(Ok(report)) => {
            tracing::debug!(?report, "housekeeping");
            report.failures.iter().for_each(|(partition, error)| note(broker, &partition.to_string(), error));
        }
        Ok(Err(error)) => note(broker, "all", &error),
        Err(_) => {
            broker.metrics.panics.add(1);
            tracing::error!("housekeeping panicked");
        }
    }
}

fn note(broker: &Broker, partition: &str, error: &ottla::Error) {
    broker.metrics.storage_errors.add(1);
    if let Some(left_out) = broker.log_limit.admit(About::Storage) {
        tracing::error!(partition, %error, left_out, "housekeeping failed");
    }
}
