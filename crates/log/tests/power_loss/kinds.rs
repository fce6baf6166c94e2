//! The ways of losing power, dealt out so that each kind has its turn at each change.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use ottla_testkit::{Crash, Survival};

/// What a loss of power leaves, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    NothingKept,
    EverythingKept,
    OneLost,
    OneKept,
    FirstKept,
    Torn,
    SectorMissing,
    PageMissing,
    LengthWithoutData,
    DataWithoutLength,
    BothNames,
    Random,
    /// While another was being recovered from.
    Second,
    /// After a kill in the midst of a call, and an open.
    Killed,
}

impl Kind {
    fn of(crash: &Crash) -> Kind {
        match crash {
            Crash::LoseAll => Kind::NothingKept,
            Crash::KeepAll => Kind::EverythingKept,
            Crash::Lose(_) => Kind::OneLost,
            Crash::Keep(_) => Kind::OneKept,
            Crash::First(_) => Kind::FirstKept,
            Crash::Random(_) => Kind::Random,
            Crash::Tear { survival, .. } => match survival {
                Survival::Blocks { kept: 0, .. } => Kind::LengthWithoutData,
                Survival::Blocks { size: 512, .. } => Kind::SectorMissing,
                Survival::Blocks { .. } => Kind::PageMissing,
                Survival::OldLength => Kind::DataWithoutLength,
                Survival::BothNames => Kind::BothNames,
                Survival::Prefix(_) | Survival::Lost | Survival::Kept => Kind::Torn,
            },
        }
    }
}

/// First one of each kind, then the next of each. The same `salt` deals the same.
pub(crate) fn deal(crashes: impl Iterator<Item = Crash>, salt: u64) -> Vec<(Kind, Crash)> {
    let mut kinds: BTreeMap<Kind, Vec<Crash>> = BTreeMap::new();
    for crash in crashes {
        kinds.entry(Kind::of(&crash)).or_default().push(crash);
    }
    kinds.values_mut().for_each(|same| shuffle(same, salt));
    let most = kinds.values().map(Vec::len).max().unwrap_or(0);
    let nth = |n: usize| kinds.iter().filter_map(move |(kind, same)| Some((*kind, same.get(n)?.clone())));
    (0..most).flat_map(nth).collect()
}

fn shuffle(crashes: &mut Vec<Crash>, salt: u64) {
    let mut keyed: Vec<(u64, Crash)> =
        crashes.drain(..).enumerate().map(|(n, c)| (hash(&(salt, n)), c)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    crashes.extend(keyed.into_iter().map(|(_, crash)| crash));
}

pub(crate) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
