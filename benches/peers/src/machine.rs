//! What the figures depend on most.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

pub struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    load: String,
    dir: String,
}

impl Machine {
    pub fn look(dir: &Path) -> Result<Machine> {
        let read = |path: &str| std::fs::read_to_string(path).with_context(|| path.to_owned());
        let cpus = read("/proc/cpuinfo")?;
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Ok(Machine {
            cpu: model.map_or("unknown CPU", |(_, model)| model).to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load: read("/proc/loadavg")?.split(' ').next().unwrap_or_default().to_owned(),
            dir: file_system(dir, &read("/proc/mounts")?),
        })
    }

    pub fn line(&self) -> String {
        let Machine { cpu, cores, kernel, load, dir } = self;
        format!("{cores} × {cpu}, Linux {kernel}, {dir}, load average {load} before the run")
    }

    pub fn is_busy(&self) -> bool {
        self.load.parse::<f64>().is_ok_and(|load| load > 0.5)
    }

    pub fn to_json(&self) -> Value {
        let Machine { cpu, cores, kernel, load, dir } = self;
        json!({ "cpu": cpu, "cores": cores, "kernel": kernel, "load_average_before": load, "file_system": dir })
    }
}

/// Type and options of the mount that `dir` lies on: the longest mount point that it begins with.
fn file_system(dir: &Path, mounts: &str) -> String {
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let over = fields.filter(|fields| fields.len() > 3 && dir.starts_with(fields[1]));
    let innermost = over.max_by_key(|fields| fields[1].len());
    innermost.map_or("unknown file system".to_owned(), |fields| format!("{} ({})", fields[2], fields[3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\n/dev/b /data xfs rw,noatime 0 0\n/dev/c /da tmpfs rw 0 0\n";
        assert_eq!(file_system(Path::new("/data/x"), mounts), "xfs (rw,noatime)");
        assert_eq!(file_system(Path::new("/dax"), mounts), "ext4 (rw)");
    }
}
