//! What is logged, and to where.

use std::io::{self, IsTerminal};

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

/// Logs to standard error from this level on.
pub(super) fn start_logging(level: &str) -> Result<()> {
    let filter = EnvFilter::try_new(level).with_context(|| format!("{level:?} is no log level"))?;
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .try_init();
    logging.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
