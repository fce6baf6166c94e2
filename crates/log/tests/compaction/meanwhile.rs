//! Appends, readers, cuts and deletes go on beside a pass.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ottla::fs::{DirEntry, File, FileSystem, Lock, Metadata, OpenMode, Os};
use ottla::{Cleaner, CleanerConfig, CleanupPolicy, Environment, Isolation, Log, LogConfig, Offset};
use ottla_record::BatchBuilder;
use ottla_testkit::{SimClock, SimFs};

use crate::support::{DIR, NOW_MS, Partition, Seen, check_files, cleaner, config, latest, records, seen};

/// Gets the number of the call, and whether the log's own locks are free then.
type Hook = Box<dyn FnMut(usize, bool) + Send>;

/// A file system that lets a test do something before each call that opens, renames, removes or syncs.
#[derive(Clone)]
struct Hooked {
    inner: SimFs,
    hook: Arc<Mutex<Option<Hook>>>,
    calls: Arc<AtomicUsize>,
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked")
    }
}

impl Hooked {
    fn new(inner: SimFs) -> Hooked {
        Hooked { inner, hook: Arc::default(), calls: Arc::default() }
    }

    fn set(&self, hook: impl FnMut(usize, bool) + Send + 'static) {
        self.calls.store(0, Ordering::SeqCst);
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    fn clear(&self) -> usize {
        *self.hook.lock().unwrap() = None;
        self.calls.load(Ordering::SeqCst)
    }

    /// What the hook itself calls does not call it.
    fn called(&self, is_free: bool) {
        let Some(mut hook) = self.hook.lock().unwrap().take() else { return };
        hook(self.calls.fetch_add(1, Ordering::SeqCst), is_free);
        *self.hook.lock().unwrap() = Some(hook);
    }
}

impl FileSystem for Hooked {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        // Files are made anew only while nothing is held.
        self.called(mode == OpenMode::CreateNew && path.extension().is_some_and(|kind| kind == "cleaned"));
        self.inner.open(path, mode)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.inner.read_dir(path)
    }
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.inner.metadata(path)
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir_all(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.called(false);
        self.inner.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.called(false);
        self.inner.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.called(false);
        self.inner.sync_dir(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        self.inner.lock(path)
    }
}

/// A partition with something to compact in several groups of segments, on a file system with a hook.
fn hooked() -> (Partition, Hooked) {
    let fs = SimFs::new();
    let hooked = Hooked::new(fs.clone());
    let clock = Arc::new(SimClock::at_ms(NOW_MS));
    let environment = Environment { fs: Arc::new(hooked.clone()), clock: clock.clone() };
    let (log, _) = Log::open_with(DIR, config(), environment).unwrap();
    let partition = Partition { fs, clock, config: config(), log };
    for value in ["one", "two", "three"] {
        for key in ["felice", "milena", "julie", "ottla"] {
            partition.put(key, value);
        }
    }
    partition.put("milena", None);
    partition.roll();
    (partition, hooked)
}

#[test]
fn readers_see_the_newest_values_at_every_moment_of_a_pass() {
    let (partition, hooked) = hooked();
    let expected = latest(&partition.records());
    let log = partition.log.clone();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    hooked.set(move |_, _| {
        assert_eq!(latest(&records(&log, Isolation::ReadUncommitted)), expected);
        assert!(log.offset_for_timestamp(NOW_MS).unwrap().is_some());
        assert!(log.max_timestamp().unwrap().is_some());
        count.fetch_add(1, Ordering::SeqCst);
    });
    partition.compact().unwrap();
    hooked.clear();
    assert!(seen.load(Ordering::SeqCst) > 30);
    check_files(&partition.fs, &partition.log);
}

#[test]
fn bytes_that_a_reader_holds_stay_as_they_are() {
    let (partition, _) = hooked();
    let held: Vec<_> = partition
        .log
        .segment_base_offsets()
        .into_iter()
        .map(|base| partition.log.read(base, 1 << 20, Isolation::ReadUncommitted).unwrap().slice)
        .collect();
    let before: Vec<Vec<u8>> = held.iter().map(|slice| slice.read_all().unwrap()).collect();
    partition.compact().unwrap();
    partition.log.remove_deleted_files().unwrap();
    let after: Vec<Vec<u8>> = held.iter().map(|slice| slice.read_all().unwrap()).collect();
    assert_eq!(before, after);
}

#[test]
fn records_are_appended_at_every_moment_of_a_pass() {
    let (partition, hooked) = hooked();
    let mut expected = latest(&partition.records());
    let log = partition.log.clone();
    hooked.set(move |_, _| {
        let mut builder = BatchBuilder::new();
        builder.push(NOW_MS, Some(b"ottla"), Some(b"new"), &[]).unwrap();
        log.append(&builder.build().unwrap()).unwrap();
    });
    partition.compact().unwrap();
    hooked.clear();
    expected.insert("ottla".to_owned(), "new".to_owned());
    assert_eq!(latest(&partition.records()), expected);
    let new = partition.records().iter().filter(|(_, _, value)| value.as_deref() == Some("new")).count();
    assert!(new > 30, "nothing that was appended meanwhile is compacted");
    check_files(&partition.fs, &partition.log);
}

/// Does something once at each call of a pass that may be interrupted so, and looks at what is left.
fn interrupt(act: fn(&Log), check: fn(&Partition)) {
    for at in 0.. {
        let (partition, hooked) = hooked();
        let log = partition.log.clone();
        let acted = Arc::new(AtomicBool::new(false));
        let flag = acted.clone();
        let mut chances = 0;
        hooked.set(move |_, is_free| {
            chances += usize::from(is_free);
            if is_free && chances == at {
                flag.store(true, Ordering::SeqCst);
                act(&log);
            }
        });
        partition.log.compact(&mut cleaner()).unwrap();
        hooked.clear();
        if !acted.load(Ordering::SeqCst) {
            act(&partition.log);
        }
        check(&partition);
        partition.compact();
        check(&partition);
        partition.log.remove_deleted_files().unwrap();
        check_files(&partition.fs, &partition.log);
        if at > 0 && !acted.load(Ordering::SeqCst) {
            assert!(at > 6, "{at} moments show too little");
            break;
        }
    }
}

#[test]
fn a_stopped_cleaner_leaves_the_log_as_it_was() {
    let (partition, hooked) = hooked();
    let before = partition.records();
    let files = partition.segment_files();
    let mut cleaner = cleaner();
    let stopper = cleaner.stopper();
    hooked.set(move |call, _| {
        if call == 8 {
            stopper.stop();
        }
    });
    assert!(partition.log.compact(&mut cleaner).unwrap().is_none());
    hooked.clear();
    assert_eq!(partition.records(), before);
    assert_eq!(partition.segment_files(), files);
    assert_eq!(partition.cleaner_point(), None);
    assert!(partition.compact().is_some());
}

#[test]
fn a_prefix_may_be_deleted_at_any_moment_of_a_pass() {
    interrupt(
        |log| {
            log.delete_records(Offset::new(9)).unwrap();
        },
        |partition| {
            let left: BTreeMap<String, String> = latest(&partition.records());
            assert_eq!(left["ottla"], "three");
            assert!(partition.records().iter().all(|(offset, ..)| *offset >= 9));
        },
    );
}

#[test]
fn a_cut_brings_back_what_the_records_that_are_gone_replaced() {
    let partition = Partition::new();
    partition.put("felice", "one");
    partition.put("milena", "one");
    partition.roll();
    partition.compact().unwrap();
    let cut = partition.put("felice", "two");
    partition.roll();
    partition.log.truncate(Offset::new(cut)).unwrap();
    partition.compact();
    assert_eq!(latest(&partition.records())["felice"], "one");
}

#[test]
fn what_is_appended_where_the_log_was_cut_is_new() {
    let partition = Partition::new();
    for value in ["one", "two", "three", "four"] {
        partition.put("felice", value);
    }
    partition.roll();
    partition.compact().unwrap();
    assert_eq!(partition.cleaner_point(), Some(4));
    partition.log.truncate(Offset::new(3)).unwrap();
    assert!(partition.cleaner_point() <= Some(3));
    partition.put("milena", "a");
    partition.put("milena", "b");
    partition.roll();
    partition.compact().unwrap();
    assert_eq!(partition.records().len(), 1);
    assert_eq!(latest(&partition.records())["milena"], "b");
}

#[test]
fn a_log_may_be_closed_while_it_is_compacted() {
    let mut partition = Partition::with(LogConfig { segment_bytes: 20_000, ..config() });
    for _ in 0..50 {
        let fields: Vec<(&str, Option<&str>)> = (0..50).map(|_| ("felice", Some("one"))).collect();
        partition.put_all(BatchBuilder::new(), &fields);
    }
    partition.put("milena", "two");
    partition.roll();
    let log = partition.log.clone();
    std::thread::scope(|scope| {
        let compacting = scope.spawn(|| log.compact(&mut cleaner()));
        partition.log.close().unwrap();
        let ended = compacting.join().unwrap();
        assert!(matches!(ended, Ok(_) | Err(ottla::Error::Closed { .. })), "{ended:?}");
    });
    partition.log = crate::support::open(&partition.fs, &partition.clock, &partition.config).unwrap().0;
    assert_eq!(latest(&partition.records())["milena"], "two");
    assert_eq!(partition.records().last(), Some(&seen(2_500, "milena", "two")));
    check_files(&partition.fs, &partition.log);
}

/// Reads until there is no more: what compaction takes out meanwhile is replaced by something behind it.
fn all_records(log: &Log) -> Vec<Seen> {
    let mut all = Vec::new();
    let mut next = log.log_start_offset();
    while next < log.log_end_offset() {
        let batches = log.read_batches(next, 500, Isolation::ReadUncommitted).unwrap();
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap();
        batches
            .for_each_record(|record| {
                all.push((record.offset.get(), text(record.key), Some(text(record.value))));
                Ok(())
            })
            .unwrap();
        next = batches.next_offset();
    }
    all
}

/// Threads read everything again and again while others write and compact, on a real disk: no reader ever
/// finds less than what stood there when it began.
#[test]
fn nobody_misses_a_value_while_segments_are_swapped() {
    const KEYS: usize = 16;
    const ROUNDS: usize = 40;
    let data = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 2_000,
        cleanup_policy: CleanupPolicy { compact: true, delete: false },
        ..LogConfig::default()
    };
    let environment = Environment { fs: Arc::new(Os), ..Environment::default() };
    let (log, _) = Log::open_with(data.path().join("letters-0"), config, environment).unwrap();
    let versions: Vec<AtomicUsize> = (0..KEYS).map(|_| AtomicUsize::new(0)).collect();
    let done = AtomicBool::new(false);
    let put = |key: usize, version: usize| {
        let mut builder = BatchBuilder::new();
        builder
            .push(NOW_MS, Some(key.to_string().as_bytes()), Some(version.to_string().as_bytes()), &[])
            .unwrap();
        log.append(&builder.build().unwrap()).unwrap();
        versions[key].store(version, Ordering::SeqCst);
    };
    (0..KEYS).for_each(|key| put(key, 1));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let floor: Vec<usize> =
                        versions.iter().map(|version| version.load(Ordering::SeqCst)).collect();
                    let found = latest(&all_records(&log));
                    for (key, least) in floor.iter().enumerate() {
                        let found = found.get(&key.to_string()).and_then(|found| found.parse::<usize>().ok());
                        assert!(found >= Some(*least), "key {key}: {found:?}, not {least}");
                    }
                }
            });
        }
        let mut cleaner = Cleaner::new(CleanerConfig { io_buffer_bytes: 4096, ..CleanerConfig::default() });
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for round in 0..ROUNDS {
                (0..KEYS * 4).for_each(|n| put(n % KEYS, 2 + round * 4 + n / KEYS));
                log.compact(&mut cleaner).unwrap();
                log.remove_deleted_files().unwrap();
            }
        }));
        done.store(true, Ordering::SeqCst);
        worked.unwrap();
    });
    assert!(log.segment_base_offsets().len() < 20);
}
