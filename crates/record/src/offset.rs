use std::fmt;
use std::ops::{Add, Sub};

/// The number of one record in its partition: Kafka's offset.
///
/// An offset is not a [position](https://docs.rs/ottla) in a file: the two are different types so
/// that one can never be passed for the other. Adding or subtracting a count saturates.
///
/// ```
/// use ottla_record::Offset;
/// let base = Offset::new(1_560_140_916);
/// assert_eq!(base + 5, Offset::new(1_560_140_921));
/// assert_eq!((base + 5) - base, 5);
/// assert_eq!(base.to_string(), "1560140916");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Offset(i64);

impl Offset {
    /// The first offset of a new partition.
    pub const ZERO: Offset = Offset(0);
    /// The largest offset there is.
    pub const MAX: Offset = Offset(i64::MAX);

    /// The offset with this number.
    pub const fn new(offset: i64) -> Offset {
        Offset(offset)
    }

    /// The number, as it stands in files and on the wire.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl Add<i64> for Offset {
    type Output = Offset;
    fn add(self, count: i64) -> Offset {
        Offset(self.0.saturating_add(count))
    }
}

impl Sub<i64> for Offset {
    type Output = Offset;
    fn sub(self, count: i64) -> Offset {
        Offset(self.0.saturating_sub(count))
    }
}

impl Sub for Offset {
    type Output = i64;
    fn sub(self, other: Offset) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<Offset> for i64 {
    fn from(offset: Offset) -> i64 {
        offset.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_added_and_taken_away_up_to_the_ends() {
        assert_eq!((Offset::new(5) + 2, Offset::new(5) - 2), (Offset::new(7), Offset::new(3)));
        assert_eq!((Offset::MAX + 1, Offset::new(i64::MIN) - 1), (Offset::MAX, Offset::new(i64::MIN)));
        assert_eq!((Offset::new(5) - Offset::new(7), Offset::MAX - Offset::new(-1)), (-2, i64::MAX));
        assert_eq!(i64::from(Offset::new(7)), 7);
    }
}
