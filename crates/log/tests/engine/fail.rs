//! Every call on the file system fails, one after the other, once or from then on.
//!
//! **Fault model.** One call of a kind fails with one of six errors, or a read gives fewer bytes than were asked for;
//! it alone, or it and all of its kind after it. Then the power goes: what was not synced is lost, kept or mixed, and
//! what a failed sync was to make durable is lost whatever a later sync said.
//!
//! **What must hold**: nothing panics or asks without end; nothing is acknowledged that is not there, and what was
//! acknowledged survives; every error tells the system's answer and names the file. Each test prints how many
//! pairs of a call and an error it tried.

use std::io;
use std::path::Path;

use ottla::{AppendOptions, Environment, Error, Isolation, Log, LogConfig, Offset, Origin, Result};
use ottla_record::{BatchBuilder, EndTransactionMarker};
use ottla_testkit::{Call, Crash, Fault, Repeat, SimFs};

use crate::support::{DIR, NOW_MS, batch, environment, open, small, values_between};

/// What a log acknowledged.
#[derive(Default)]
struct Acknowledged {
    /// Values by their first offset.
    appended: Vec<(Offset, String)>,
    /// Values whose append failed while the log went on.
    refused: Vec<String>,
    /// Below this everything was said to be on disk.
    durable: Offset,
    start: Offset,
    next_value: i64,
    errors: Vec<Error>,
}

impl Acknowledged {
    fn append(&mut self, log: &Log, builder: BatchBuilder, options: &AppendOptions) {
        let value = format!("{:060}", self.next_value);
        self.next_value += 1;
        let bytes = batch(builder, std::slice::from_ref(&value), self.next_value);
        match log.append_with(&bytes, options) {
            Ok(appended) => {
                self.appended.push((appended.base_offset, value));
                assert_eq!(appended.last_offset + 1, log.log_end_offset());
            }
            // After one batch was refused, those of the same producer behind it are too.
            Err(Error::OutOfOrderSequence { .. }) => self.refused.push(value),
            Err(e) => {
                self.refused.push(value);
                self.errors.push(e);
            }
        }
    }

    /// Notes why something was not done.
    fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|e| self.errors.push(e)).ok()
    }

    fn plain(&mut self, log: &Log, count: usize) {
        (0..count).for_each(|_| self.append(log, BatchBuilder::new(), &AppendOptions::default()));
    }

    fn told(&mut self, result: Result<()>, end: Offset) {
        if self.note(result).is_some() {
            self.durable = self.durable.max(end);
        }
    }

    fn sync(&mut self, log: &Log) {
        let end = log.log_end_offset();
        self.told(log.sync_to(end), end);
        assert!(log.durable_offset() <= end);
    }

    fn flush(&mut self, log: &Log) {
        let end = log.log_end_offset();
        self.told(log.flush(), end);
    }

    fn close(&mut self, log: &Log) {
        let end = log.log_end_offset();
        self.told(log.close(), end);
    }

    fn delete(&mut self, log: &Log, before: i64) {
        let before = Offset::new(before);
        let deleted = log.delete_records(before);
        if matches!(deleted, Err(Error::OffsetOutOfRange { .. })) {
            return;
        }
        // Where it failed it may have taken effect: the checkpoint may be written.
        self.start = self.note(deleted).unwrap_or(self.start.max(log.log_start_offset()));
    }

    /// Those that must be there in a log that starts and is promised so.
    fn expected(&self, start: Offset, end: Offset) -> Vec<(Offset, String)> {
        self.appended.iter().filter(|(offset, _)| (start..end).contains(offset)).cloned().collect()
    }
}

fn life(fs: &SimFs, config: &LogConfig, told: &mut Acknowledged) -> Result<()> {
    let (log, _) = open(fs, config)?;
    told.plain(&log, 3);
    told.sync(&log);
    for sequence in 0..9 {
        let builder = BatchBuilder::new().producer(7, 0, sequence).transactional(true);
        told.append(&log, builder, &AppendOptions::default());
    }
    let marker = EndTransactionMarker {
        producer_id: 7,
        producer_epoch: 0,
        coordinator_epoch: 0,
        commit: false,
        timestamp_ms: NOW_MS,
    };
    let coordinator = AppendOptions { origin: Origin::Coordinator, leader_epoch: None };
    let marked = log.append_with(&marker.to_batch().unwrap(), &coordinator);
    if !matches!(marked, Err(Error::InvalidTxnState { .. })) {
        told.note(marked);
    }
    told.plain(&log, 8);
    told.flush(&log);
    told.plain(&log, 8);
    told.delete(&log, 12);
    told.plain(&log, 2);
    told.sync(&log);
    told.plain(&log, 7);
    told.note(log.remove_deleted_files());
    told.note(log.offset_for_timestamp(NOW_MS + 7));
    told.note(log.max_timestamp());
    check_reads_that_may_fail(&log, told);
    told.close(&log);
    Ok(())
}

