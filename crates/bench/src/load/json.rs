//! The outcome of a load for machines. The schema has a number; a field that changes its meaning raises it.

use serde_json::{Map, Value, json};

use super::latency::Latency;
use super::outcome::{Outcome, Throughput};
use super::settings::{Pace, Settings, Span};

const SCHEMA: u32 = 1;

/// All figures.
pub fn json_of(outcome: &Outcome) -> Value {
    let server = outcome.server.map(|server| {
        json!({
            "pid": server.pid,
            "cpu_s": server.cpu.as_secs_f64(),
            "cpu_s_per_gb": outcome.server_cpu_s_per_gb(),
            "resident_bytes": server.resident.now_bytes,
            "resident_file_bytes": server.resident.file_bytes,
            "resident_peak_bytes": server.resident.peak_bytes,
        })
    });
    json!({
        "schema": SCHEMA,
        "ottla": env!("CARGO_PKG_VERSION"),
        "settings": settings(outcome),
        "produced": throughput(&outcome.produced),
        "consumed": throughput(&outcome.consumed),
        "latency": {
            "acknowledged": latency(&outcome.acknowledged),
            "end_to_end": latency(&outcome.end_to_end),
            "late": latency(&outcome.late),
        },
        "server": server,
        "client": {
            "cpu_s": outcome.client.cpu.as_secs_f64(),
            "elapsed_s": outcome.client.elapsed.as_secs_f64(),
            "busiest_thread_share": outcome.client.busiest_share,
            "processors": outcome.client.processors,
        },
        "ended_early": outcome.ended_early,
        "notes": outcome.notes(),
    })
}

fn settings(outcome: &Outcome) -> Value {
    let settings: &Settings = &outcome.settings;
    let rate = match settings.pace {
        Pace::Rate(rate) => Some(rate),
        Pace::FlatOut => None,
    };
    let (duration_s, bytes) = match settings.span {
        Span::Time(time) => (Some(time.as_secs_f64()), None),
        Span::Bytes(bytes) => (None, Some(bytes)),
    };
    json!({
        "bootstrap": settings.bootstrap,
        "topic": settings.topic.name,
        "partitions": outcome.partitions,
        "producers": settings.producers,
        "consumers": settings.consumers,
        "batches_per_s": rate,
        "in_flight": settings.window(),
        "batch_bytes": settings.shape.batch_bytes,
        "batch_bytes_sent": outcome.batch_bytes,
        "record_bytes": settings.shape.record_bytes,
        "compression": settings.shape.compression.name(),
        "acks": settings.acks.name(),
        "duration_s": duration_s,
        "bytes": bytes,
        "warm_up_s": settings.warm_up.as_secs_f64(),
        "fetch_max_bytes": settings.fetch_max_bytes,
    })
}

fn throughput(throughput: &Throughput) -> Value {
    json!({
        "batches": throughput.batches,
        "records": throughput.records,
        "bytes": throughput.bytes,
        "elapsed_s": throughput.elapsed.as_secs_f64(),
        "mb_per_s": throughput.mb_per_s(),
        "batches_per_s": throughput.batches_per_s(),
        "records_per_s": throughput.records_per_s(),
    })
}

/// Names as in `p99_9_ms`; null where nothing was measured.
fn latency(latency: &Latency) -> Value {
    let quantiles = latency.quantiles();
    if quantiles.is_empty() {
        return Value::Null;
    }
    let named = |(name, ms): (&str, f64)| (format!("{}_ms", name.replace('.', "_")), json!(ms));
    let mut fields: Map<String, Value> =
        quantiles.iter().map(|quantile| named((quantile.name, quantile.ms))).collect();
    fields.insert("count".to_owned(), json!(latency.count()));
    Value::Object(fields)
}
