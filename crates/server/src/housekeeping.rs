//! The thread that looks after the store while clients are served.

use std::io;
use std::sync::Arc;

use crate::broker::Broker;
use crate::log_limit::About;
use crate::recurring::{Recurring, guarded};

/// # Errors
/// Where the system gives no thread.
pub(crate) fn start(broker: Arc<Broker>) -> io::Result<Recurring> {
    let interval = broker.config.housekeeping_interval;
    Recurring::start("ottla-housekeeping", interval, move || {
        run(&broker);
        interval
    })
}

/// A failure of one round does not end the next: the disk may have room again.
fn run(broker: &Broker) {
    match guarded(broker, "housekeeping", || broker.store.housekeep()) {
        Some(Ok(report)) => {
            tracing::debug!(?report, "housekeeping");
            report.failures.iter().for_each(|(partition, error)| note(broker, &partition.to_string(), error));
        }
        Some(Err(error)) => note(broker, "all", &error),
        None => {}
    }
}

fn note(broker: &Broker, partition: &str, error: &ottla::Error) {
    broker.metrics.storage_errors.add(1);
    if let Some(left_out) = broker.log_limit.admit(About::Storage) {
        tracing::error!(partition, %error, left_out, "housekeeping failed");
    }
}
