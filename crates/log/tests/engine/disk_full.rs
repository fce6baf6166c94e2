//! The disk gets full, at every few hundred bytes of a workload of several segments.
//!
//! **Fault model.** A write or a longer file finds no room once the files hold so many bytes; a part of the write may be
//! there. Names take no room. Then there is room again, or the power goes.
//!
//! **What must hold**: an append that finds no room says how much it needed and how much there was, and leaves nothing
//! behind; nothing acknowledged is lost; reads go on; retention makes room, although not even a checkpoint may find any;
//! appends go on by themselves. The tests print how often the disk was full, and where.

use ottla::{AppendOptions, Error, Isolation, Log, LogConfig, Offset, Origin, Result};
use ottla_record::{BatchBuilder, EndTransactionMarker};
use ottla_testkit::{Crash, SimFs};

use crate::support::{NOW_MS, batch, open, values_between};

/// A part of every 4 KiB, so that the boundaries of pages and bytes in their midst are met.
const STEP_BYTES: u64 = 512;

/// About eight segments, each with an index worth some room.
fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 32 << 10,
        index_interval_bytes: 512,
        file_delete_delay_ms: 0,
        ..LogConfig::default()
    }
}

/// What was acknowledged.
#[derive(Default)]
struct Told {
    appended: Vec<(Offset, String)>,
    durable: Offset,
    refused: u64,
    number: i64,
    /// How often not even retention found room.
    stuck: u64,
}

/// A batch for the next value.
type Build = fn(i64) -> BatchBuilder;

impl Told {
    fn append(&mut self, log: &Log, build: Build) {
        let value = format!("{:0>width$}", self.number, width = 200 + (self.number as usize * 97) % 900);
        let bytes = batch(build(self.number), std::slice::from_ref(&value), self.number);
        self.number += 1;
        match log.append(&bytes) {
            Ok(appended) => self.appended.push((appended.base_offset, value)),
            Err(Error::DiskFull { path, needed_bytes, free_bytes, .. }) => {
                assert!(path.starts_with("/data"));
                assert_eq!(needed_bytes, bytes.len() as u64);
                assert!(free_bytes.is_some(), "the disk tells");
                self.refused += 1;
                self.number -= 1;
            }
            Err(e) => panic!("{e:?}"),
        }
    }

    /// Waits for the disk, or flushes; a full disk may refuse the latter.
    fn settle(&mut self, log: &Log) {
        let end = log.log_end_offset();
        match if self.number % 32 == 0 { log.flush() } else { log.sync_to(end) } {
            Ok(()) => self.durable = end,
            Err(e) => assert!(e.is_disk_full(), "{e:?}"),
        }
    }

    fn check_reads(&self, log: &Log) {
        let (start, end) = (log.log_start_offset(), log.log_end_offset());
        let expected: Vec<_> =
            self.appended.iter().filter(|(offset, _)| (start..end).contains(offset)).cloned().collect();
        assert_eq!(values_between(log, start, end, Isolation::ReadUncommitted), expected);
    }
}

fn used_bytes(fs: &SimFs) -> u64 {
    let image = fs.image();
    image.entries().filter_map(|(path, _)| image.read(path)).map(|bytes| bytes.len() as u64).sum()
}

/// Fills the disk, and returns what happened where it was full before the workload ended.
fn fill(room: u64, build: Build) -> Option<Told> {
    let fs = SimFs::new();
    let (log, _) = open(&fs, &config()).unwrap();
    let mut told = Told::default();
    fs.set_capacity(Some(used_bytes(&fs) + room));
    for turn in 0..400 {
        told.append(&log, build);
        if turn % 8 == 7 {
            told.settle(&log);
        }
        if told.refused > 3 {
            break;
        }
    }
    told.check_reads(&log);
    let was_full = told.refused > 0;
    if was_full {
        make_room(&fs, &log, &mut told, build, room);
    }
    fs.set_capacity(None);
    let refused = told.refused;
    for _ in 0..5 {
        told.append(&log, build);
    }
    assert_eq!(told.refused, refused, "{room} bytes of room: there is room again, and appends go on");
    told.check_reads(&log);
    log.flush().unwrap();
    told.durable = log.log_end_offset();
    for mut crash in [Crash::LoseAll, Crash::Random(room)] {
        survives(&fs.crash(&mut crash), &log, &told);
    }
    was_full.then_some(told)
}

/// Retention on a full disk; then what was refused fits.
fn make_room(fs: &SimFs, log: &Log, told: &mut Told, build: Build, room: u64) {
    // The power may go while the disk is full.
    survives(&fs.crash(&mut Crash::LoseAll), log, told);
    survives(&fs.crash(&mut Crash::KeepAll), log, told);
    let segments = log.segment_base_offsets().len();
    if segments < 2 {
        return;
    }
    // Everything, or all but the newest segment.
    let is_last_empty = log.segment_base_offsets().last() == Some(&log.log_end_offset());
    let kept_bytes = if room.is_multiple_of(2 * STEP_BYTES) && !is_last_empty { 1 } else { 0 };
    log.set_config(LogConfig { retention_bytes: Some(kept_bytes), ..config() });
    let removed = match log.apply_retention() {
        Ok(removed) => removed,
        // What is known of the producers has to be kept before their records go. Where they are many and the segments
        // few, the indexes of these do not make room for it.
        Err(e) if e.is_disk_full() => {
            told.stuck += 1;
            return;
        }
        Err(e) => panic!("{room} bytes of room: {e}"),
    };
    assert!(removed >= segments - 1, "{room} bytes of room: {removed} of {segments} went");
    log.set_config(config());
    log.remove_deleted_files().unwrap();
    told.check_reads(log);
    let refused = told.refused;
    told.append(log, build);
    assert_eq!(told.refused, refused, "{room} bytes of room: retention made room");
}

