//! Why a load did not run to its end.

use std::time::Duration;

use ottla_protocol::ErrorCode;
use ottla_record::RecordError;

use crate::client::ClientError;
use crate::process::ProcessError;

/// What ended a load.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It was asked for what cannot be done.
    #[error("{0}")]
    Settings(String),
    /// A batch that cannot be built.
    #[error("no such batch: {0}")]
    Batch(#[from] RecordError),
    /// The broker was not reached, or not understood, or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The broker's process.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The broker took something, and then told or gave something else.
    #[error("{topic}-{partition}: {wrong}")]
    Wrong {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// What is wrong.
        wrong: Wrong,
    },
    /// A part of this program ended by itself.
    #[error("a thread of the load panicked")]
    Panicked,
}

impl LoadError {
    /// Whether the broker broke its word, rather than could not be asked.
    pub fn is_wrong_answer(&self) -> bool {
        matches!(self, LoadError::Wrong { .. })
    }
}

/// How a broker's log is not what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// A batch was refused.
    #[error("the broker refuses a batch with {code}{}", because(message))]
    Refused {
        /// The code.
        code: ErrorCode,
        /// What the broker says of it.
        message: Option<String>,
    },
    /// One offset, two batches.
    #[error("offset {offset} was given to two batches")]
    GivenTwice {
        /// The offset.
        offset: i64,
    },
    /// An offset at which no batch of this load can begin.
    #[error("a batch got offset {found}, where {expected} was next; does somebody else write to this topic?")]
    OutOfStep {
        /// What was due.
        expected: i64,
        /// What came.
        found: i64,
    },
    /// Offsets that no batch got.
    #[error(
        "no batch got offset {missing}, though later ones were given; does somebody else write to this topic?"
    )]
    NeverGiven {
        /// The first of them.
        missing: i64,
    },
    /// Records are missing in the log.
    #[error("offset {found} follows where {expected} was due: {} records are lost", found - expected)]
    Gap {
        /// What was due.
        expected: i64,
        /// What came.
        found: i64,
    },
    /// Records came again.
    #[error("offset {found} comes again where {expected} was due")]
    Doubled {
        /// What was due.
        expected: i64,
        /// What came.
        found: i64,
    },
    /// Bytes that are no batch, or not whole.
    #[error("what stands at offset {offset} is damaged: {source}")]
    Damaged {
        /// Where.
        offset: i64,
        /// How.
        source: RecordError,
    },
    /// A batch that is not the one that was sent.
    #[error("the batch at offset {offset} is not the one that was sent: {what} is {found} and was {sent}")]
    Changed {
        /// Where.
        offset: i64,
        /// What differs.
        what: &'static str,
        /// What was sent.
        sent: i64,
        /// What came.
        found: i64,
    },
    /// A partition cannot be read.
    #[error("it cannot be read at offset {offset}: {code}")]
    Unreadable {
        /// Where.
        offset: i64,
        /// The broker's answer.
        code: ErrorCode,
    },
    /// Acknowledged, and not in the log.
    #[error("all up to offset {acknowledged} was acknowledged, and the log ends at {found}")]
    Lost {
        /// Up to where.
        acknowledged: i64,
        /// Where the log ends.
        found: i64,
    },
    /// Acknowledged, and never seen.
    #[error("offset {next} was acknowledged and did not come to a consumer within {} s", waited.as_secs())]
    NeverCame {
        /// What was due.
        next: i64,
        /// For how long it was waited.
        waited: Duration,
    },
}

fn because(message: &Option<String>) -> String {
    message.as_ref().map_or_else(String::new, |message| format!(": {message}"))
}
