//! The mutants that cargo-mutants lists.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::Outcome;

/// What kind of change it is, in the words of cargo-mutants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Genre {
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
}

/// A line and a column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// One small change of the code that some test should notice.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    /// From 1 on, in the order of the list.
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) package: String,
    pub(crate) file: String,
    pub(crate) function: String,
    pub(crate) genre: Genre,
    pub(crate) start: Place,
    pub(crate) end: Place,
    pub(crate) replacement: String,
}

/// Asks cargo-mutants, which takes the files from `.cargo/mutants.toml` of the tree.
pub(crate) fn list(tree: &Path) -> Outcome<Vec<Mutant>> {
    let output = Command::new("cargo")
        .args(["mutants", "--list", "--json", "--workspace", "--no-shuffle"])
        .current_dir(tree)
        .output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("cargo mutants --list: {why} (cargo install cargo-mutants --locked)").into());
    }
    let all: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    all.iter().zip(1..).map(|(value, number)| read(value, number)).collect()
}

fn read(value: &Value, number: u32) -> Outcome<Mutant> {
    let text = |key: &str| value[key].as_str().map(str::to_owned).ok_or(format!("no {key} in {value}"));
    let place = |which: &str| -> Outcome<Place> {
        let part = |key: &str| value["span"][which][key].as_u64().ok_or(format!("no span in {value}"));
        Ok(Place { line: part("line")? as usize, column: part("column")? as usize })
    };
    let genre = match value["genre"].as_str() {
        Some("FnValue") => Genre::FnValue,
        Some("BinaryOperator") => Genre::BinaryOperator,
        Some("UnaryOperator") => Genre::UnaryOperator,
        Some("MatchArm") => Genre::MatchArm,
        Some("MatchArmGuard") => Genre::MatchArmGuard,
        Some("StructField") => Genre::StructField,
        other => return Err(format!("a genre that is not known: {other:?}").into()),
    };
    Ok(Mutant {
        number,
        name: text("name")?,
        package: text("package")?,
        file: text("file")?,
        function: value["function"]["function_name"].as_str().unwrap_or_default().to_owned(),
        genre,
        start: place("start")?,
        end: place("end")?,
        replacement: text("replacement")?,
    })
}