/// Segments on disk and some that are not, left by a process that was killed.
fn before_the_second_life(fs: &SimFs) -> Acknowledged {
    let mut told = Acknowledged::default();
    let (log, _) = open(fs, &small()).unwrap();
    told.plain(&log, 14);
    told.flush(&log);
    told.plain(&log, 14);
    told
}

/// A log is recovered, and lives on. Whoever cannot open it tries again.
fn second_life(fs: &SimFs, config: &LogConfig, told: &mut Acknowledged) -> Result<()> {
    let log = match open(fs, config) {
        Ok((log, _)) => log,
        Err(e) => {
            told.errors.push(e);
            open(fs, config)?.0
        }
    };
    told.plain(&log, 3);
    told.sync(&log);
    log.set_config(LogConfig { retention_bytes: Some(2_600), ..config.clone() });
    told.note(log.apply_retention());
    told.start = told.start.max(log.log_start_offset());
    log.set_config(config.clone());
    told.plain(&log, 9);
    told.note(log.remove_deleted_files());
    told.flush(&log);
    check_reads_that_may_fail(&log, told);
    told.close(&log);
    Ok(())
}

/// What was acknowledged is there, in its place; what was refused is not.
fn check_reads(log: &Log, told: &Acknowledged) {
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    let found = values_between(log, start, end, Isolation::ReadUncommitted);
    assert_eq!(found, told.expected(start, end));
}

/// As `check_reads`, while reading may fail: then it says so.
fn check_reads_that_may_fail(log: &Log, told: &mut Acknowledged) {
    let (mut next, end) = (log.log_start_offset(), log.log_end_offset());
    let mut expected = told.expected(next, end).into_iter();
    while next < end {
        match log.read_batches(next, 500, Isolation::ReadUncommitted) {
            Err(e) => return told.errors.push(e),
            Ok(batches) => {
                let check = |record: &ottla_record::Record<'_>| {
                    let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                    assert_eq!(Some((record.offset, value)), expected.next());
                    Ok(())
                };
                batches.for_each_record(check).unwrap();
                next = batches.next_offset();
            }
        }
    }
    assert_eq!(expected.next(), None);
}

/// As `check_reads`, for a log that came back after a crash.
fn check_survivors(fs: &SimFs, told: &Acknowledged, least: Offset, poisoned: bool, context: &str) {
    let (log, _) = open(fs, &small()).unwrap_or_else(|e| panic!("{context}: {e}"));
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    assert!(start >= told.start && start <= end, "{context}: starts at {start}");
    assert!(end >= least, "{context}: ends at {end}, promised was {least}");
    let found = values_between(&log, start, end, Isolation::ReadUncommitted);
    let expected = told.expected(start, end);
    let acknowledged: Vec<_> =
        found.iter().filter(|(_, value)| !told.refused.contains(value)).cloned().collect();
    if acknowledged != expected {
        let offsets = |values: &[(Offset, String)]| values.iter().map(|(o, _)| o.get()).collect::<Vec<_>>();
        let missing: Vec<_> = expected.iter().filter(|e| !acknowledged.contains(e)).collect();
        panic!(
            "{context}: {:?} for {:?}, missing {missing:?}, least {least}",
            offsets(&acknowledged),
            offsets(&expected)
        );
    }
    assert!(poisoned || acknowledged.len() == found.len(), "{context}: what was refused is there");
    // Life goes on.
    log.append(&batch(BatchBuilder::new(), &["100000"], 100_000)).unwrap();
    log.flush().unwrap();
    log.close().unwrap();
    let (log, report) = open(fs, &small()).unwrap();
    assert!(report.clean, "{context}");
    assert_eq!(log.log_end_offset(), end + 1, "{context}");
}

/// What happens to a log, beside the oracle.
type Life = fn(&SimFs, &LogConfig, &mut Acknowledged) -> Result<()>;

/// So many calls are far more than any of these lives takes.
const MOST_CALLS: u64 = 100_000;

