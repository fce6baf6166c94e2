//! What experiments share while a run lasts: its files, its networks, its sizes.

use std::fs::File;
use std::rc::Rc;

use super::error::{Error, Unmeasured};
use super::experiments::{appends, read_order, syncs, transfers, write_order};
use super::folios;
use super::network::Networks;
use super::paths::Path;
use super::plan::Scale;
use super::sample::Sample;
use super::scratch::{PIECE_BYTES, Scratch};
use super::work::Work;

/// The bench on which experiments are made.
pub struct Bench {
    /// Where files are made.
    pub scratch: Scratch,
    /// How large everything is.
    pub scale: Scale,
    /// Which round it is.
    pub round: u32,
    /// Where bytes go.
    pub networks: Networks,
    to_read: Option<Rc<File>>,
    to_write: Option<Rc<File>>,
    to_send: Option<(Path, usize, Rc<File>, Option<f64>)>,
}

impl Bench {
    /// A bench before its first round.
    pub fn new(scratch: Scratch, scale: Scale) -> Self {
        Self {
            scratch,
            scale,
            round: 0,
            networks: Networks::default(),
            to_read: None,
            to_write: None,
            to_send: None,
        }
    }

    /// Fresh files from now on.
    pub fn begin(&mut self, round: u32) {
        self.round = round;
        (self.to_read, self.to_write, self.to_send) = (None, None, None);
    }

    /// Measures one case.
    ///
    /// # Errors
    /// A reason to skip it, or to end the run.
    pub fn measure(&mut self, work: &Work) -> Result<Sample, Unmeasured> {
        match work {
            Work::Write(work) => write_order::measure(work, self),
            Work::Read(work) => read_order::measure(work, self),
            Work::Append(work) => appends::measure(work, self),
            Work::Sync(work) => syncs::measure(work, self),
            Work::Transfer(work) => transfers::measure(work, self),
        }
    }

    /// The file of this round that is read.
    ///
    /// # Errors
    /// Those of making it.
    pub fn file_to_read(&mut self) -> Result<Rc<File>, Error> {
        fresh(&mut self.to_read, &self.scratch, self.scale.file_bytes)
    }

    /// The file of this round that is written over.
    ///
    /// # Errors
    /// Those of making it.
    pub fn file_to_write(&mut self) -> Result<Rc<File>, Error> {
        fresh(&mut self.to_write, &self.scratch, self.scale.file_bytes)
    }

    /// The file that this path sends in this round: the same call on another file can differ fivefold, so every path has its
    /// own, and another one next time. With it comes how large the pieces are in which the page cache holds it.
    ///
    /// # Errors
    /// Those of making it.
    pub fn file_to_send(
        &mut self,
        path: Path,
        written_bytes: usize,
    ) -> Result<(Rc<File>, Option<f64>), Error> {
        if let Some((of, by, file, pages_per_folio)) = &self.to_send
            && (*of, *by) == (path, written_bytes)
        {
            return Ok((Rc::clone(file), *pages_per_folio));
        }
        self.to_send = None;
        let file = Rc::new(self.scratch.filled_file(self.scale.file_bytes, written_bytes)?);
        let pages_per_folio = folios::pages_per_folio(&file);
        self.to_send = Some((path, written_bytes, Rc::clone(&file), pages_per_folio));
        Ok((file, pages_per_folio))
    }
}

fn fresh(kept: &mut Option<Rc<File>>, scratch: &Scratch, size_bytes: u64) -> Result<Rc<File>, Error> {
    if let Some(file) = kept {
        return Ok(Rc::clone(file));
    }
    let file = Rc::new(scratch.filled_file(size_bytes, PIECE_BYTES)?);
    Ok(Rc::clone(kept.insert(file)))
}
