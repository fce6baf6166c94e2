//! `meta.properties`: which cluster, node and directory a data directory is.

use std::io;
use std::path::{Path, PathBuf};

use super::java_date::java_date;
use super::properties::Properties;
use super::text::{shown, utf8};
use super::uuid::Uuid;
use super::whole_file::{read_whole, write_atomically};
use crate::fs::FileSystem;
use crate::{Corruption, Result};

const FILE_NAME: &str = "meta.properties";
const ADVICE: &str = "restore the file: Kafka does not start without it, and a new cluster id makes another cluster of the directory";

const VERSION: &str = "version";
const CLUSTER_ID: &str = "cluster.id";
const NODE_ID: &str = "node.id";
const DIRECTORY_ID: &str = "directory.id";
/// The node's id in files of version 0, from before KRaft.
const BROKER_ID: &str = "broker.id";

/// The identity of a data directory. Lines and comments that are not known stay as they are when it
/// is written back. Kafka: `MetaProperties`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    properties: Properties,
    version: i32,
    cluster_id: Option<String>,
    node_id: Option<i32>,
    directory_id: Option<Uuid>,
}

impl MetaProperties {
    /// The file's path in a data directory.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join(FILE_NAME)
    }

    /// What `kafka-storage format` would write into a new directory.
    pub fn new(cluster_id: &str, node_id: i32, directory_id: Uuid, now_ms: i64) -> MetaProperties {
        let mut properties = Properties::default();
        properties.comment("");
        properties.comment(&java_date(now_ms));
        properties.set(NODE_ID, &node_id.to_string());
        properties.set(DIRECTORY_ID, &directory_id.to_string());
        properties.set(VERSION, "1");
        properties.set(CLUSTER_ID, cluster_id);
        MetaProperties {
            properties,
            version: 1,
            cluster_id: Some(cluster_id.to_owned()),
            node_id: Some(node_id),
            directory_id: Some(directory_id),
        }
    }

    /// A new identity: random cluster and directory ids.
    ///
    /// # Errors
    /// Where the system has no random bytes to give.
    pub fn random(node_id: i32, now_ms: i64) -> io::Result<MetaProperties> {
        let cluster_id = Uuid::random()?.to_string();
        Ok(MetaProperties::new(&cluster_id, node_id, Uuid::random()?, now_ms))
    }

    /// Reads the file; `None` where there is none, so that the directory was never formatted.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where Kafka would not take it,
    /// [`Error::Io`](crate::Error::Io) for what the system refuses.
    pub fn read(fs: &dyn FileSystem, data_dir: &Path) -> Result<Option<MetaProperties>> {
        let path = MetaProperties::path(data_dir);
        match read_whole(fs, &path)? {
            None => Ok(None),
            Some(bytes) => Ok(Some(parse(&path, &bytes)?)),
        }
    }

    /// Replaces the file, durably (see [`write_atomically`]).
    ///
    /// # Errors
    /// As [`write_atomically`].
    pub fn write(&self, fs: &dyn FileSystem, data_dir: &Path) -> Result<()> {
        write_atomically(fs, &MetaProperties::path(data_dir), self.properties.to_text().as_bytes())
    }

    /// The version of the file: 1, or 0 from before KRaft.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// The cluster's id. Always there in version 1.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// The node's id. Always there in version 1.
    pub fn node_id(&self) -> Option<i32> {
        self.node_id
    }

    /// The directory's id, which Kafka writes since 3.7.
    pub fn directory_id(&self) -> Option<Uuid> {
        self.directory_id
    }

    /// Gives the directory an id, as Kafka does when it finds one without.
    pub fn set_directory_id(&mut self, directory_id: Uuid) {
        self.properties.set(DIRECTORY_ID, &directory_id.to_string());
        self.directory_id = Some(directory_id);
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<MetaProperties, Corruption> {
    let broken = |position, what, expected: &str, found: String| Corruption {
        path: path.to_path_buf(),
        position,
        what,
        expected: expected.to_owned(),
        found,
        advice: ADVICE,
    };
    let value = |key, what, expected: &str, found: Option<&str>| {
        let found = found.map_or_else(|| format!("no {key}"), shown);
        broken(None, what, expected, found)
    };

    let properties = Properties::parse(utf8(path, bytes, ADVICE)?).map_err(|bad| {
        broken(Some(bad.position), "an escape is not valid", "\\u and four digits", "others".into())
    })?;
    let version = match properties.get(VERSION).map_or("0", str::trim) {
        "0" => 0,
        "1" => 1,
        other => return Err(value(VERSION, "the version is not known", "0 or 1", Some(other))),
    };
    let node_key = if version == 0 { BROKER_ID } else { NODE_ID };
    let node_id = match properties.get(node_key).map(|text| (text, text.parse())) {
        Some((_, Ok(id))) => Some(id),
        None if version == 0 => None,
        other => {
            let found = other.map(|(text, _)| text);
            return Err(value(node_key, "the node id is not valid", "a number", found));
        }
    };
    let cluster_id = properties.get(CLUSTER_ID).map(str::to_owned);
    if version > 0 && cluster_id.is_none() {
        return Err(value(CLUSTER_ID, "there is no cluster id", "22 characters of base64url", None));
    }
    let directory_id = match properties.get(DIRECTORY_ID).map(|text| (text, text.parse())) {
        Some((text, Err(_))) => {
            return Err(value(DIRECTORY_ID, "the directory id is not valid", "22 characters", Some(text)));
        }
        Some((_, Ok(id))) => Some(id),
        None => None,
    };
    Ok(MetaProperties { version, cluster_id, node_id, directory_id, properties })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::fs::Os;

    /// As `kafka-storage format` of Kafka 4.3.0 wrote it.
    const KAFKAS: &str = "#\n#Sat Nov 21 06:56:17 UTC 2026\nnode.id=1\ndirectory.id=9JFq5wmu5m8pOSZs6b4Pew\nversion=1\ncluster.id=UFKH6uT3TKay9vfROUDc8A\n";

    fn read(text: &str) -> Result<Option<MetaProperties>> {
        let dir = tempfile::tempdir().unwrap();
        write_atomically(&Os, &dir.path().join("meta.properties"), text.as_bytes()).unwrap();
        MetaProperties::read(&Os, dir.path())
    }

    fn written(meta: &MetaProperties) -> String {
        let dir = tempfile::tempdir().unwrap();
        meta.write(&Os, dir.path()).unwrap();
        std::fs::read_to_string(dir.path().join("meta.properties")).unwrap()
    }

    #[test]
    fn what_kafka_wrote_is_read_and_written_back_the_same() {
        let meta = read(KAFKAS).unwrap().unwrap();
        assert_eq!(meta.version(), 1);
        assert_eq!(meta.node_id(), Some(1));
        assert_eq!(meta.cluster_id(), Some("UFKH6uT3TKay9vfROUDc8A"));
        assert_eq!(meta.directory_id(), Some("9JFq5wmu5m8pOSZs6b4Pew".parse().unwrap()));
        assert_eq!(written(&meta), KAFKAS);
    }

    #[test]
    fn a_new_file_is_the_one_that_kafka_writes() {
        let directory_id = "9JFq5wmu5m8pOSZs6b4Pew".parse().unwrap();
        let meta = MetaProperties::new("UFKH6uT3TKay9vfROUDc8A", 1, directory_id, 1_795_244_177_123);
        assert_eq!(written(&meta), KAFKAS);
        assert_eq!(read(KAFKAS).unwrap(), Some(meta));
    }

    #[test]
    fn random_identities_differ_and_are_read_back() {
        let one = MetaProperties::random(7, 0).unwrap();
        let other = MetaProperties::random(7, 0).unwrap();
        assert_ne!(one.cluster_id(), other.cluster_id());
        assert_ne!(one.directory_id(), other.directory_id());
        assert_eq!(one.cluster_id().unwrap().len(), 22);
        assert_eq!(read(&written(&one)).unwrap(), Some(one));
    }

    #[test]
    fn a_directory_gets_an_id_and_keeps_the_rest() {
        let text = "# ours\nversion=1\ncluster.id=c\nnode.id=3\nkafka.future.key=kept\n";
        let mut meta = read(text).unwrap().unwrap();
        assert_eq!(meta.directory_id(), None);
        meta.set_directory_id("9JFq5wmu5m8pOSZs6b4Pew".parse().unwrap());
        assert_eq!(written(&meta), format!("{text}directory.id=9JFq5wmu5m8pOSZs6b4Pew\n"));
    }

    #[test]
    fn a_file_from_before_kraft_may_lack_ids() {
        let old = read("version=0\nbroker.id=5\ncluster.id=c\n").unwrap().unwrap();
        assert_eq!((old.version(), old.node_id(), old.cluster_id()), (0, Some(5), Some("c")));
        let bare = read("").unwrap().unwrap();
        assert_eq!((bare.version(), bare.node_id(), bare.cluster_id()), (0, None, None));
    }

    #[test]
    fn a_missing_file_is_told_apart_from_a_broken_one() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(MetaProperties::read(&Os, dir.path()).unwrap(), None);
        for (text, what) in [
            ("version=2\n", "the version is not known"),
            ("version=x\n", "the version is not known"),
            ("version=1\ncluster.id=c\n", "the node id is not valid"),
            ("version=1\ncluster.id=c\nnode.id=x\n", "the node id is not valid"),
            ("broker.id=2147483648\n", "the node id is not valid"),
            ("version=1\nnode.id=1\n", "there is no cluster id"),
            ("version=1\nnode.id=1\ncluster.id=c\ndirectory.id=short\n", "the directory id is not valid"),
            ("a=\\u00\n", "an escape is not valid"),
        ] {
            let Err(Error::Corrupt(found)) = read(text) else { panic!("{text:?} was taken") };
            assert_eq!(found.what, what, "{text:?}");
        }
    }
}
