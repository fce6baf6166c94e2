//! What the page cache remembers of how a file was written.

use super::settings::nothing_more;
use crate::claims::claim::{Claim, Comparison};
use crate::claims::paths::Path;
use crate::claims::sample::Metric;
use crate::claims::work::{Network, Receiver, Transfer, Work, ends, size};

const SMALL_BYTES: usize = 4 << 10;
const LARGE_BYTES: usize = 1 << 20;

pub const CLAIM: Claim = Claim {
    name: "large-pieces",
    sentence: "sendfile is at least 1.25 times cheaper for a file that was written by 1 MiB than for one written by 4 KiB.",
    metric: Metric::CpuSecondsPerGigabyte,
    asks: |scale| {
        let chunk_bytes = scale.chunk_bytes.iter().copied().max().unwrap_or(LARGE_BYTES);
        let sent = |written_bytes, receiver| Transfer {
            path: Path::Sendfile,
            written_bytes,
            network: Network::Loopback,
            receiver,
            chunk_bytes,
        };
        let compare = |receiver| Comparison {
            setting: format!("{}, {}", size(chunk_bytes), ends(&sent(LARGE_BYTES, receiver))),
            left: Work::Transfer(sent(LARGE_BYTES, receiver)),
            right: Work::Transfer(sent(SMALL_BYTES, receiver)),
            at_least: 1.25,
        };
        vec![compare(Receiver::Reads), compare(Receiver::Discards)]
    },
    shows: nothing_more,
    where_it_holds: "The page cache keeps what one call wrote in one piece of memory (a large folio), where kernel and file system can, and \
                     sendfile handles each piece once. So the size of a log's writes decides what its readers cost, and a file \
                     that was read from the disk may cost something else again.",
    where_it_does_not: "This kernel or this file system keeps every file in single pages, or handles large pieces page by page.",
};
