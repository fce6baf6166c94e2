//! Which unsynced changes a crash leaves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::unsynced::{ChangeKind, CrashChoice, Survival, Unsynced};

/// A crash that can be written down and had again. Numbers are places among the unsynced changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Nothing that was not synced survives.
    LoseAll,
    /// Everything survives, as when only the process is killed.
    KeepAll,
    /// All but this one survive.
    Lose(usize),
    /// Only this one survives.
    Keep(usize),
    /// Only so many from the first on survive.
    First(usize),
    /// Those before this one survive whole and this one in part, then all or none after it.
    Tear {
        /// The change.
        change: usize,
        /// What is left of it.
        survival: Survival,
        /// Whether those after it survive.
        later: bool,
    },
    /// Each survives, or not, or in part, by chance; the same seed is the same crash.
    Random(u64),
}

impl CrashChoice for Crash {
    fn survival(&mut self, unsynced: &Unsynced) -> Survival {
        let index = unsynced.index;
        let kept = |kept| if kept { Survival::Kept } else { Survival::Lost };
        match *self {
            Crash::LoseAll => Survival::Lost,
            Crash::KeepAll => Survival::Kept,
            Crash::Lose(change) => kept(index != change),
            Crash::Keep(change) => kept(index == change),
            Crash::First(count) => kept(index < count),
            Crash::Tear { change, survival, .. } if index == change => survival,
            Crash::Tear { change, later, .. } => kept(index < change || later),
            Crash::Random(seed) => random_survival(seed, unsynced),
        }
    }
}

/// Decided by seed and place alone, so that asking twice, or in another order, changes nothing.
fn random_survival(seed: u64, unsynced: &Unsynced) -> Survival {
    let mut dice = Dice(mix(seed) ^ mix(unsynced.index as u64 + 1));
    if unsynced.kind == ChangeKind::Rename && dice.below(4) == 0 {
        return Survival::BothNames;
    }
    // Seeds differ in how much they lose, or long journals would all come out half.
    let kept_percent = [5, 35, 65, 95][(mix(seed) % 4) as usize];
    let torn = unsynced.kind == ChangeKind::Write && dice.below(4) == 0;
    match torn {
        false if dice.below(100) < kept_percent => Survival::Kept,
        false => Survival::Lost,
        true if dice.below(3) == 0 => Survival::Prefix(dice.below(unsynced.len as u64 + 1) as usize),
        true => {
            let size = if dice.below(2) == 0 { 512 } else { 4096 };
            Survival::Blocks { size, kept: dice.next() & dice.next() | dice.next() & dice.next() }
        }
    }
}

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// SplitMix64.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The crashes worth trying, without those that say the same thing twice.
pub(super) fn crashes(unsynced: Vec<Unsynced>, random: u64) -> impl Iterator<Item = Crash> {
    let count = unsynced.len();
    let several = if count > 1 { count } else { 0 };
    // Of each file, as the last batch is seldom the last write of all: its index entries come after it.
    let last_writes: BTreeMap<PathBuf, usize> = unsynced
        .iter()
        .filter(|change| change.kind == ChangeKind::Write)
        .map(|write| (write.path.clone(), write.index))
        .collect();
    let halves = unsynced.into_iter().flat_map(move |change| {
        let every_byte = last_writes.get(&change.path) == Some(&change.index);
        parts(&change, every_byte, change.index + 1 < count)
    });
    std::iter::once(Crash::LoseAll)
        .chain((count > 0).then_some(Crash::KeepAll))
        .chain((0..several).map(Crash::Lose))
        .chain((0..several).map(Crash::Keep))
        .chain((2..count).map(Crash::First))
        .chain(halves)
        .chain((0..if count > 0 { random } else { 0 }).map(Crash::Random))
}

/// The ways in which a part of a change survives.
fn parts(change: &Unsynced, every_byte: bool, has_later: bool) -> Vec<Crash> {
    let survivals = match change.kind {
        ChangeKind::Write => tears(change, every_byte),
        ChangeKind::Rename => vec![Survival::BothNames],
        ChangeKind::SetLen | ChangeKind::Create | ChangeKind::Remove => Vec::new(),
    };
    let crash = |survival| {
        let crash = |later| Crash::Tear { change: change.index, survival, later };
        std::iter::once(crash(false)).chain(has_later.then_some(crash(true)))
    };
    survivals.into_iter().flat_map(crash).collect()
}

fn tears(write: &Unsynced, every_byte: bool) -> Vec<Survival> {
    let to_boundary = |size: u64| (size - write.position % size) as usize;
    let step = if every_byte { 1 } else { 512 };
    let first = if every_byte { 1 } else { to_boundary(512) };
    let prefixes = (first..write.len).step_by(step).map(Survival::Prefix);
    // One block that did not come, among those that did.
    let holes = |size: usize| {
        let blocks = 1 + write.len.saturating_sub(to_boundary(size as u64)).div_ceil(size);
        let blocks = if blocks > 1 { blocks.min(64) } else { 0 };
        (0..blocks).map(move |lost| Survival::Blocks { size, kept: !(1 << lost) })
    };
    let lengths = [Survival::LENGTH_ONLY, Survival::OldLength];
    prefixes.chain(holes(512)).chain(holes(4096)).chain(lengths).collect()
}
