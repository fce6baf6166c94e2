use ottla::dir::{FileKind, FileName};
use ottla::{Isolation, Log, Offset};
use ottla_record::{BatchBuilder, Head, verify_crc};

use super::data_dir::{PARTITION, as_it_is_and_sealed, machine};
use crate::{Image, SimFs};

/// A data directory of any files, as they come and with right checksums in the `.log` files. Opening it either
/// refuses and says why, or gives a log that can be read from start to end, that takes a record, and that
/// opens again, after a clean close and after a crash, as it was.
pub fn recovery(data: &[u8]) {
    as_it_is_and_sealed(data, open_and_use);
}

fn open_and_use(image: &Image) {
    let fs = SimFs::from_image(image);
    let Ok(log) = open(&fs) else { return };
    let start = log.log_start_offset();
    let end = log.log_end_offset();
    assert!(start <= end);
    let sound = is_sound(&fs, &log);
    for isolation in [Isolation::ReadUncommitted, Isolation::ReadCommitted] {
        let reached = read_all(&log, isolation);
        assert!(!sound || reached <= end, "{reached} is past the end");
    }
    let _ = (log.offset_for_timestamp(0), log.max_timestamp());
    let Ok(appended) = log.append(&one_record()) else { return };
    assert_eq!(appended.base_offset, end);
    let end = log.log_end_offset();
    log.sync_to(end).unwrap();

    let crashed = open(&fs.crash(&mut crate::Crash::LoseAll));
    log.close().unwrap();
    let again = open(&fs);
    // What is damaged may be told only now, and cut, as far as recovery looks.
    if !sound {
        return;
    }
    let crashed = crashed.expect("a sound log opens after a crash");
    assert_eq!(crashed.log_end_offset(), end, "a synced record survives a crash");
    let again = again.expect("what was closed cleanly opens again");
    assert_eq!((again.log_start_offset(), again.log_end_offset()), (start, end));
    let last = again.read_batches(end + -1, 1, Isolation::ReadUncommitted).unwrap();
    assert_eq!(last.next_offset(), end);
}

fn open(fs: &SimFs) -> ottla::Result<Log> {
    let (config, environment) = machine(fs);
    Log::open_with(PARTITION, config, environment).map(|(log, _)| log)
}

/// Whether every byte of the log is a valid batch behind the one before. Damage that a clean-shutdown mark covers up
/// is only seen after the next crash, and then cuts what was appended behind it.
pub(super) fn is_sound(fs: &SimFs, log: &Log) -> bool {
    let image = fs.image();
    let mut end = Offset::ZERO;
    log.segment_base_offsets().into_iter().all(|base| {
        let path = FileName::new(base, FileKind::Log).in_dir(log.path());
        let mut rest = image.read(path).unwrap_or_default();
        if end > base {
            return false;
        }
        end = base;
        while let Ok(head) = Head::parse(rest) {
            let Some((batch, after)) = rest.split_at_checked(head.size_bytes()) else { return false };
            let (first, last) = (head.base_offset(), head.last_offset());
            let follows = first >= end && last >= first && last.get() - base.get() <= i64::from(i32::MAX);
            if !follows || verify_crc(batch).is_err() {
                return false;
            }
            end = head.last_offset() + 1;
            rest = after;
        }
        rest.is_empty() && end <= log.log_end_offset()
    })
}

/// Reads on from batch to batch, and returns how far; what is damaged is told, and ends the reading.
pub(super) fn read_all(log: &Log, isolation: Isolation) -> Offset {
    let mut next = log.log_start_offset();
    while let Ok(batches) = log.read_batches(next, 4096, isolation) {
        if batches.is_empty() {
            return next;
        }
        assert!(batches.next_offset() > next, "reading goes on");
        let _ = batches.for_each_record(|record| {
            assert!(record.offset >= next, "records below the wanted offset are left out");
            Ok(())
        });
        next = batches.next_offset();
    }
    next
}

pub(super) fn one_record() -> Vec<u8> {
    let mut builder = BatchBuilder::new().base_offset(Offset::ZERO);
    builder.push(1_700_000_000_000, Some(b"ottla"), Some(b"a letter"), &[]).expect("one small record");
    builder.build().expect("one small record")
}
