//! The loads one at a time, against any server: for profiling, and for looking closer at one figure.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use hdrhistogram::Histogram;
use nix::unistd::Pid;

use crate::batch::Batch;
use crate::floor::{self, FetchPath};
use crate::load::{CLIENT_ID, Client, Fetch, OpenLoop, Produce, Receiver, Shape, verify};
use crate::process::{cpu_time, resident};
use crate::report::number;
use crate::scenarios::now_ms;

#[derive(Debug, Subcommand)]
pub enum Load {
    /// Batches as fast as they are acknowledged, on a new topic.
    Produce {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        batch: BatchOptions,
        /// Bytes of batches in all.
        #[arg(long, default_value_t = 1 << 30)]
        total_bytes: u64,
        #[arg(long, default_value_t = 1)]
        connections: usize,
        /// Requests in flight on each connection.
        #[arg(long, default_value_t = 5)]
        in_flight: u64,
        #[arg(long, default_value_t = 1, allow_hyphen_values = true, value_parser = clap::value_parser!(i16).range(-1..=1))]
        acks: i16,
    },
    /// A topic of equal batches from its start to its end, again and again.
    Fetch {
        #[command(flatten)]
        target: Target,
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
    },
    /// Batches by a fixed schedule on a new topic, with a consumer at its end.
    Latency {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        batch: BatchOptions,
        #[arg(long, default_value_t = 1000)]
        batches_a_second: u32,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
}

#[derive(Debug, Args)]
pub struct Target {
    #[arg(long, default_value = "127.0.0.1:9092")]
    server: SocketAddr,
    #[arg(long)]
    topic: String,
    /// A setting for the new topic, name=value.
    #[arg(long = "config")]
    configs: Vec<String>,
    /// The server's process: its CPU time and memory are printed too.
    #[arg(long)]
    pid: Option<i32>,
}

#[derive(Debug, Args)]
pub struct BatchOptions {
    /// The size of a batch; 0 for one record each.
    #[arg(long, default_value_t = 64 << 10)]
    batch_bytes: usize,
    #[arg(long, default_value_t = 1 << 10)]
    record_bytes: usize,
}

impl BatchOptions {
    fn build(&self) -> Result<Batch> {
        match self.batch_bytes {
            0 => Ok(Batch::single(self.record_bytes, now_ms()?)),
            batch_bytes => Batch::of_size(batch_bytes, self.record_bytes, now_ms()?),
        }
    }
}

impl Load {
    pub fn run(&self) -> Result<()> {
        match self {
            Self::Produce { target, batch, total_bytes, connections, in_flight, acks } => {
                let batch = batch.build()?;
                let requests = total_bytes / batch.size_bytes() as u64 / *connections as u64;
                let load = Produce {
                    requests,
                    connections: *connections,
                    in_flight: *in_flight,
                    acks: *acks,
                    ..Produce::new(target.server, &target.topic, &batch)
                };
                target.create()?;
                target.metered(|| {
                    let elapsed = load.run()?.as_secs_f64();
                    let rate = requests as f64 * *connections as f64 / elapsed;
                    println!("{} requests/s", number(rate));
                    Ok((load.total_bytes(), elapsed))
                })
            }
            Self::Fetch { target, max_bytes, total_bytes, receiver, fetch_path, verify: check } => {
                let shape = Shape::of(target.server, &target.topic)?;
                if *check {
                    verify(target.server, &target.topic, shape)?;
                }
                let client_id = fetch_path.map_or_else(|| CLIENT_ID.to_owned(), floor::client_id_of);
                let load = Fetch {
                    addr: target.server,
                    client_id: &client_id,
                    topic: &target.topic,
                    shape,
                    max_bytes: *max_bytes,
                    total_bytes: *total_bytes,
                    receiver: *receiver,
                };
                target.metered(|| {
                    let fetched = load.run()?;
                    Ok((fetched.bytes, fetched.elapsed.as_secs_f64()))
                })
            }
            Self::Latency { target, batch, batches_a_second, seconds } => {
                let batch = batch.build()?;
                let duration = Duration::from_secs(*seconds);
                let load = OpenLoop {
                    addr: target.server,
                    topic: &target.topic,
                    batch: &batch,
                    batches_a_second: *batches_a_second,
                    warm_up: duration / 10,
                    duration,
                    consume: true,
                };
                target.create()?;
                target.metered(|| {
                    let latencies = load.run()?;
                    print_quantiles("acknowledged", &latencies.ack);
                    print_quantiles("end to end", &latencies.end_to_end);
                    print_quantiles("departure", &latencies.departure);
                    Ok((load.total_bytes(), (load.warm_up + load.duration).as_secs_f64()))
                })
            }
        }
    }
}

impl Target {
    fn create(&self) -> Result<()> {
        let configs: Vec<_> = self.configs.iter().filter_map(|config| config.split_once('=')).collect();
        let mut client = Client::connect(self.server)?;
        client.check_versions()?;
        client.create_topic(&self.topic, &configs)
    }

    /// Runs a load that returns its bytes and seconds, and prints what it cost.
    fn metered(&self, load: impl FnOnce() -> Result<(u64, f64)>) -> Result<()> {
        let pid = self.pid.map(Pid::from_raw);
        let before = pid.map(cpu_time).transpose()?;
        let (bytes, seconds) = load()?;
        println!("{} MB/s", number(bytes as f64 / 1e6 / seconds));
        if let (Some(pid), Some(before)) = (pid, before) {
            let cpu = cpu_time(pid)?.saturating_sub(before).as_secs_f64();
            let resident = resident(pid)?;
            println!("{} server CPU s/GB", number(cpu / (bytes as f64 / 1e9)));
            println!(
                "{} MB resident, {} at most",
                resident.now_bytes / 1_000_000,
                resident.peak_bytes / 1_000_000
            );
        }
        Ok(())
    }
}

fn print_quantiles(name: &str, histogram: &Histogram<u64>) {
    let ms = |quantile: f64| number(histogram.value_at_quantile(quantile) as f64 / 1e6);
    println!("{name:<12} p50 {}  p99 {}  p99.9 {}  max {} ms", ms(0.5), ms(0.99), ms(0.999), ms(1.0));
}
