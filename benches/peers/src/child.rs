//! A measurement in a process of its own, so that CPU time and the largest resident size are those of one log.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::samples::Metrics;
use crate::work::Task;

/// Runs one task to its end.
pub fn measure(task: &Task) -> Result<Metrics> {
    let mut child = start(task)?;
    let mut said = String::new();
    child.stdout.take().context("no stdout")?.read_to_string(&mut said)?;
    let complaint = complaint(&mut child)?;
    let status = child.wait()?;
    if !status.success() {
        bail!("{status}: {}", complaint.trim());
    }
    let line = said.lines().last().context("a measurement said nothing")?;
    serde_json::from_str(line).with_context(|| format!("a measurement said {line:?}"))
}

/// Runs one task until it says that it is done, and kills it: no destructor runs, nothing is flushed.
pub fn run_and_kill(task: &Task) -> Result<()> {
    let mut child = start(task)?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
    child.kill()?;
    let complaint = complaint(&mut child)?;
    child.wait()?;
    if line.trim() != crate::work::WAITING {
        bail!("{}", complaint.trim());
    }
    Ok(())
}

fn start(task: &Task) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("child").args(task.to_args()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    in_environment(&mut command, &task.dir);
    command.spawn().context("starting a measurement")
}

/// One of the logs is told by variables where its data goes, and not to print.
fn in_environment(command: &mut Command, dir: &Path) {
    command.env("WALRUS_DATA_DIR", dir).env("WALRUS_QUIET", "1");
}

fn complaint(child: &mut Child) -> Result<String> {
    let mut complaint = String::new();
    child.stderr.take().context("no stderr")?.read_to_string(&mut complaint)?;
    Ok(complaint)
}
