//! What a server is started with.

use std::path::PathBuf;
use std::time::Duration;

use ottla::{CleanerConfig, Environment, LogConfig};

use crate::limits::Limits;

/// Where clients are told to connect (`advertised.listeners`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// A name or an address that the clients can reach.
    pub host: String,
    /// The port; the one that the server listens on where none is given.
    pub port: Option<u16>,
}

/// How a [`Server`](crate::Server) listens, stores and limits.
///
/// ```
/// use ottla_server::ServerConfig;
/// let config = ServerConfig { auto_create_topics: false, ..ServerConfig::new("./ottla-data") };
/// assert_eq!(config.listen, "127.0.0.1:9092");
/// assert_eq!(config.log.retention_ms, Some(7 * 24 * 60 * 60 * 1000));
/// ```
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The data directory; made where there is none.
    pub data_dir: PathBuf,
    /// `HOST:PORT`; port 0 takes a free one, see [`Server::local_addr`](crate::Server::local_addr).
    pub listen: String,
    /// What clients are told; where none is given, the host of `listen`, or for a wildcard such as
    /// `0.0.0.0` the address that the client itself has reached.
    pub advertised: Option<Advertised>,
    /// Whether an address other than loopback may be listened on though nobody who connects has to say
    /// who they are.
    pub allow_remote: bool,
    /// The id of this one node (`node.id`).
    pub node_id: i32,
    /// Whether a topic that a client names comes to exist (`auto.create.topics.enable`).
    pub auto_create_topics: bool,
    /// The partitions of a topic for which no number is given (`num.partitions`).
    pub default_partitions: i32,
    /// The settings of topics that do not have their own.
    pub log: LogConfig,
    /// The bytes of one fetch response, whatever the client asks for (`fetch.max.bytes`). A first batch
    /// that is larger is sent whole.
    pub fetch_max_bytes: usize,
    /// What clients may use up.
    pub limits: Limits,
    /// How often retention, checkpoints and the expiry of idle producers are looked at.
    pub housekeeping_interval: Duration,
    /// Whether logs are compacted (`log.cleaner.enable`).
    pub cleaner_enabled: bool,
    /// The memory for that (`log.cleaner.*`).
    pub cleaner: CleanerConfig,
    /// How long the cleaner sleeps when no log needs it (`log.cleaner.backoff.ms`).
    pub cleaner_backoff: Duration,
    /// How many bytes a second are read only to find damage early (`log.scrub.bytes.per.second`, not a setting of
    /// Kafka's); none unless told.
    pub scrub_bytes_per_second: Option<u64>,
    /// Files and clock.
    pub environment: Environment,
}

impl ServerConfig {
    /// Kafka's defaults, on loopback: retention is 7 days, topics are created when they are named.
    pub fn new(data_dir: impl Into<PathBuf>) -> ServerConfig {
        ServerConfig {
            data_dir: data_dir.into(),
            listen: "127.0.0.1:9092".to_owned(),
            advertised: None,
            allow_remote: false,
            node_id: 1,
            auto_create_topics: true,
            default_partitions: 1,
            log: LogConfig::kafka(),
            fetch_max_bytes: 55 << 20,
            limits: Limits::default(),
            housekeeping_interval: Duration::from_secs(10),
            cleaner_enabled: true,
            cleaner: CleanerConfig::default(),
            cleaner_backoff: Duration::from_secs(15),
            scrub_bytes_per_second: None,
            environment: Environment::default(),
        }
    }
}
