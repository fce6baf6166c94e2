use ottla_record::{BatchChecksum, BatchHeader, Head, Limits, check, decode, verify_crc};

use super::MAX_DECOMPRESSED_BYTES;
use super::seal::{fit_length, seal};

/// A batch of magic 2, as it comes and with length and checksum made right. What `check` accepts must decode
/// to exactly the records that its header counts, in order; a checksum in pieces is the checksum of the whole.
pub fn batch(data: &[u8]) {
    look_at(data);
    if data.len() < BatchHeader::LEN {
        return;
    }
    let mut sealed = data.to_vec();
    sealed[16] = 2;
    fit_length(&mut sealed);
    seal(&mut sealed);
    look_at(&sealed);
    pieces_agree_with_the_whole(&sealed);
}

fn look_at(bytes: &[u8]) {
    let limits = Limits { max_decompressed_bytes: MAX_DECOMPRESSED_BYTES, ..Limits::default() };
    let whole = verify_crc(bytes);
    if let Ok(head) = &whole {
        assert_eq!(Head::parse(bytes).as_ref(), Ok(head));
        assert_eq!(head.size_bytes(), bytes.len());
    }
    let checked = check(bytes, &limits);
    let records = decode(bytes, MAX_DECOMPRESSED_BYTES).map(|decoded| {
        let offsets: Vec<_> = decoded.records().map(|record| record.map(|record| touch(&record))).collect();
        offsets
    });
    let Ok(checked) = checked else { return };
    assert!(whole.is_ok(), "check accepts what verify_crc refuses: {whole:?}");
    let records = records.expect("what was checked can be decoded");
    assert_eq!(records.len() as i64, i64::from(checked.header.record_count));
    for (number, offset) in records.into_iter().enumerate() {
        assert_eq!(offset, Ok(checked.header.base_offset.get().wrapping_add(number as i64)));
    }
}

fn touch(record: &ottla_record::Record<'_>) -> i64 {
    record.headers.clone().for_each(|header| drop(header.name_lossy()));
    record.offset.get()
}

fn pieces_agree_with_the_whole(bytes: &[u8]) {
    for first in [BatchHeader::LEN, bytes.len() / 2] {
        let Some((first, rest)) = bytes.split_at_checked(first) else { continue };
        let Ok(mut checksum) = BatchChecksum::start(first) else { continue };
        rest.chunks(7).for_each(|piece| checksum.update(piece));
        assert_eq!(checksum.finish(), verify_crc(bytes));
    }
}
