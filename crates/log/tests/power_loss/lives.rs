//! What an earlier life has left behind the end of a file.
//!
//! A write can come to the disk and the file's new length not. The power goes, the file ends where it ended before,
//! and the bytes stand behind its end, in the same block, where nobody sees them. Then something else is appended there,
//! and the power goes again: now the length is on disk and the bytes are not. What shows is a batch of the life
//! before, whole, with a checksum that is right: one that had been lost, and that its producer may have sent again.
//!
//! Found by `evidence/power` on ext4, after 7,019 losses of power. There a length within a block that the file has
//! already may become durable before the block is written.

use std::sync::Arc;

use ottla::{Environment, Isolation, Log, LogConfig, Offset};
use ottla_record::BatchBuilder;
use ottla_testkit::{ChangeKind, SimClock, SimFs, Survival, Unsynced};

const DIR: &str = "/data/letters-0";

fn open(fs: &SimFs) -> Log {
    let clock = Arc::new(SimClock::at_ms(1_700_000_000_000));
    Log::open_with(DIR, LogConfig::default(), Environment { fs: Arc::new(fs.clone()), clock }).unwrap().0
}

fn append(log: &Log, letter: &str) {
    let mut builder = BatchBuilder::new();
    builder.push(0, None, Some(letter.as_bytes()), &[]).unwrap();
    log.append(&builder.build().unwrap()).unwrap();
}

fn letters(log: &Log) -> Vec<String> {
    let batches = log.read_batches(Offset::ZERO, 1 << 20, Isolation::ReadUncommitted).unwrap();
    let mut found = Vec::new();
    let read = batches.for_each_record(|record| {
        found.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
        Ok(())
    });
    read.unwrap();
    found
}

/// The power goes, and this is left of what was written to the log.
fn lose_power(fs: &SimFs, of_the_log: Survival) -> SimFs {
    fs.crash(&mut |change: &Unsynced| match change.kind {
        ChangeKind::Write if change.path.extension().is_some_and(|kind| kind == "log") => of_the_log,
        _ => Survival::Kept,
    })
}

#[test]
fn what_was_lost_once_does_not_come_back_in_the_place_of_something_else() {
    for closes_between in [false, true] {
        let fs = SimFs::new();
        let log = open(&fs);
        append(&log, "Dear Felice,");
        log.flush().unwrap();
        append(&log, "Dear Milena,");
        let fs = lose_power(&fs, Survival::OldLength);
        let log = open(&fs);
        assert_eq!(letters(&log), ["Dear Felice,"]);
        if closes_between {
            log.close().unwrap();
        }
        drop(log);
        let log = open(&fs);
        append(&log, "Dear Ottla, ");
        let fs = lose_power(&fs, Survival::LENGTH_ONLY);
        assert_eq!(letters(&open(&fs)), ["Dear Felice,"], "closed between: {closes_between}");
    }
}
