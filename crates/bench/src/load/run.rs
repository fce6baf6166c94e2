//! A load from its first request to its figures.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use nix::unistd::Pid;

use super::consumer::Consumer;
use super::error::LoadError;
use super::flat_out::{FlatOut, Quota};
use super::lanes::{Lane, lanes};
use super::ledger::Ledger;
use super::live::{Live, SoFar};
use super::outcome::{Outcome, ServerFigures};
use super::paced::Paced;
use super::part::Part;
use super::schedule::Schedule;
use super::sender::Shared;
use super::settings::{Pace, Settings, Timestamps};
use super::timeline::Timeline;
use super::topic;
use crate::batch::Batch;
use crate::client::{Connection, Leader, Manners};
use crate::process::{cpu_time, resident};

/// The schedule begins this long after the threads were started.
const LEAD: Duration = Duration::from_millis(200);
/// How long a broker may take to make or remove a topic.
const TOPIC_PATIENCE: Duration = Duration::from_secs(120);
/// How often the load is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a load, and checks everything that comes of it. `watch` is shown from time to time where it is; once `enough` is
/// true nothing more is sent, and what was is waited for.
///
/// # Errors
/// [`LoadError`]; [`LoadError::is_wrong_answer`] says whether the broker broke its word.
pub fn run(
    settings: &Settings,
    enough: &Arc<AtomicBool>,
    watch: &mut dyn FnMut(SoFar),
) -> Result<Outcome, LoadError> {
    topic::make(settings, &for_topics(settings))?;
    let outcome = run_on_topic(settings, enough, watch);
    // Whatever came of it, with connections that no failure has told to stop.
    let cleaned = topic::clean_up(settings, &for_topics(settings));
    let outcome = outcome?;
    cleaned.map(|()| outcome)
}

/// A broker may take its time with a thousand partitions.
fn for_topics(settings: &Settings) -> Manners {
    Manners { patience: settings.patience.max(TOPIC_PATIENCE), ..manners(settings) }
}

fn manners(settings: &Settings) -> Manners {
    Manners {
        client_id: settings.client_id.clone(),
        patience: settings.patience,
        stop: Arc::new(AtomicBool::new(false)),
    }
}

fn run_on_topic(
    settings: &Settings,
    enough: &Arc<AtomicBool>,
    watch: &mut dyn FnMut(SoFar),
) -> Result<Outcome, LoadError> {
    let manners = manners(settings);
    let leaders = topic::led_by(settings, &manners)?;
    settings.check(leaders.len())?;
    let batch = build_batch(settings)?;
    let bounds = topic::bounds(settings, &manners, &leaders)?;
    let producers = connect(lanes(&leaders, settings.producers), &manners)?;
    let consumers = connect(lanes(&leaders, settings.consumers), &manners)?;
    let ledger = open_ledger(settings, &bounds, &batch, &consumers);
    let live = Live::new(Arc::clone(enough), Arc::clone(&manners.stop));
    let partitions: Vec<i32> = leaders.iter().map(|leader| leader.partition).collect();
    let plan = Plan::of(settings, batch.bytes().len());
    let shared = Shared {
        settings,
        partitions: &partitions,
        batch: &batch,
        ledger: &ledger,
        timeline: Timeline::starting_in(LEAD),
        counted_from_ns: plan.counted_from_ns(settings),
        live: &live,
    };
    let mut figures = run_threads(&shared, &plan, (producers, consumers), watch)?;
    check_logs(settings, &leaders, &ledger, &manners)?;
    figures.ended_early = live.is_over();
    Ok(figures)
}

fn build_batch(settings: &Settings) -> Result<Batch, LoadError> {
    let timestamp_ms = match settings.timestamps {
        Timestamps::Fixed(timestamp_ms) => timestamp_ms,
        Timestamps::Due => 0,
    };
    Ok(Batch::build(settings.shape, timestamp_ms)?)
}

