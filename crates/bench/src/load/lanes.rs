//! Which connection sends to which partition, and which of all batches are its own: pure decisions.
//!
//! Batches are numbered through the whole load, and go round the slots. With more partitions than producers there is a
//! slot for each partition, else one for each producer. A lane is one producer's connection to one broker, with all
//! its slots on partitions that the broker leads.

use crate::client::Leader;

/// One connection and what goes over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Where the broker listens.
    pub address: String,
    /// In their order, the places in `Leader`s of the partitions.
    pub slots: Vec<Slot>,
    /// How many slots all lanes have together.
    pub round: u64,
}

/// One place in the round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its number in the round.
    pub number: u64,
    /// Which partition it sends to, as a place in the ledger.
    pub page: usize,
    /// Which reader or writer of that partition it is, counted from 0.
    pub nth: usize,
}

/// The lanes of so many producers, or consumers.
pub fn lanes(leaders: &[Leader], count: usize) -> Vec<Lane> {
    let round = leaders.len().max(count);
    let mut lanes: Vec<(usize, Lane)> = Vec::new();
    if count == 0 {
        return Vec::new();
    }
    for (number, (page, leader)) in (0..round).zip(leaders.iter().enumerate().cycle()) {
        let owner = number % count;
        let slot = Slot { number: number as u64, page, nth: number / leaders.len().max(1) };
        let own = |(of, lane): &&mut (usize, Lane)| *of == owner && lane.address == leader.address;
        match lanes.iter_mut().find(own) {
            Some((_, lane)) => lane.slots.push(slot),
            None => {
                let lane = Lane { address: leader.address.clone(), slots: vec![slot], round: round as u64 };
                lanes.push((owner, lane));
            }
        }
    }
    lanes.into_iter().map(|(_, lane)| lane).collect()
}

impl Lane {
    /// The `nth` batch of this lane: its number among all, and where it goes.
    pub fn batch(&self, nth: u64) -> Option<(u64, Slot)> {
        let len = self.slots.len() as u64;
        let slot = *self.slots.get(usize::try_from(nth.checked_rem(len)?).ok()?)?;
        Some((nth / len * self.round + slot.number, slot))
    }

    /// How many of the first `total` batches are its own.
    pub fn share_of(&self, total: u64) -> u64 {
        let (rounds, rest) = (total / self.round.max(1), total % self.round.max(1));
        let begun = self.slots.iter().filter(|slot| slot.number < rest).count() as u64;
        rounds * self.slots.len() as u64 + begun
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn led_by(brokers: &[&str]) -> Vec<Leader> {
        let leader = |(partition, broker): (usize, &&str)| Leader {
            partition: partition as i32,
            address: (*broker).to_owned(),
        };
        brokers.iter().enumerate().map(leader).collect()
    }

    #[test]
    fn every_batch_has_one_lane_and_the_shares_add_up() {
        for (brokers, count) in
            [(&["a"; 7][..], 3), (&["a", "b", "a", "c"], 2), (&["a"], 4), (&["a", "b"], 5), (&["a"; 3], 3)]
        {
            let lanes = lanes(&led_by(brokers), count);
            for total in [0, 1, 6, 7, 100] {
                let mut seen = BTreeSet::new();
                for lane in &lanes {
                    for nth in 0..lane.share_of(total) {
                        let (number, slot) = lane.batch(nth).unwrap();
                        assert_eq!(lane.address, brokers[slot.page]);
                        assert!(seen.insert(number), "{number} twice");
                    }
                }
                assert_eq!(seen, (0..total).collect(), "{brokers:?} {count}");
            }
        }
    }

    #[test]
    fn with_enough_partitions_each_has_one_owner_and_with_more_owners_each_has_work() {
        let lanes_of = |partitions: &[&str], count| lanes(&led_by(partitions), count);
        let owners: Vec<Vec<usize>> = lanes_of(&["a"; 4], 2)
            .iter()
            .map(|lane| lane.slots.iter().map(|slot| slot.page).collect())
            .collect();
        assert_eq!(owners, [[0, 2], [1, 3]]);
        let shared = lanes_of(&["a"], 3);
        assert_eq!(shared.iter().map(|lane| lane.slots[0].nth).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(lanes_of(&["a"], 0).is_empty());
    }
}
