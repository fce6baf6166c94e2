//! A thread that does something again and again, beside those that serve clients.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::broker::Broker;

/// The running thread; dropping this ends it and waits for it.
#[derive(Debug)]
pub(crate) struct Recurring {
    /// Nothing is ever sent: that it is gone is the message.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Recurring {
    /// After `pause`, and then after each pause that `work` returns, `work` is called.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start(
        name: &str,
        mut pause: Duration,
        mut work: impl FnMut() -> Duration + Send + 'static,
    ) -> io::Result<Recurring> {
        let (running, stopped) = mpsc::channel::<()>();
        let recur = move || {
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = work();
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(recur)?;
        Ok(Recurring { running: Some(running), thread: Some(thread) })
    }

    /// What is being done is the last; dropping this then waits for it.
    pub(crate) fn end(&mut self) {
        self.running = None;
    }
}

impl Drop for Recurring {
    fn drop(&mut self) {
        self.end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Does `work`, of which a panic is a mistake in this program, and no reason not to do it again: then `None`.
pub(crate) fn guarded<T>(broker: &Broker, what: &str, work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    if done.is_err() {
        broker.metrics.panics.add(1);
        tracing::error!("{what} panicked");
    }
    done.ok()
}
