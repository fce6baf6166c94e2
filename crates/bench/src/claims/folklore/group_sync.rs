//! One sync for many.

use crate::claims::claim::{Claim, Comparison};
use crate::claims::sample::Metric;
use crate::claims::work::{Policy, Sync, Work};

pub const CLAIM: Claim = Claim {
    name: "group-sync",
    sentence: "One sync for 64 appends is at least ten times as fast as one each.",
    metric: Metric::OperationsPerSecond,
    asks: |_| {
        vec![Comparison {
            setting: "appends of 4 KiB".to_owned(),
            left: sync(Policy::Every(64)),
            right: sync(Policy::Each),
            at_least: 10.0,
        }]
    },
    shows: |_| vec![sync(Policy::Every(8)), sync(Policy::IntervalMs(20)), sync(Policy::Never)],
    where_it_holds: "The price of a sync is the round to the disk, hardly the bytes: whoever waits together pays once. With a sync by \
                     interval, what came since the last one is lost with the power.",
    where_it_does_not: "Writing the bytes costs as much as the sync itself, so sharing the sync saves less.",
};

fn sync(policy: Policy) -> Work {
    Work::Sync(Sync { policy })
}
