//! The workload: does what the script on its standard input says, and tells on its standard output what it does.
//!
//! One line each: `b N` call N begins, `a N VALUE` it was answered, `f N ERROR` it failed and the workload ends, `s TOPIC
//! PARTITION START` a log starts there now, `p` the power goes now, `y PLACE` a place in the code that syncs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::settings::Change;
use ottla::{AppendOptions, Cleaner, Log, Origin, Store};
use ottla_record::EndTransactionMarker;

use crate::disk::PROBE;
use crate::found;
use crate::model::MAX_MESSAGE_BYTES;
use crate::op::{At, Batch, Op};
use crate::outage::Outage;
use crate::records;
use crate::sites::Sites;
use crate::watched::Watched;

/// What the workload is started with.
#[derive(Clone, Debug)]
pub struct Task {
    /// The data directory.
    pub data: PathBuf,
    /// The power goes at this call, if it cuts the power itself …
    pub at_call: Option<u64>,
    /// … before the changing call of this number that it makes to the file system.
    pub at_change: i64,
    /// Or that many calls after a sync was left out for the time of this number.
    pub at_left_out: Option<u64>,
    /// How.
    pub outage: Outage,
    /// Where places that sync are kept, if they are asked for, and the one to leave out.
    pub sites: Option<(PathBuf, Option<String>)>,
}

/// Does the script.
///
/// # Errors
/// Where the parent does not listen any more.
pub fn run(task: &Task, script: &str) -> Result<(), String> {
    let outage = task.outage.clone();
    let pull = move || {
        say("p");
        if let Err(e) = outage.cut() {
            say(&format!("f 0 the power cannot be cut: {e}"));
        }
    };
    let sites = task.sites.as_ref().map(|(cache, left_out)| Sites::new(cache, left_out.clone()));
    let probe = match File::open(task.outage.mount.join(PROBE)) {
        Ok(probe) => probe,
        Err(e) => {
            say(&format!("f 0 {PROBE}: {e}"));
            return Ok(());
        }
    };
    let fs = Watched::new(Box::new(pull), sites, Some(probe));
    let mut workload = Workload { data: &task.data, fs: fs.clone(), store: None, starts: BTreeMap::new() };
    if let Some(times) = task.at_left_out {
        fs.tampering().arm_after_left_out(times, task.at_change);
    }
    for (number, line) in (0..).zip(script.lines()) {
        let op: Op = line.parse()?;
        say(&format!("b {number}"));
        if task.at_call == Some(number) {
            fs.tampering().arm(task.at_change);
        }
        match workload.call(&op) {
            Ok(value) => {
                workload.tell_starts();
                say(&format!("a {number} {value}"));
            }
            Err(e) => {
                say(&format!("f {number} {}", e.replace('\n', " ")));
                break;
            }
        }
    }
    fs.tampering().sites_seen().iter().for_each(|site| say(&format!("y {site}")));
    Ok(())
}

/// One line, in one write: whole or not at all.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let told = writeln!(out, "{line}").and_then(|()| out.flush());
    if told.is_err() {
        std::process::exit(3);
    }
}

struct Workload<'a> {
    data: &'a Path,
    fs: Watched,
    store: Option<Store>,
    starts: BTreeMap<(String, i32), i64>,
}

fn text<T>(result: ottla::Result<T>) -> Result<T, String> {
    result.map_err(|e| e.to_string())
}

