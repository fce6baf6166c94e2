//! A single-node Kafka broker over the [`ottla`] log: any Kafka client writes to it and reads from it, and
//! fetched records leave by `sendfile`.
//!
//! ```
//! use ottla_server::{Server, ServerConfig};
//!
//! let data = tempfile::tempdir()?;
//! let config = ServerConfig { listen: "127.0.0.1:0".to_owned(), ..ServerConfig::new(data.path()) };
//! let server = Server::start(config)?;
//! // Point a Kafka client at server.local_addr() ...
//! server.shutdown()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * **Synchronous, a thread a connection.** A read from a slow disk blocks the one client that asked for
//!   it, a request meets no queue, and the code reads from top to bottom.
//! * **Every limit is on**: see [`Limits`]. Memory grows with the bytes that clients send, never with what
//!   they announce.
//! * **Loopback only, unless told.** There is no authentication yet.
//! * **Acknowledged means**: with `acks=all` the records are on disk, with `acks=1` they are in the page
//!   cache of this machine, with `acks=0` nothing.
//!
//! What it is not: a cluster (one node, which leads everything), and not yet a coordinator of consumer
//! groups or transactions; what is not there is not advertised.

#![forbid(unsafe_code)]

mod config;
mod error;
mod limits;
mod metrics;
mod server;

mod cleaner;
mod housekeeping;
mod listener;
mod recurring;
mod registry;
mod scrubbing;

mod connection;
mod ended;
mod exchange;

mod answers;
mod budget;
mod buffer;
mod framing;
mod receive;
mod send;

mod dispatch;
mod handle;

mod broker;
mod error_codes;
mod log_limit;
mod topics;
mod wait;

pub use config::{Advertised, ServerConfig};
pub use error::ServerError;
pub use limits::{Limits, raise_open_files_limit};
pub use metrics::{CompactionSnapshot, MetricsSnapshot, SetAside};
pub use server::Server;
