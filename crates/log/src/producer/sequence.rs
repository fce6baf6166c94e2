//! Sequence numbers count records of one producer; after `i32::MAX` comes 0.

/// The sequence `count` records after `sequence`.
pub(super) fn plus(sequence: i32, count: i32) -> i32 {
    wrap(i64::from(sequence) + i64::from(count))
}

/// The sequence `count` records before `sequence`.
pub(super) fn minus(sequence: i32, count: i32) -> i32 {
    wrap(i64::from(sequence) - i64::from(count))
}

/// Numbers from 0 to `i32::MAX` stay, the ones beside wrap around. −1 ("none") is the caller's business.
fn wrap(sequence: i64) -> i32 {
    const COUNT: i64 = 1 << 31;
    i32::try_from(sequence.rem_euclid(COUNT)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_follows_the_largest_sequence() {
        assert_eq!(plus(i32::MAX, 1), 0);
        assert_eq!(plus(i32::MAX - 2, 5), 2);
        assert_eq!(minus(0, 1), i32::MAX);
        assert_eq!(minus(2, 5), i32::MAX - 2);
    }

    #[test]
    fn the_first_sequence_follows_none() {
        assert_eq!(plus(-1, 1), 0);
    }
}
