//! Listens, accepts connections and gives each a thread.

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{setsockopt, sockopt};

use crate::broker::Broker;
use crate::config::ServerConfig;
use crate::connection::Connection;
use crate::error::ServerError;
use crate::log_limit::About;
use crate::registry::{Peer, Refusal};

/// A connection's thread needs little: no call goes deep, and buffers are on the heap.
const STACK_BYTES: usize = 512 * 1024;
/// How long nothing is accepted after the process ran out of files or threads.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens where `config` says; on other addresses than loopback only if it allows that.
pub(crate) fn bind(config: &ServerConfig) -> Result<(TcpListener, SocketAddr), ServerError> {
    let failed = |source| ServerError::Listen { listen: config.listen.clone(), source };
    let listener = TcpListener::bind(&config.listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    if address.ip().is_loopback() {
        send_unpaced(&listener);
    } else {
        if !config.allow_remote {
            return Err(ServerError::RemoteNotAllowed { address });
        }
        tracing::warn!(
            %address,
            "other machines can connect, and nobody who connects has to say who they are: \
             whoever reaches this address can read, write and delete everything"
        );
    }
    Ok((listener, address))
}

/// Where the machine's TCP paces what it sends (BBR does), timers decide when bytes leave, on loopback too:
/// measured there, a `sendfile` of 1 MiB takes up to six times as much. There is no network to pace for.
/// Connections inherit this. Where the system does not allow it, they are slower, and nothing else.
fn send_unpaced(listener: &TcpListener) {
    let _ = setsockopt(listener, sockopt::TcpCongestion, &OsString::from("reno"));
}

/// Accepts until the server stops.
pub(crate) fn accept_all(broker: &Arc<Broker>, listener: &TcpListener) {
    while !broker.is_stopping() {
        match listener.accept() {
            Ok((stream, address)) => admit(broker, stream, address.ip().to_canonical()),
            // The client gave up before it was accepted.
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {}
            Err(_) if broker.is_stopping() => {}
            Err(e) => pause(broker, &e, "no connection can be accepted"),
        }
    }
}

/// Out of files or threads: others must end first, and trying without a pause would only burn time.
fn pause(broker: &Broker, error: &io::Error, what: &str) {
    if let Some(left_out) = broker.log_limit.admit(About::Connection) {
        tracing::error!(%error, left_out, "{what}");
    }
    thread::sleep(PAUSE);
}

fn admit(broker: &Arc<Broker>, stream: TcpStream, ip: IpAddr) {
    broker.metrics.connections_accepted.add(1);
    let (id, peer) = match broker.connections.enter(stream, ip) {
        Ok(entered) => entered,
        Err(refusal) => return refuse(broker, ip, refusal),
    };
    let served = thread::Builder::new().name("ottla-client".to_owned()).stack_size(STACK_BYTES).spawn({
        let broker = broker.clone();
        move || {
            serve(&broker, &peer);
            // First the socket, then the place: who gets the place finds the file free.
            drop(peer);
            broker.connections.leave(id);
        }
    });
    if let Err(e) = served {
        broker.connections.leave(id);
        pause(broker, &e, "no thread for a connection");
    }
}

fn refuse(broker: &Broker, ip: IpAddr, refusal: Refusal) {
    broker.metrics.connections_refused.add(1);
    if let Some(left_out) = broker.log_limit.admit(About::Connection) {
        tracing::warn!(%ip, ?refusal, left_out, "refused a connection: there are too many");
    }
}

/// Serves one client. Whatever happens in there, the server goes on.
fn serve(broker: &Arc<Broker>, peer: &Arc<Peer>) {
    // A program that takes the library in may leave this signal deadly, and `sendfile` cannot suppress it.
    let mut pipe = SigSet::empty();
    pipe.add(Signal::SIGPIPE);
    let _ = pipe.thread_block();

    let name = || peer.ip.to_string();
    let end = catch_unwind(AssertUnwindSafe(|| match Connection::new(broker.clone(), peer.clone()) {
        Ok(mut connection) => connection.serve(),
        Err(ended) => ended,
    }));
    match end {
        Ok(ended) => ended.note(broker, &name()),
        Err(_) => {
            broker.metrics.panics.add(1);
            tracing::error!(peer = name(), "a connection's thread panicked; its connection was closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::socket::getsockopt;

    use super::*;

    #[test]
    fn a_connection_within_the_machine_is_not_paced() {
        let config = ServerConfig { listen: "127.0.0.1:0".to_owned(), ..ServerConfig::new("unused") };
        let (listener, address) = bind(&config).unwrap();
        let _client = TcpStream::connect(address).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let name = getsockopt(&accepted, sockopt::TcpCongestion).unwrap();
        assert_eq!(name.to_string_lossy().trim_end_matches('\0'), "reno");
    }
}
