//! The claim that a log is read fast because it is read in order.

use super::settings::{each_block, nothing_more, read};
use crate::claims::claim::Claim;
use crate::claims::sample::Metric;
use crate::claims::work::{Cache, Order};

pub const CLAIM: Claim = Claim {
    name: "sequential-reads",
    sentence: "From the disk, blocks are read in order at least twice as fast as here and there.",
    metric: Metric::MegabytesPerSecond,
    asks: |scale| {
        each_block(scale, 2.0, |block| {
            (read(Cache::Cold, Order::InOrder, block), read(Cache::Cold, Order::Random, block))
        })
    },
    shows: nothing_more,
    where_it_holds: "Reading in order the kernel reads ahead, so most calls find their block in memory; a read elsewhere waits for \
                     the disk each time.",
    where_it_does_not: "A block of this size is a good request for this disk by itself, so that little is left for reading ahead \
                        to hide.",
};
