//! What is on a disk: directories of names, and files of bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::image::{Entry, Image};
use super::path::components;

/// The number of a file or directory, whatever its name.
pub(super) type Inode = u64;

pub(super) const ROOT: Inode = 0;

const BLOCK_BYTES: usize = 4096;

#[derive(Clone, Debug)]
pub(super) enum Node {
    File {
        bytes: Arc<Vec<u8>>,
        modified_ms: i64,
        /// What stands in the last block behind the end: written before a crash that took the length back.
        rest: Vec<u8>,
    },
    Dir {
        names: BTreeMap<String, Inode>,
    },
}

impl Node {
    pub(super) fn new(is_dir: bool) -> Node {
        match is_dir {
            true => Node::Dir { names: BTreeMap::new() },
            false => Node::File { bytes: Arc::default(), modified_ms: 0, rest: Vec::new() },
        }
    }

    pub(super) fn is_dir(&self) -> bool {
        matches!(self, Node::Dir { .. })
    }
}

#[derive(Clone, Debug)]
pub(super) struct Disk {
    nodes: BTreeMap<Inode, Node>,
}

impl Disk {
    pub(super) fn new() -> Disk {
        Disk { nodes: BTreeMap::from([(ROOT, Node::new(true))]) }
    }

    pub(super) fn from_image(image: &Image) -> Disk {
        let mut disk = Disk::new();
        for (path, entry) in image.entries() {
            let names: Vec<_> = path.iter().skip(1).filter_map(|name| name.to_str()).collect();
            let mut node = ROOT;
            for (depth, name) in names.iter().enumerate() {
                let is_last = depth + 1 == names.len();
                let is_dir = !is_last || matches!(entry, Entry::Dir);
                let child = disk.child(node, name).unwrap_or(disk.next_inode());
                disk.link(node, name, child, is_dir);
                node = child;
            }
            if let Entry::File(bytes) = entry {
                disk.write(node, 0, bytes, 0);
            }
        }
        disk
    }

    /// A number that no file has.
    pub(super) fn next_inode(&self) -> Inode {
        self.nodes.last_key_value().map_or(ROOT, |(inode, _)| inode + 1)
    }

