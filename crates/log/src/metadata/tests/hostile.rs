use proptest::prelude::*;

use super::*;
use crate::dir::write_atomically;
use crate::fs::Os;
use crate::metadata::bootstrap::{self, Placement};
use crate::metadata::record::MetadataRecord;
use crate::metadata::{load, set_aside};

proptest! {
    #[test]
    fn random_values_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), api_key in 0u32..30) {
        let _ = MetadataRecord::decode(&bytes);
        let _ = MetadataRecord::decode(&value(api_key, 0, &bytes));
        let _ = MetadataRecord::decode(&value(api_key, 2, &bytes));
    }

    #[test]
    fn every_cut_and_every_changed_byte_of_a_value_is_survived(
        cut in 0usize..200, at in 0usize..200, byte in any::<u8>(), which in 0usize..8,
    ) {
        let values = [
            topic("letters", id(1)),
            partition(id(1), 3, 4),
            partition_change(id(1), 3, &[(1, vec![0; 4]), (2, vec![2, 0, 0, 0, 1]), (8, vec![0])]),
            config(2, "letters", "name", Some("value")),
            feature("group.version", 1),
            producer_ids(1),
            scram("alice", 1, b"rest"),
            quota(&[("user", None)], "key", 1.5, false),
        ];
        let mut bytes = values[which].clone();
        bytes.truncate(cut);
        if let Some(slot) = bytes.get_mut(at) {
            *slot = byte;
        }
        let mut replay = Replay::default();
        replay.apply(&topic("letters", id(1))).unwrap();
        let _ = replay.apply(&bytes);
        let _ = replay.into_image();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_bootstrap_file_is_an_error_or_changes_nothing_else(at in 0usize..2_000, bit in 0u8..8) {
        let dir = tempfile::tempdir().unwrap();
        let image = replayed(&[feature("metadata.version", 30), topic("t", id(1)), partition(id(1), 0, 1)]);
        let placement = Placement { node_id: NODE, directory_id: DIRECTORY };
        bootstrap::write(&Os, dir.path(), &image, placement, 1_000).unwrap();
        let path = dir.path().join("bootstrap.checkpoint");
        let mut bytes = crate::dir::read_whole(&Os, &path).unwrap().unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        write_atomically(&Os, &path, &bytes).unwrap();
        if let Ok((found, _)) = load(&Os, dir.path()) {
            // Only the base offset and the leader epoch of a batch are under no checksum.
            prop_assert_eq!(found, image);
        }
    }

    #[test]
    fn random_files_never_panic(
        log in prop::collection::vec(any::<u8>(), 0..300),
        snapshot in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let log_dir = dir.path().join("data/__cluster_metadata-0");
        std::fs::create_dir_all(&log_dir).unwrap();
        write_atomically(&Os, &log_dir.join("00000000000000000000.log"), &log).unwrap();
        write_atomically(&Os, &log_dir.join("00000000000000000001-0000000001.checkpoint"), &snapshot).unwrap();
        let _ = load(&Os, &dir.path().join("data"));
        set_aside(&Os, &dir.path().join("data")).unwrap_err();
        prop_assert!(log_dir.join("00000000000000000000.log").exists());
    }
}
