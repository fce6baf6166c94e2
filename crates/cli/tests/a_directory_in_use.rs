//! One process writes a data directory at a time; others look at it meanwhile.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{arg, run, run_with};
use ottla::{Environment, Log, LogConfig};
use ottla_record::BatchBuilder;

#[test]
fn writing_is_refused_and_looking_is_not() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    let (log, _) = Log::open(&dir).unwrap();
    let mut batch = BatchBuilder::new();
    batch.push(1_700_000_000_000, Some(b"k"), Some(b"v"), &[]).unwrap();
    log.append(&batch.build().unwrap()).unwrap();

    let (code, _, errors) = run_with(&["append", arg(&dir)], "x\n");
    assert_eq!(code, 2);
    assert!(errors.contains(".lock is open elsewhere") && errors.contains("stop the other"), "{errors}");
    for target in [dir.as_path(), data.path()] {
        let (code, _, errors) = run(&["reindex", arg(target)]);
        assert!(code == 2 && errors.contains("is open elsewhere"), "{errors}");
    }

    let (code, text, errors) = run(&["read", arg(&dir)]);
    assert_eq!((code, text.as_str(), errors.as_str()), (0, "0\t2023-11-14T22:13:20.000Z\tk\tv\n", ""));
    for args in [&["verify", arg(&dir)][..], &["verify", arg(data.path())], &["explain", arg(&dir), "0"]] {
        let (code, text, errors) = run(args);
        assert_eq!((code, errors.as_str()), (0, ""), "{args:?}: {text}");
    }
    log.close().unwrap();
    assert_eq!(run_with(&["append", arg(&dir)], "x\n").0, 0);
}

/// Looking while another writes meets half-written batches, new segments and removed ones; none of these is
/// damage, so whatever is found here is a fault of the one that looks, or of the order in which the log writes.
#[test]
fn nothing_is_found_in_a_log_that_is_being_written_rolled_and_cut_from_the_front() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    let config = LogConfig { segment_bytes: 1 << 16, file_delete_delay_ms: 0, ..LogConfig::default() };
    let (log, _) = Log::open_with(&dir, config, Environment::default()).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                let mut batch = BatchBuilder::new();
                for _ in 0..=n % 7 {
                    batch.push(i64::from(n), None, Some(&[b'x'; 300]), &[]).unwrap();
                }
                log.append(&batch.build().unwrap()).unwrap();
                n += 1;
                std::thread::sleep(Duration::from_micros(200));
                if n.is_multiple_of(500) {
                    log.delete_records(log.log_end_offset() - 1000).unwrap();
                    log.remove_deleted_files().unwrap();
                }
            }
        });
        let looks = || {
            for _ in 0..15 {
                for args in [&["verify", arg(&dir)][..], &["verify", arg(data.path())]] {
                    let (code, text, errors) = run(args);
                    assert_eq!((code, errors.as_str()), (0, ""), "{text}");
                }
                let (code, _, errors) = run(&["read", arg(&dir), "--from", "latest"]);
                assert_eq!((code, errors.as_str()), (0, ""));
            }
        };
        let looked = std::panic::catch_unwind(looks);
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = looked {
            std::panic::resume_unwind(panic);
        }
    });
    log.close().unwrap();
    assert_eq!(run(&["verify", arg(data.path())]).0, 0);
}
