//! One file, shown as what its name says it is.

use std::path::Path;

use anyhow::{Context, Result, bail};
use ottla::fs::FileSystem;

use super::kind::Kind;
use super::printer::{Depth, Printer};
use super::{batches, files, indexes, metadata, producers};

/// Shows one file, and tells what is wrong with it.
pub(super) fn dump(
    fs: &dyn FileSystem,
    path: &Path,
    depth: Depth,
    printer: &mut Printer<'_>,
) -> Result<Option<String>> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let metadata = fs.metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    if metadata.is_dir {
        bail!(
            "{0} is a directory: give files in it, as in `ottla dump {0}/*.log`, or use `ottla verify`",
            path.display()
        );
    }
    let Some(kind) = Kind::of(name) else {
        bail!(
            "{} has a name that says nothing about what it holds; `ottla dump --help` lists the kinds",
            path.display()
        );
    };
    printer.title(&format!("Dumping {}", path.display()))?;
    match kind {
        Kind::Log(base_offset) => {
            printer.title(&format!("Log starting offset: {base_offset}"))?;
            batches::dump(fs, path, depth, printer)
        }
        Kind::Snapshot { end_offset, epoch } => {
            printer.title(&format!("Snapshot end offset: {end_offset}, epoch: {epoch}"))?;
            batches::dump(fs, path, depth, printer)
        }
        Kind::Bootstrap => {
            printer.title("KRaft bootstrap snapshot")?;
            let damage = batches::dump(fs, path, depth, printer)?;
            Ok(damage.or(metadata::dump(fs, path, printer)?))
        }
        Kind::Index(base_offset) => indexes::dump_offsets(fs, path, base_offset, printer),
        Kind::TimeIndex(base_offset) => indexes::dump_times(fs, path, base_offset, printer),
        Kind::TxnIndex(base_offset) => producers::dump_txn_index(path, base_offset, printer),
        Kind::Producers => producers::dump_snapshot(fs, path, printer),
        Kind::Small(file) => files::dump(fs, path, file, printer),
    }
}
