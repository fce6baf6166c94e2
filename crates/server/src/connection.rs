//! One client: receive what is there, handle every whole request in it, send the answers in one go.
//!
//! Requests are answered in their order. Those that have arrived together are handled before their
//! answers are sent; a client that pipelines thereby gets one system call for many requests, and one sync
//! of the disk for many that ask for it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::answers::Answers;
use crate::broker::Broker;
use crate::budget::Charge;
use crate::buffer::ReadBuffer;
use crate::ended::Ended;
use crate::exchange::Exchange;
use crate::framing::Framing;
use crate::receive::Receiver;
use crate::registry::Peer;
use crate::send::Sender;

/// The thread that serves one client owns this.
#[derive(Debug)]
pub(crate) struct Connection {
    broker: Arc<Broker>,
    peer: Arc<Peer>,
    framing: Framing,
    receiver: Receiver,
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
            framing: Framing { produce_bytes: limits.frame_bytes, other_bytes: limits.small_frame_bytes },
            local_addr: stream.local_addr().map_err(Ended::Client)?,
            receiver: Receiver::default(),
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
        self.make_room()?;
        let room = self.received.room();
        match self.receiver.receive(&self.peer.stream, room, &self.broker.spin_places) {
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

    fn make_room(&mut self) -> Result<(), Ended> {
        if self.received.is_empty() {
            self.received.give_back_if_tight();
        }
        let asked = self.request_began.map(|_| Instant::now());
        let request_bytes = self.framing.size(self.received.filled())?;
        if !self.received.make_room(request_bytes, self.broker.config.limits.frame_time) {
            return Err(Ended::NoMemory);
        }
        // That other clients use up the memory is not this client's fault.
        if let (Some(began), Some(asked)) = (self.request_began.as_mut(), asked) {
            *began += asked.elapsed();
        }
        Ok(())
    }

    /// Nothing came for a while.
    fn rest(&mut self) -> Result<(), Ended> {
        self.check_request_time()?;
        if self.last_request.elapsed() > self.broker.config.limits.idle_time {
            return Err(Ended::Idle);
        }
        self.received.give_back();
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
            let Connection { broker, peer, framing, received, answers, sender, local_addr, .. } = self;
            let (framing, local_addr) = (*framing, *local_addr);
            let mut exchange = Exchange { broker, peer, framing, answers, sender, local_addr };
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