fn connect(lanes: Vec<Lane>, manners: &Manners) -> Result<Vec<(Lane, Connection)>, LoadError> {
    let open = |lane: Lane| Ok((Connection::open(&lane.address, manners)?, lane));
    lanes.into_iter().map(|lane| open(lane).map(|(connection, lane)| (lane, connection))).collect()
}

/// Producers begin at the end of what is there; a load without producers reads what is there.
fn open_ledger(
    settings: &Settings,
    bounds: &[(i64, i64)],
    batch: &Batch,
    consumers: &[(Lane, Connection)],
) -> Ledger {
    let mut readers = vec![0; bounds.len()];
    for slot in consumers.iter().flat_map(|(lane, _)| &lane.slots) {
        if let Some(readers) = readers.get_mut(slot.page) {
            *readers += 1;
        }
    }
    let produces = settings.producers > 0;
    let starts: Vec<i64> = bounds.iter().map(|(start, end)| if produces { *end } else { *start }).collect();
    let ledger = Ledger::new(&starts, produces.then_some(batch.record_count()), &readers);
    if !produces {
        bounds.iter().enumerate().for_each(|(page, (_, end))| ledger.set_end(page, *end));
    }
    ledger
}

/// When batches are sent.
enum Plan {
    Paced(Schedule),
    FlatOut(Quota),
}

impl Plan {
    fn of(settings: &Settings, batch_bytes: usize) -> Plan {
        let Settings { pace, warm_up, span, .. } = *settings;
        match pace {
            Pace::Rate(rate) => Plan::Paced(Schedule::new(rate, warm_up, span, batch_bytes)),
            Pace::FlatOut => Plan::FlatOut(Quota::new(nanoseconds(warm_up), span, batch_bytes)),
        }
    }

    fn counted_from_ns(&self, settings: &Settings) -> u64 {
        match self {
            _ if settings.producers == 0 => 0,
            Plan::Paced(schedule) => schedule.counted_from_ns(),
            Plan::FlatOut(_) => nanoseconds(settings.warm_up),
        }
    }
}

type Lanes = Vec<(Lane, Connection)>;

fn run_threads(
    shared: &Shared<'_>,
    plan: &Plan,
    (producers, consumers): (Lanes, Lanes),
    watch: &mut dyn FnMut(SoFar),
) -> Result<Outcome, LoadError> {
    let mut meter = Meter::start(shared)?;
    let mut part = Part::default();
    thread::scope(|scope| {
        let reading: Vec<_> = consumers
            .iter()
            .map(|(lane, connection)| scope.spawn(|| guarded(shared, || consume(shared, lane, connection))))
            .collect();
        let sending: Vec<_> = producers
            .iter()
            .map(|(lane, connection)| {
                scope.spawn(|| guarded(shared, || produce(shared, plan, lane, connection)))
            })
            .collect();
        meter.wait_for(&sending, watch)?;
        join(shared, sending, &mut part);
        if let Err((page, wrong)) = close(shared) {
            shared.live.fail(shared.wrong(page, wrong));
        }
        meter.wait_for(&reading, watch)?;
        join(shared, reading, &mut part);
        shared.live.take_error().map_or(Ok(()), Err)
    })?;
    let partitions = shared.partitions.len();
    let bytes = shared.batch.bytes().len();
    let mut figures = Outcome::figures(shared.settings, partitions, bytes, part, shared.counted_from_ns);
    meter.finish(&mut figures)?;
    Ok(figures)
}

/// From here on consumers know how far they have to read.
fn close(shared: &Shared<'_>) -> Result<(), (usize, super::error::Wrong)> {
    if shared.settings.producers == 0 || shared.live.has_failed() {
        return Ok(());
    }
    shared.ledger.close()
}

