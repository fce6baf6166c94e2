//! Why a connection ended.

use std::io;

use ottla_protocol::{ApiKey, EncodeError, FrameError, RequestError};

use crate::broker::Broker;
use crate::log_limit::About;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// The client closed it between two requests.
    #[error("the client closed the connection")]
    ByClient,
    /// The client closed it, or went away.
    #[error("the client has gone: {0}")]
    Client(#[source] io::Error),
    /// The client closed it in the middle of a request.
    #[error("the client closed the connection in the middle of a request")]
    HalfRequest,
    /// What came is no frame.
    #[error("not a Kafka request, or too large: {0}")]
    Frame(#[from] FrameError),
    /// What came is no request that is spoken here.
    #[error("{0}")]
    Refused(RequestError),
    /// A produce request names more partitions than any client bundles.
    #[error("a produce request of too many partitions")]
    TooManyPartitions,
    /// A request is decoded but not handled. Each is a mistake in this program.
    #[error("{0} is not handled")]
    NotHandled(ApiKey),
    /// Nothing was asked for too long.
    #[error("idle for too long")]
    Idle,
    /// A request did not arrive in time.
    #[error("a request took too long to arrive")]
    SlowRequest,
    /// The client did not take its answer.
    #[error("the client does not read its answer")]
    SlowReader,
    /// Too much is in flight already.
    #[error("no memory for the request: too much is in flight")]
    NoMemory,
    /// A batch that must not be acknowledged was refused (acks 0): closing is the only way to tell.
    #[error("a batch was refused, and its producer waits for no answer (acks 0)")]
    UnacknowledgedBatch,
    /// An answer cannot be encoded.
    #[error("an answer cannot be sent: {0}")]
    Encode(#[from] EncodeError),
    /// Bytes that were promised cannot be read.
    #[error("the log cannot be read: {0}")]
    Storage(#[source] io::Error),
}

impl Ended {
    /// Counts the end and writes a line about it, if there is anything to tell.
    pub(crate) fn note(&self, broker: &Broker, peer: &str) {
        let metrics = &broker.metrics;
        match self {
            Ended::ByClient | Ended::Client(_) => return,
            Ended::HalfRequest | Ended::Frame(_) | Ended::Refused(_) | Ended::TooManyPartitions => {
                metrics.frames_rejected.add(1);
            }
            Ended::Idle => metrics.idle_closed.add(1),
            Ended::SlowRequest | Ended::NoMemory => metrics.slow_requests.add(1),
            Ended::SlowReader => metrics.slow_readers.add(1),
            Ended::Storage(_) => metrics.storage_errors.add(1),
            Ended::UnacknowledgedBatch | Ended::Encode(_) | Ended::NotHandled(_) => {}
        }
        if let Ended::Idle = self {
            tracing::debug!(peer, "closed an idle connection");
            return;
        }
        let about = if matches!(self, Ended::Storage(_)) { About::Storage } else { About::Connection };
        if let Some(left_out) = broker.log_limit.admit(about) {
            tracing::warn!(peer, reason = %self, left_out, "closed a connection");
        }
    }
}
