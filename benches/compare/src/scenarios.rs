//! What is measured, one function each; every server goes through the same one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use clap::ValueEnum;
use ottla_bench::batch::BatchShape;
use ottla_bench::load::{Latency, Outcome, Settings, Span};
use ottla_bench::process::{cpu_time, resident};
use ottla_record::Compression;

use crate::floor::{self, FetchPath};
use crate::load::{
    CLIENT_ID, Fetch, Receiver, Shape, create_topic, delete_topic, flat_out, measure, paced, read_all,
};
use crate::servers::{Kind, Server};

/// Figures of one server in one round, by name; the unit is in the name.
pub type Metrics = BTreeMap<String, f64>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Scenario {
    #[value(name = "produce-64k")]
    Produce64k,
    #[value(name = "produce-64k-4")]
    Produce64kBy4,
    #[value(name = "produce-100b")]
    Produce100b,
    ProduceSingle,
    #[value(name = "fetch-1m")]
    Fetch1m,
    #[value(name = "fetch-64k")]
    Fetch64k,
    FetchSingle,
    Tail,
    Latency,
    #[value(name = "latency-5k")]
    Latency5k,
    Many,
    Rolls,
    /// Has servers and rounds of its own: see `start.rs`.
    Start,
    /// The same: see `first_produce.rs`.
    FirstProduce,
}

impl Scenario {
    pub fn name(self) -> &'static str {
        match self {
            Self::Produce64k => "produce-64k",
            Self::Produce64kBy4 => "produce-64k-4",
            Self::Produce100b => "produce-100b",
            Self::ProduceSingle => "produce-single",
            Self::Fetch1m => "fetch-1m",
            Self::Fetch64k => "fetch-64k",
            Self::FetchSingle => "fetch-single",
            Self::Tail => "tail",
            Self::Latency => "latency",
            Self::Latency5k => "latency-5k",
            Self::Many => "many",
            Self::Rolls => "rolls",
            Self::Start => "start",
            Self::FirstProduce => "first-produce",
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
/// Records of 1 KiB in batches of 64 KiB.
pub const LARGE: BatchShape = shape(LARGE_BATCH_BYTES, 1 << 10);
/// Records of 100 bytes in batches of 64 KiB.
const FINE: BatchShape = shape(LARGE_BATCH_BYTES, 100);
/// One record of 100 bytes in each batch.
const SINGLE: BatchShape = shape(0, 100);
pub const SMALL: BatchShape = shape(1 << 10, 100);
const MIDDLE: BatchShape = shape(4 << 10, 100);
const SMALL_BATCHES_A_SECOND: f64 = 1_000.0;
const MANY_SMALL_BATCHES_A_SECOND: f64 = 5_000.0;
const TAIL_BATCHES_A_SECOND: f64 = 1_000.0;
const PARTITIONS: i32 = 1_000;
/// Each has a connection of its own: 100 in all.
const CLIENTS_OF_EACH_KIND: usize = 50;
/// Half the batches of a second fill a segment in the run with rolls.
const ROLL_BATCHES_A_SECOND: f64 = 500.0;
const ROLL_SEGMENT_BYTES: usize = 8 << 20;

const fn shape(batch_bytes: usize, record_bytes: usize) -> BatchShape {
    BatchShape { batch_bytes, record_bytes, compression: Compression::None }
}

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
        let written = [self.large.take(), self.single.take()].into_iter().flatten().map(|(topic, _)| topic);
        for topic in written.chain(self.others.drain(..)) {
            delete_topic(server.addr, &topic)?;
        }
        Ok(())
    }
}

