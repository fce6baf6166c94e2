//! What waits to be sent on one connection.

use ottla::FileSlice;
use ottla_protocol::wire::{Encode, Writer};
use ottla_protocol::{EncodeError, Message, RequestHeader};

/// What a quiet connection keeps of a buffer that once held a large answer.
const KEPT_BYTES: usize = 4 * 1024;

/// Encoded answers, in the order of their requests.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// All but the records of fetches.
    pub writer: Writer,
    /// The records of fetches, in order.
    pub slices: Vec<FileSlice>,
    count: usize,
}

impl Answers {
    /// Adds the answer to the request with this header.
    pub(crate) fn push<M: Message + Encode>(
        &mut self,
        header: &RequestHeader<'_>,
        response: &M,
    ) -> Result<(), EncodeError> {
        self.push_as(header.correlation_id, header.api_version, response)
    }

    /// Adds an answer of another version than the request's.
    pub(crate) fn push_as<M: Message + Encode>(
        &mut self,
        correlation_id: i32,
        version: i16,
        response: &M,
    ) -> Result<(), EncodeError> {
        self.count += 1;
        ottla_protocol::encode_response(&mut self.writer, correlation_id, version, response)
    }

    /// How many answers wait.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets what was sent and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.writer.clear();
        self.slices.clear();
        self.count = 0;
    }

    /// Gives memory back that a quiet connection does not need.
    pub(crate) fn give_back(&mut self) {
        self.writer.shrink_to(KEPT_BYTES);
        self.slices.shrink_to(4);
    }
}