/// An error tells what the system said, and of which file.
fn check_error(e: &Error, fault: Fault, context: &str) {
    let is_source = |source: &io::Error| {
        let said = source.raw_os_error();
        said == fault.raw_os_error() || (said.is_none() && source.kind() != io::ErrorKind::Other)
    };
    // The data directory itself is made too, and its name made durable.
    let is_ours = |path: &Path| path.starts_with("/data") || path == Path::new("/");
    let tells = match e {
        Error::Io { path, source, .. } | Error::Poisoned { path, source } => {
            is_ours(path) && is_source(source)
        }
        Error::DiskFull { path, needed_bytes, source, .. } => {
            is_ours(path) && *needed_bytes > 0 && is_source(source)
        }
        Error::NotADirectoryOfOurs { path, .. } => path.starts_with("/data"),
        // A file that ends too early is none that the system complained of.
        Error::Corrupt(corruption) => fault.raw_os_error().is_none() && corruption.path.starts_with("/data"),
        _ => false,
    };
    assert!(tells, "{context}: {e:?}");
}

/// Returns how many calls were made to fail.
fn every(prepare: fn(&SimFs) -> Acknowledged, life: Life, call: Call, fault: Fault, repeat: Repeat) -> usize {
    for nth in 1.. {
        let fs = SimFs::new();
        let mut told = prepare(&fs);
        fs.fail_nth(call, nth, fault, repeat);
        fs.allow_calls(MOST_CALLS);
        let context = format!("{call:?} number {nth} fails with {fault:?} {repeat:?}");
        let config = LogConfig { file_delete_delay_ms: 0, ..small() };
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life(&fs, &config, &mut told)));
        let lived = lived.unwrap_or_else(|_| panic!("{context}"));
        told.errors.extend(lived.err());
        told.errors.iter().for_each(|e| check_error(e, fault, &context));
        let hit = fs.faults_hit() > 0;
        fs.clear_faults();
        let poisoned = !told.refused.is_empty();
        check_survivors(&fs.crash(&mut Crash::LoseAll), &told, told.durable, poisoned, &context);
        check_survivors(&fs.crash(&mut Crash::KeepAll), &told, told.durable, poisoned, &context);
        for seed in 0..3 {
            check_survivors(&fs.crash(&mut Crash::Random(seed)), &told, told.durable, poisoned, &context);
        }
        if !hit {
            assert_eq!(told.durable, told.appended.last().unwrap().0 + 1, "without a fault all is promised");
            return (nth - 1) as usize;
        }
    }
    unreachable!()
}

fn every_fault(call: Call) {
    let mut sites = 0;
    let faults = [Fault::EIO, Fault::ENOSPC, Fault::EINTR, Fault::EMFILE, Fault::EROFS, Fault::EDQUOT];
    for fault in faults {
        for repeat in [Repeat::Once, Repeat::Always] {
            sites += every(|_| Acknowledged::default(), life, call, fault, repeat);
            sites += every(before_the_second_life, second_life, call, fault, repeat);
        }
    }
    assert!(sites > 0, "{call:?} is never called");
    println!("failing calls, {call:?}: {sites} pairs of a call and an error");
}

#[test]
fn opening_a_file_fails() {
    every_fault(Call::Open);
}

#[test]
fn reading_fails() {
    every_fault(Call::Read);
}

#[test]
fn writing_fails() {
    every_fault(Call::Write);
}

#[test]
fn writing_fails_halfway() {
    let mut sites = 0;
    for fault in [Fault::EIO.after_bytes(70), Fault::ENOSPC.after_bytes(70), Fault::ENOSPC.after_bytes(7)] {
        sites += every(|_| Acknowledged::default(), life, Call::Write, fault, Repeat::Once);
        sites += every(before_the_second_life, second_life, Call::Write, fault, Repeat::Once);
    }
    assert!(sites > 90);
    println!("failing calls, short writes: {sites} pairs of a call and an error");
}

#[test]
fn a_read_gives_less_than_was_asked_for() {
    let mut sites = 0;
    for fault in [Fault::short_read(0), Fault::short_read(1), Fault::short_read(30)] {
        sites += every(|_| Acknowledged::default(), life, Call::Read, fault, Repeat::Once);
        sites += every(before_the_second_life, second_life, Call::Read, fault, Repeat::Once);
    }
    println!("failing calls, short reads: {sites} pairs of a call and a length");
}

#[test]
fn looking_at_a_length_fails() {
    every_fault(Call::Len);
}

#[test]
fn cutting_a_file_fails() {
    every_fault(Call::SetLen);
}

#[test]
fn syncing_a_file_fails() {
    every_fault(Call::Sync);
}

#[test]
fn listing_a_directory_fails() {
    every_fault(Call::ReadDir);
}

#[test]
fn looking_at_a_file_fails() {
    every_fault(Call::Metadata);
}

