use std::path::Path;

use anyhow::Result;
use ottla::fs::Os;
use ottla::{Environment, Log, LogConfig, Offset, metadata, settings};

use super::batcher::Batch;
use super::sink::Sink;
use crate::exit::say;
use crate::partition::name_of;

/// A partition directory that this process has open for writing.
pub struct Local {
    log: Log,
    sync: bool,
}

impl Local {
    /// Opens the log, making it where there is none, with the settings of its topic.
    pub fn open(dir: &Path, sync: bool) -> Result<Local> {
        let (partition, data_dir) = name_of(dir)?;
        let image = metadata::load(&Os, &data_dir)?.0;
        let overrides = image.topics.get(partition.topic()).map(|topic| topic.configs.clone());
        let config = settings::apply(&LogConfig::default(), &overrides.unwrap_or_default());
        let path = data_dir.join(partition.dir_name());
        let (log, report) = Log::open_with(path, config, Environment::default())?;
        if !report.is_uneventful() {
            say(&format!("ottla: {}: {report}", dir.display()));
        }
        Ok(Local { log, sync })
    }
}

impl Sink for Local {
    fn append(&mut self, batch: Batch) -> Result<(Offset, Offset)> {
        let appended = self.log.append(&batch.bytes)?;
        if self.sync {
            self.log.sync_to(appended.last_offset + 1)?;
        }
        Ok((appended.base_offset, appended.last_offset))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(self.log.close()?)
    }

    fn name(&self) -> String {
        self.log.topic_partition().to_string()
    }
}
