//! Kafka's variable-length numbers: zigzag, then seven bits a byte, the lowest first.
//!
//! This is the only decoder of them. It takes encodings that are longer than they need be, as Kafka does,
//! but refuses bits beyond the type, which Kafka drops.

use crate::RecordError;

const MAX_LEN_32: usize = 5;
const MAX_LEN_64: usize = 10;

/// Takes a 32-bit number off the front of `bytes`. The error is [`RecordError::TooShort`] only where the
/// bytes end inside the number.
#[inline(always)]
pub(crate) fn take_i32(bytes: &mut &[u8]) -> Result<i32, RecordError> {
    let raw = match take_short(bytes) {
        Some(raw) => raw,
        None => take_long::<MAX_LEN_32>(bytes, u64::from(u32::MAX))? as u32,
    };
    Ok((raw >> 1) as i32 ^ -((raw & 1) as i32))
}

/// Takes a 64-bit number off the front of `bytes`, as [`take_i32`] does.
#[inline(always)]
pub(crate) fn take_i64(bytes: &mut &[u8]) -> Result<i64, RecordError> {
    let raw = match take_short(bytes) {
        Some(raw) => u64::from(raw),
        None => take_long::<MAX_LEN_64>(bytes, u64::MAX)?,
    };
    Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
}

/// Takes a number of one or two bytes, as nearly all of them are.
#[inline(always)]
fn take_short(bytes: &mut &[u8]) -> Option<u32> {
    match **bytes {
        [byte, ref rest @ ..] if byte < 0x80 => {
            *bytes = rest;
            Some(u32::from(byte))
        }
        [low, high, ref rest @ ..] if high < 0x80 => {
            *bytes = rest;
            Some(u32::from(low & 0x7f) | u32::from(high) << 7)
        }
        _ => None,
    }
}

/// The number of one or two bytes that the lowest bytes of `window` begin with: the number, its bytes, and what
/// is behind them. `None` where it is longer.
#[inline(always)]
pub(crate) fn short_of(window: u64) -> Option<(i32, usize, u64)> {
    let decoded = |raw: u32| (raw >> 1) as i32 ^ -((raw & 1) as i32);
    if window & 0x80 == 0 {
        return Some((decoded(window as u32 & 0x7f), 1, window >> 8));
    }
    let raw = (window as u32 & 0x7f) | (window as u32 & 0x7f00) >> 1;
    (window & 0x8000 == 0).then(|| (decoded(raw), 2, window >> 16))
}

#[inline(never)]
fn take_long<const MAX_LEN: usize>(bytes: &mut &[u8], max: u64) -> Result<u64, RecordError> {
    let mut value: u64 = 0;
    for (index, &byte) in bytes.iter().take(MAX_LEN).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * index as u32;
        // The tenth byte has room for one bit only.
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            if value > max {
                break;
            }
            *bytes = bytes.split_at(index + 1).1;
            return Ok(value);
        }
    }
    if bytes.len() < MAX_LEN && bytes.iter().all(|&byte| byte >= 0x80) {
        return Err(RecordError::TooShort { needed: bytes.len() + 1, found: bytes.len() });
    }
    Err(RecordError::BadVarint { max_bytes: MAX_LEN })
}

/// Appends a 32-bit number.
pub(crate) fn put_i32(out: &mut Vec<u8>, value: i32) {
    put_raw(out, u64::from(((value << 1) ^ (value >> 31)) as u32));
}

