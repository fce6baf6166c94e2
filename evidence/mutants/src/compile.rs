//! Building the copy, without the mutants that are no Rust.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::tree::Tree;
use crate::{Outcome, say};

/// A program of tests.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) package: String,
    pub(crate) target: String,
    pub(crate) executable: PathBuf,
    /// Where cargo would run it.
    pub(crate) dir: PathBuf,
}

/// What stands in the way of a copy that builds.
#[derive(Default)]
pub(crate) struct Refused {
    /// Mutants that are no Rust.
    pub(crate) mutants: BTreeSet<u32>,
    /// Functions that the compiler runs.
    pub(crate) consts: BTreeSet<String>,
}

/// Checks the packages' libraries.
pub(crate) fn check(tree: &Tree, target: &Path, packages: &[String]) -> Outcome<Refused> {
    let mut cargo = cargo(tree, target, packages, "check");
    let messages = messages(cargo.args(["--lib"]))?;
    let mut refused = Refused::default();
    for message in &messages.lines {
        let error = &message["message"];
        if error["level"] != "error" || error["spans"].as_array().is_none_or(Vec::is_empty) {
            continue;
        }
        if error["code"]["code"] == "E0015" {
            refused.consts.extend(called(error["message"].as_str().unwrap_or_default()));
            continue;
        }
        match blame(tree, error) {
            found if found.is_empty() => {
                let text = error["rendered"].as_str().unwrap_or_default();
                return Err(format!("an error that is no mutant's:\n{text}").into());
            }
            found => refused.mutants.extend(found),
        }
    }
    match (refused.mutants.is_empty() && refused.consts.is_empty(), messages.is_ok) {
        (true, false) => Err("the copy does not build".into()),
        _ => Ok(refused),
    }
}

/// ``cannot call non-const method `a::B::c` in constants``: `c`.
fn called(message: &str) -> Option<String> {
    let path = message.split('`').nth(1)?;
    path.rsplit("::").next().map(str::to_owned)
}

/// The mutants in whose text an error is: where it begins, else where it leads.
fn blame(tree: &Tree, error: &Value) -> BTreeSet<u32> {
    let spans: Vec<&Value> =
        error["spans"].as_array().map(|spans| spans.iter().collect()).unwrap_or_default();
    let of = |primary: bool, fits: fn(&Range<usize>, &Range<usize>) -> bool| -> BTreeSet<u32> {
        let wanted = spans.iter().filter(|span| span["is_primary"].as_bool() == Some(primary));
        let ranges = wanted.filter_map(|span| {
            let (start, end) = (span["byte_start"].as_u64()?, span["byte_end"].as_u64()?);
            Some((tree.parts.get(span["file_name"].as_str()?)?, start as usize..end as usize))
        });
        let hits = ranges.flat_map(|(parts, range)| {
            parts.iter().filter(move |(part, _)| fits(part, &range)).map(|(_, number)| *number)
        });
        hits.collect()
    };
    let within = |part: &Range<usize>, span: &Range<usize>| part.start <= span.start && span.end <= part.end;
    let around = |part: &Range<usize>, span: &Range<usize>| span.start < part.end && part.start < span.end;
    for (primary, fits) in
        [(true, within as fn(&_, &_) -> _), (false, within), (true, around), (false, around)]
    {
        let found = of(primary, fits);
        if !found.is_empty() {
            return found;
        }
    }
    BTreeSet::new()
}

/// Builds all tests of the packages.
pub(crate) fn build(tree: &Tree, target: &Path, packages: &[String]) -> Outcome<Vec<Program>> {
    let mut cargo = cargo(tree, target, packages, "test");
    let messages = messages(cargo.arg("--no-run"))?;
    if !messages.is_ok {
        let errors = messages.lines.iter().filter(|line| line["message"]["level"] == "error");
        errors.for_each(|line| say(line["message"]["rendered"].as_str().unwrap_or_default()));
        return Err("the tests do not build".into());
    }
    let programs = messages.lines.iter().filter_map(|line| {
        let manifest = Path::new(line["manifest_path"].as_str()?);
        let dir = manifest.parent()?;
        Some(Program {
            package: package_of(line["package_id"].as_str()?, dir)?,
            target: line["target"]["name"].as_str()?.to_owned(),
            executable: PathBuf::from(line["executable"].as_str()?),
            dir: dir.to_owned(),
        })
    });
    Ok(programs.collect())
}

/// `path+file:///a/crates/log#ottla@0.1.0`, or without the name where it is that of the folder.
fn package_of(id: &str, dir: &Path) -> Option<String> {
    let (_, version) = id.rsplit_once('#')?;
    match version.split_once('@') {
        Some((name, _)) => Some(name.to_owned()),
        None => dir.file_name()?.to_str().map(str::to_owned),
    }
}

struct Messages {
    lines: Vec<Value>,
    is_ok: bool,
}

fn cargo(tree: &Tree, target: &Path, packages: &[String], command: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args([command, "--locked", "--message-format=json"]);
    for package in packages {
        cargo.args(["-p", package]);
    }
    cargo.current_dir(&tree.copy).env("CARGO_TARGET_DIR", target);
    // What is denied is still a program: `x / 0` must run and be noticed. Lines of it interest nobody.
    cargo.env("CARGO_PROFILE_TEST_DEBUG", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
    cargo.env("RUSTFLAGS", "--cap-lints allow").stdin(Stdio::null()).stderr(Stdio::null());
    cargo
}

fn messages(cargo: &mut Command) -> Outcome<Messages> {
    let output = cargo.output()?;
    let lines = String::from_utf8_lossy(&output.stdout);
    let lines = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(Messages { lines, is_ok: output.status.success() })
}
