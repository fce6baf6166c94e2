use std::fs;
use std::path::{Path, PathBuf};

/// The crates that users run; the rules on files and functions are for these.
pub const PRODUCT: &[&str] = &[
    "crates/record",
    "crates/log",
    "crates/protocol",
    "crates/server",
    "crates/inspect",
    "crates/bench",
    "crates/cli",
];

/// What is not ours, or not text, and what builds leave behind.
const SKIPPED: &[&str] = &[
    "target",
    ".git",
    "fixtures",
    "seeds",
    "golden",
    "artifacts",
    "corpus",
    "coverage",
    "results",
    "ottla-data",
];

/// One file of the repository.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// From the repository's root, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// The repository that this crate lives in.
#[derive(Clone, Debug)]
pub struct Repo {
    root: PathBuf,
}

impl Repo {
    /// The repository.
    pub fn here() -> Repo {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Repo { root: root.canonicalize().expect("the repository is there") }
    }

    /// A path in it.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The text of a file that must be there.
    pub fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap_or_else(|e| panic!("{relative} must be readable: {e}"))
    }

    /// Every text file below a directory, by path.
    pub fn files(&self, below: &str) -> Vec<SourceFile> {
        let mut paths = Vec::new();
        self.collect(&self.path(below), &mut paths);
        paths.sort();
        let file = |path: PathBuf| {
            let relative = path.strip_prefix(&self.root).expect("below the root");
            let path_text = relative.to_str().expect("names are UTF-8").to_owned();
            fs::read_to_string(&path).ok().map(|text| SourceFile { path: path_text, text })
        };
        paths.into_iter().filter_map(file).collect()
    }

    fn collect(&self, dir: &Path, paths: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).into_iter().flatten() {
            let path = entry.expect("a directory can be read on").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            match path.is_dir() {
                true if SKIPPED.contains(&name.as_str()) => {}
                true => self.collect(&path, paths),
                false => paths.push(path),
            }
        }
    }

    /// Every Rust file below a directory.
    pub fn rust(&self, below: &str) -> Vec<SourceFile> {
        self.files(below).into_iter().filter(|file| file.path.ends_with(".rs")).collect()
    }

    /// The Rust files of the product, without those that only hold tests.
    pub fn product(&self) -> Vec<SourceFile> {
        let files = PRODUCT.iter().flat_map(|krate| self.rust(&format!("{krate}/src")));
        files.filter(|file| !file.path.contains("/tests/") && !file.path.ends_with("/tests.rs")).collect()
    }
}
