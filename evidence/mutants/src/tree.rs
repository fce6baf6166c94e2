//! A copy of the source tree with the mutants in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::mutant::Mutant;
use crate::weave::weave;

/// The crate that holds the switch: all others that are changed use it.
const SWITCH_CRATE: &str = "crates/record";
const SWITCH: &str = include_str!("../switch/mutants.rs.in");

pub(crate) struct Tree {
    pub(crate) source: PathBuf,
    pub(crate) copy: PathBuf,
    /// Names of functions that the compiler runs.
    pub(crate) kept_const: BTreeSet<String>,
    /// Of each woven file, which bytes are which mutant's.
    pub(crate) parts: BTreeMap<String, Vec<(Range<usize>, u32)>>,
}

impl Tree {
    pub(crate) fn new(source: &Path, work: &Path) -> Tree {
        Tree {
            source: source.to_owned(),
            copy: work.join("tree"),
            kept_const: BTreeSet::new(),
            parts: BTreeMap::new(),
        }
    }

    /// Copies every file that git knows or would take, where the copy is not the same already.
    pub(crate) fn copy(&self, woven: &BTreeSet<&str>) -> Outcome<()> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.source)
            .output()?;
        for name in output.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
            let name = std::str::from_utf8(name)?;
            let from = self.source.join(name);
            if woven.contains(name) || name == format!("{SWITCH_CRATE}/src/lib.rs") || !from.is_file() {
                continue;
            }
            write_changed(&self.copy.join(name), &std::fs::read(&from)?)?;
        }
        let root = std::fs::read_to_string(self.source.join(SWITCH_CRATE).join("src/lib.rs"))?;
        let with_switch = format!("{root}\n#[doc(hidden)]\npub mod mutants;\n");
        write_changed(&self.copy.join(SWITCH_CRATE).join("src/lib.rs"), with_switch.as_bytes())?;
        write_changed(&self.copy.join(SWITCH_CRATE).join("src/mutants.rs"), SWITCH.as_bytes())
    }

    /// Weaves these mutants into the copy; says which could not be.
    pub(crate) fn weave(&mut self, mutants: &[&Mutant]) -> Outcome<BTreeSet<u32>> {
        // A file all of whose mutants are gone is written too.
        let known: Vec<String> = self.parts.keys().cloned().collect();
        let mut by_file: BTreeMap<&str, Vec<&Mutant>> =
            known.iter().map(|file| (file.as_str(), Vec::new())).collect();
        for &mutant in mutants {
            by_file.entry(&mutant.file).or_default().push(mutant);
        }
        let mut left_out = BTreeSet::new();
        for (file, mutants) in by_file {
            let source = std::fs::read_to_string(self.source.join(file))?;
            let switch = match file.starts_with(SWITCH_CRATE) {
                true => "crate::mutants::on",
                false => "::ottla_record::mutants::on",
            };
            let woven =
                weave(&source, &mutants, switch, &self.kept_const).map_err(|why| format!("{file}: {why}"))?;
            write_changed(&self.copy.join(file), woven.text.as_bytes())?;
            self.parts.insert(file.to_owned(), woven.parts);
            left_out.extend(woven.left_out);
        }
        Ok(left_out)
    }
}

/// What is the same keeps its time, so that cargo does not build it again.
fn write_changed(path: &Path, bytes: &[u8]) -> Outcome<()> {
    if std::fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    Ok(std::fs::write(path, bytes)?)
}
