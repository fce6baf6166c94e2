//! The example of the README: one log, one record, read back.
#![allow(clippy::print_stdout, reason = "an example prints")]

use ottla::{Isolation, Log, Offset};
use ottla_record::BatchBuilder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (log, _report) = Log::open("data/letters-0")?; // <topic>-<partition>, made if missing
    let mut batch = BatchBuilder::new();
    batch.push(1_700_000_000_000, Some(b"milena"), Some(b"Dear Milena"), &[])?;
    let appended = log.append(&batch.build()?)?; // published: every reader sees it
    appended.durability.wait()?; // durable: it survives a power cut
    log.read_batches(Offset::ZERO, 1 << 20, Isolation::ReadUncommitted)?.for_each_record(|record| {
        println!("{}: {:?}", record.offset, record.value);
        Ok(())
    })?;
    log.close()?; // the next open looks at nothing
    Ok(())
}
