//! Why a server does not start or stop.

use std::io;
use std::net::SocketAddr;

/// What can go wrong with a [`Server`](crate::Server) as a whole. What goes wrong with one request is
/// answered to its client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// The address, as it was configured.
        listen: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Anybody who reaches the address could read, write and delete everything. Listen on loopback, or
    /// say that this is meant.
    #[error(
        "{address} can be reached from other machines, and nobody who connects has to say who they are; \
         listen on 127.0.0.1, or allow remote connections explicitly"
    )]
    RemoteNotAllowed {
        /// The address.
        address: SocketAddr,
    },
    /// The data directory cannot be opened, or not be closed.
    #[error(transparent)]
    Store(#[from] ottla::Error),
    /// The system gives no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}
