//! One cycle: the workload runs, the power goes, the file system is mounted again, and what came back is judged.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::disk::Disk;
use crate::found::{self, Found};
use crate::generate;
use crate::model::Model;
use crate::op::{At, Op};
use crate::outage::Outage;
use crate::records;
use crate::rng::Rng;
use crate::sites::Sites;
use crate::watched::Watched;

/// No workload takes this long.
const HUNG: Duration = Duration::from_secs(30);

/// What is asked of a run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What everything random follows from.
    pub seed: u64,
    /// So many times the power goes.
    pub cycles: u64,
    /// The first data directory that is made; the later ones have the numbers after it.
    pub first_life: u64,
    /// Where the data directory is copied to after each loss of power, before it is opened.
    pub keep: Option<PathBuf>,
    /// Where places that sync are kept, if they are asked for, and the one to leave out.
    pub sites: Option<(PathBuf, Option<String>)>,
}

/// What was done, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Losses of power after which everything was checked.
    pub cycles: u64,
    /// Losses of power while the one before was recovered from.
    pub in_recovery: u64,
    /// How many of all came after the system had written pages out in any order.
    pub out_of_order: u64,
    /// Data directories.
    pub lives: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// Records that came back and were compared.
    pub records: u64,
    /// Losses of power behind a close, after which opening had nothing to recover.
    pub closed: u64,
    /// Logs that had something cut off when they were opened.
    pub cut: u64,
    /// The calls that were under way.
    pub under_way: BTreeMap<String, u64>,
    /// Places in the code that synced something.
    pub places: BTreeSet<String>,
}

/// A promise that was not kept, or anything else that went wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// After so many losses of power.
    pub cycle: u64,
    /// In this data directory.
    pub life: u64,
    /// What.
    pub what: String,
}

/// Cuts the power again and again.
///
/// # Errors
/// The first time that something is not as it must be.
pub fn run(
    disk: &mut Disk,
    settings: &Settings,
    is_ended: &dyn Fn() -> bool,
) -> Result<Tally, Box<(Failure, Tally)>> {
    let mut tally = Tally::default();
    let mut life = settings.first_life;
    while tally.cycles < settings.cycles && !is_ended() {
        let mut run = Life {
            disk,
            settings,
            rng: Rng::new(settings.seed.wrapping_mul(1_000_003).wrapping_add(life)),
            data: PathBuf::new(),
            model: Model { producer_id: -1, ..Model::default() },
            tally: &mut tally,
        };
        run.data = run.disk.path().join(format!("data{life}"));
        let lived = run.live(is_ended);
        if let Err(what) = lived {
            let failure = Failure { cycle: tally.cycles, life, what };
            return Err(Box::new((failure, tally)));
        }
        tally.lives += 1;
        life += 1;
    }
    Ok(tally)
}

/// A data directory from its making to its end.
struct Life<'a> {
    disk: &'a mut Disk,
    settings: &'a Settings,
    rng: Rng,
    data: PathBuf,
    model: Model,
    tally: &'a mut Tally,
}

/// What a workload told.
struct Told {
    lines: Vec<String>,
    /// Whether it failed before the power went.
    failed_early: Option<String>,
}

