//! Why a broker was not reached, or not understood.

use std::io;
use std::time::Duration;

use ottla_protocol::{ApiKey, EncodeError, ErrorCode, FrameError, ProtocolError};

/// What went wrong between this client and a broker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No connection.
    #[error("cannot reach a broker at {address}: {source}; is one running there, and listening to clients?")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The connection ended.
    #[error("{address} closed the connection ({source}); its own log says why")]
    Gone {
        /// Who.
        address: String,
        /// How.
        source: io::Error,
    },
    /// No answer.
    #[error("{address} has not answered for {} s; is it stuck, or does another protocol live there, such as TLS?", waited.as_secs())]
    Silent {
        /// Who.
        address: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Bytes that are no frame of Kafka's.
    #[error("{address} does not speak Kafka's protocol: {source}")]
    NotKafka {
        /// Who.
        address: String,
        /// Why.
        source: FrameError,
    },
    /// A frame that cannot be read.
    #[error("{address} answers {api} with what cannot be read: {source}")]
    Malformed {
        /// Who.
        address: String,
        /// What was asked.
        api: ApiKey,
        /// Why.
        source: ProtocolError,
    },
    /// An answer to something else.
    #[error("{address} answers request {found} where {expected} was due")]
    OutOfTurn {
        /// Who.
        address: String,
        /// The correlation id that was due.
        expected: i32,
        /// The one that came.
        found: i32,
    },
    /// No version in common.
    #[error("{address} speaks {api} in {}; this client speaks versions {from} to {to}", spoken(theirs))]
    NotSpoken {
        /// Who.
        address: String,
        /// Which API.
        api: ApiKey,
        /// This client's oldest version.
        from: i16,
        /// This client's newest.
        to: i16,
        /// The broker's oldest and newest; `None` where it does not know the API.
        theirs: Option<(i16, i16)>,
    },
    /// An error code.
    #[error("{address} answers {api} for {what} with {code}{}", because(message))]
    Refused {
        /// Who.
        address: String,
        /// What was asked.
        api: ApiKey,
        /// For which topic or partition.
        what: String,
        /// The answer.
        code: ErrorCode,
        /// What the broker says of it.
        message: Option<String>,
    },
    /// An answer without what was asked for.
    #[error("{address} answers {api} and says nothing of {what}")]
    Missing {
        /// Who.
        address: String,
        /// What was asked.
        api: ApiKey,
        /// Which topic or partition.
        what: String,
    },
    /// A request that cannot be written.
    #[error("cannot ask {address}: {source}")]
    Encode {
        /// Whom.
        address: String,
        /// Why.
        source: EncodeError,
    },
    /// Told to end.
    #[error("stopped")]
    Stopped,
}

fn spoken(theirs: &Option<(i16, i16)>) -> String {
    match theirs {
        Some((from, to)) => format!("versions {from} to {to} only"),
        None => "no version at all".to_owned(),
    }
}

fn because(message: &Option<String>) -> String {
    message.as_ref().map_or_else(String::new, |message| format!(": {message}"))
}
