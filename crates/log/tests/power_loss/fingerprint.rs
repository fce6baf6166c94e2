//! Which disks are the same. The ids of topics and directories are random and differ from run to run: two disks that
//! differ only in them count as one.

use std::path::Path;

use ottla_testkit::{Entry, SimFs};

use crate::kinds::hash;

/// Files that hold random ids, and checksums over them.
const WITH_IDS: [&str; 4] =
    ["bootstrap.checkpoint", "meta.properties", "partition.metadata", "topic-being-deleted"];

pub(crate) fn fingerprint(fs: &SimFs) -> u64 {
    let image = fs.image();
    let mut entries: Vec<_> = image
        .entries()
        .map(|(path, entry)| {
            let name = without_ids(path);
            let bytes = match entry {
                Entry::File(bytes) if WITH_IDS.iter().any(|with| name.contains(with)) => Some(words(bytes)),
                Entry::File(bytes) => Some(hash(bytes)),
                Entry::Dir => None,
            };
            (name, bytes)
        })
        .collect();
    entries.sort();
    hash(&entries)
}

/// The directory of a deleted topic has an id in its name: `letters-0.<32 digits>-delete`.
fn without_ids(path: &Path) -> String {
    let name = |name: &str| match name.strip_suffix("-delete").and_then(|name| name.rsplit_once('.')) {
        Some((partition, _)) => format!("{partition}-delete"),
        None => name.to_owned(),
    };
    path.iter().filter_map(|part| part.to_str()).map(name).collect::<Vec<_>>().join("/")
}

/// The length, and what is not random of the bytes: whole words in the case of Kafka's names, and the digits.
fn words(bytes: &[u8]) -> u64 {
    let is_word = |word: &&[u8]| word.len() > 4 && !word.iter().any(u8::is_ascii_uppercase);
    let word = |byte: &u8| !(byte.is_ascii_alphanumeric() || *byte == b'.');
    let words: Vec<&[u8]> = bytes.split(word).filter(is_word).collect();
    hash(&(bytes.len(), words))
}
