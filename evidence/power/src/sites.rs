//! Which place of the engine's code asks for a sync, from the stack. Looking up a place costs a tenth of a second the
//! first time, so what was found is kept in a file outside the image, for the processes that come later.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Functions that only pass a sync on: the place is where they are called.
const PASSING_ON: [&str; 5] = ["sync_dir", "step", "sync_file", "sync", "write"];

/// The places, and the one that is left out.
#[derive(Debug, Default)]
pub struct Sites {
    left_out: Option<String>,
    cache: PathBuf,
    /// Address, counted from a function of this program → its frames: `file:line function`, the innermost first.
    known: HashMap<isize, Vec<String>>,
    seen: BTreeSet<String>,
}

impl Sites {
    /// With what earlier processes have looked up.
    pub fn new(cache: &Path, left_out: Option<String>) -> Sites {
        let mut known = HashMap::new();
        for line in fs::read_to_string(cache).unwrap_or_default().lines() {
            let mut parts = line.split('\t');
            if let Some(address) = parts.next().and_then(|address| address.parse().ok()) {
                known.insert(address, parts.map(str::to_owned).collect());
            }
        }
        Sites { left_out, cache: cache.to_path_buf(), known, seen: BTreeSet::new() }
    }

    /// The places seen so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.iter().cloned().collect()
    }

    /// Whether the sync that is asked for now, by a caller of this, is to be left out.
    pub fn is_left_out(&mut self, path: &Path, is_dir: bool) -> bool {
        let place = self.place(path, is_dir);
        let is_left_out = self.left_out.as_ref() == Some(&place);
        self.seen.insert(place);
        is_left_out
    }

    fn place(&mut self, path: &Path, is_dir: bool) -> String {
        let mut place = Vec::new();
        let mut is_complete = false;
        backtrace::trace(|frame| {
            for described in self.frames_at(frame.ip() as isize, frame) {
                let Some((at, function)) = described.split_once(' ') else { continue };
                place.push(at.to_owned());
                is_complete = !PASSING_ON.contains(&function) && !at.starts_with("dir/whole_file.rs");
                if is_complete {
                    return false;
                }
            }
            true
        });
        if !is_complete && place.is_empty() {
            place.push("unknown".to_owned());
        }
        format!("{} {}", place.join(" < "), what(path, is_dir))
    }

    fn frames_at(&mut self, ip: isize, frame: &backtrace::Frame) -> Vec<String> {
        let address = ip - (Sites::new as *const () as isize);
        if let Some(known) = self.known.get(&address) {
            return known.clone();
        }
        let mut frames = Vec::new();
        backtrace::resolve_frame(frame, |symbol| {
            let file = symbol.filename().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
            let Some((_, file)) = file.rsplit_once("crates/log/src/") else { return };
            if file.starts_with("fs/") {
                return;
            }
            let name = symbol.name().map(|name| format!("{name:#}")).unwrap_or_default();
            let function = name.rsplit("::").find(|part| !part.starts_with('{')).unwrap_or_default();
            frames.push(format!("{file}:{} {function}", symbol.lineno().unwrap_or(0)));
        });
        let line = format!("{address}\t{}\n", frames.join("\t"));
        if let Ok(mut cache) = OpenOptions::new().create(true).append(true).open(&self.cache) {
            let _ = cache.write_all(line.as_bytes());
        }
        self.known.insert(address, frames.clone());
        frames
    }
}

/// What kind of file or directory it is, without the numbers in its name.
fn what(path: &Path, is_dir: bool) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match (is_dir, name.rsplit_once('-').and_then(|(_, number)| number.parse::<u32>().ok())) {
        (true, Some(_)) => "dir of a partition".to_owned(),
        (true, None) if name.ends_with("-delete") => "dir of a deleted partition".to_owned(),
        (true, None) if name.starts_with("data") => "dir of the data".to_owned(),
        (true, None) => "dir".to_owned(),
        (false, _) if name.starts_with(|first: char| first.is_ascii_digit()) => {
            name.split_once('.').map_or(name.clone(), |(_, kind)| format!(".{kind}"))
        }
        (false, _) => name,
    }
}
