//! The thread that reads what lies still, at a bounded rate, to find damage before a client does.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ottla::Scrubber;

use crate::broker::Broker;
use crate::recurring::{Recurring, guarded};

const STEP: Duration = Duration::from_secs(1);
/// Between the end of one round over all logs and the begin of the next.
const REST: Duration = Duration::from_secs(24 * 60 * 60);

/// # Errors
/// Where the system gives no thread.
pub(crate) fn start(broker: Arc<Broker>, bytes_per_second: u64) -> io::Result<Recurring> {
    let mut scrubber = Scrubber::default();
    Recurring::start("ottla-scrub", STEP, move || {
        if step(&broker, &mut scrubber, bytes_per_second) { REST } else { STEP }
    })
}

/// Tells whether every log has been read.
fn step(broker: &Broker, scrubber: &mut Scrubber, max_bytes: u64) -> bool {
    // Where the store was closed, nobody waits for this any more.
    let Some(Ok(scrubbed)) = guarded(broker, "a scrub", || broker.store.scrub(scrubber, max_bytes)) else {
        return true;
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
