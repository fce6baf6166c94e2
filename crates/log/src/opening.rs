//! From a directory to a [`Log`].

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::append::Appender;
use crate::commit::{Asked, AskedOwner, Commit, Keeper};
use crate::compact::Turn;
use crate::config::{Environment, LogConfig};
use crate::data_dir::{DataDir, split_path};
use crate::error::Result;
use crate::log::{Alone, Inner, Log};
use crate::recover::{self, OpenOptions, RecoveryReport};
use crate::retain::ClockWatch;
use crate::segment::HandleCache;
use crate::shared::Shared;
use crate::sync::atomic::AtomicBool;
use crate::sync::{Mutex, PoisonError};

impl Log {
    /// Opens the log in `dir` with default settings, making it where there is none. The parent directory
    /// is its data directory: its lock is taken and its checkpoints are honoured.
    ///
    /// # Errors
    /// [`Error::Locked`](crate::Error::Locked) while anybody else has the data directory open for writing (use a
    /// [`Store`](crate::Store) for many logs of one directory), [`Error::NotADirectoryOfOurs`](crate::Error::NotADirectoryOfOurs) where the
    /// name is not `<topic>-<partition>`, [`Error::Corrupt`](crate::Error::Corrupt) where a file is not what it must be.
    pub fn open(dir: impl AsRef<Path>) -> Result<(Log, RecoveryReport)> {
        Log::open_with(dir, LogConfig::default(), Environment::default())
    }

    /// As [`Log::open`], with these settings, files and clock.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_with(
        dir: impl AsRef<Path>,
        config: LogConfig,
        environment: Environment,
    ) -> Result<(Log, RecoveryReport)> {
        let (parent, topic_partition) = split_path(dir.as_ref())?;
        let mut data_dir = DataDir::open(&environment.fs, parent)?;
        if matches!(environment.fs.metadata(dir.as_ref()), Err(e) if e.kind() == io::ErrorKind::NotFound) {
            data_dir.forget(&topic_partition)?;
        }
        let asked = AskedOwner::default();
        let options = OpenOptions {
            dir: dir.as_ref().to_path_buf(),
            marks: data_dir.marks(&topic_partition),
            checkpoints: Some(data_dir.checkpoints().clone()),
            topic_partition,
            config,
            environment,
            handles: Arc::default(),
            asked: asked.0.clone(),
            clean: data_dir.was_clean(),
            least_leader_epoch: 0,
        };
        let is_unknown = options.marks.recovery_point.is_none();
        let (log, report) = Log::open_in(options)?;
        *log.inner.alone.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Alone { data_dir, _asked: asked });
        if is_unknown {
            // From here on a checkpoint tells what is sure, and recovery need not guess.
            log.flush()?;
        }
        Ok((log, report))
    }

    /// Opens the log in `dir` to read only: nothing is locked, made or changed, and another process may
    /// have it open for writing. What that process appends later is seen after opening anew.
    ///
    /// # Errors
    /// [`Error::NotADirectoryOfOurs`](crate::Error::NotADirectoryOfOurs) where `dir` is no partition directory.
    pub fn open_read_only(dir: impl AsRef<Path>, environment: Environment) -> Result<Log> {
        let (parent, topic_partition) = split_path(dir.as_ref())?;
        let marks = DataDir::read_marks(&*environment.fs, parent, &topic_partition)?;
        let options = OpenOptions {
            dir: dir.as_ref().to_path_buf(),
            topic_partition,
            marks,
            checkpoints: None,
            config: LogConfig::default(),
            environment,
            handles: Arc::new(HandleCache::new(64)),
            asked: Arc::default(),
            clean: false,
            least_leader_epoch: 0,
        };
        let asked = options.asked.clone();
        let shared = recover::open_read_only(options)?;
        Ok(Log::assemble(shared, None, asked))
    }

    pub(crate) fn open_in(options: OpenOptions) -> Result<(Log, RecoveryReport)> {
        let asked = options.asked.clone();
        let (shared, mut appender, report) = recover::open(options)?;
        let all_on_disk = shared.recovery_point() == shared.log_end_offset();
        appender.touched = !(report.clean && report.is_uneventful() && all_on_disk);
        if let Some(checkpoints) = &shared.checkpoints {
            checkpoints.settle_cleaner_point(&shared.topic_partition, shared.log_end_offset())?;
        }
        let log = Log::assemble(shared, Some(appender), asked);
        log.sync_what_is_hidden()?;
        log.note_opened();
        Ok((log, report))
    }

    fn assemble(shared: Shared, appender: Option<Appender>, asked: Arc<Asked>) -> Log {
        let recovery_point = shared.recovery_point();
        let all_on_disk = recovery_point >= shared.log_end_offset();
        let unsynced = if all_on_disk { Vec::new() } else { shared.segments.from(recovery_point) };
        let commit = Commit::new(unsynced);
        let newest = shared.epochs().latest().map_or(0, |latest| latest.epoch);
        let leader_epoch = appender.as_ref().map_or(newest, |appender| appender.leader_epoch);
        let clock_watch = Mutex::new(ClockWatch::new(&*shared.clock));
        let (shared, appender) = (Arc::new(shared), Mutex::new(appender));
        let keeper = Arc::new(Keeper::new(shared.clone(), commit, asked));
        let inner = Inner {
            shared,
            keeper,
            leader_epoch,
            appender,
            used: AtomicBool::new(false),
            clock_watch,
            looked: Mutex::default(),
            maintenance: Mutex::default(),
            turn: Turn::default(),
            alone: Mutex::default(),
        };
        Log { inner: Arc::new(inner) }
    }
}
