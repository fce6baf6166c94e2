use ottla_record::{Head, RecordError, verify_crc};

const MAGIC: usize = 16;
const LEGACY_CRC: usize = 12;
const V2_CRC: usize = 17;

/// Puts the right checksum into every batch of a run, as far as lengths let it be followed: random bytes would
/// never come past the checksum to what lies behind it.
pub(super) fn seal(bytes: &mut [u8]) {
    let mut rest = bytes;
    while let Ok(head) = Head::parse(rest) {
        let Some((batch, after)) = rest.split_at_mut_checked(head.size_bytes()) else { return };
        seal_one(batch);
        rest = after;
    }
}

fn seal_one(batch: &mut [u8]) {
    if let Err(RecordError::CrcMismatch { computed, .. }) = verify_crc(batch) {
        let at = if batch[MAGIC] == 2 { V2_CRC } else { LEGACY_CRC };
        batch[at..at + 4].copy_from_slice(&computed.to_be_bytes());
    }
}

/// Makes the bytes one batch or message as far as its length field goes.
pub(super) fn fit_length(bytes: &mut [u8]) {
    if let Some(length) = bytes.len().checked_sub(12) {
        bytes[8..12].copy_from_slice(&(length as i32).to_be_bytes());
    }
}
