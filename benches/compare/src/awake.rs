//! Processors that never idle.

use std::hint::spin_loop;
use std::thread;

use anyhow::{Result, ensure};
use nix::errno::Errno;
use nix::libc::{SCHED_IDLE, sched_param, sched_setscheduler};

/// Spins on every processor, in threads that give way to everything else, until the process ends.
pub fn keep_awake() -> Result<()> {
    for _ in 0..thread::available_parallelism()?.get() {
        let (lowered, is_lowered) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let result = lowest_priority();
            let ready = result.is_ok();
            if lowered.send(result).is_ok() && ready {
                loop {
                    spin_loop();
                }
            }
        });
        is_lowered.recv()??;
    }
    Ok(())
}

fn lowest_priority() -> Result<()> {
    let param = sched_param { sched_priority: 0 };
    // SAFETY: the call reads one parameter that lives as long as the call; 0 is the calling thread.
    let result = unsafe { sched_setscheduler(0, SCHED_IDLE, &param) };
    ensure!(result == 0, "SCHED_IDLE: {}", Errno::last());
    Ok(())
}
