//! What all connections share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ottla::Store;

use crate::budget::Budget;
use crate::config::ServerConfig;
use crate::limits::OpenFiles;
use crate::log_limit::LogLimit;
use crate::metrics::Metrics;
use crate::receive::SpinPlaces;
use crate::registry::Registry;

/// The one node and everything it serves.
#[derive(Debug)]
pub(crate) struct Broker {
    pub config: ServerConfig,
    pub store: Store,
    /// Where the server really listens.
    pub local_addr: SocketAddr,
    pub metrics: Metrics,
    pub budget: Arc<Budget>,
    pub connections: Registry,
    pub log_limit: LogLimit,
    pub spin_places: SpinPlaces,
    stopping: AtomicBool,
}

/// Where a client is told to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub host: String,
    pub port: i32,
}

impl Broker {
    pub(crate) fn new(
        config: ServerConfig,
        store: Store,
        open_files: &OpenFiles,
        local_addr: SocketAddr,
    ) -> Broker {
        Broker {
            budget: Budget::new(config.limits.in_flight_bytes),
            connections: Registry::new(open_files.connections, config.limits.connections_per_ip),
            config,
            store,
            local_addr,
            metrics: Metrics::default(),
            log_limit: LogLimit::default(),
            spin_places: SpinPlaces::of_this_machine(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Whether the server is being shut down: nothing new is begun.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// From now on nothing new is begun.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// What a client that has reached `reached` is told to connect to.
    pub(crate) fn endpoint(&self, reached: SocketAddr) -> Endpoint {
        let advertised = self.config.advertised.as_ref();
        let port = advertised.and_then(|advertised| advertised.port).unwrap_or(self.local_addr.port());
        let host = match advertised {
            Some(advertised) => advertised.host.clone(),
            None if self.local_addr.ip().is_unspecified() => reached.ip().to_canonical().to_string(),
            None => listen_host(&self.config.listen),
        };
        Endpoint { host, port: i32::from(port) }
    }
}

/// The host of `HOST:PORT`, without the brackets of an IPv6 address.
fn listen_host(listen: &str) -> String {
    let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_stands_before_the_last_colon() {
        assert_eq!(listen_host("localhost:9092"), "localhost");
        assert_eq!(listen_host("[::1]:9092"), "::1");
        assert_eq!(listen_host("127.0.0.1:0"), "127.0.0.1");
    }
}
