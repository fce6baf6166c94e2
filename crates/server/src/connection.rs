//! One client: receive what is there, handle every whole request in it, send the answers in one go.
//!
//! Requests are answered in their order. Those that have arrived together are handled before their
//! answers are sent; a client that pipelines thereby gets one system call for many requests, and one sync
//! of the disk for many that ask for it.

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use ottla_protocol::{LENGTH_BYTES, decode_request, frame_len};

use crate::answers::Answers;
use crate::broker::Broker;
use crate::budget::Charge;
use crate::buffer::ReadBuffer;
use crate::dispatch::{dispatch, must_not_wait_behind};
use crate::ended::Ended;
use crate::handle::{Caller, produce};
use crate::registry::Peer;
use crate::send::{SendError, Sender};
use crate::wait::Patience;

/// Answers are sent once so many bytes wait, however many requests have arrived.
const SEND_ABOVE_BYTES: usize = 64 * 1024;

/// The thread that serves one client owns this.
#[derive(Debug)]
pub(crate) struct Connection {
    broker: Arc<Broker>,
    peer: Arc<Peer>,
    received: ReadBuffer,
    answers: Answers,
    sender: Sender,
    local_addr: SocketAddr,
    /// When the request that is half received began to arrive.
    request_began: Option<Instant>,
    last_request: Instant,
}

impl Connection {
    /// # Errors
    /// Where the socket does not take its settings, which means that it is gone.
    pub(crate) fn new(broker: Arc<Broker>, peer: Arc<Peer>) -> Result<Connection, Ended> {
        let stream = &peer.stream;
        let limits = &broker.config.limits;
        stream.set_nodelay(true).map_err(Ended::Client)?;
        stream.set_read_timeout(Some(limits.tick())).map_err(Ended::Client)?;
        stream.set_write_timeout(Some(limits.write_stall_time)).map_err(Ended::Client)?;
        Ok(Connection {
            local_addr: stream.local_addr().map_err(Ended::Client)?,
            received: ReadBuffer::new(Charge::new(broker.budget.clone())),
            answers: Answers::default(),
            sender: Sender::default(),
            request_began: None,
            last_request: Instant::now(),
            broker,
            peer,
        })
    }

    /// Serves the client until the connection ends, and tells why it did.
    pub(crate) fn serve(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.receive().and_then(|()| self.handle_received()) {
                return ended;
            }
        }
    }

    /// Waits for bytes and takes all that are there.
    fn receive(&mut self) -> Result<(), Ended> {
        let message_bytes = self.message_bytes()?;
        if self.received.is_empty() {
            self.received.give_back();
        }
        let asked = Instant::now();
        if !self.received.make_room(message_bytes, self.broker.config.limits.frame_time) {
            return Err(Ended::NoMemory);
        }
        // What other clients use up is not this client's fault.
        self.request_began = self.request_began.map(|began| began + asked.elapsed());
        match (&self.peer.stream).read(self.received.room()) {
            Ok(0) if self.received.is_empty() => Err(Ended::ByClient),
            Ok(0) => Err(Ended::HalfRequest),
            Ok(count) => {
                self.broker.metrics.bytes_in.add(count);
                self.received.received(count);
                self.check_request_time()
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => Ok(()),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => self.rest(),
            Err(e) => Err(Ended::Client(e)),
        }
    }

    /// The size of the message whose first bytes have arrived, its length field included.
    fn message_bytes(&self) -> Result<Option<usize>, Ended> {
        let Some(prefix) = self.received.filled().first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = frame_len(*prefix, self.broker.config.limits.frame_bytes)?;
        Ok(Some(length.saturating_add(LENGTH_BYTES)))
    }

    /// Nothing came for a while.
    fn rest(&mut self) -> Result<(), Ended> {
        self.check_request_time()?;
        if self.last_request.elapsed() > self.broker.config.limits.idle_time {
            return Err(Ended::Idle);
        }
        self.received.give_back_all();
        self.answers.give_back();
        self.sender.give_back();
        Ok(())
    }

    /// A request must arrive in time, however slowly its bytes trickle in.
    fn check_request_time(&self) -> Result<(), Ended> {
        match self.request_began {
            Some(began) if began.elapsed() > self.broker.config.limits.frame_time => Err(Ended::SlowRequest),
            _ => Ok(()),
        }
    }

    /// Handles every whole request that was received, and sends the answers.
    fn handle_received(&mut self) -> Result<(), Ended> {
        let filled_bytes = self.received.filled().len();
        let handled = {
            let Connection { broker, peer, received, answers, sender, local_addr, .. } = self;
            let mut exchange = Exchange { broker, peer, answers, sender, local_addr: *local_addr };
            exchange.handle_all(received.filled())?
        };
        self.received.consume(handled);
        if handled > 0 {
            self.last_request = Instant::now();
            self.request_began = None;
        }
        if handled < filled_bytes && self.request_began.is_none() {
            self.request_began = Some(Instant::now());
        }
        Ok(())
    }
}

