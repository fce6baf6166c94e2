//! The price of being sure.

use super::settings::nothing_more;
use crate::claims::claim::{Claim, Comparison};
use crate::claims::sample::Metric;
use crate::claims::work::{Policy, Sync, Work};

pub const CLAIM: Claim = Claim {
    name: "sync-each",
    sentence: "A sync after each append makes appending at least ten times slower.",
    metric: Metric::OperationsPerSecond,
    asks: |_| {
        let sync = |policy| Work::Sync(Sync { policy });
        vec![Comparison {
            setting: "appends of 4 KiB".to_owned(),
            left: sync(Policy::Never),
            right: sync(Policy::Each),
            at_least: 10.0,
        }]
    },
    shows: nothing_more,
    where_it_holds: "fdatasync waits until the disk says that the bytes, and the file's new size, will survive a loss of power; \
                     without it an append ends in memory.",
    where_it_does_not: "A sync costs next to nothing here. Either the disk has a cache that survives a loss of power, or somebody \
                        (a hypervisor, a file system mounted without barriers) says so without doing it.",
};
