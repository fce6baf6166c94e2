use std::path::Path;

use ottla::Offset;
use ottla::producer::{ProducerState, snapshot as file};

const CRC: std::ops::Range<usize> = 2..6;

/// A `.snapshot` file, as it comes and with the right checksum: what is read is written again byte for byte,
/// and a state can be made of it.
pub fn snapshot(data: &[u8]) {
    look_at(data);
    let mut sealed = data.to_vec();
    if let Some(body) = sealed.get(CRC.end..) {
        let crc = crc_fast::crc32_iscsi(body);
        sealed[CRC].copy_from_slice(&crc.to_be_bytes());
        look_at(&sealed);
    }
}

fn look_at(bytes: &[u8]) {
    let Ok(entries) = file::decode(bytes, Path::new("/0.snapshot")) else { return };
    let again = file::encode(&entries);
    assert_eq!(file::decode(&again, Path::new("/0.snapshot")).unwrap(), entries);
    let state = ProducerState::from_entries(entries, Offset::new(1 << 40), 0, i64::MAX);
    let _ = state.first_unstable_offset();
}
