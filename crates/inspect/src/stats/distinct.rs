use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};

/// So many hashes are kept; of more only an estimate.
const EXACT: usize = 1 << 16;
/// Bits of a hash that choose a register: 16,384 of them, an error of about 0.8 %.
const BITS: u32 = 14;
const REGISTERS: usize = 1 << BITS;

/// How many different byte strings there were: exactly up to 65,536, above that estimated in 16 KiB
/// (HyperLogLog; Flajolet, Fusy, Gandouet, Meunier 2007).
#[derive(Clone, Debug)]
pub struct Distinct(Seen);

#[derive(Clone, Debug)]
enum Seen {
    Exact(HashSet<u64>),
    /// Of each register the longest run of leading zeros, and one.
    Estimate(Box<[u8]>),
}

impl Default for Distinct {
    fn default() -> Distinct {
        Distinct(Seen::Exact(HashSet::new()))
    }
}

impl Distinct {
    /// Takes one in.
    pub fn add(&mut self, bytes: &[u8]) {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        self.add_hash(hasher.finish());
    }

    fn add_hash(&mut self, hash: u64) {
        match &mut self.0 {
            Seen::Exact(hashes) => {
                hashes.insert(hash);
                if hashes.len() > EXACT {
                    self.0 = Seen::Estimate(registers(hashes));
                }
            }
            Seen::Estimate(registers) => note(registers, hash),
        }
    }

    /// Takes others in.
    pub fn absorb(&mut self, other: &Distinct) {
        match &other.0 {
            Seen::Exact(hashes) => hashes.iter().for_each(|hash| self.add_hash(*hash)),
            Seen::Estimate(theirs) => {
                if let Seen::Exact(hashes) = &self.0 {
                    self.0 = Seen::Estimate(registers(hashes));
                }
                if let Seen::Estimate(mine) = &mut self.0 {
                    mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
                }
            }
        }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        match &self.0 {
            Seen::Exact(hashes) => hashes.len() as u64,
            Seen::Estimate(registers) => estimate(registers),
        }
    }

    /// Whether the number is no estimate.
    pub fn is_exact(&self) -> bool {
        matches!(self.0, Seen::Exact(_))
    }
}

fn registers(hashes: &HashSet<u64>) -> Box<[u8]> {
    let mut registers = vec![0; REGISTERS].into_boxed_slice();
    hashes.iter().for_each(|hash| note(&mut registers, *hash));
    registers
}

fn note(registers: &mut [u8], hash: u64) {
    let chosen = (hash >> (u64::BITS - BITS)) as usize;
    let run = ((hash << BITS).leading_zeros().min(u64::BITS - BITS) + 1) as u8;
    if let Some(register) = registers.get_mut(chosen) {
        *register = run.max(*register);
    }
}

/// There are more than the exact set holds, so the correction for small numbers plays no part.
fn estimate(registers: &[u8]) -> u64 {
    let count = registers.len() as f64;
    let harmonic: f64 = registers.iter().map(|run| 0.5_f64.powi(i32::from(*run))).sum();
    let alpha = 0.7213 / (1.0 + 1.079 / count);
    (alpha * count * count / harmonic).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: std::ops::Range<u64>) -> Distinct {
        let mut distinct = Distinct::default();
        for n in range {
            distinct.add(&n.to_be_bytes());
            distinct.add(&n.to_be_bytes());
        }
        distinct
    }

    #[test]
    fn few_are_counted_and_many_are_estimated() {
        assert_eq!((of(0..1000).count(), of(0..1000).is_exact()), (1000, true));
        let many = of(0..400_000);
        assert!(!many.is_exact());
        assert!((380_000..420_000).contains(&many.count()), "{}", many.count());
    }

    #[test]
    fn what_two_have_in_common_is_counted_once() {
        let mut few = of(0..1000);
        few.absorb(&of(500..1500));
        assert_eq!(few.count(), 1500);
        let mut many = of(0..200_000);
        many.absorb(&of(100_000..300_000));
        assert!((285_000..315_000).contains(&many.count()), "{}", many.count());
        few.absorb(&many);
        assert!(!few.is_exact() && few.count() > 280_000);
    }
}
