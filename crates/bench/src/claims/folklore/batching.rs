//! Many records in one call.

use super::settings::nothing_more;
use crate::claims::claim::{Claim, Comparison};
use crate::claims::sample::Metric;
use crate::claims::work::{Append, Work};

pub const CLAIM: Claim = Claim {
    name: "batching",
    sentence: "Records of 1 KiB are appended at least twice as fast in batches as one by one, with no sync in play.",
    metric: Metric::OperationsPerSecond,
    asks: |scale| {
        let batches = scale.records_per_write.iter().filter(|records| **records > 1);
        let append = |records_per_write| Work::Append(Append { records_per_write });
        let compare = |records: &usize| Comparison {
            setting: format!("{records} records a write"),
            left: append(*records),
            right: append(1),
            at_least: 2.0,
        };
        batches.map(compare).collect()
    },
    shows: nothing_more,
    where_it_holds: "A call, its locks and the search for a page are paid once for the batch, and the file system may take memory in \
                     larger pieces.",
    where_it_does_not: "For records of this size the copy into the page cache costs more than the call around it; or the large pieces \
                        of memory that a large write asks for had to be made first, as a virtual machine's must that gives free memory \
                        back (then rounds lie far apart, and CPU s/GB is high). Batches still save syncs, messages and checksums.",
};
