//! What is measured, one function each; every server goes through the same one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use clap::ValueEnum;
use hdrhistogram::Histogram;

use crate::batch::Batch;
use crate::floor::{self, FetchPath};
use crate::load::{CLIENT_ID, Client, Fetch, OpenLoop, Produce, Receiver, Shape, verify};
use crate::process::{cpu_time, resident};
use crate::servers::{Kind, Server};

/// Figures of one server in one round, by name; the unit is in the name.
pub type Metrics = BTreeMap<String, f64>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Scenario {
    #[value(name = "produce-64k")]
    Produce64k,
    ProduceSingle,
    #[value(name = "fetch-1m")]
    Fetch1m,
    #[value(name = "fetch-64k")]
    Fetch64k,
    FetchSingle,
    Latency,
    Rolls,
    /// Has servers and rounds of its own: see `start.rs`.
    Start,
}

impl Scenario {
    pub fn name(self) -> &'static str {
        match self {
            Self::Produce64k => "produce-64k",
            Self::ProduceSingle => "produce-single",
            Self::Fetch1m => "fetch-1m",
            Self::Fetch64k => "fetch-64k",
            Self::FetchSingle => "fetch-single",
            Self::Latency => "latency",
            Self::Rolls => "rolls",
            Self::Start => "start",
        }
    }
}

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub produce_bytes: u64,
    pub single_requests: u64,
    pub fetch_bytes: u64,
    pub fetch_single_bytes: u64,
    pub open_loop: Duration,
    pub start_active_bytes: u64,
}

impl Sizes {
    pub const FULL: Self = Self {
        produce_bytes: 1 << 30,
        single_requests: 200_000,
        fetch_bytes: 4 << 30,
        fetch_single_bytes: 2 << 30,
        open_loop: Duration::from_secs(10),
        start_active_bytes: 1 << 30,
    };
    pub const QUICK: Self = Self {
        produce_bytes: 256 << 20,
        single_requests: 50_000,
        fetch_bytes: 1 << 30,
        fetch_single_bytes: 512 << 20,
        open_loop: Duration::from_secs(3),
        start_active_bytes: 1 << 30,
    };
}

pub const LARGE_BATCH_BYTES: usize = 64 << 10;
pub const RECORD_BYTES: usize = 1 << 10;
const SINGLE_RECORD_BYTES: usize = 100;
const IN_FLIGHT: u64 = 5;
const SMALL_BATCHES_A_SECOND: u32 = 1_000;
const SMALL_BATCH_BYTES: usize = 1 << 10;
/// Half the batches of a second fill a segment in the run with rolls.
const ROLL_BATCHES_A_SECOND: u32 = 500;
const ROLL_SEGMENT_BYTES: usize = 8 << 20;

/// One round on one server: its fresh topics, by what they hold.
pub struct Turn<'a> {
    pub server: &'a Server,
    pub round: usize,
    pub sizes: Sizes,
    pub receiver: Receiver,
    /// The directory whose file system is brought to rest before each measurement.
    pub dir: &'a Path,
    pub logs: &'a mut Logs,
}

/// The topics that the round has written so far.
#[derive(Default)]
pub struct Logs {
    large: Option<(String, Shape)>,
    single: Option<(String, Shape)>,
    others: Vec<String>,
}

impl Logs {
    /// Deletes every topic of the round.
    pub fn delete(&mut self, server: &Server) -> Result<()> {
        let mut client = Client::connect(server.addr)?;
        let written = [self.large.take(), self.single.take()].into_iter().flatten().map(|(topic, _)| topic);
        for topic in written.chain(self.others.drain(..)) {
            client.delete_topic(&topic)?;
        }
        Ok(())
    }
}