impl Life<'_> {
    fn live(&mut self, is_ended: &dyn Fn() -> bool) -> Result<(), String> {
        self.make_room()?;
        for _ in 0..2 + self.rng.below(14) {
            if self.tally.cycles >= self.settings.cycles || is_ended() {
                break;
            }
            self.cycle()?;
        }
        Ok(())
    }

    /// Removes earlier data directories, durably: the next loss of power would bring them back.
    fn make_room(&self) -> Result<(), String> {
        let fail = |e: std::io::Error| format!("{}: {e}", self.disk.path().display());
        for entry in std::fs::read_dir(self.disk.path()).map_err(fail)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("data") {
                std::fs::remove_dir_all(entry.path()).map_err(fail)?;
            }
        }
        std::fs::File::open(self.disk.path()).and_then(|root| root.sync_all()).map_err(fail)
    }

    fn cycle(&mut self) -> Result<(), String> {
        let calls = 8 + self.rng.below(50);
        let script = generate::script(&self.model, calls, &mut self.rng);
        let told = self.work(&script)?;
        let under_way = self.replay(&script, &told)?;
        if let Some(error) = told.failed_early {
            return Err(format!("a call failed while the disk was well: {error}"));
        }
        let name = under_way
            .as_ref()
            .map_or("none".to_owned(), |op| op.to_string().split(' ').next().unwrap_or_default().to_owned());
        *self.tally.under_way.entry(name).or_default() += 1;
        self.remount()?;
        while self.rng.one_in(6) {
            self.work(&[Op::Open])?;
            self.model.is_closed = false;
            self.tally.in_recovery += 1;
            self.remount()?;
        }
        let context = |e: String| {
            let last = under_way.as_ref().map_or("no call".to_owned(), |op| format!("`{op}`"));
            let script: Vec<String> = script.iter().map(Op::to_string).collect();
            format!(
                "{e}\n  {last} was under way in: {}\n  told: {}",
                script.join("; "),
                told.lines.join("; ")
            )
        };
        self.keep()?;
        self.judge(under_way.as_ref()).map_err(context)?;
        self.tally.cycles += 1;
        Ok(())
    }

    fn keep(&self) -> Result<(), String> {
        let Some(kept) = &self.settings.keep else { return Ok(()) };
        let _ = std::fs::remove_dir_all(kept);
        let copied = Command::new("cp").arg("-a").arg(&self.data).arg(kept).status();
        copied.map(drop).map_err(|e| e.to_string())
    }

    fn remount(&mut self) -> Result<(), String> {
        self.disk.unmount()?;
        self.disk.mount()
    }

    /// Runs the workload until the power is gone.
    fn work(&mut self, script: &[Op]) -> Result<Told, String> {
        let out_of_order = self.rng.one_in(3);
        self.tally.out_of_order += u64::from(out_of_order);
        let outage = Outage { mount: self.disk.path().to_path_buf(), out_of_order, seed: self.rng.next() };
        // A quarter by the clock, the others before a chosen call of the workload to the file system.
        let by_clock = self.rng.one_in(4);
        let at_call = self.rng.below(script.len() as u64);
        let at_change = if self.rng.one_in(4) { self.rng.below(60) } else { self.rng.below(14) };
        // With a sync left out, mostly soon after that.
        let leaves_out = matches!(self.settings.sites, Some((_, Some(_)))) && !self.rng.one_in(4);
        let by_clock = by_clock && !leaves_out;
        let (at, at_change) = match (leaves_out, by_clock) {
            (true, _) => (format!("left-out-{}", self.rng.below(5)), self.rng.below(5)),
            (_, true) => ("never".to_owned(), at_change),
            _ => (at_call.to_string(), at_change),
        };
        let moment = Duration::from_micros(self.rng.below(25_000));
        let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
        command.arg("workload").arg(&self.data).arg(&outage.mount).arg(outage.seed.to_string());
        command.arg(outage.out_of_order.to_string());
        command.arg(at).arg(at_change.to_string());
        if let Some((cache, left_out)) = &self.settings.sites {
            command.arg(cache).args(left_out);
        }
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = Workload(child.map_err(|e| format!("cannot start the workload: {e}"))?);
        let reader = child.listen(script)?;
        let mut cut = false;
        let mut ended = None;
        if by_clock {
            thread::sleep(moment);
            ended = child.0.try_wait().ok().flatten();
            outage.cut()?;
            cut = true;
        }
        let status = child.wait()?;
        let text = reader.join().map_err(|_| "the listener ended".to_owned())?;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let gone = lines.iter().any(|line| line == "p");
        if !status.success() {
            return Err(format!("the workload ended with {status}: {}", lines.join("; ")));
        }
        if !cut && !gone {
            outage.cut()?;
        }
        let failed = lines.iter().position(|line| line.starts_with("f "));
        let pulled = lines.iter().position(|line| line == "p");
        // Where this process cut the power, only a workload that had ended by then is known to have failed before.
        let is_early = match (failed, pulled) {
            (Some(failed), Some(pulled)) => failed < pulled,
            (Some(_), None) => !cut || ended.is_some(),
            (None, _) => false,
        };
        let failed_early = failed.filter(|_| is_early).and_then(|at| lines.get(at).cloned());
        Ok(Told { lines, failed_early })
    }

    /// Tells the oracle what the workload told; returns the call that was not answered.
    fn replay(&mut self, script: &[Op], told: &Told) -> Result<Option<Op>, String> {
        let mut under_way = None;
        for line in &told.lines {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| words.get(at).and_then(|word| word.parse::<i64>().ok()).unwrap_or(-1);
            let op = usize::try_from(number(1)).ok().and_then(|number| script.get(number));
            match (words.first().copied(), op) {
                (Some("b"), Some(op)) => {
                    self.model.begun(op);
                    under_way = Some(op.clone());
                }
                (Some("a"), Some(op)) => {
                    self.check_answer(op, number(2))?;
                    self.model.answered(op, number(2));
                    self.tally.answered += 1;
                    under_way = None;
                }
                (Some("s"), _) => {
                    let topic = words.get(1).copied().unwrap_or_default().to_owned();
                    let at = At { topic, partition: i32::try_from(number(2)).unwrap_or(-1) };
                    self.model.start_moved(&at, number(3));
                }
                (Some("y"), _) => {
                    self.tally.places.insert(line.get(2..).unwrap_or_default().to_owned());
                }
                (Some("p" | "f"), _) => {}
                _ => return Err(format!("the workload said `{line}`")),
            }
        }
        Ok(under_way)
    }

    fn check_answer(&mut self, op: &Op, value: i64) -> Result<(), String> {
        match op {
            Op::Append { at, .. } => {
                let end = self.model.partition(at).map_or(-1, |partition| partition.end);
                if value == end { Ok(()) } else { Err(format!("`{op}` went to {value}, not to {end}")) }
            }
            Op::ProducerId if value <= self.model.producer_id => Err(format!("producer id {value} again")),
            _ => Ok(()),
        }
    }

    /// Opens what came back, twice, and compares.
    fn judge(&mut self, under_way: Option<&Op>) -> Result<(), String> {
        let (found, cut) = self.open_and_look().map_err(|e| format!("the first open: {e}"))?;
        self.tally.cut += cut;
        self.tally.records += count(&found);
        self.model.accept(&found, under_way)?;
        found::verify_at_rest(&self.data)?;
        let (store, _) = found::open(&self.data, self.fs()).map_err(|e| format!("the second open: {e}"))?;
        let again = found::look(&store).map_err(|e| format!("the second open: {e}"))?;
        if again != found {
            return Err(format!(
                "the second open shows other than the first: {:?}",
                difference(&found, &again)
            ));
        }
        let id = store.allocate_producer_id().map_err(|e| e.to_string())?;
        if id <= self.model.producer_id {
            return Err(format!("producer id {id} again"));
        }
        self.model.producer_id = id;
        self.send_again(&store)
    }

    fn fs(&self) -> Arc<Watched> {
        let sites = self.settings.sites.as_ref();
        let sites = sites.map(|(cache, left_out)| Sites::new(cache, left_out.clone()));
        Arc::new(Watched::new(Box::new(|| {}), sites, None))
    }

    fn open_and_look(&mut self) -> Result<(Found, u64), String> {
        let (store, report) = found::open(&self.data, self.fs()).map_err(|e| e.to_string())?;
        for (partition, recovered) in &report.recovered {
            if let Some(damage) = recovered.damaged.first() {
                return Err(format!("{partition} is damaged: {damage:?}"));
            }
            let is_spared = recovered.truncated.is_none() && recovered.rebuilt_indexes.is_empty();
            if self.model.is_closed && !is_spared {
                return Err(format!("{partition} was closed, and opening had to work: {recovered:?}"));
            }
        }
        if self.model.is_closed && !report.clean {
            return Err("it was closed, and does not look so".to_owned());
        }
        self.tally.closed += u64::from(self.model.is_closed);
        let cut = report.recovered.iter().filter(|(_, recovered)| recovered.truncated.is_some()).count();
        Ok((found::look(&store)?, cut as u64))
    }

    /// Every producer sends its last batch again, and that is known.
    fn send_again(&self, store: &ottla::Store) -> Result<(), String> {
        for (name, topic) in self.model.topics.iter().filter(|(name, _)| name.starts_with('a')) {
            for (number, partition) in (0..).zip(&topic.partitions) {
                let log = store.log(name, number).ok_or("a partition is gone")?;
                for (batch, base) in (0..3).filter_map(|id| partition.last_batch(id)) {
                    let bytes = records::build(&batch, false).map_err(|e| e.to_string())?;
                    let again =
                        log.append(&bytes).map_err(|e| format!("{name}-{number}: {batch} again: {e}"))?;
                    if !again.duplicate || again.base_offset.get() != base {
                        let at = again.base_offset;
                        return Err(format!("{name}-{number}: {batch} of offset {base} again went to {at}"));
                    }
                }
            }
        }
        Ok(())
    }
}

