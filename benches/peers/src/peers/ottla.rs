//! This project, with its defaults.

use std::path::Path;

use anyhow::Result;
use ottla::{Isolation, Log as Partition, Offset};
use ottla_record::Head;

use super::{Log, OTTLA, Peer, Seen, Synced};

pub static PEER: Peer = Peer {
    name: OTTLA,
    open: |dir| open(dir, Reads::Bytes),
    open_synced: Some(open_synced),
    reads_many: true,
    note: "Appends check structure and CRC-32C of each batch and write it in one call; reads copy a range of the file into the \
           caller's buffer and leave the CRC to the caller, as Kafka's fetch does. Indexes are on disk. Synced: one fdatasync \
           serves all that wait.",
};

/// The same with every checksum looked at.
pub static CHECKED: Peer = Peer {
    name: "ottla-checked",
    open: |dir| open(dir, Reads::CheckedBatches),
    open_synced: None,
    reads_many: true,
    note: "ottla read through read_batches, which checks the CRC of every batch, as most of the others do when they read. It \
           appends as ottla does: how far the two differ there is noise.",
};

#[derive(Clone, Copy)]
enum Reads {
    Bytes,
    CheckedBatches,
}

struct Ottla {
    log: Partition,
    reads: Reads,
}

fn open(dir: &Path, reads: Reads) -> Result<Box<dyn Log>> {
    let (log, _report) = Partition::open(dir.join("peers-0"))?;
    Ok(Box::new(Ottla { log, reads }))
}

impl Ottla {
    fn read_bytes(&self, piece_bytes: usize, seen: &mut Seen<'_>) -> Result<()> {
        let mut piece = Vec::new();
        let mut from = Offset::ZERO;
        loop {
            let fetched = self.log.read(from, piece_bytes, Isolation::ReadUncommitted)?;
            fetched.slice.read_into(&mut piece)?;
            let (whole, next) = whole_batches(&piece, from);
            if whole == 0 || seen(&piece[..whole]).is_break() {
                return Ok(());
            }
            from = next;
        }
    }

    fn read_checked(&self, piece_bytes: usize, seen: &mut Seen<'_>) -> Result<()> {
        let mut from = Offset::ZERO;
        loop {
            let batches = self.log.read_batches(from, piece_bytes, Isolation::ReadUncommitted)?;
            if batches.is_empty() || seen(batches.as_bytes()).is_break() {
                return Ok(());
            }
            from = batches.next_offset();
        }
    }
}

impl Log for Ottla {
    fn append(&mut self, entry: &[u8]) -> Result<()> {
        self.log.append(entry)?;
        Ok(())
    }

    fn read(&mut self, piece_bytes: usize, seen: &mut Seen<'_>) -> Result<()> {
        match self.reads {
            Reads::Bytes => self.read_bytes(piece_bytes, seen),
            Reads::CheckedBatches => self.read_checked(piece_bytes, seen),
        }
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.log.close()?)
    }
}

/// How much of a piece is whole batches, and the offset after them.
fn whole_batches(piece: &[u8], from: Offset) -> (usize, Offset) {
    let (mut whole, mut next) = (0, from);
    while let Ok(head) = Head::parse(&piece[whole..]) {
        if piece.len() - whole < head.size_bytes() {
            break;
        }
        whole += head.size_bytes();
        next = Offset::new(head.last_offset().get() + 1);
    }
    (whole, next)
}

fn open_synced(dir: &Path) -> Result<Box<dyn Synced>> {
    Ok(Box::new(Partition::open(dir.join("peers-0"))?.0))
}

impl Synced for Partition {
    fn append(&self, _thread: usize, entry: &[u8]) -> Result<()> {
        Ok(Partition::append(self, entry)?.durability.wait()?)
    }
}
