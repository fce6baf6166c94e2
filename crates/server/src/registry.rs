//! The connections that are open: counted against the limits, and reachable for the shutdown.

use std::collections::HashMap;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ottla::Waiter;

/// A client and how to reach the thread that serves it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub stream: TcpStream,
    pub ip: IpAddr,
    /// What a fetch of this connection sleeps on.
    pub waiter: Arc<Waiter>,
}

/// Which limit a new connection would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// That of all connections.
    Total,
    /// That of one address.
    PerIp,
}

/// All open connections.
#[derive(Debug)]
pub(crate) struct Registry {
    max_connections: usize,
    max_per_ip: usize,
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    peers: HashMap<u64, Arc<Peer>>,
    per_ip: HashMap<IpAddr, usize>,
}

impl Registry {
    pub(crate) fn new(max_connections: usize, max_per_ip: usize) -> Registry {
        Registry { max_connections, max_per_ip, state: Mutex::default(), left: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a connection, unless it is one too many. The id is for [`Registry::leave`].
    pub(crate) fn enter(&self, stream: TcpStream, ip: IpAddr) -> Result<(u64, Arc<Peer>), Refusal> {
        let mut state = self.state();
        if state.peers.len() >= self.max_connections {
            return Err(Refusal::Total);
        }
        let of_this_ip = state.per_ip.entry(ip).or_default();
        if *of_this_ip >= self.max_per_ip {
            return Err(Refusal::PerIp);
        }
        *of_this_ip += 1;
        state.next_id += 1;
        let id = state.next_id;
        let peer = Arc::new(Peer { stream, ip, waiter: Waiter::new() });
        state.peers.insert(id, peer.clone());
        Ok((id, peer))
    }

    /// Takes out a connection whose thread has ended.
    pub(crate) fn leave(&self, id: u64) {
        let mut state = self.state();
        let Some(peer) = state.peers.remove(&id) else { return };
        if let Some(of_this_ip) = state.per_ip.get_mut(&peer.ip) {
            *of_this_ip = of_this_ip.saturating_sub(1);
            if *of_this_ip == 0 {
                state.per_ip.remove(&peer.ip);
            }
        }
        drop(state);
        self.left.notify_all();
    }

    /// How many connections are open.
    pub(crate) fn len(&self) -> usize {
        self.state().peers.len()
    }

    /// Lets every connection finish what it does and then end: nothing more is read, and no fetch waits.
    pub(crate) fn finish_all(&self) {
        self.each(Shutdown::Read);
    }

    /// Ends every connection now.
    pub(crate) fn cut_all(&self) {
        self.each(Shutdown::Both);
    }

    fn each(&self, how: Shutdown) {
        for peer in self.state().peers.values() {
            // One that is gone already is what we want.
            let _ = peer.stream.shutdown(how);
            peer.waiter.wake();
        }
    }

    /// Waits until no connection is left, at most this long; tells whether none is.
    pub(crate) fn wait_until_empty(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.state();
        while !state.peers.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.left.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn a_place_that_was_left_can_be_taken_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (one, other) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv4Addr::new(10, 0, 0, 1)));
        let registry = Registry::new(3, 2);

        let (first, _) = registry.enter(connect(), one).unwrap();
        registry.enter(connect(), one).unwrap();
        assert_eq!(registry.enter(connect(), one).unwrap_err(), Refusal::PerIp);
        let (third, _) = registry.enter(connect(), other).unwrap();
        assert_eq!(registry.enter(connect(), other).unwrap_err(), Refusal::Total);
        registry.leave(third);
        assert_eq!(registry.enter(connect(), one).unwrap_err(), Refusal::PerIp);
        registry.leave(first);
        registry.enter(connect(), one).unwrap();
        assert!(!registry.wait_until_empty(Duration::ZERO));
    }
}
