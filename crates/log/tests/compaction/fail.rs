//! Every call on the file system fails during a pass, once or from then on. The log goes on serving, and after
//! it was opened again it is whole.

use std::sync::Arc;

use ottla::{Error, Isolation};
use ottla_record::BatchBuilder;
use ottla_testkit::{Call, Fault, Repeat, SimClock, SimFs};

use crate::support::{NOW_MS, Partition, check_files, cleaner, config, latest, open, records};

fn fill(partition: &Partition) {
    for value in ["one", "two", "three"] {
        for key in ["felice", "milena", "julie"] {
            partition.put(key, value);
        }
    }
    let builder = BatchBuilder::new().producer(4, 0, 0).transactional(true);
    partition.put_all(builder, &[("hidden", Some("x"))]);
    partition.end_transaction(4, false);
    partition.roll();
}

#[test]
fn whatever_call_fails_the_log_serves_and_opens_again() {
    let partition = Partition::new();
    fill(&partition);
    let expected = latest(&partition.committed());
    partition.log.close().unwrap();
    let image = partition.fs.image();
    let mut failures = 0;
    for (call, fault, repeat) in plan() {
        for nth in 1.. {
            let fs = SimFs::from_image(&image);
            let clock = Arc::new(SimClock::at_ms(NOW_MS));
            let (log, _) = open(&fs, &clock, &config()).unwrap();
            fs.fail_nth(call, nth, fault, repeat);
            let compacted = log.compact(&mut cleaner());
            let hit = fs.faults_hit();
            fs.clear_faults();
            let context = format!("{call:?} {nth} fails with {fault:?}, {repeat:?}: {compacted:?}");
            assert!(compacted.is_err() || compacted.as_ref().is_ok_and(|done| done.is_some()), "{context}");
            let found = latest(&records(&log, Isolation::ReadCommitted));
            assert_eq!(found, expected, "{context}");
            try_again(&log, &context);
            drop(log);
            // Nobody closes it: what is on the disk must do.
            let after = SimFs::from_image(&fs.image());
            let (log, _) = open(&after, &clock, &config()).unwrap_or_else(|e| panic!("{context}: {e}"));
            assert_eq!(latest(&records(&log, Isolation::ReadCommitted)), expected, "{context}");
            check_files(&after, &log);
            if hit == 0 {
                assert!(compacted.is_ok());
                break;
            }
            failures += 1;
        }
    }
    assert!(failures > 150, "{failures}");
}

fn plan() -> Vec<(Call, Fault, Repeat)> {
    let calls = [
        Call::Open,
        Call::Read,
        Call::Write,
        Call::Len,
        Call::Sync,
        Call::ReadDir,
        Call::Metadata,
        Call::Rename,
        Call::Remove,
        Call::SyncDir,
    ];
    let of = |call: Call| {
        let full = [(call, Fault::ENOSPC, Repeat::Once), (call, Fault::ENOSPC, Repeat::Always)];
        let broken = [(call, Fault::EIO, Repeat::Once), (call, Fault::EIO, Repeat::Always)];
        let writes = matches!(call, Call::Write | Call::Rename | Call::Open);
        broken.into_iter().chain(full.into_iter().filter(move |_| writes))
    };
    calls.into_iter().flat_map(of).collect()
}

/// Either it takes records and can be compacted, or it says that it must be opened again.
fn try_again(log: &ottla::Log, context: &str) {
    let mut builder = BatchBuilder::new();
    builder.push(NOW_MS, Some(b"~"), Some(b"after"), &[]).unwrap();
    match log.append(&builder.build().unwrap()) {
        Ok(_) => {
            log.compact(&mut cleaner()).unwrap_or_else(|e| panic!("{context}; then {e}"));
        }
        Err(Error::Poisoned { .. }) => {}
        Err(e) => panic!("{context}; then {e}"),
    }
}

#[test]
fn a_full_disk_leaves_the_log_as_it_was() {
    let partition = Partition::new();
    partition.put("brod", "a first segment of which something is left");
    fill(&partition);
    let expected = partition.records();
    let files = partition.segment_files();
    partition.log.flush().unwrap();
    let used: u64 = partition
        .fs
        .image()
        .entries()
        .map(|(path, _)| partition.fs.image().read(path).map_or(0, |bytes| bytes.len() as u64))
        .sum();
    partition.fs.set_capacity(Some(used + 60));
    let error = partition.log.compact(&mut cleaner()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert_eq!(partition.records(), expected);
    assert_eq!(partition.segment_files(), files);
    partition.fs.set_capacity(None);
    assert!(partition.compact().is_some());
}
