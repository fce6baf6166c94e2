//! From requests that have arrived to answers that leave: in order, and as many at once as there are.

use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use ottla_protocol::{ApiKey, RequestError, RequestHeader, decode_request};

use crate::answers::Answers;
use crate::broker::Broker;
use crate::budget::Charge;
use crate::dispatch::{dispatch, must_not_wait_behind};
use crate::ended::Ended;
use crate::framing::Framing;
use crate::handle::produce::{self, Unsynced};
use crate::handle::{Caller, api_versions};
use crate::registry::Peer;
use crate::send::{SendError, Sender};
use crate::wait::Patience;

/// Answers are sent once so many bytes wait, however many requests have arrived.
const SEND_ABOVE_BYTES: usize = 64 * 1024;
/// The answer to a request without records may take so many times its memory while it is made. Requests
/// of everyday size are not charged for it.
const ANSWER_FACTOR: usize = 64;
const EVERYDAY_BYTES: usize = 8 * 1024;

/// The parts of a connection that answer what was received.
pub(crate) struct Exchange<'c> {
    pub broker: &'c Broker,
    pub peer: &'c Peer,
    pub framing: Framing,
    pub answers: &'c mut Answers,
    pub sender: &'c mut Sender,
    pub local_addr: SocketAddr,
}

impl Exchange<'_> {
    /// Handles every whole request, sends the answers, and returns how many bytes were whole requests.
    pub(crate) fn handle_all(&mut self, received: &[u8]) -> Result<usize, Ended> {
        let mut unsynced = Vec::new();
        let (handled, outcome) = self.handle_until_bad(received, &mut unsynced);
        // What was asked before the connection went wrong is still answered.
        self.send(&mut unsynced)?;
        outcome.map(|()| handled)
    }

    fn handle_until_bad<'f>(
        &mut self,
        received: &'f [u8],
        unsynced: &mut Vec<Unsynced<'f>>,
    ) -> (usize, Result<(), Ended>) {
        let mut rest = received;
        let outcome = loop {
            match self.framing.split(rest) {
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
                Ok(Some((frame, after))) => {
                    if let Err(ended) = self.handle(frame, unsynced) {
                        break Err(ended);
                    }
                    rest = after;
                }
            }
        };
        (received.len() - rest.len(), outcome)
    }

    fn handle<'f>(&mut self, frame: &'f [u8], unsynced: &mut Vec<Unsynced<'f>>) -> Result<(), Ended> {
        let (header, request) = match decode_request(frame) {
            Ok(decoded) => decoded,
            Err(refused) => return self.refuse(refused, unsynced),
        };
        self.broker.metrics.count_request(header.api_key);
        let _charge = self.charge(&header, frame.len())?;
        if !produce::waits_for_disk(&request) {
            produce::sync_and_answer(self.broker, unsynced, self.answers)?;
        }
        if must_not_wait_behind(&request) {
            self.send(unsynced)?;
        }
        let is_there = || is_connected(self.peer);
        let caller = Caller {
            broker: self.broker,
            reached: self.local_addr,
            patience: Patience::new(self.broker, &self.peer.waiter, &is_there),
        };
        dispatch(&caller, &header, request, self.answers, unsynced)?;
        if self.enough_waits(unsynced.len()) {
            self.send(unsynced)?;
        }
        Ok(())
    }

    fn enough_waits(&self, unsynced: usize) -> bool {
        self.answers.len() + unsynced >= self.broker.config.limits.pipelined_requests
            || self.answers.writer.bytes().len() > SEND_ABOVE_BYTES
    }

    /// Memory for the answer to a large request; given back when this is dropped.
    fn charge(&self, header: &RequestHeader<'_>, frame_bytes: usize) -> Result<Option<Charge>, Ended> {
        if header.api_key == ApiKey::Produce || frame_bytes <= EVERYDAY_BYTES {
            return Ok(None);
        }
        let mut charge = Charge::new(self.broker.budget.clone());
        let bytes = frame_bytes.saturating_mul(ANSWER_FACTOR);
        if charge.grow(bytes, self.broker.config.limits.frame_time) {
            Ok(Some(charge))
        } else {
            Err(Ended::NoMemory)
        }
    }

    /// A client may ask for a version of ApiVersions that is not known here; it is told which are
    /// (KIP-511). Anything else that cannot be decoded ends the connection, as in Kafka.
    fn refuse(&mut self, refused: RequestError, unsynced: &mut Vec<Unsynced<'_>>) -> Result<(), Ended> {
        produce::sync_and_answer(self.broker, unsynced, self.answers)?;
        match api_versions::unsupported_version(&refused, self.answers) {
            Some(answered) => Ok(answered?),
            None => Err(Ended::Refused(refused)),
        }
    }

    /// Sends what waits, after the disk has what it acknowledges.
    fn send(&mut self, unsynced: &mut Vec<Unsynced<'_>>) -> Result<(), Ended> {
        produce::sync_and_answer(self.broker, unsynced, self.answers)?;
        if self.answers.is_empty() {
            return Ok(());
        }
        let Answers { writer, slices, .. } = &*self.answers;
        match self.sender.send_all(&self.peer.stream, writer, slices) {
            Ok(()) => self.broker.metrics.bytes_out.add(writer.total_bytes()),
            Err(SendError::Client(e)) => return Err(Ended::Client(e)),
            Err(SendError::Stalled) => return Err(Ended::SlowReader),
            Err(SendError::Storage(e)) => return Err(Ended::Storage(e)),
        }
        self.answers.clear();
        Ok(())
    }
}

/// Whether the client is still there, as far as the system knows. What it has sent stays unread.
fn is_connected(peer: &Peer) -> bool {
    let look = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    match recv(peer.stream.as_raw_fd(), &mut [0; 1], look) {
        Ok(count) => count > 0,
        Err(errno) => matches!(errno, Errno::EAGAIN | Errno::EINTR),
    }
}