/// Appends a 64-bit number.
pub(crate) fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_raw(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn put_raw(out: &mut Vec<u8>, mut raw: u64) {
    while raw >= 0x80 {
        out.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

/// Bytes that [`put_i32`] appends.
pub(crate) fn len_i32(value: i32) -> usize {
    len_raw(u64::from(((value << 1) ^ (value >> 31)) as u32))
}

/// Bytes that [`put_i64`] appends.
pub(crate) fn len_i64(value: i64) -> usize {
    len_raw(((value << 1) ^ (value >> 63)) as u64)
}

fn len_raw(raw: u64) -> usize {
    (64 - (raw | 1).leading_zeros()).div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn i32_of(mut bytes: &[u8]) -> Result<(i32, usize), RecordError> {
        let before = bytes.len();
        take_i32(&mut bytes).map(|value| (value, before - bytes.len()))
    }

    fn i64_of(mut bytes: &[u8]) -> Result<(i64, usize), RecordError> {
        let before = bytes.len();
        take_i64(&mut bytes).map(|value| (value, before - bytes.len()))
    }

    #[test]
    fn known_encodings() {
        for (value, bytes) in [
            (0, &[0x00][..]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (i32::MAX, &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i32::MIN, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            assert_eq!(i32_of(bytes), Ok((value, bytes.len())));
            let mut out = Vec::new();
            put_i32(&mut out, value);
            assert_eq!(out, bytes);
        }
    }

    /// The shortcuts say nothing of longer ones; of these they must say what the long way says, or they are none.
    #[test]
    #[cfg_attr(miri, ignore = "Miri is too slow for every number")]
    #[expect(clippy::little_endian_bytes, reason = "varints begin with the lowest bits")]
    fn the_shortcuts_take_every_number_of_one_or_two_bytes() {
        for value in -8_193..=8_192 {
            let mut bytes = Vec::new();
            put_i32(&mut bytes, value);
            let (len, raw) = (bytes.len(), ((value << 1) ^ (value >> 31)) as u32);
            bytes.extend([0xa5, 0x5a, 0x81, 0x18, 0xff, 0x00, 0x42, 0x24]);
            let window = u64::from_le_bytes(*bytes.first_chunk().unwrap());
            let mut rest = bytes.as_slice();
            let taken = take_short(&mut rest);
            if len <= 2 {
                assert_eq!((taken, rest), (Some(raw), &bytes[len..]), "{value}");
                assert_eq!(short_of(window), Some((value, len, window >> (8 * len))), "{value}");
            } else {
                assert_eq!((taken, rest), (None, &bytes[..]), "{value}");
                assert_eq!(short_of(window), None, "{value}");
            }
        }
    }

    #[test]
    fn longer_than_needed_is_taken_while_it_fits_the_type() {
        assert_eq!(i32_of(&[0x80, 0x00]), Ok((0, 2)));
        assert_eq!(i32_of(&[0x82, 0x80, 0x80, 0x80, 0x00, 9]), Ok((1, 5)));
        let padded = [0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00];
        assert_eq!(i64_of(&padded), Ok((1, 10)));
    }

    #[test]
    fn bits_beyond_the_type_are_refused() {
        let bad_32 = Err(RecordError::BadVarint { max_bytes: 5 });
        assert_eq!(i32_of(&[0xff, 0xff, 0xff, 0xff, 0x1f]), bad_32);
        assert_eq!(i32_of(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), bad_32);
        assert_eq!(i32_of(&[0x80, 0x80, 0x80, 0x80, 0x80]), bad_32);
        let bad_64 = Err(RecordError::BadVarint { max_bytes: 10 });
        assert_eq!(i64_of(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]), bad_64);
        assert_eq!(i64_of(&[0x80; 11]), bad_64);
    }

    #[test]
    fn an_unfinished_number_asks_for_more_bytes() {
        assert_eq!(i32_of(&[]), Err(RecordError::TooShort { needed: 1, found: 0 }));
        assert_eq!(i32_of(&[0x80; 4]), Err(RecordError::TooShort { needed: 5, found: 4 }));
        assert_eq!(i64_of(&[0xff; 9]), Err(RecordError::TooShort { needed: 10, found: 9 }));
    }

    proptest! {
        #[test]
        fn every_i32_comes_back(value in any::<i32>(), tail in any::<[u8; 3]>()) {
            let mut out = Vec::new();
            put_i32(&mut out, value);
            prop_assert_eq!(out.len(), len_i32(value));
            let len = out.len();
            out.extend_from_slice(&tail);
            prop_assert_eq!(i32_of(&out), Ok((value, len)));
        }

        #[test]
        fn every_i64_comes_back(value in any::<i64>(), shift in 0u32..64) {
            let value = value >> shift;
            let mut out = Vec::new();
            put_i64(&mut out, value);
            prop_assert_eq!(out.len(), len_i64(value));
            prop_assert_eq!(i64_of(&out), Ok((value, out.len())));
        }

        #[test]
        fn any_bytes_give_a_number_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            if let Ok((_, len)) = i32_of(&bytes) { prop_assert!((1..=5).contains(&len)); }
            if let Ok((_, len)) = i64_of(&bytes) { prop_assert!((1..=10).contains(&len)); }
        }
    }
}