/// The parts of a connection that answer what was received.
struct Exchange<'c> {
    broker: &'c Broker,
    peer: &'c Peer,
    answers: &'c mut Answers,
    sender: &'c mut Sender,
    local_addr: SocketAddr,
}

impl Exchange<'_> {
    /// Returns how many bytes were whole requests.
    fn handle_all(&mut self, received: &[u8]) -> Result<usize, Ended> {
        let limits = &self.broker.config.limits;
        let mut unsynced = Vec::new();
        let mut rest = received;
        let outcome = loop {
            let (frame, after) = match split_frame(rest, limits.frame_bytes) {
                Ok(Some(split)) => split,
                Ok(None) => break Ok(()),
                Err(ended) => break Err(ended),
            };
            if let Err(ended) = self.handle(frame, &mut unsynced) {
                break Err(ended);
            }
            rest = after;
            if self.answers.len() + unsynced.len() >= limits.pipelined_requests
                || self.answers.writer.bytes().len() > SEND_ABOVE_BYTES
            {
                self.send(&mut unsynced)?;
            }
        };
        // What was asked before the connection went wrong is still answered.
        self.send(&mut unsynced)?;
        outcome.map(|()| received.len() - rest.len())
    }

    fn handle<'f>(
        &mut self,
        frame: &'f [u8],
        unsynced: &mut Vec<produce::Unsynced<'f>>,
    ) -> Result<(), Ended> {
        let (header, request) = match decode_request(frame) {
            Ok(decoded) => decoded,
            Err(refused) => return self.refuse(refused, unsynced),
        };
        self.broker.metrics.count_request(header.api_key);
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
        dispatch(&caller, &header, request, self.answers, unsynced)
    }

    /// A client may ask for a version of ApiVersions that is not known here; it is told which are
    /// (KIP-511). Anything else that cannot be decoded ends the connection, as in Kafka.
    fn refuse(
        &mut self,
        refused: ottla_protocol::RequestError,
        unsynced: &mut Vec<produce::Unsynced<'_>>,
    ) -> Result<(), Ended> {
        produce::sync_and_answer(self.broker, unsynced, self.answers)?;
        match crate::handle::api_versions::unsupported_version(&refused, self.answers) {
            Some(answered) => Ok(answered?),
            None => Err(Ended::Refused(refused)),
        }
    }

    fn send(&mut self, unsynced: &mut Vec<produce::Unsynced<'_>>) -> Result<(), Ended> {
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

/// Splits off the first whole frame, without its length.
fn split_frame(received: &[u8], limit: usize) -> Result<Option<(&[u8], &[u8])>, Ended> {
    let Some((prefix, rest)) = received.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    Ok(rest.split_at_checked(frame_len(*prefix, limit)?))
}

/// Whether the client is still there, as far as the system knows. What it has sent stays unread.
fn is_connected(peer: &Peer) -> bool {
    let look = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    match recv(peer.stream.as_raw_fd(), &mut [0; 1], look) {
        Ok(count) => count > 0,
        Err(errno) => matches!(errno, Errno::EAGAIN | Errno::EINTR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_split_off_when_it_is_whole() {
        assert!(split_frame(&[0, 0, 0], 10).unwrap().is_none());
        assert!(split_frame(&[0, 0, 0, 2, 7], 10).unwrap().is_none());
        assert_eq!(split_frame(&[0, 0, 0, 2, 7, 8, 9], 10).unwrap(), Some((&[7, 8][..], &[9][..])));
        assert!(split_frame(&[0, 0, 0, 11], 10).is_err());
    }
}
