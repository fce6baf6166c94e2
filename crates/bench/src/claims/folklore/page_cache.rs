//! What the page cache is worth.

use super::settings::{each_block, nothing_more, read};
use crate::claims::claim::Claim;
use crate::claims::sample::Metric;
use crate::claims::work::{Cache, Order};

pub const CLAIM: Claim = Claim {
    name: "page-cache",
    sentence: "What is in the page cache is read at least twice as fast as what is on the disk, in order.",
    metric: Metric::MegabytesPerSecond,
    asks: |scale| {
        each_block(scale, 2.0, |block| {
            (read(Cache::Warm, Order::InOrder, block), read(Cache::Cold, Order::InOrder, block))
        })
    },
    shows: nothing_more,
    where_it_holds: "A warm read is one copy in memory. That is why consumers at the end of a log are cheap, and why one that reads \
                     old data can push out what they need.",
    where_it_does_not: "Reading ahead keeps up with the reader here: the disk is fast enough, or is a cache itself (as the disk of \
                        a virtual machine may be).",
};