    pub(super) fn node(&self, inode: Inode) -> io::Result<&Node> {
        self.nodes.get(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn names(&self, dir: Inode) -> io::Result<&BTreeMap<String, Inode>> {
        match self.node(dir)? {
            Node::Dir { names } => Ok(names),
            Node::File { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn bytes(&self, file: Inode) -> io::Result<&[u8]> {
        match self.node(file)? {
            Node::File { bytes, .. } => Ok(bytes),
            Node::Dir { .. } => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn child(&self, dir: Inode, name: &str) -> Option<Inode> {
        self.names(dir).ok()?.get(name).copied()
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<Inode> {
        components(path)?.iter().try_fold(ROOT, |dir, name| {
            self.names(dir)?.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    /// The directory that holds the name, and the name.
    pub(super) fn find_parent(&self, path: &Path) -> io::Result<(Inode, String)> {
        let mut names = components(path)?;
        let name = names.pop().ok_or(io::ErrorKind::InvalidInput)?;
        let dir = self.find(&names.iter().collect::<PathBuf>())?;
        self.names(dir)?;
        Ok((dir, name))
    }

    /// Bytes of all files that have a name.
    pub(super) fn used_bytes(&self) -> u64 {
        let len = |node: &Node| match node {
            Node::File { bytes, .. } => bytes.len() as u64,
            Node::Dir { .. } => 0,
        };
        self.reachable().iter().filter_map(|inode| self.nodes.get(inode)).map(len).sum()
    }

    pub(super) fn link(&mut self, dir: Inode, name: &str, inode: Inode, is_dir: bool) {
        self.nodes.entry(inode).or_insert_with(|| Node::new(is_dir));
        if let Node::Dir { names } = self.nodes.entry(dir).or_insert_with(|| Node::new(true)) {
            names.insert(name.to_owned(), inode);
        }
    }

    /// Takes the name away if it is (still) this node's.
    pub(super) fn unlink(&mut self, dir: Inode, name: &str, inode: Inode) {
        if let Some(Node::Dir { names }) = self.nodes.get_mut(&dir)
            && names.get(name) == Some(&inode)
        {
            names.remove(name);
        }
    }

    /// Takes away whatever name the node has.
    pub(super) fn unlink_everywhere(&mut self, inode: Inode) {
        for node in self.nodes.values_mut() {
            if let Node::Dir { names } = node {
                names.retain(|_, named| *named != inode);
            }
        }
    }

    pub(super) fn write(&mut self, file: Inode, position: u64, new: &[u8], now_ms: i64) {
        let begin = usize::try_from(position).expect("a position in memory");
        let end = begin.checked_add(new.len()).expect("a position in memory");
        self.change_file(file, now_ms, |bytes, _| {
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[begin..end].copy_from_slice(new);
        });
    }

    /// A length without the bytes: what stood in the last block shows, then zeros.
    pub(super) fn grow(&mut self, file: Inode, len: u64, now_ms: i64) {
        let len = usize::try_from(len).expect("a length in memory");
        if self.bytes(file).map_or(0, <[u8]>::len) <= len {
            self.change_file(file, now_ms, |bytes, rest| {
                bytes.extend(rest);
                bytes.resize(len, 0);
            });
        }
    }

    /// The bytes of a write without the length: of those behind the end, the ones in the last block are there, and
    /// nobody sees them for now.
    pub(super) fn leave_behind_end(&mut self, file: Inode, position: u64, new: &[u8]) {
        let begin = usize::try_from(position).expect("a position in memory");
        if let Some(Node::File { bytes, rest, .. }) = self.nodes.get_mut(&file) {
            let in_block = bytes.len().next_multiple_of(BLOCK_BYTES) - bytes.len();
            let behind =
                bytes.len().checked_sub(begin).and_then(|below| new.get(below..)).unwrap_or_default();
            *rest = behind[..behind.len().min(in_block)].to_vec();
        }
    }

    /// Whether anything stands behind the end.
    pub(super) fn hides_bytes(&self, file: Inode) -> bool {
        matches!(self.nodes.get(&file), Some(Node::File { rest, .. }) if !rest.is_empty())
    }

    /// A new length, be it the old one, clears what stands behind it.
    pub(super) fn clear_behind_end(&mut self, file: Inode) {
        if let Some(Node::File { rest, .. }) = self.nodes.get_mut(&file) {
            rest.clear();
        }
    }

    pub(super) fn set_len(&mut self, file: Inode, len: u64, now_ms: i64) {
        let len = usize::try_from(len).expect("a length in memory");
        self.change_file(file, now_ms, |bytes, _| bytes.resize(len, 0));
    }

    /// What stood behind the end is shown to the change, and gone after it.
    fn change_file(&mut self, file: Inode, now_ms: i64, change: impl FnOnce(&mut Vec<u8>, &[u8])) {
        let node = self.nodes.entry(file).or_insert_with(|| Node::new(false));
        if let Node::File { bytes, modified_ms, rest } = node {
            change(Arc::make_mut(bytes), &std::mem::take(rest));
            *modified_ms = now_ms;
        }
    }

    fn reachable(&self) -> BTreeSet<Inode> {
        let mut reached = BTreeSet::new();
        let mut next = vec![ROOT];
        while let Some(inode) = next.pop() {
            if reached.insert(inode)
                && let Some(Node::Dir { names }) = self.nodes.get(&inode)
            {
                next.extend(names.values());
            }
        }
        reached
    }

    /// What a file system check does after a crash.
    pub(super) fn drop_unreachable(&mut self) {
        let reachable = self.reachable();
        self.nodes.retain(|inode, _| reachable.contains(inode));
    }

    pub(super) fn image(&self) -> Image {
        let mut image = Image::default();
        self.collect(ROOT, Path::new("/"), &mut image);
        image
    }

    fn collect(&self, dir: Inode, path: &Path, image: &mut Image) {
        for (name, inode) in self.names(dir).into_iter().flatten() {
            let path = path.join(name);
            match self.node(*inode) {
                Ok(Node::File { bytes, .. }) => image.insert(path, Entry::File(Arc::clone(bytes))),
                Ok(Node::Dir { .. }) => {
                    image.insert(path.clone(), Entry::Dir);
                    self.collect(*inode, &path, image);
                }
                Err(_) => {}
            }
        }
    }
}