impl Workload<'_> {
    fn store(&self) -> Result<&Store, String> {
        self.store.as_ref().ok_or_else(|| "the store is not open".to_owned())
    }

    fn log(&self, at: &At) -> Result<Log, String> {
        let log = self.store()?.log(&at.topic, at.partition);
        log.ok_or_else(|| format!("there is no partition {at}"))
    }

    fn call(&mut self, op: &Op) -> Result<i64, String> {
        match op {
            Op::Open => {
                self.store = Some(text(found::open(self.data, Arc::new(self.fs.clone())))?.0);
                self.starts = self.starts_now();
            }
            Op::Close => {
                text(self.store()?.close())?;
                self.store = None;
            }
            Op::Drop => self.store = None,
            Op::Create { topic, partitions } => {
                text(self.store()?.create_topic(topic, *partitions, &settings(topic)))?;
            }
            Op::Delete { topic } => text(self.store()?.delete_topic(topic))?,
            Op::Grow { topic, total } => drop(text(self.store()?.create_partitions(topic, *total))?),
            Op::Alter { topic, max_message_bytes } => {
                let change = Change::Set(max_message_bytes.to_string());
                let changes = BTreeMap::from([("max.message.bytes".to_owned(), change)]);
                text(self.store()?.alter_topic_config(topic, &changes))?;
            }
            Op::Append { at, batch } => return self.append(at, batch),
            Op::EndTransaction { at, producer_id, commit } => self.end(at, *producer_id, *commit)?,
            Op::Sync { at } => {
                let log = self.log(at)?;
                text(log.sync_to(log.log_end_offset()))?;
            }
            Op::Flush { at } => text(self.log(at)?.flush())?,
            Op::Truncate { at, to } => text(self.log(at)?.truncate(records::offset(*to)))?,
            Op::DeleteRecords { at, before } => {
                text(self.log(at)?.delete_records(records::offset(*before)))?;
            }
            Op::Compact { at } => return self.compact(at),
            Op::Housekeep => {
                let report = text(self.store()?.housekeep())?;
                if let Some((partition, e)) = report.failures.first() {
                    return Err(format!("{partition}: {e}"));
                }
            }
            Op::ProducerId => return text(self.store()?.allocate_producer_id()),
        }
        Ok(0)
    }

    fn append(&self, at: &At, batch: &Batch) -> Result<i64, String> {
        let bytes = records::build(batch, at.topic.starts_with('c')).map_err(|e| e.to_string())?;
        Ok(text(self.log(at)?.append(&bytes))?.base_offset.get())
    }

    /// Up to where it may be compacted now; 0 where nothing was done.
    fn compact(&self, at: &At) -> Result<i64, String> {
        let log = self.log(at)?;
        let compacted = text(log.compact(&mut Cleaner::default()))?;
        let active = log.segment_base_offsets().last().map_or(0, |base| base.get());
        Ok(compacted.map_or(0, |_| active))
    }

    fn end(&self, at: &At, producer_id: i64, commit: bool) -> Result<(), String> {
        let log = self.log(at)?;
        let timestamp_ms = records::time_ms(log.log_end_offset().get().unsigned_abs());
        let marker = EndTransactionMarker {
            producer_id,
            producer_epoch: 0,
            coordinator_epoch: 0,
            commit,
            timestamp_ms,
        };
        let options = AppendOptions { origin: Origin::Coordinator, leader_epoch: None };
        let bytes = marker.to_batch().map_err(|e| e.to_string())?;
        text(log.append_with(&bytes, &options)).map(drop)
    }

    fn starts_now(&self) -> BTreeMap<(String, i32), i64> {
        let topics = self.store.as_ref().map(Store::topics).unwrap_or_default();
        let logs = topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|(number, log)| ((topic.name.to_string(), *number), log))
        });
        logs.map(|(at, log)| (at, log.log_start_offset().get())).collect()
    }

    /// Tells where logs start now, where retention has moved that.
    fn tell_starts(&mut self) {
        let now = self.starts_now();
        for ((topic, partition), start) in &now {
            let before = self.starts.get(&(topic.clone(), *partition)).copied().unwrap_or(0);
            if topic.starts_with('r') && *start > before {
                say(&format!("s {topic} {partition} {start}"));
            }
        }
        self.starts = now;
    }
}

/// The settings of a new topic, by its kind.
fn settings(topic: &str) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::from([("max.message.bytes".to_owned(), MAX_MESSAGE_BYTES.to_string())]);
    if topic.starts_with('c') {
        settings.insert("cleanup.policy".to_owned(), "compact".to_owned());
    }
    if topic.starts_with('r') {
        settings.insert("retention.bytes".to_owned(), "25000".to_owned());
    }
    settings
}
