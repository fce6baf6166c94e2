//! The history of leader epochs is kept, whatever opening the log has to look at again.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::path::Path;

use ottla::{AppendOptions, Log, LogConfig};
use ottla_record::BatchBuilder;

fn open(dir: &Path) -> Log {
    let config = LogConfig { index_interval_bytes: 512, ..LogConfig::default() };
    Log::open_with(dir, config, Default::default()).unwrap().0
}

fn append(log: &Log, count: usize, leader_epoch: i32) {
    for _ in 0..count {
        let mut builder = BatchBuilder::new();
        builder.push(1_700_000_000_000, None, Some(&[7; 64]), &[]).unwrap();
        let options = AppendOptions { leader_epoch: Some(leader_epoch), ..AppendOptions::default() };
        log.append_with(&builder.build().unwrap(), &options).unwrap();
    }
}

fn history(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join("leader-epoch-checkpoint")).unwrap();
    text.lines().skip(2).map(str::to_owned).collect()
}

/// Recovery reads again from the last index entry below the recovery point. The epochs of the batches there took the
/// place of the history before: `0 0` became `0 8`, and `1 11` was found anew behind it.
#[test]
fn a_crash_keeps_the_epochs_that_begin_between_the_last_index_entry_and_the_recovery_point() {
    for of_epoch_0 in 8..16 {
        let data = tempfile::tempdir().unwrap();
        let dir = data.path().join("letters-0");
        let log = open(&dir);
        append(&log, of_epoch_0, 0);
        append(&log, 1, 1);
        log.flush().unwrap();
        append(&log, 1, 2);
        drop(log);
        drop(open(&dir));
        let expected = ["0 0".to_owned(), format!("1 {of_epoch_0}"), format!("2 {}", of_epoch_0 + 1)];
        assert_eq!(history(&dir)[..3], expected);
    }
}
