use std::path::Path;

use ottla::dir::{CleanShutdown, LeaderEpochs, MetaProperties, OffsetCheckpoint, PartitionMetadata};

use crate::{Image, SimFs};

const DIR: &str = "/data";

/// The small text files of a data directory, all of these bytes: what is read and written again reads the
/// same.
pub fn checkpoint(data: &[u8]) {
    let dir = Path::new(DIR);
    let fs = disk(data);
    for checkpoint in OffsetCheckpoint::ALL {
        if let Ok(offsets) = checkpoint.read(&fs, dir) {
            checkpoint.write(&fs, dir, &offsets).unwrap();
            assert_eq!(checkpoint.read(&fs, dir).unwrap(), offsets);
        }
    }
    if let Ok(epochs) = LeaderEpochs::read(&fs, dir) {
        assert!(epochs.entries().is_sorted_by(|a, b| a.epoch < b.epoch && a.start_offset <= b.start_offset));
        epochs.write(&fs, dir).unwrap();
        assert_eq!(LeaderEpochs::read(&fs, dir).unwrap(), epochs);
    }
    if let Ok(Some(metadata)) = PartitionMetadata::read(&fs, dir) {
        metadata.write(&fs, dir).unwrap();
        assert_eq!(PartitionMetadata::read(&fs, dir).unwrap(), Some(metadata));
    }
    if let Ok(Some(properties)) = MetaProperties::read(&fs, dir) {
        properties.write(&fs, dir).unwrap();
        let again = MetaProperties::read(&fs, dir).unwrap().expect("it was written");
        assert_eq!((again.cluster_id(), again.node_id()), (properties.cluster_id(), properties.node_id()));
        assert_eq!(again.directory_id(), properties.directory_id());
    }
    assert!(CleanShutdown::read(&fs, dir).unwrap().is_some());
}

fn disk(data: &[u8]) -> SimFs {
    let dir = Path::new(DIR);
    let mut image = Image::default();
    for path in [LeaderEpochs::path(dir), PartitionMetadata::path(dir), MetaProperties::path(dir)]
        .into_iter()
        .chain([CleanShutdown::path(dir)])
        .chain(OffsetCheckpoint::ALL.map(|checkpoint| checkpoint.path(dir)))
    {
        image.put(path, data);
    }
    SimFs::from_image(&image)
}
