//! Waiting for more: what a fetch does that finds less than it asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ottla::Waiter;

use crate::broker::Broker;

/// How often a waiting request looks whether its client is still there.
const LOOK_FOR_CLIENT_EVERY: Duration = Duration::from_secs(5);

/// What one connection waits with.
pub(crate) struct Patience<'c> {
    broker: &'c Broker,
    waiter: &'c Arc<Waiter>,
    client_is_there: &'c dyn Fn() -> bool,
}

impl<'c> Patience<'c> {
    pub(crate) fn new(
        broker: &'c Broker,
        waiter: &'c Arc<Waiter>,
        client_is_there: &'c dyn Fn() -> bool,
    ) -> Patience<'c> {
        Patience { broker, waiter, client_is_there }
    }

    /// What to subscribe to logs.
    pub(crate) fn waiter(&self) -> &'c Arc<Waiter> {
        self.waiter
    }

    /// When a request that arrived now and wants to wait so long must be answered.
    pub(crate) fn deadline(&self, max_wait_ms: i32) -> Instant {
        let wanted = Duration::from_millis(u64::try_from(max_wait_ms).unwrap_or(0));
        Instant::now() + wanted.min(self.broker.config.limits.fetch_wait)
    }

    /// Sleeps until a log changes. Tells whether one may have changed; otherwise there is nothing more to
    /// wait for: the deadline has passed, the client has gone, or the server is being shut down.
    pub(crate) fn wait_until(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.broker.is_stopping() {
                return false;
            }
            if self.waiter.wait(left.min(LOOK_FOR_CLIENT_EVERY)) {
                return !self.broker.is_stopping();
            }
            if !(self.client_is_there)() {
                return false;
            }
        }
    }
}
