use ottla::dir::{DirName, FileName, TopicPartition, Uuid};

/// The name of a file, of a directory, of a topic, or an id: it is none, or is written exactly as it was read.
pub fn names(data: &[u8]) {
    let name = String::from_utf8_lossy(data);
    if let Some(parsed) = FileName::parse(&name) {
        assert_eq!(parsed.to_string(), name);
        assert!(parsed.base_offset.get() >= 0);
    }
    match DirName::parse(&name) {
        Some(DirName::Partition(partition)) => assert_eq!(partition.dir_name(), name),
        Some(DirName::Deleted(partition) | DirName::Future(partition) | DirName::Stray(partition)) => {
            assert!(name.starts_with(&partition.dir_name()));
        }
        None => {}
    }
    if let Ok(id) = name.parse::<Uuid>() {
        assert_eq!(id.to_string(), name);
    }
    if let Ok(partition) = TopicPartition::new(&*name, i32::try_from(data.len()).unwrap_or(i32::MAX)) {
        stays_in_its_directory(&partition);
    }
}

/// What a client may call a topic: its directories, before and after it is deleted, are inside the data directory.
fn stays_in_its_directory(partition: &TopicPartition) {
    let name = partition.dir_name();
    assert_eq!(DirName::parse(&name), Some(DirName::Partition(partition.clone())));
    let deleted = partition.deleted_dir_name(u128::MAX);
    let Some(DirName::Deleted(was)) = DirName::parse(&deleted) else { panic!("{deleted}") };
    assert!(partition.topic().starts_with(was.topic()) && was.partition() == partition.partition());
    for name in [&name, &deleted] {
        assert!(name.len() <= 255 && !name.contains(['/', '\\', '\0']) && *name != "." && *name != "..");
    }
}
