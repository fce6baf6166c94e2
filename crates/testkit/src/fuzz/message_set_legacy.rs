use ottla_record::{Head, decode, verify_crc};

use super::MAX_DECOMPRESSED_BYTES;
use super::seal::{fit_length, seal};

/// Messages of magic 0 and 1, plain and wrapped, as they come and with length and checksum made right: they are
/// read or refused, and never accepted for writing.
pub fn message_set_legacy(data: &[u8]) {
    look_at(data);
    if data.len() < 26 {
        return;
    }
    let mut sealed = data.to_vec();
    sealed[16] &= 1;
    fit_length(&mut sealed);
    seal(&mut sealed);
    if let Ok(head) = verify_crc(&sealed) {
        assert!(matches!(head, Head::Legacy(_)), "{head:?}");
    }
    assert!(ottla_record::check(&sealed, &ottla_record::Limits::default()).is_err());
    look_at(&sealed);
}

fn look_at(bytes: &[u8]) {
    let Ok(decoded) = decode(bytes, MAX_DECOMPRESSED_BYTES) else { return };
    let mut failed = false;
    for record in decoded.records() {
        assert!(!failed, "an error is the last item");
        failed = record.is_err();
    }
}
