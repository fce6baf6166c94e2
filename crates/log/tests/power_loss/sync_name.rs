//! What a sync is called: the file or directory that it is of, and the change before it, which it is there to make durable.

use std::path::Path;

use ottla_testkit::{Call, LoggedCall};

/// The name of the sync that ends these calls.
pub(crate) fn sync_name(calls: &[LoggedCall]) -> String {
    let Some((sync, before)) = calls.split_last() else { return String::new() };
    let is_of_it = |call: &&LoggedCall| match sync.call {
        Call::SyncDir => {
            !matches!(call.call, Call::Sync | Call::SyncDir | Call::Write | Call::SetLen)
                && call.path.parent() == Some(&sync.path)
        }
        _ => call.path == sync.path && matches!(call.call, Call::Write | Call::SetLen),
    };
    let after = before.iter().rev().find(is_of_it);
    let after = after.map_or("opening".to_owned(), |call| match call.call {
        Call::Write => "a write".to_owned(),
        Call::SetLen => "a cut".to_owned(),
        Call::Rename => format!("a rename to {}", kind(&call.path)),
        Call::Remove => format!("the removal of {}", kind(&call.path)),
        _ => format!("the making of {}", kind(&call.path)),
    });
    format!("{} after {after}", kind(&sync.path))
}

/// A path without what differs from one to the next.
fn kind(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("/");
    let digits = name.len() - name.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match name {
        "data" => "the data directory".to_owned(),
        _ if digits == 20 => {
            format!("*.{}", name[21..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'))
        }
        _ if name.ends_with("-delete") => "a deleted partition".to_owned(),
        _ if name.starts_with("letters-") || name.starts_with("diaries-") => "a partition".to_owned(),
        _ => name.trim_end_matches(".tmp").to_owned(),
    }
}
