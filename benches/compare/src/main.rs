//! `ottla serve`, Apache Kafka and a bare server, measured side by side. See README.md.

mod awake;
mod by_hand;
mod compare;
mod first_produce;
mod floor;
mod kafka;
mod load;
mod network;
mod report;
mod scenarios;
mod servers;
mod start;
mod targets;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "ottla serve, Apache Kafka and a bare server, measured side by side")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures all servers in interleaved rounds and prints one table.
    Run(compare::Options),
    /// Fetches by hand from a server that is up; for all else there is `ottla bench load`.
    Fetch(by_hand::Options),
    /// Runs the bare server.
    Floor {
        #[arg(long)]
        data: PathBuf,
        #[arg(long)]
        listen: SocketAddr,
        /// For clients that ask for none.
        #[arg(long, value_enum, default_value = "sendfile")]
        fetch_path: floor::FetchPath,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(options) => compare::run(&options),
        Command::Fetch(options) => options.run(),
        Command::Floor { data, listen, fetch_path } => floor::serve(&data, listen, fetch_path),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
