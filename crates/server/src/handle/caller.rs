//! Who asks, and whom: what a handler gets beside the request.

use std::net::SocketAddr;

use crate::broker::Broker;
use crate::wait::Patience;

/// Who asks, and whom.
pub(crate) struct Caller<'c> {
    pub broker: &'c Broker,
    /// The address of ours that the client has reached.
    pub reached: SocketAddr,
    /// How it waits.
    pub patience: Patience<'c>,
}
