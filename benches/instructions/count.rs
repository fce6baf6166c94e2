//! Asking valgrind.

use std::process::Command;

use crate::paths::Path;

/// Why nothing can be counted here, if so.
pub fn can_count() -> Result<(), String> {
    if !cfg!(target_arch = "x86_64") {
        return Err("the counts in the file are those of x86_64".to_owned());
    }
    match Command::new("valgrind").arg("--version").output() {
        Ok(_) => Ok(()),
        Err(e) => Err(format!("valgrind: {e}")),
    }
}

/// How many instructions one run of a path takes. What comes before the first is taken out by counting twice.
pub fn instructions(path: &Path) -> u64 {
    let [few, many] = [path.times, 3 * path.times].map(|times| refs(path.name, times));
    many.saturating_sub(few) / (2 * path.times)
}

fn refs(name: &str, times: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["run", name, &times.to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
    let counted =
        said.lines().find_map(|line| line.split_once("refs:")).map(|(_, count)| count.replace(',', ""));
    counted.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("no count in {said}"))
}
