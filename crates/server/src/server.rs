//! A broker in this process: started, found, stopped.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::socket::Shutdown;
use ottla::{Store, StoreConfig, StoreReport};

use crate::broker::Broker;
use crate::cleaner::Cleaning;
use crate::config::ServerConfig;
use crate::error::ServerError;
use crate::housekeeping;
use crate::limits::OpenFiles;
use crate::listener;
use crate::metrics::MetricsSnapshot;
use crate::recurring::Recurring;
use crate::scrubbing;

/// How long connections may finish what they do when the server stops.
const FINISH_TIME: Duration = Duration::from_secs(5);

/// A running broker.
///
/// ```
/// use ottla_server::{Server, ServerConfig};
///
/// let data = tempfile::tempdir()?;
/// let config = ServerConfig { listen: "127.0.0.1:0".to_owned(), ..ServerConfig::new(data.path()) };
/// let server = Server::start(config)?;
/// println!("bootstrap.servers={}", server.local_addr());
/// server.shutdown()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Dropping it stops it as [`Server::shutdown`] does, but nobody learns of an error.
#[derive(Debug)]
pub struct Server {
    broker: Arc<Broker>,
    listener: Arc<TcpListener>,
    accepting: Option<JoinHandle<()>>,
    housekeeping: Option<Recurring>,
    cleaning: Option<Cleaning>,
    scrubbing: Option<Recurring>,
    report: StoreReport,
}

impl Server {
    /// Listens, opens the data directory and serves.
    ///
    /// # Errors
    /// [`ServerError`]; then nothing runs.
    pub fn start(config: ServerConfig) -> Result<Server, ServerError> {
        let (listener, local_addr) = listener::bind(&config)?;
        let files = OpenFiles::of_this_process(&config.limits);
        let (store, report) = Store::open(&config.data_dir, store_config(&config, &files))?;
        let broker = Arc::new(Broker::new(config, store, &files, local_addr));
        let listener = Arc::new(listener);
        let mut server = Server {
            broker,
            listener,
            accepting: None,
            housekeeping: None,
            cleaning: None,
            scrubbing: None,
            report,
        };
        server.accepting = Some(server.spawn_accepting().map_err(ServerError::Thread)?);
        // If there is no thread for this, dropping the server stops the other.
        server.housekeeping = Some(housekeeping::start(server.broker.clone()).map_err(ServerError::Thread)?);
        if server.broker.config.cleaner_enabled {
            server.cleaning = Some(Cleaning::start(server.broker.clone()).map_err(ServerError::Thread)?);
        }
        if let Some(rate) = server.broker.config.scrub_bytes_per_second {
            server.scrubbing =
                Some(scrubbing::start(server.broker.clone(), rate).map_err(ServerError::Thread)?);
        }
        tracing::info!(address = %local_addr, data_dir = %server.broker.config.data_dir.display(), "serving");
        Ok(server)
    }

    fn spawn_accepting(&self) -> io::Result<JoinHandle<()>> {
        let (broker, listener) = (self.broker.clone(), self.listener.clone());
        let accept = move || listener::accept_all(&broker, &listener);
        thread::Builder::new().name("ottla-accept".to_owned()).spawn(accept)
    }

    /// The address that clients connect to.
    pub fn local_addr(&self) -> SocketAddr {
        self.broker.local_addr
    }

    /// What opening the data directory found.
    pub fn report(&self) -> &StoreReport {
        &self.report
    }

    /// The store that is served. A program may read and write it beside the clients.
    pub fn store(&self) -> &Store {
        &self.broker.store
    }

    /// What the server has done so far.
    pub fn metrics(&self) -> MetricsSnapshot {
        self.broker.metrics.snapshot(self.broker.connections.len(), &self.broker.store.quarantined())
    }

    /// Stops: nothing more is accepted, requests that are being handled are answered, and the store is
    /// closed, so that the next start need not look at anything.
    ///
    /// # Errors
    /// [`ServerError::Store`] where the store cannot be closed; the next start then looks as after a crash.
    pub fn shutdown(mut self) -> Result<(), ServerError> {
        self.stop()
    }

    fn stop(&mut self) -> Result<(), ServerError> {
        let Some(accepting) = self.accepting.take() else { return Ok(()) };
        self.broker.stop();
        // The thread that accepts sleeps in the system; this ends its call.
        let _ = nix::sys::socket::shutdown(self.listener.as_raw_fd(), Shutdown::Both);
        let _ = accepting.join();
        let connections = &self.broker.connections;
        connections.finish_all();
        if !connections.wait_until_empty(FINISH_TIME) {
            connections.cut_all();
            connections.wait_until_empty(FINISH_TIME);
        }
        self.scrubbing = None;
        self.cleaning = None;
        self.housekeeping = None;
        self.broker.store.close()?;
        tracing::info!(address = %self.broker.local_addr, "stopped");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(%error, "the data directory was not closed cleanly");
        }
    }
}

fn store_config(config: &ServerConfig, files: &OpenFiles) -> StoreConfig {
    StoreConfig {
        defaults: config.log.clone(),
        node_id: config.node_id,
        open_files: files.segment_files,
        environment: config.environment.clone(),
    }
}
