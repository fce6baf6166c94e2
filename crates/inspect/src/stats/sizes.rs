/// How large batches are: how many between each two powers of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// By the number of bits of the size.
    counts: [u64; 33],
    min: u64,
    max: u64,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { counts: [0; 33], min: u64::MAX, max: 0 }
    }
}

impl Sizes {
    /// Takes one size in.
    pub fn add(&mut self, bytes: u64) {
        let bits = (u64::BITS - bytes.leading_zeros()).min(32) as usize;
        if let Some(count) = self.counts.get_mut(bits) {
            *count += 1;
        }
        self.min = self.min.min(bytes);
        self.max = self.max.max(bytes);
    }

    /// Takes others in.
    pub fn absorb(&mut self, other: &Sizes) {
        for (mine, more) in self.counts.iter_mut().zip(other.counts) {
            *mine += more;
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The smallest.
    pub fn min(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.min)
    }

    /// The largest.
    pub fn max(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.max)
    }

    /// A size that this part of all batches does not exceed: the power of two above it, or the largest.
    pub fn quantile(&self, per_mille: u64) -> Option<u64> {
        let wanted = (self.count().saturating_mul(per_mille)).div_ceil(1000).max(1);
        let mut seen = 0;
        let bits = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some((1_u64 << bits).clamp(self.min, self.max))
    }

    /// The powers of two that have batches below them and at or above half of them: (bound, count).
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        let counted = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counted.map(|(bits, count)| (1 << bits, *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_bounds_within_a_factor_of_two() {
        let mut sizes = Sizes::default();
        assert_eq!((sizes.min(), sizes.quantile(500)), (None, None));
        (1..=1000).for_each(|bytes| sizes.add(bytes));
        assert_eq!((sizes.count(), sizes.min(), sizes.max()), (1000, Some(1), Some(1000)));
        assert_eq!(sizes.quantile(500), Some(512));
        assert_eq!(sizes.quantile(990), Some(1000));
        let mut both = Sizes::default();
        both.add(100_000);
        both.absorb(&sizes);
        assert_eq!((both.count(), both.max()), (1001, Some(100_000)));
    }
}
