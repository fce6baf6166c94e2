//! The fetch of the scenarios, against any server that is up: for profiling, and for looking closer at one figure. The other
//! loads are those of `ottla bench load`.

use std::net::SocketAddr;

use anyhow::Result;
use clap::Args;
use nix::unistd::Pid;
use ottla_bench::batch::BatchShape;
use ottla_bench::process::{cpu_time, resident};
use ottla_record::Compression;

use crate::floor::{self, FetchPath};
use crate::load::{CLIENT_ID, Fetch, Receiver, Shape, read_all};
use crate::report::number;

/// A topic of equal batches from its start to its end, again and again.
#[derive(Debug, Args)]
pub struct Options {
    #[arg(long, default_value = "127.0.0.1:9092")]
    server: SocketAddr,
    #[arg(long)]
    topic: String,
    /// The server's process: its CPU time and memory are printed too.
    #[arg(long)]
    pid: Option<i32>,
    #[arg(long, default_value_t = 1 << 20)]
    max_bytes: usize,
    #[arg(long, default_value_t = 2 << 30)]
    total_bytes: u64,
    #[arg(long, value_enum, default_value = "copy")]
    receiver: Receiver,
    /// How the floor is to send; other servers take no notice.
    #[arg(long, value_enum)]
    fetch_path: Option<FetchPath>,
    /// Reads everything once first and checks every offset and checksum.
    #[arg(long)]
    verify: bool,
}

impl Options {
    pub fn run(&self) -> Result<()> {
        let shape = Shape::of(self.server, &self.topic)?;
        if self.verify {
            let any = BatchShape { batch_bytes: 0, record_bytes: 0, compression: Compression::None };
            read_all(self.server, &self.topic, any)?;
        }
        let client_id = self.fetch_path.map_or_else(|| CLIENT_ID.to_owned(), floor::client_id_of);
        let load = Fetch {
            addr: self.server,
            client_id: &client_id,
            topic: &self.topic,
            shape,
            max_bytes: self.max_bytes,
            total_bytes: self.total_bytes,
            receiver: self.receiver,
        };
        let pid = self.pid.map(Pid::from_raw);
        let before = pid.map(cpu_time).transpose()?;
        let fetched = load.run()?;
        println!("{} MB/s", number(fetched.bytes as f64 / 1e6 / fetched.elapsed.as_secs_f64()));
        if let (Some(pid), Some(before)) = (pid, before) {
            let cpu = cpu_time(pid)?.saturating_sub(before).as_secs_f64();
            let resident = resident(pid)?;
            println!("{} server CPU s/GB", number(cpu / (fetched.bytes as f64 / 1e9)));
            println!(
                "{} MB resident, {} at most",
                resident.now_bytes / 1_000_000,
                resident.peak_bytes / 1_000_000
            );
        }
        Ok(())
    }
}