fn produce(
    shared: &Shared<'_>,
    plan: &Plan,
    lane: &Lane,
    connection: &Connection,
) -> Result<Part, LoadError> {
    let connection = connection.try_clone()?;
    match plan {
        Plan::Paced(schedule) => Paced::new(shared, *schedule, lane, connection)?.run(),
        Plan::FlatOut(quota) => FlatOut::new(shared, quota, lane, connection)?.run(),
    }
}

fn consume(shared: &Shared<'_>, lane: &Lane, connection: &Connection) -> Result<Part, LoadError> {
    Consumer::new(shared, lane, connection.try_clone()?)?.run()
}

/// A failure of one thread ends them all.
fn guarded(shared: &Shared<'_>, work: impl FnOnce() -> Result<Part, LoadError>) -> Part {
    work().unwrap_or_else(|error| {
        shared.live.fail(error);
        Part::default()
    })
}

fn join(shared: &Shared<'_>, threads: Vec<ScopedJoinHandle<'_, Part>>, part: &mut Part) {
    for thread in threads {
        match thread.join() {
            Ok(of_thread) => part.absorb(&of_thread),
            Err(_) => shared.live.fail(LoadError::Panicked),
        }
    }
}

fn check_logs(
    settings: &Settings,
    leaders: &[Leader],
    ledger: &Ledger,
    manners: &Manners,
) -> Result<(), LoadError> {
    if settings.producers == 0 {
        return Ok(());
    }
    let ends: Vec<i64> = (0..leaders.len()).filter_map(|page| ledger.end_of(page)).collect();
    topic::check_ends(settings, manners, leaders, &ends)
}

/// What both processes use from where it begins to count.
struct Meter<'a> {
    shared: &'a Shared<'a>,
    server: Option<Pid>,
    since: Mark,
    is_counting: bool,
}

#[derive(Clone, Copy)]
struct Mark {
    at_ns: u64,
    server: Duration,
    client: Duration,
}

impl<'a> Meter<'a> {
    fn start(shared: &'a Shared<'a>) -> Result<Self, LoadError> {
        let server = shared.settings.pid.map(Pid::from_raw);
        let since = Mark::now(shared, server)?;
        Ok(Meter { shared, server, since, is_counting: false })
    }

    fn wait_for(
        &mut self,
        threads: &[ScopedJoinHandle<'_, Part>],
        watch: &mut dyn FnMut(SoFar),
    ) -> Result<(), LoadError> {
        let (timeline, counted_from_ns) = (self.shared.timeline, self.shared.counted_from_ns);
        while !threads.iter().all(ScopedJoinHandle::is_finished) {
            thread::sleep(LOOK);
            let now_ns = timeline.now_ns();
            if !self.is_counting && now_ns >= counted_from_ns {
                self.is_counting = true;
                self.since = Mark::now(self.shared, self.server).inspect_err(|_| self.give_up())?;
            }
            watch(self.shared.live.so_far(now_ns, counted_from_ns));
        }
        Ok(())
    }

    /// Without figures there is no use in going on; the threads are waited for all the same.
    fn give_up(&self) {
        self.shared.live.fail(LoadError::Client(crate::client::ClientError::Stopped));
    }

    fn finish(self, figures: &mut Outcome) -> Result<(), LoadError> {
        let now = Mark::now(self.shared, self.server)?;
        figures.client.cpu = now.client.saturating_sub(self.since.client);
        figures.client.elapsed = Duration::from_nanos(now.at_ns.saturating_sub(self.since.at_ns));
        if let Some(pid) = self.server {
            let cpu = now.server.saturating_sub(self.since.server);
            figures.server = Some(ServerFigures { pid: pid.as_raw(), cpu, resident: resident(pid)? });
        }
        Ok(())
    }
}

impl Mark {
    fn now(shared: &Shared<'_>, server: Option<Pid>) -> Result<Mark, LoadError> {
        let server = server.map(cpu_time).transpose()?.unwrap_or_default();
        Ok(Mark { at_ns: shared.timeline.now_ns(), server, client: cpu_time(Pid::this())? })
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