fn count(found: &Found) -> u64 {
    let partitions = found.topics.values().flat_map(|topic| &topic.partitions);
    partitions.map(|partition| partition.records.len() as u64).sum()
}

/// The names of the partitions that differ, with their bounds.
fn difference(one: &Found, other: &Found) -> Vec<String> {
    let mut differ = Vec::new();
    for (name, topic) in &one.topics {
        let there = other.topics.get(name).map(|topic| topic.partitions.as_slice()).unwrap_or_default();
        for (number, partition) in topic.partitions.iter().enumerate() {
            let there = there.get(number);
            if there != Some(partition) {
                let bounds = there.map(|there| (there.start, there.end));
                differ
                    .push(format!("{name}-{number} {}..{}, then {bounds:?}", partition.start, partition.end));
            }
        }
    }
    differ
}

/// The process that works; it is gone before the file system is unmounted.
struct Workload(Child);

impl Workload {
    fn listen(&mut self, script: &[Op]) -> Result<thread::JoinHandle<String>, String> {
        let lines: Vec<String> = script.iter().map(Op::to_string).collect();
        let mut stdin = self.0.stdin.take().ok_or("the workload does not listen")?;
        // It may have ended already.
        let _ = stdin.write_all(lines.join("\n").as_bytes());
        drop(stdin);
        let mut stdout = self.0.stdout.take().ok_or("the workload does not talk")?;
        Ok(thread::spawn(move || {
            let mut text = String::new();
            let _ = stdout.read_to_string(&mut text);
            text
        }))
    }

    fn wait(&mut self) -> Result<ExitStatus, String> {
        let begin = Instant::now();
        loop {
            match self.0.try_wait() {
                Ok(Some(_)) => break,
                Ok(None) if begin.elapsed() > HUNG => return Err("the workload hangs".to_owned()),
                Ok(None) => thread::sleep(Duration::from_micros(300)),
                Err(e) => return Err(e.to_string()),
            }
        }
        self.0.wait().map_err(|e| e.to_string())
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The sites that a folder remembers.
pub fn cache_in(folder: &Path) -> PathBuf {
    folder.join("places")
}