#[test]
fn making_a_directory_fails() {
    every_fault(Call::CreateDir);
}

#[test]
fn renaming_fails() {
    every_fault(Call::Rename);
}

#[test]
fn removing_fails() {
    every_fault(Call::Remove);
}

#[test]
fn syncing_a_directory_fails() {
    every_fault(Call::SyncDir);
}

#[test]
fn locking_fails() {
    every_fault(Call::Lock);
}

fn value(log: &Log, text: &str) -> Result<Offset> {
    log.append(&batch(BatchBuilder::new(), &[text], 0)).map(|appended| appended.last_offset + 1)
}

/// The page cache shows what a failed sync has lost, so trying again proves nothing.
#[test]
fn a_failed_sync_stops_all_writes_and_no_reads_until_the_log_is_opened_again() {
    let fs = SimFs::new();
    let (log, _) = open(&fs, &small()).unwrap();
    let first = value(&log, "durable").unwrap();
    log.sync_to(first).unwrap();
    let second = value(&log, "doubtful").unwrap();
    fs.fail_nth(Call::Sync, 1, Fault::EIO, Repeat::Once);
    assert!(matches!(log.sync_to(second), Err(Error::Io { action: "sync", .. })));
    for _ in 0..2 {
        assert!(matches!(log.sync_to(second), Err(Error::Poisoned { .. })));
        assert!(matches!(value(&log, "late"), Err(Error::Poisoned { .. })));
        assert!(matches!(log.flush(), Err(Error::Poisoned { .. })));
        assert!(matches!(log.truncate(first), Err(Error::Poisoned { .. })));
        assert!(matches!(log.delete_records(first), Err(Error::Poisoned { .. })));
    }
    log.sync_to(first).unwrap();
    assert_eq!(log.durable_offset(), first);
    let read = values_between(&log, Offset::ZERO, second, Isolation::ReadUncommitted);
    assert_eq!(read.len(), 2);
    assert!(log.close().is_err());

    let (log, report) = open(&fs, &small()).unwrap();
    assert!(!report.clean);
    value(&log, "again").unwrap();
}

/// The system told one of them; the others learn of it from the log.
#[test]
fn everybody_who_waits_for_a_sync_that_fails_is_told() {
    let fs = SimFs::new();
    let (log, _) = open(&fs, &small()).unwrap();
    let ends: Vec<Offset> = (0..16).map(|number| value(&log, &number.to_string()).unwrap()).collect();
    fs.fail_nth(Call::Sync, 1, Fault::EIO, Repeat::Once);
    let waiting = ends.into_iter().map(|end| {
        let log = log.clone();
        std::thread::spawn(move || log.sync_to(end))
    });
    let waiting: Vec<_> = waiting.collect();
    for waiter in waiting {
        assert!(matches!(waiter.join().unwrap(), Err(Error::Io { .. } | Error::Poisoned { .. })));
    }
    assert_eq!(log.durable_offset(), Offset::ZERO);
}

/// Some file systems find out only then that there is no room, and forget the bytes.
#[test]
fn a_sync_that_finds_the_disk_full_is_a_failed_sync() {
    for (call, fault) in
        [(Call::Sync, Fault::ENOSPC), (Call::Sync, Fault::EDQUOT), (Call::SyncDir, Fault::EIO)]
    {
        let fs = SimFs::new();
        let (log, _) = open(&fs, &small()).unwrap();
        let before = log.durable_offset();
        // The second segment brings a new name, so that the directory is synced too.
        let ends: Vec<_> = (0..12).map(|_| value(&log, &"x".repeat(90)).unwrap()).collect();
        fs.fail_nth(call, 1, fault, Repeat::Once);
        let end = *ends.last().unwrap();
        assert!(matches!(log.sync_to(end), Err(Error::Io { .. })), "{call:?} {fault:?}");
        assert!(matches!(log.sync_to(end), Err(Error::Poisoned { .. })), "{call:?} {fault:?}");
        assert!(matches!(value(&log, "late"), Err(Error::Poisoned { .. })), "{call:?} {fault:?}");
        assert_eq!(log.durable_offset(), before);
        assert_eq!(values_between(&log, Offset::ZERO, end, Isolation::ReadUncommitted).len(), 12);
    }
}

