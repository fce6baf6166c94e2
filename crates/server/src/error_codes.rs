//! What the engine says, in Kafka's numbers.

use std::borrow::Cow;

use ottla::Error;
use ottla_protocol::ErrorCode;
use ottla_record::RecordError;

use crate::broker::Broker;
use crate::log_limit::About;

/// The code that Kafka answers for this error.
pub(crate) fn code_of(error: &Error) -> ErrorCode {
    match error {
        Error::InvalidBatch(error) => code_of_record(error),
        Error::ControlBatchFromClient | Error::MissingKey { .. } => ErrorCode::InvalidRecord,
        Error::AppendTimeFromClient => ErrorCode::InvalidTimestamp,
        Error::AppendTooLarge { .. } => ErrorCode::RecordListTooLarge,
        Error::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        Error::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
        Error::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
        Error::InvalidTxnState { .. } => ErrorCode::InvalidTxnState,
        Error::InvalidTopic { .. } => ErrorCode::InvalidTopicException,
        Error::AlreadyExists { .. } => ErrorCode::TopicAlreadyExists,
        // A closed log is that of a topic which was deleted meanwhile.
        Error::Unknown { .. } | Error::Closed { .. } => ErrorCode::UnknownTopicOrPartition,
        Error::InvalidConfig { .. } => ErrorCode::InvalidConfig,
        Error::Io { .. }
        | Error::DiskFull { .. }
        | Error::Corrupt(_)
        | Error::Poisoned { .. }
        | Error::ReadOnly { .. } => ErrorCode::KafkaStorageError,
        _ => ErrorCode::UnknownServerError,
    }
}

fn code_of_record(error: &RecordError) -> ErrorCode {
    match error {
        RecordError::TooLarge { .. } => ErrorCode::MessageTooLarge,
        RecordError::TimestampOutOfRange { .. } => ErrorCode::InvalidTimestamp,
        RecordError::UnknownCodec { .. } | RecordError::CodecNotBuilt { .. } => {
            ErrorCode::UnsupportedCompressionType
        }
        RecordError::OldMagic { .. } => ErrorCode::UnsupportedForMessageFormat,
        RecordError::TooShort { .. }
        | RecordError::BadLength { .. }
        | RecordError::CrcMismatch { .. }
        | RecordError::UnknownMagic { .. }
        | RecordError::Decompress { .. } => ErrorCode::CorruptMessage,
        _ => ErrorCode::InvalidRecord,
    }
}

/// What is answered instead: Kafka's code, and words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: ErrorCode,
    pub message: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { code, message: message.into() }
    }
}

/// The code, and a count and a line where the error is the disk's.
pub(crate) fn note(broker: &Broker, error: &Error) -> ErrorCode {
    let code = code_of(error);
    if matches!(code, ErrorCode::KafkaStorageError | ErrorCode::UnknownServerError) {
        broker.metrics.storage_errors.add(1);
        if let Some(left_out) = broker.log_limit.admit(About::Storage) {
            tracing::error!(%error, left_out, "a request failed");
        }
    }
    code
}

/// As [`note`], with the error's words.
pub(crate) fn refusal(broker: &Broker, error: &Error) -> Refusal {
    Refusal { code: note(broker, error), message: error.to_string().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_batch_is_corrupt_and_a_wrong_one_invalid() {
        let code = |error: RecordError| code_of(&Error::InvalidBatch(error));
        assert_eq!(code(RecordError::CrcMismatch { stored: 1, computed: 2 }), ErrorCode::CorruptMessage);
        assert_eq!(code(RecordError::MissingKey { index: 0 }), ErrorCode::InvalidRecord);
        assert_eq!(code(RecordError::TooLarge { found: 2, limit: 1 }), ErrorCode::MessageTooLarge);
    }
}
