//! What `serve` takes, and its run until it is told to stop.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use clap::Args;
use ottla_server::{Advertised, Server, ServerConfig, raise_open_files_limit};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::advertise::parse_advertised;
use super::logging::start_logging;
use super::settings::{self, Setting};
use super::welcome;
use crate::exit::{Outcome, say};

const EXAMPLES: &str = "Examples:
  ottla serve
  ottla serve --data /srv/ottla --listen 127.0.0.1:19092
  ottla serve --set num.partitions=3 --set log.retention.hours=24 --set auto.create.topics.enable=false
  ottla serve --listen 0.0.0.0:9092 --advertise broker.example.org --allow-remote

Any Kafka client connects; with acks=all a record is on disk before it is acknowledged. Ctrl-C stops the \
broker cleanly. The data directory is Apache Kafka's: it moves both ways.
Exit codes: 0 stopped cleanly; 2 could not start, or not stop cleanly.";

/// Serve a data directory to Kafka clients.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// The data directory; made where there is none
    #[arg(long, default_value = "./ottla-data", value_name = "DIR")]
    data: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:9092", value_name = "HOST:PORT")]
    listen: String,
    /// Where clients are told to connect, if not to what they reached
    #[arg(long, value_name = "HOST[:PORT]", value_parser = parse_advertised)]
    advertise: Option<Advertised>,
    /// Listen on an address that other machines reach, though nobody who connects has to say who they are
    #[arg(long)]
    allow_remote: bool,
    /// A broker setting by Kafka's name, such as log.retention.ms=3600000; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<Setting>,
    /// What is logged to standard error: error, warn, info, debug, trace, or by module as in info,ottla=debug
    #[arg(long, default_value = "info", env = "OTTLA_LOG", value_name = "LEVEL")]
    log_level: String,
}

/// Runs the command until it is told to stop.
///
/// # Errors
/// Where the server does not start or not stop.
pub fn run(args: &ServeArgs) -> Result<Outcome> {
    start_logging(&args.log_level)?;
    let config = config_of(args)?;
    let data_dir = config.data_dir.clone();
    if let Err(error) = raise_open_files_limit() {
        tracing::warn!(%error, "the limit on open files stays as it is");
    }
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot listen to signals")?;
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second signal ends the process at once.
        signal_hook::flag::register_conditional_shutdown(signal, 2, Arc::clone(&stopping))
            .context("cannot listen to signals")?;
    }
    let server = Server::start(config).with_context(|| advice(&args.listen))?;
    welcome::print(&mut io::stdout().lock(), &server, &data_dir)?;
    signals.forever().next();
    stopping.store(true, Ordering::Relaxed);
    say("Stopping; again to stop at once.");
    server.shutdown().context("the data directory was not closed cleanly; the next start looks at it")?;
    Ok(Outcome::Clean)
}

fn config_of(args: &ServeArgs) -> Result<ServerConfig> {
    let mut config = ServerConfig::new(&args.data);
    config.listen.clone_from(&args.listen);
    config.advertised.clone_from(&args.advertise);
    config.allow_remote = args.allow_remote;
    for setting in &args.settings {
        settings::apply(&mut config, setting)?;
    }
    Ok(config)
}

fn advice(listen: &str) -> String {
    format!(
        "could not serve on {listen} (`--listen` takes another address, `--allow-remote` those that other machines reach)"
    )
}
