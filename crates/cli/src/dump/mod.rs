//! `ottla dump`: what a file holds, in the lines of Kafka's `DumpLogSegments`.

mod batches;
mod command;
mod damage;
mod file;
mod files;
mod indexes;
mod kind;
mod metadata;
mod printer;
mod producers;
mod record;

pub use command::{DumpArgs, run};
