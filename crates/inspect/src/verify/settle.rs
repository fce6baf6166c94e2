//! Looking again at files that change while they are checked: what is gone at the second look was no damage.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use crate::error::Result;
use ottla::fs::{FileSystem, Metadata};
use ottla::{Clock, SystemClock};

/// How often files are looked at again at most, and after how long.
const LOOKS: u32 = 10;
const INTERVAL: Duration = Duration::from_millis(50);
/// A file that was not changed for so long is not being written.
const QUIET_MS: i64 = 5_000;

/// Calls `check`, and again as long as it finds something while these files change.
///
/// # Errors
/// As the last call of `check` fails.
pub fn settled<T>(
    fs: &dyn FileSystem,
    files: &[PathBuf],
    is_clean: impl Fn(&T) -> bool,
    mut check: impl FnMut() -> Result<T>,
) -> Result<T> {
    for _ in 0..LOOKS {
        let before = Outside::of(fs, files);
        let found = check();
        if found.as_ref().is_ok_and(&is_clean) || before.is_quiet() {
            return found;
        }
        sleep(INTERVAL);
        if Outside::of(fs, files) == before {
            return found;
        }
    }
    check()
}

/// What can be seen of files without reading them; `None` for one that is not there.
#[derive(PartialEq, Eq)]
struct Outside(Vec<Option<Metadata>>);

impl Outside {
    fn of(fs: &dyn FileSystem, files: &[PathBuf]) -> Outside {
        Outside(files.iter().map(|file| fs.metadata(file).ok()).collect())
    }

    /// Whether all files are there, and none was changed lately.
    fn is_quiet(&self) -> bool {
        let changed_before = SystemClock::new().now_ms().saturating_sub(QUIET_MS);
        self.0.iter().all(|file| file.is_some_and(|metadata| metadata.modified_ms < changed_before))
    }
}

#[cfg(test)]
mod tests {
    use ottla::fs::{OpenMode, Os};

    use crate::error::At;

    use super::*;

    #[test]
    fn a_finding_that_is_gone_at_the_second_look_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut calls = 0;
        let found = settled(
            &Os,
            std::slice::from_ref(&path),
            |found| *found,
            || {
                calls += 1;
                // The file comes to exist while it is looked at for the first time.
                Os.open(&path, OpenMode::Create).at("open", &path)?;
                Ok(calls > 1)
            },
        );
        assert_eq!((found.unwrap(), calls), (true, 2));
    }

    #[test]
    fn a_finding_in_files_that_stay_as_they_are_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        Os.open(&path, OpenMode::Create).unwrap();
        let mut calls = 0;
        let found = settled(
            &Os,
            &[path],
            |found| *found,
            || {
                calls += 1;
                Ok(false)
            },
        );
        assert_eq!((found.unwrap(), calls), (false, 1));
    }
}
