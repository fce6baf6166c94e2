//! Where blocks stand, in the order in which they are visited.

use crate::claims::work::Order;

/// The positions of all whole blocks of a file, each once.
pub fn places(file_bytes: u64, block_bytes: usize, order: Order, seed: u32) -> Vec<u64> {
    let block_bytes = block_bytes.max(1) as u64;
    let mut places: Vec<u64> = (0..file_bytes / block_bytes).map(|block| block * block_bytes).collect();
    if order == Order::Random {
        fastrand::Rng::with_seed(u64::from(seed)).shuffle(&mut places);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_random_every_block_is_visited_once_too() {
        let in_order = places(1 << 20, 4096, Order::InOrder, 1);
        let mut random = places(1 << 20, 4096, Order::Random, 1);
        assert_ne!(random, in_order);
        random.sort_unstable();
        assert_eq!(random, in_order);
        assert_eq!(in_order.len(), 256);
    }

    #[test]
    fn a_block_that_is_not_whole_is_left_out() {
        assert_eq!(places(10_000, 4096, Order::InOrder, 0), [0, 4096]);
    }
}
