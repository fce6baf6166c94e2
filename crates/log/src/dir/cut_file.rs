//! What was cut off a segment, kept beside it: `<base offset>.<position>.cut`, and `<base offset>.<position>.<n>.cut`
//! where something else had been cut there before.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::Offset;
use crate::fs::{File, FileSystem, OpenMode};

const EXTENSION: &str = ".cut";
const COPY_BYTES: u64 = 256 << 10;

/// A segment whose bytes are kept aside.
#[derive(Clone, Copy, Debug)]
pub struct CutFile<'a> {
    /// The partition's directory.
    pub dir: &'a Path,
    /// The segment.
    pub base_offset: Offset,
}

impl CutFile<'_> {
    /// Whether a file of this name holds what was cut.
    ///
    /// ```
    /// use ottla::dir::CutFile;
    /// assert!(CutFile::is_name("00000000000000000010.456.cut"));
    /// assert!(CutFile::is_name("00000000000000000010.456.2.cut"));
    /// assert!(!CutFile::is_name("00000000000000000010.cut"));
    /// ```
    pub fn is_name(name: &str) -> bool {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let Some(name) = name.strip_suffix(EXTENSION) else { return false };
        let mut numbers = name.split('.');
        let is_offset = numbers.next().is_some_and(|base| base.len() == 20 && is_number(base));
        let count = numbers.clone().count();
        is_offset && (1..=2).contains(&count) && numbers.all(is_number)
    }

    /// A name that nothing has, for a segment that goes aside whole.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn free(&self, fs: &dyn FileSystem) -> io::Result<PathBuf> {
        self.first(0, |path| is_there(fs, path).map(|there| !there))
    }

    /// Where the bytes `cut` of `log` go: a name that nothing has, or that of a copy of them which was begun before and
    /// perhaps not finished.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn place(&self, fs: &dyn FileSystem, log: &dyn File, cut: &Range<u64>) -> io::Result<PathBuf> {
        self.first(cut.start, |path| match is_there(fs, path)? {
            true => is_begun(&*fs.open(path, OpenMode::Read)?, log, cut),
            false => Ok(true),
        })
    }

    fn first(&self, position: u64, suits: impl Fn(&Path) -> io::Result<bool>) -> io::Result<PathBuf> {
        let stem = format!("{:020}.{position}", self.base_offset.get());
        let mut path = self.dir.join(format!("{stem}{EXTENSION}"));
        for number in 2_u64.. {
            if suits(&path)? {
                break;
            }
            path = self.dir.join(format!("{stem}.{number}{EXTENSION}"));
        }
        Ok(path)
    }
}

fn is_there(fs: &dyn FileSystem, path: &Path) -> io::Result<bool> {
    match fs.metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// Whether `copy` holds the first of the bytes that are to be kept, and nothing else.
fn is_begun(copy: &dyn File, log: &dyn File, cut: &Range<u64>) -> io::Result<bool> {
    let len = copy.len()?;
    if len > cut.end.saturating_sub(cut.start) {
        return Ok(false);
    }
    let mut same = true;
    pieces(0..len, |position, piece| {
        let mut other = vec![0; piece.len()];
        copy.read_exact_at(piece, position)?;
        log.read_exact_at(&mut other, cut.start + position)?;
        same &= *piece == *other;
        Ok(same)
    })?;
    Ok(same)
}

/// Copies a range of a file to a file of its own and brings its bytes to disk; its name is for the caller to make durable.
///
/// # Errors
/// As the file system reports it.
pub fn copy_aside(fs: &dyn FileSystem, log: &dyn File, cut: &Range<u64>, to: &Path) -> io::Result<()> {
    let side = fs.open(to, OpenMode::Create)?;
    side.set_len(0)?;
    pieces(cut.clone(), |position, piece| {
        log.read_exact_at(piece, position)?;
        side.write_all_at(piece, position - cut.start)?;
        Ok(true)
    })?;
    side.sync()
}

/// Goes over a range in pieces of bounded size, with a buffer for each, until told to stop.
fn pieces(range: Range<u64>, mut each: impl FnMut(u64, &mut [u8]) -> io::Result<bool>) -> io::Result<()> {
    let size = range.end.saturating_sub(range.start).min(COPY_BYTES);
    let mut buffer = vec![0; usize::try_from(size).unwrap_or(0)];
    let mut position = range.start;
    while position < range.end {
        let length = (range.end - position).min(size);
        let piece = buffer.get_mut(..usize::try_from(length).unwrap_or(0)).unwrap_or(&mut []);
        if !each(position, piece)? {
            break;
        }
        position += length;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Os;

    fn put(path: &Path, bytes: &[u8]) {
        Os.open(path, OpenMode::CreateNew).unwrap().write_all_at(bytes, 0).unwrap();
    }

    #[test]
    fn what_was_cut_before_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let segment = CutFile { dir: dir.path(), base_offset: Offset::new(7) };
        let named = |name: &str| dir.path().join(format!("00000000000000000007.{name}"));
        put(&named("log"), b"whole torn");
        let log = Os.open(&named("log"), OpenMode::Read).unwrap();
        let cut = 6..10;
        for (there, expected) in [
            (None, "6.cut"),
            // A copy that was begun, and one that was finished: of the same bytes.
            (Some("6.cut=to"), "6.cut"),
            (Some("6.cut=torn"), "6.cut"),
            (Some("6.cut=other"), "6.2.cut"),
            (Some("6.2.cut=t0"), "6.3.cut"),
        ] {
            if let Some((name, bytes)) = there.and_then(|there| there.split_once('=')) {
                let _ = Os.remove_file(&named(name));
                put(&named(name), bytes.as_bytes());
            }
            let place = segment.place(&Os, &*log, &cut).unwrap();
            assert_eq!(place, named(expected), "{there:?}");
            assert!(CutFile::is_name(place.file_name().unwrap().to_str().unwrap()));
        }
        let place = segment.place(&Os, &*log, &cut).unwrap();
        copy_aside(&Os, &*log, &cut, &place).unwrap();
        let mut kept = [0; 4];
        Os.open(&place, OpenMode::Read).unwrap().read_exact_at(&mut kept, 0).unwrap();
        assert_eq!(&kept, b"torn");
        assert_eq!(segment.free(&Os).unwrap(), named("0.cut"));
        put(&named("0.cut"), b"");
        assert_eq!(segment.free(&Os).unwrap(), named("0.2.cut"));
    }
}
