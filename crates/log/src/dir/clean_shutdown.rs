//! `.kafka_cleanshutdown`: the mark that the last stop flushed everything, so that the next start has
//! nothing to recover.

use std::io;
use std::path::{Path, PathBuf};

use super::whole_file::{read_whole, write_atomically};
use crate::fs::FileSystem;
use crate::{Error, Result};

const FILE_NAME: &str = ".kafka_cleanshutdown";

/// The mark of a clean stop. That the file exists is what counts. Kafka: `CleanShutdownFileHandler`.
///
/// It is written after everything else is on disk, and taken away before the first append: a mark
/// that outlives new records would make the next start trust what nobody flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanShutdown {
    /// The epoch of the broker that stopped, which Kafka writes since 3.7; a controller takes it for
    /// the proof that no records were lost. `None` where the file does not say it.
    pub broker_epoch: Option<i64>,
}

impl CleanShutdown {
    /// The file's path in a data directory.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join(FILE_NAME)
    }

    /// Reads the mark; `None` where there is none. What it says is a hint and never an error, as in
    /// Kafka.
    ///
    /// # Errors
    /// [`Error::Io`] for what the system refuses.
    pub fn read(fs: &dyn FileSystem, data_dir: &Path) -> Result<Option<CleanShutdown>> {
        match read_whole(fs, &CleanShutdown::path(data_dir)) {
            Ok(None) => Ok(None),
            Ok(Some(bytes)) => Ok(Some(CleanShutdown { broker_epoch: broker_epoch(&bytes) })),
            Err(Error::Corrupt(_)) => Ok(Some(CleanShutdown { broker_epoch: None })),
            Err(e) => Err(e),
        }
    }

    /// Sets the mark, durably. Everything else in the directory must be durable before.
    ///
    /// # Errors
    /// As [`write_atomically`].
    pub fn write(&self, fs: &dyn FileSystem, data_dir: &Path) -> Result<()> {
        let text = format!("{{\"version\":0,\"brokerEpoch\":{}}}", self.broker_epoch.unwrap_or(-1));
        write_atomically(fs, &CleanShutdown::path(data_dir), text.as_bytes())
    }

    /// Takes the mark away, durably; where there is none, that is made durable. Tells whether there
    /// was one.
    ///
    /// # Errors
    /// [`Error::Io`] for what the system refuses: then nothing may be appended.
    pub fn remove(fs: &dyn FileSystem, data_dir: &Path) -> Result<bool> {
        let path = CleanShutdown::path(data_dir);
        let existed = match fs.remove_file(&path) {
            Ok(()) => true,
            Err(e) if e.kind() == io::ErrorKind::NotFound => false,
            Err(e) => return Err(Error::io("remove", path, e)),
        };
        // Also without a mark: an earlier removal may have ended between its two steps.
        fs.sync_dir(data_dir).map_err(|e| Error::io("sync the directory", data_dir, e))?;
        Ok(existed)
    }
}

/// The number after `"brokerEpoch":`. The file is one flat JSON object of numbers.
fn broker_epoch(json: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(json).ok()?.trim();
    let fields = text.strip_prefix('{')?.strip_suffix('}')?;
    fields.split(',').find_map(|field| {
        let (name, value) = field.split_once(':')?;
        (name.trim() == "\"brokerEpoch\"").then(|| value.trim().parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{OpenMode, Os};

    fn read(text: &str) -> Option<i64> {
        let dir = tempfile::tempdir().unwrap();
        write_atomically(&Os, &dir.path().join(".kafka_cleanshutdown"), text.as_bytes()).unwrap();
        CleanShutdown::read(&Os, dir.path()).unwrap().unwrap().broker_epoch
    }

    #[test]
    fn what_kafka_wrote_is_read_and_written_back_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let text = "{\"version\":0,\"brokerEpoch\":11}";
        assert_eq!(read(text), Some(11));
        CleanShutdown { broker_epoch: Some(11) }.write(&Os, dir.path()).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join(".kafka_cleanshutdown")).unwrap(), text);
    }

    #[test]
    fn the_mark_counts_whatever_it_says() {
        assert_eq!(read(""), None, "as Kafka wrote it before 3.7");
        assert_eq!(read("{\"version\":0}"), None);
        assert_eq!(read("{\"version\":0,\"brokerEpoch\":null}"), None);
        assert_eq!(read("{\"version\":0,\"brokerEpoch\":1"), None, "cut");
        assert_eq!(read("{ \"brokerEpoch\" : -1 , \"more\" : 5 }\n"), Some(-1));
        assert_eq!(read("{\"brokerEpoch\":9223372036854775808}"), None);
    }

    #[test]
    fn a_mark_of_absurd_size_is_a_mark() {
        let dir = tempfile::tempdir().unwrap();
        let path = CleanShutdown::path(dir.path());
        Os.open(&path, OpenMode::Create).unwrap().set_len(1 << 40).unwrap();
        assert!(CleanShutdown::read(&Os, dir.path()).unwrap().is_some());
    }

    #[test]
    fn without_a_mark_there_is_none_and_removing_says_so() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(CleanShutdown::read(&Os, dir.path()).unwrap(), None);
        assert!(!CleanShutdown::remove(&Os, dir.path()).unwrap());
        CleanShutdown { broker_epoch: None }.write(&Os, dir.path()).unwrap();
        assert!(CleanShutdown::remove(&Os, dir.path()).unwrap());
        assert_eq!(CleanShutdown::read(&Os, dir.path()).unwrap(), None);
    }

    #[test]
    fn a_mark_that_cannot_be_removed_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(CleanShutdown::path(dir.path())).unwrap();
        assert!(matches!(CleanShutdown::remove(&Os, dir.path()), Err(Error::Io { action: "remove", .. })));
    }
}
