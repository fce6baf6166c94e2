//! The oldest claim of all.

use super::settings::{each_block, nothing_more, write};
use crate::claims::claim::Claim;
use crate::claims::sample::Metric;
use crate::claims::work::{Order, Through};

pub const CLAIM: Claim = Claim {
    name: "sequential-writes",
    sentence: "A disk writes blocks in order at least twice as fast as blocks here and there.",
    metric: Metric::MegabytesPerSecond,
    asks: |scale| {
        each_block(scale, 2.0, |block| {
            (write(Through::Direct, Order::InOrder, block), write(Through::Direct, Order::Random, block))
        })
    },
    shows: nothing_more,
    where_it_holds: "Each write went to the disk by itself (O_DIRECT), and the disk takes neighbours faster: a head that need \
                     not move, or a controller that joins them.",
    where_it_does_not: "Each write went to the disk by itself (O_DIRECT), and cost the same wherever it went: a flash disk has no \
                        head to move, and with one request at a time the way to the disk costs more than the place on it.",
};