fn survives(fs: &SimFs, log: &Log, told: &Told) {
    let (after, _) = open(fs, &config()).unwrap();
    assert!(after.log_start_offset() <= log.log_start_offset().max(told.durable));
    assert!(after.log_end_offset() >= told.durable);
    told.check_reads(&after);
}

/// Returns how often the disk was full, and how often not even retention found room.
fn at_every_step(build: Build) -> (u64, u64) {
    let full = (0..).map_while(|step| fill(step * STEP_BYTES, build));
    full.fold((0, 0), |(full, stuck), told| (full + 1, stuck + told.stuck))
}

#[test]
fn a_disk_that_gets_full_anywhere_costs_nothing_and_goes_on_by_itself() {
    let builds: [(&str, Build); 4] = [
        ("plain", |_| BatchBuilder::new()),
        ("of an idempotent producer", |number| BatchBuilder::new().producer(7, 0, number as i32)),
        ("of many producers", |number| BatchBuilder::new().producer(number % 20, 0, (number / 20) as i32)),
        ("of a transaction", |number| BatchBuilder::new().producer(9, 0, number as i32).transactional(true)),
    ];
    let mut runs = 0;
    for (name, build) in builds {
        let (full, stuck) = at_every_step(build);
        println!(
            "disk full, batches {name}: {full} runs, one every {STEP_BYTES} bytes; retention stuck in {stuck}"
        );
        assert!(stuck == 0 || name == "of many producers", "{name}: {stuck}");
        assert!(stuck < full / 4, "{name}: {stuck} of {full}");
        runs += full;
    }
    println!("disk full: {runs} runs");
    assert!(runs >= 2_000, "{runs}");
}

/// What an error says is for people.
#[test]
fn a_full_disk_says_how_much_was_needed_and_how_much_there_is() {
    let fs = SimFs::new();
    let (log, _) = open(&fs, &config()).unwrap();
    let bytes = batch(BatchBuilder::new(), &["x".repeat(300)], 0);
    log.append(&bytes).unwrap();
    fs.set_capacity(Some(used_bytes(&fs) + 100));
    for _ in 0..2 {
        let e = log.append(&bytes).unwrap_err();
        let text = e.to_string();
        assert!(e.is_disk_full());
        assert!(text.contains("the disk is full") && text.contains("/data/letters-0"), "{text}");
        assert!(text.contains(&format!("{} bytes", bytes.len())) && text.contains("100 are free"), "{text}");
    }
}

/// Until there is room, nothing is written only to be cut off again.
#[test]
fn an_append_on_a_disk_that_is_known_to_be_full_touches_no_file() {
    let fs = SimFs::new();
    let (log, _) = open(&fs, &config()).unwrap();
    fs.set_capacity(Some(used_bytes(&fs) + 100));
    let bytes = batch(BatchBuilder::new(), &["x".repeat(300)], 0);
    log.append(&bytes).unwrap_err();
    let before = fs.mutations();
    for _ in 0..10 {
        assert!(log.append(&bytes).unwrap_err().is_disk_full());
    }
    assert_eq!(fs.mutations(), before);
    fs.set_capacity(None);
    log.append(&bytes).unwrap();
}

fn end_transaction(log: &Log, commit: bool) -> Result<Offset> {
    let marker = EndTransactionMarker {
        producer_id: 7,
        producer_epoch: 0,
        coordinator_epoch: 0,
        commit,
        timestamp_ms: NOW_MS,
    };
    let options = AppendOptions { origin: Origin::Coordinator, leader_epoch: None };
    log.append_with(&marker.to_batch().unwrap(), &options).map(|appended| appended.base_offset)
}

/// The marker fits and its entry in the index of aborted transactions does not: nobody may read what was aborted.
#[test]
fn an_abort_on_a_full_disk_shows_nobody_what_was_aborted() {
    for room in 0..200 {
        let fs = SimFs::new();
        let (log, _) = open(&fs, &config()).unwrap();
        let builder = BatchBuilder::new().producer(7, 0, 0).transactional(true);
        log.append(&batch(builder, &["taken back"], 0)).unwrap();
        fs.set_capacity(Some(used_bytes(&fs) + room));
        let ended = end_transaction(&log, false);
        let committed =
            |log: &Log| values_between(log, Offset::ZERO, log.last_stable_offset(), Isolation::ReadCommitted);
        assert_eq!(committed(&log), []);
        fs.set_capacity(None);
        let after = fs.crash(&mut Crash::KeepAll);
        let (after, _) = open(&after, &config()).unwrap();
        assert_eq!(committed(&after), [], "{room}: {ended:?}");
        if ended.is_ok() {
            return;
        }
    }
    panic!("there was never enough room");
}
