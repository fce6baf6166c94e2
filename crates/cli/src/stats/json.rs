//! For machines.

use ottla_inspect::stats::{Counts, PartitionStats, SegmentStats};
use serde_json::{Value, json};

/// Everything that was counted.
pub fn of(found: &[PartitionStats]) -> Value {
    let partition = |partition: &PartitionStats| {
        json!({
            "partition": partition.name,
            "distinct_keys": partition.distinct_keys.count(),
            "distinct_keys_exact": partition.distinct_keys.is_exact(),
            "total": counts(&partition.total),
            "segments": partition.segments.iter().map(segment).collect::<Vec<_>>(),
        })
    };
    found.iter().map(partition).collect()
}

fn segment(segment: &SegmentStats) -> Value {
    let mut value = counts(&segment.counts);
    if let Some(value) = value.as_object_mut() {
        value.insert("base_offset".to_owned(), segment.base_offset.get().into());
    }
    value
}

fn counts(counts: &Counts) -> Value {
    let sizes = &counts.sizes;
    let buckets: Vec<_> =
        sizes.buckets().iter().map(|(below, count)| json!({ "below": below, "batches": count })).collect();
    json!({
        "size_bytes": counts.size_bytes,
        "batches": counts.batches,
        "records": counts.records,
        "key_bytes": counts.key_bytes,
        "value_bytes": counts.value_bytes,
        "null_keys": counts.null_keys,
        "tombstones": counts.tombstones,
        "codecs": counts.codecs,
        "batch_bytes": { "min": sizes.min(), "p50": sizes.quantile(500), "p99": sizes.quantile(990), "max": sizes.max(), "buckets": buckets },
        "oldest_ms": counts.oldest_ms,
        "newest_ms": counts.newest_ms,
        "producers": counts.producers.count(),
        "transactional_batches": counts.transactional_batches,
        "control_batches": counts.control_batches,
        "commits": counts.commits,
        "aborts": counts.aborts,
        "index_entries": counts.index_entries,
        "time_index_entries": counts.time_index_entries,
        "bytes_per_index_entry": counts.bytes_per_index_entry(),
        "damaged_bytes": counts.damaged_bytes,
        "unreadable_batches": counts.unreadable_batches,
    })
}