impl Turn<'_> {
    pub fn run(&mut self, scenario: Scenario) -> Result<Metrics> {
        match scenario {
            Scenario::Produce64k => self.produce_large(),
            Scenario::ProduceSingle => self.produce_single(),
            Scenario::Fetch1m => self.fetch(Self::large_log, 1 << 20, self.sizes.fetch_bytes),
            Scenario::Fetch64k => self.fetch(Self::large_log, 64 << 10, self.sizes.fetch_bytes),
            Scenario::FetchSingle => self.fetch(Self::single_log, 1 << 20, self.sizes.fetch_single_bytes),
            Scenario::Latency => self.latency(),
            Scenario::Rolls => self.rolls(),
            Scenario::Start => Ok(Metrics::new()),
        }
    }

    fn produce_large(&mut self) -> Result<Metrics> {
        let batch = Batch::of_size(LARGE_BATCH_BYTES, RECORD_BYTES, now_ms()?)?;
        let requests = self.sizes.produce_bytes / batch.size_bytes() as u64;
        let (topic, shape, metrics) = self.produce("large", &batch, requests)?;
        self.logs.large = Some((topic, shape));
        Ok(metrics)
    }

    fn produce_single(&mut self) -> Result<Metrics> {
        let batch = Batch::single(SINGLE_RECORD_BYTES, now_ms()?);
        let (topic, shape, metrics) = self.produce("single", &batch, self.sizes.single_requests)?;
        self.logs.single = Some((topic, shape));
        Ok(metrics)
    }

    fn produce(&self, name: &str, batch: &Batch, requests: u64) -> Result<(String, Shape, Metrics)> {
        let addr = self.server.addr;
        let topic = self.create(name, &[])?;
        let load = Produce { requests, in_flight: IN_FLIGHT, ..Produce::new(addr, &topic, batch) };
        self.settle(load.total_bytes())?;
        let (elapsed, cpu) = self.metered(|| load.run())?;
        let shape = Shape::of(addr, &topic)?;
        ensure!(
            shape.batches as u64 == requests,
            "{requests} batches were sent, {} are there",
            shape.batches
        );
        verify(addr, &topic, shape)?;
        let metrics = metrics([
            ("cpu_s_per_gb", per_gb(cpu, load.total_bytes())),
            ("mb_per_s", mb_per_s(load.total_bytes(), elapsed)),
            ("requests_per_s", requests as f64 / elapsed.as_secs_f64()),
            ("cpu_us_per_request", cpu.as_secs_f64() * 1e6 / requests as f64),
        ]);
        Ok((topic, shape, metrics))
    }

    fn fetch(
        &mut self,
        log: fn(&mut Self) -> Result<(String, Shape)>,
        max_bytes: usize,
        total: u64,
    ) -> Result<Metrics> {
        let (topic, shape) = log(self)?;
        if self.server.kind != Kind::Floor {
            let (cpu, rate) = self.fetch_as(CLIENT_ID, &topic, shape, max_bytes, total)?;
            return Ok(metrics([("cpu_s_per_gb", cpu), ("mb_per_s", rate)]));
        }
        let (mut least_cpu, mut best_rate, mut metrics) = (f64::INFINITY, 0f64, Metrics::new());
        let mut paths = FetchPath::ALL;
        paths.rotate_left(self.round % FetchPath::ALL.len());
        for path in paths {
            let (cpu, rate) = self.fetch_as(&floor::client_id_of(path), &topic, shape, max_bytes, total)?;
            metrics.insert(format!("{path}_cpu_s_per_gb"), cpu);
            metrics.insert(format!("{path}_mb_per_s"), rate);
            least_cpu = least_cpu.min(cpu);
            best_rate = best_rate.max(rate);
        }
        metrics.insert("cpu_s_per_gb".to_owned(), least_cpu);
        metrics.insert("mb_per_s".to_owned(), best_rate);
        Ok(metrics)
    }

    /// CPU seconds a GB, and MB a second.
    fn fetch_as(
        &self,
        client_id: &str,
        topic: &str,
        shape: Shape,
        max_bytes: usize,
        total: u64,
    ) -> Result<(f64, f64)> {
        let (addr, receiver) = (self.server.addr, self.receiver);
        let load = Fetch { addr, client_id, topic, shape, max_bytes, total_bytes: total, receiver };
        self.settle(0)?;
        let (fetched, cpu) = self.metered(|| load.run())?;
        Ok((per_gb(cpu, fetched.bytes), mb_per_s(fetched.bytes, fetched.elapsed)))
    }

    fn latency(&mut self) -> Result<Metrics> {
        let batch = Batch::of_size(SMALL_BATCH_BYTES, SINGLE_RECORD_BYTES, now_ms()?)?;
        let topic = self.create("latency", &[])?;
        self.logs.others.push(topic.clone());
        let load = self.open_loop(&topic, &batch, SMALL_BATCHES_A_SECOND, true);
        self.settle(load.total_bytes())?;
        let (latencies, cpu) = self.metered(|| load.run())?;
        let mut metrics =
            metrics([("cpu_share", cpu.as_secs_f64() / (load.warm_up + load.duration).as_secs_f64())]);
        insert_quantiles(&mut metrics, "ack", &latencies.ack);
        insert_quantiles(&mut metrics, "end_to_end", &latencies.end_to_end);
        insert_quantiles(&mut metrics, "departure", &latencies.departure);
        Ok(metrics)
    }

    /// The same load without and with rolls, in an order that turns too.
    fn rolls(&mut self) -> Result<Metrics> {
        let batch = Batch::of_size(LARGE_BATCH_BYTES, RECORD_BYTES, now_ms()?)?;
        let segment_bytes = ROLL_SEGMENT_BYTES.to_string();
        let rolling: [(&str, &str); 1] = [("segment.bytes", &segment_bytes)];
        let mut variants: [(&str, &[(&str, &str)]); 2] = [("steady", &[]), ("rolling", &rolling)];
        if self.round % 2 == 1 {
            variants.reverse();
        }
        let mut metrics = Metrics::new();
        for (name, configs) in variants {
            let rolls = !configs.is_empty();
            if rolls && self.server.kind == Kind::Floor {
                continue;
            }
            let topic = self.create(name, configs)?;
            self.logs.others.push(topic.clone());
            let load = self.open_loop(&topic, &batch, ROLL_BATCHES_A_SECOND, false);
            self.settle(load.total_bytes())?;
            insert_quantiles(&mut metrics, name, &load.run()?.ack);
        }
        Ok(metrics)
    }

    fn open_loop<'b>(
        &self,
        topic: &'b str,
        batch: &'b Batch,
        batches_a_second: u32,
        consume: bool,
    ) -> OpenLoop<'b> {
        let duration = self.sizes.open_loop;
        OpenLoop {
            addr: self.server.addr,
            topic,
            batch,
            batches_a_second,
            warm_up: duration / 10,
            duration,
            consume,
        }
    }

    fn large_log(&mut self) -> Result<(String, Shape)> {
        if self.logs.large.is_none() {
            self.produce_large()?;
        }
        self.logs.large.clone().ok_or_else(|| anyhow::anyhow!("no log of large batches"))
    }

    fn single_log(&mut self) -> Result<(String, Shape)> {
        if self.logs.single.is_none() {
            self.produce_single()?;
        }
        self.logs.single.clone().ok_or_else(|| anyhow::anyhow!("no log of single records"))
    }

    fn create(&self, name: &str, configs: &[(&str, &str)]) -> Result<String> {
        let topic = format!("{name}-{}", self.round);
        Client::connect(self.server.addr)?.create_topic(&topic, configs)?;
        Ok(topic)
    }

    /// Lets the disk finish what the measurements before have left in the page cache, and has memory at hand for what this
    /// one is going to write.
    fn settle(&self, write_bytes: u64) -> Result<()> {
        nix::unistd::syncfs(File::open(self.dir)?)?;
        thread::sleep(Duration::from_millis(200));
        back_memory(self.dir, write_bytes)
    }

    fn metered<T>(&self, load: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
        let before = cpu_time(self.server.pid)?;
        let outcome = load()?;
        Ok((outcome, cpu_time(self.server.pid)?.saturating_sub(before)))
    }
}

