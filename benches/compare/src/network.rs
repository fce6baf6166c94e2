//! A loopback of the run's own, on which nobody paces.
//!
//! Where the machine's TCP paces what it sends (BBR does, also over loopback), a timer decides when bytes leave: the same
//! `sendfile` then costs between one and six times as much, by chance. A network namespace has its own setting.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, unshare};

const CONGESTION_CONTROL: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
/// Every kernel has it and lets every namespace choose it. Nothing is lost on loopback, so that it never slows down.
const UNPACED: &str = "reno";

/// Moves this process, and all that it starts from now on, to a loopback without pacing. To be called before there is a second thread.
pub fn enter_own() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).context("a network namespace, which takes root")?;
    let up = Command::new("ip")
        .args(["link", "set", "lo", "up"])
        .stdin(Stdio::null())
        .status()
        .context("ip link")?;
    ensure!(up.success(), "`ip link set lo up` failed: {up}");
    fs::write(CONGESTION_CONTROL, UNPACED).context(CONGESTION_CONTROL)
}

/// What paces, or does not, what this process sends.
pub fn congestion_control() -> String {
    fs::read_to_string(CONGESTION_CONTROL)
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}
