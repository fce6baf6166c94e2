//! How large a block must be for its place not to matter.

use super::settings::{nothing_more, read};
use crate::claims::claim::{Claim, Comparison};
use crate::claims::sample::Metric;
use crate::claims::work::{Cache, Order, size};

pub const CLAIM: Claim = Claim {
    name: "large-blocks",
    sentence: "Large blocks are read from anywhere almost as fast as in order (0.8 of it, or better).",
    metric: Metric::MegabytesPerSecond,
    asks: |scale| {
        let block = scale.largest_block();
        vec![Comparison {
            setting: size(block),
            left: read(Cache::Cold, Order::Random, block),
            right: read(Cache::Cold, Order::InOrder, block),
            at_least: 0.8,
        }]
    },
    shows: nothing_more,
    where_it_holds: "Finding the place costs little against moving that much; so a log may be read by many who stand at different \
                     places, as long as each reads much at a time.",
    where_it_does_not: "Even with blocks of this size the disk rests between two calls, and reading ahead keeps it busy: one reader \
                        with one request at a time does not use it up.",
};