impl Turn<'_> {
    pub fn run(&mut self, scenario: Scenario) -> Result<Metrics> {
        match scenario {
            Scenario::Produce64k => self.produce_large(),
            Scenario::Produce64kBy4 => self.produce_apart("by-4", LARGE, 4),
            Scenario::Produce100b => self.produce_apart("fine", FINE, 1),
            Scenario::ProduceSingle => self.produce_single(),
            Scenario::Fetch1m => self.fetch(Self::large_log, 1 << 20, self.sizes.fetch_bytes),
            Scenario::Fetch64k => self.fetch(Self::large_log, 64 << 10, self.sizes.fetch_bytes),
            Scenario::FetchSingle => self.fetch(Self::single_log, 1 << 20, self.sizes.fetch_single_bytes),
            Scenario::Tail => self.tail(),
            Scenario::Latency => self.latency("latency", SMALL_BATCHES_A_SECOND),
            Scenario::Latency5k => self.latency("latency-5k", MANY_SMALL_BATCHES_A_SECOND),
            Scenario::Many => self.many(),
            Scenario::Rolls => self.rolls(),
            Scenario::Start | Scenario::FirstProduce => Ok(Metrics::new()),
        }
    }

    fn produce_large(&mut self) -> Result<Metrics> {
        let batches = self.sizes.produce_bytes / LARGE_BATCH_BYTES as u64;
        let (topic, shape, metrics) = self.produce("large", LARGE, (batches, 1))?;
        self.logs.large = Some((topic, shape));
        Ok(metrics)
    }

    fn produce_single(&mut self) -> Result<Metrics> {
        let (topic, shape, metrics) = self.produce("single", SINGLE, (self.sizes.single_requests, 1))?;
        self.logs.single = Some((topic, shape));
        Ok(metrics)
    }

    /// Produces what no later measurement reads.
    fn produce_apart(&mut self, name: &str, batch: BatchShape, connections: usize) -> Result<Metrics> {
        let batches = self.sizes.produce_bytes / LARGE_BATCH_BYTES as u64;
        let (topic, _, metrics) = self.produce(name, batch, (batches, connections))?;
        self.logs.others.push(topic);
        Ok(metrics)
    }

    fn produce(
        &self,
        name: &str,
        batch: BatchShape,
        (requests, connections): (u64, usize),
    ) -> Result<(String, Shape, Metrics)> {
        let addr = self.server.addr;
        let topic = self.create(name, 1, &[])?;
        let load = Settings { producers: connections, ..flat_out(addr, &topic, batch, requests)? };
        self.settle(requests * batch.batch_bytes.max(1 << 10) as u64)?;
        let outcome = measure(load, self.server.pid)?;
        let shape = Shape::of(addr, &topic)?;
        let read = read_all(addr, &topic, batch)?.consumed.batches;
        ensure!(
            [outcome.produced.batches, shape.batches as u64, read] == [requests; 3],
            "{requests} batches were to be sent; {} were, {} are there, and {read} can be read",
            outcome.produced.batches,
            shape.batches
        );
        let cpu = server_cpu(&outcome);
        let metrics = metrics([
            ("cpu_s_per_gb", per_gb(cpu, outcome.produced.bytes)),
            ("mb_per_s", outcome.produced.mb_per_s()),
            ("requests_per_s", outcome.produced.batches_per_s()),
            ("cpu_us_per_request", cpu.as_secs_f64() * 1e6 / requests as f64),
            ("client_busiest_share", outcome.client.busiest_share),
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

    fn latency(&mut self, name: &str, rate: f64) -> Result<Metrics> {
        self.paced(name, SMALL, rate)
    }

    /// A consumer at the end of a log that grows by large batches: what both paths cost together.
    fn tail(&mut self) -> Result<Metrics> {
        self.paced("tail", LARGE, TAIL_BATCHES_A_SECOND)
    }

    fn paced(&mut self, name: &str, batch: BatchShape, rate: f64) -> Result<Metrics> {
        let topic = self.create(name, 1, &[])?;
        self.logs.others.push(topic.clone());
        let load = paced(self.server.addr, &topic, batch, rate, self.sizes.open_loop);
        self.settle(written_by(&load, rate))?;
        Ok(open_loop_metrics(&measure(load, self.server.pid)?))
    }

    /// Many partitions and connections, half of them producing and half consuming.
    fn many(&mut self) -> Result<Metrics> {
        if self.server.kind == Kind::Floor {
            return Ok(Metrics::new());
        }
        let topic = self.create("many", PARTITIONS, &[])?;
        self.logs.others.push(topic.clone());
        let rate = MANY_SMALL_BATCHES_A_SECOND;
        let load = paced(self.server.addr, &topic, MIDDLE, rate, self.sizes.open_loop);
        let load = Settings { producers: CLIENTS_OF_EACH_KIND, consumers: CLIENTS_OF_EACH_KIND, ..load };
        self.settle(written_by(&load, rate))?;
        let outcome = measure(load, self.server.pid)?;
        let mut metrics = open_loop_metrics(&outcome);
        let resident = outcome.server.map_or(0, |server| server.resident.now_bytes);
        metrics.insert("rss_mb".to_owned(), resident as f64 / 1e6);
        Ok(metrics)
    }

    /// The same load without and with rolls, in an order that turns too.
    fn rolls(&mut self) -> Result<Metrics> {
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
            let topic = self.create(name, 1, configs)?;
            self.logs.others.push(topic.clone());
            let load = paced(self.server.addr, &topic, LARGE, ROLL_BATCHES_A_SECOND, self.sizes.open_loop);
            self.settle(written_by(&load, ROLL_BATCHES_A_SECOND))?;
            let outcome = measure(Settings { consumers: 0, ..load }, self.server.pid)?;
            insert_quantiles(&mut metrics, name, &outcome.acknowledged);
        }
        Ok(metrics)
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

    fn create(&self, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Result<String> {
        let topic = format!("{name}-{}", self.round);
        create_topic(self.server.addr, &topic, partitions, configs)?;
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

fn server_cpu(outcome: &Outcome) -> Duration {
    outcome.server.map_or(Duration::ZERO, |server| server.cpu)
}

/// What a load at this rate writes, warm-up included.
fn written_by(load: &Settings, rate: f64) -> u64 {
    let seconds = match load.span {
        Span::Time(time) => (load.warm_up + time).as_secs_f64(),
        Span::Bytes(bytes) => return bytes,
    };
    (seconds * rate * load.shape.batch_bytes as f64) as u64
}

fn open_loop_metrics(outcome: &Outcome) -> Metrics {
    let cpu = server_cpu(outcome);
    let mut metrics = metrics([
        ("cpu_share", cpu.as_secs_f64() / outcome.client.elapsed.as_secs_f64()),
        ("cpu_s_per_gb", per_gb(cpu, outcome.produced.bytes)),
    ]);
    insert_quantiles(&mut metrics, "ack", &outcome.acknowledged);
    insert_quantiles(&mut metrics, "end_to_end", &outcome.end_to_end);
    insert_quantiles(&mut metrics, "departure", &outcome.late);
    metrics
}

fn insert_quantiles(metrics: &mut Metrics, name: &str, latency: &Latency) {
    for (quantile, suffix) in [(0.5, "p50"), (0.99, "p99"), (0.999, "p99_9"), (1.0, "max")] {
        metrics.insert(format!("{name}_{suffix}_ms"), latency.quantile_ms(quantile));
    }
}

fn per_gb(cpu: Duration, bytes: u64) -> f64 {
    cpu.as_secs_f64() / (bytes as f64 / 1e9)
}

fn mb_per_s(bytes: u64, elapsed: Duration) -> f64 {
    bytes as f64 / 1e6 / elapsed.as_secs_f64()
}