/// The story of PostgreSQL's fsyncgate: the first sync fails and the system forgets that the pages are not
/// on disk, so the next one succeeds without writing them.
#[test]
fn what_a_sync_failed_to_write_is_on_disk_once_a_later_one_says_so() {
    let fs = SimFs::new();
    let (log, _) = open(&fs, &small()).unwrap();
    for number in 0..9 {
        value(&log, &format!("{number:060}")).unwrap();
    }
    fs.fail_nth(Call::Sync, 1, Fault::EIO, Repeat::Once);
    log.flush().unwrap_err();
    let _ = log.close();
    drop(log);

    let (log, _) = open(&fs, &small()).unwrap();
    let end = log.log_end_offset();
    let kept = values_between(&log, Offset::ZERO, end, Isolation::ReadUncommitted);
    value(&log, "later").unwrap();
    log.flush().unwrap();

    let after = fs.crash(&mut Crash::LoseAll);
    let (log, _) = open(&after, &small()).unwrap();
    assert_eq!(log.log_end_offset(), end + 1, "a flush said that all of it is on disk");
    assert_eq!(values_between(&log, Offset::ZERO, end, Isolation::ReadUncommitted), kept);
}

#[test]
fn a_full_disk_refuses_appends_until_there_is_room_again() {
    for room in (0..100_000).step_by(113) {
        let fs = SimFs::new();
        let (log, _) = open(&fs, &small()).unwrap();
        let mut told = Acknowledged::default();
        told.plain(&log, 6);
        let used: u64 =
            fs.image().entries().filter_map(|(path, _)| fs.image().read(path).map(|b| b.len() as u64)).sum();
        fs.set_capacity(Some(used + room));
        told.plain(&log, 30);
        let refused = told.refused.len();
        check_reads(&log, &told);
        fs.set_capacity(None);
        told.plain(&log, 10);
        assert_eq!(told.refused.len(), refused, "{room} bytes of room: the log takes appends again");
        check_reads(&log, &told);
        told.sync(&log);
        check_survivors(&fs.crash(&mut Crash::LoseAll), &told, log.log_end_offset(), false, "lost");
        check_survivors(&fs.crash(&mut Crash::Random(room)), &told, log.log_end_offset(), false, "random");
        if refused == 0 {
            assert!(room > 500);
            return;
        }
    }
    panic!("there was never enough room");
}

/// Indexes are written out in blocks. Where that fails, the batch itself is already written and stands.
#[test]
fn a_full_disk_while_index_entries_are_written_costs_no_batch() {
    let config = LogConfig { index_interval_bytes: 0, ..LogConfig::default() };
    let fs = SimFs::new();
    let (log, _) = open(&fs, &config).unwrap();
    let mut told = Acknowledged::default();
    let writes = |told: &mut Acknowledged, log: &Log| {
        let before = fs.calls(Call::Write);
        told.plain(log, 1);
        fs.calls(Call::Write) - before
    };
    told.plain(&log, 500);
    // The write of the block is the second of its append.
    fs.fail_nth(Call::Write, 14, Fault::ENOSPC, Repeat::Once);
    let most = (0..20).map(|_| writes(&mut told, &log)).max();
    assert!(most > Some(1) && fs.faults_hit() == 1, "{most:?}");
    told.plain(&log, 5);
    check_reads(&log, &told);
    log.close().unwrap();
    let (log, _) = open(&fs, &config).unwrap();
    check_reads(&log, &told);
}

/// A roll that fails must not leave an empty segment in the midst of the log.
#[test]
fn a_roll_that_fails_halfway_loses_nothing_of_what_is_appended_after() {
    for open_call in 1..6 {
        let fs = SimFs::new();
        let (log, _) = open(&fs, &small()).unwrap();
        let mut told = Acknowledged::default();
        while log.size_bytes().unwrap() < 900 {
            told.plain(&log, 1);
        }
        fs.fail_nth(Call::Open, open_call, Fault::ENOSPC, Repeat::Once);
        let large = "x".repeat(600);
        let rolled = value(&log, &large);
        fs.clear_faults();
        if let Ok(end) = rolled {
            told.appended.push((end - 1, large));
        }
        told.plain(&log, 1);
        check_reads(&log, &told);
        log.close().unwrap();
        let (log, _) = open(&fs, &small()).unwrap();
        check_reads(&log, &told);
    }
}

#[test]
fn an_environment_that_cannot_be_read_is_told_with_its_path() {
    let fs = SimFs::new();
    drop(open(&fs, &small()).unwrap());
    fs.fail_nth(Call::ReadDir, 1, Fault::EIO, Repeat::Always);
    let environment: Environment = environment(&fs);
    match Log::open_with(DIR, small(), environment) {
        Err(Error::Io { path, source, .. }) => {
            assert!(path.starts_with("/data") && source.raw_os_error() == Some(5));
        }
        other => panic!("{other:?}"),
    }
}