/// Fills a file of this size and removes it: the pages it had are free then, and a virtual machine's host has backed them.
/// Without that, whoever writes first pays severalfold for memory that the guest had given back, and who that is is chance.
fn back_memory(dir: &Path, bytes: u64) -> Result<()> {
    let path = dir.join("memory");
    let mut file = File::create(&path)?;
    std::fs::remove_file(&path)?;
    let chunk = vec![0; 1 << 20];
    for _ in 0..bytes.div_ceil(1 << 20) {
        file.write_all(&chunk)?;
    }
    Ok(())
}

/// A first load that is not counted: code is compiled, memory and connections are there.
pub fn warm_up(server: &Server, dir: &Path) -> Result<()> {
    let sizes = Sizes {
        produce_bytes: 64 << 20,
        single_requests: 10_000,
        fetch_bytes: 64 << 20,
        fetch_single_bytes: 8 << 20,
        open_loop: Duration::from_secs(1),
        ..Sizes::QUICK
    };
    let mut logs = Logs::default();
    let mut turn = Turn { server, round: 0, sizes, receiver: Receiver::Copy, dir, logs: &mut logs };
    for scenario in [Scenario::Produce64k, Scenario::ProduceSingle, Scenario::Fetch64k, Scenario::FetchSingle]
    {
        turn.run(scenario)?;
    }
    logs.delete(server)
}

/// Resident memory now and at its highest, in MB.
pub fn memory(server: &Server) -> Result<Metrics> {
    let resident = resident(server.pid)?;
    let mb = |bytes: u64| bytes as f64 / 1e6;
    Ok(metrics([
        ("rss_mb", mb(resident.now_bytes)),
        ("rss_file_mb", mb(resident.file_bytes)),
        ("peak_rss_mb", mb(resident.peak_bytes)),
    ]))
}

pub fn now_ms() -> Result<i64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64)
}

fn metrics<const N: usize>(figures: [(&str, f64); N]) -> Metrics {
    figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn insert_quantiles(metrics: &mut Metrics, name: &str, histogram: &Histogram<u64>) {
    for (quantile, suffix) in [(0.5, "p50"), (0.99, "p99"), (0.999, "p99_9"), (1.0, "max")] {
        metrics.insert(format!("{name}_{suffix}_ms"), histogram.value_at_quantile(quantile) as f64 / 1e6);
    }
}

fn per_gb(cpu: Duration, bytes: u64) -> f64 {
    cpu.as_secs_f64() / (bytes as f64 / 1e9)
}

fn mb_per_s(bytes: u64, elapsed: Duration) -> f64 {
    bytes as f64 / 1e6 / elapsed.as_secs_f64()
}
