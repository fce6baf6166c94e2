//! Open loop: one small batch at each tick of a schedule that was fixed beforehand. A request that leaves late, because
//! the server was slow to take the ones before it, is late by the schedule: nothing is left out (no coordinated omission).

use std::io::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use hdrhistogram::Histogram;

use super::client::Client;
use super::produce::Answers;
use super::{CLIENT_ID, latency_histogram};
use crate::batch::{Batch, Head};
use crate::wire::{CORRELATION_ID_AT, FetchBounds, FetchHead, produce, produced};

/// The schedule begins this long after the threads were started.
const LEAD: Duration = Duration::from_millis(200);

#[derive(Clone, Copy)]
pub struct OpenLoop<'a> {
    pub addr: SocketAddr,
    /// An empty topic.
    pub topic: &'a str,
    pub batch: &'a Batch,
    pub batches_a_second: u32,
    /// Sent first and not counted.
    pub warm_up: Duration,
    pub duration: Duration,
    /// Whether a consumer waits at the end of the log.
    pub consume: bool,
}

/// Nanoseconds from the moment a batch was due.
pub struct Latencies {
    /// Until it was acknowledged.
    pub ack: Histogram<u64>,
    /// Until a consumer at the end of the log had it; empty without a consumer.
    pub end_to_end: Histogram<u64>,
    /// Until it left: what the sending thread itself added.
    pub departure: Histogram<u64>,
}

impl OpenLoop<'_> {
    pub fn run(&self) -> Result<Latencies> {
        let schedule = Schedule {
            start: Instant::now() + LEAD,
            interval: Duration::from_secs(1) / self.batches_a_second,
            uncounted: self.ticks_in(self.warm_up),
            ticks: self.ticks_in(self.warm_up + self.duration),
        };
        let mut sending = Client::connect(self.addr)?;
        let mut receiving = sending.try_clone()?;
        thread::scope(|scope| {
            let acks = scope.spawn(|| self.receive_acks(&mut receiving, schedule));
            let consumer = self.consume.then(|| scope.spawn(|| self.consume(schedule)));
            let departure = self.send(&mut sending, schedule)?;
            let ack = acks.join().map_err(|_| anyhow!("the receiving thread panicked"))??;
            let end_to_end = match consumer {
                Some(consumer) => consumer.join().map_err(|_| anyhow!("the consuming thread panicked"))??,
                None => latency_histogram()?,
            };
            Ok(Latencies { ack, end_to_end, departure })
        })
    }

    pub fn total_bytes(&self) -> u64 {
        self.ticks_in(self.warm_up + self.duration) * self.batch.size_bytes() as u64
    }

    fn ticks_in(&self, duration: Duration) -> u64 {
        (duration.as_secs_f64() * f64::from(self.batches_a_second)) as u64
    }

    fn send(&self, client: &mut Client, schedule: Schedule) -> Result<Histogram<u64>> {
        // A sleep may end 50 microseconds late by default.
        nix::sys::prctl::set_timerslack(1)?;
        let mut departure = latency_histogram()?;
        let mut frame = produce(CLIENT_ID, self.topic, 1, &self.batch.bytes);
        for tick in 0..schedule.ticks {
            thread::sleep(schedule.due(tick).saturating_duration_since(Instant::now()));
            schedule.record(&mut departure, tick, Instant::now());
            frame[CORRELATION_ID_AT].copy_from_slice(&(tick as i32).to_be_bytes());
            client.stream.write_all(&frame)?;
        }
        Ok(departure)
    }

    fn receive_acks(&self, client: &mut Client, schedule: Schedule) -> Result<Histogram<u64>> {
        let mut latency = latency_histogram()?;
        let mut answers = Answers::new();
        let mut tick = 0;
        while tick < schedule.ticks {
            answers.receive(client, |frame| {
                let now = Instant::now();
                let base_offset = produced(frame, tick as i32)?;
                ensure!(
                    base_offset == tick as i64 * self.batch.record_count,
                    "batch {tick} got offset {base_offset}"
                );
                schedule.record(&mut latency, tick, now);
                tick += 1;
                Ok(())
            })?;
        }
        Ok(latency)
    }

    fn consume(&self, schedule: Schedule) -> Result<Histogram<u64>> {
        let mut client = Client::connect(self.addr)?;
        let mut latency = latency_histogram()?;
        let mut frame = Vec::new();
        let mut tick = 0;
        while tick < schedule.ticks {
            let offset = tick as i64 * self.batch.record_count;
            let bounds = FetchBounds { offset, max_bytes: 1 << 20, max_wait_ms: 500 };
            let answer = client.fetch(self.topic, bounds, &mut frame)?;
            let now = Instant::now();
            ensure!(answer.error_code == 0, "fetch at {offset} failed with error code {}", answer.error_code);
            let records = &frame[FetchHead::len(self.topic)..];
            for batch in records.chunks_exact(self.batch.size_bytes()) {
                let head = Head::parse(batch).context("no batch where one was due")?;
                let due = tick as i64 * self.batch.record_count;
                ensure!(head.base_offset == due, "offset {} came where {due} was due", head.base_offset);
                schedule.record(&mut latency, tick, now);
                tick += 1;
            }
            let waited = now.saturating_duration_since(schedule.due(tick));
            ensure!(waited < Duration::from_secs(30), "batch {tick} never reached the consumer");
        }
        Ok(latency)
    }
}

#[derive(Clone, Copy)]
struct Schedule {
    start: Instant,
    interval: Duration,
    uncounted: u64,
    ticks: u64,
}

impl Schedule {
    fn due(self, tick: u64) -> Instant {
        self.start + self.interval * tick as u32
    }

    fn record(self, histogram: &mut Histogram<u64>, tick: u64, now: Instant) {
        if tick >= self.uncounted {
            let nanoseconds = now.saturating_duration_since(self.due(tick)).as_nanos() as u64;
            histogram.saturating_record(nanoseconds.max(1));
        }
    }
}
