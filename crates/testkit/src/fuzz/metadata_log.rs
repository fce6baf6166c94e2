use std::path::Path;

use ottla::dir::Uuid;
use ottla::metadata::bootstrap::{self, Placement};
use ottla::metadata::{CLUSTER_METADATA_DIR, load, set_aside};

use super::seal::seal;
use crate::{Image, SimFs};

const DIR: &str = "/data";

/// Metadata records, as `bootstrap.checkpoint`, and as the first segment and as a snapshot of `__cluster_metadata-0`, as
/// they come and with right checksums: an image that is read, written and read again is the same, and a log of Kafka's
/// goes out of the way byte for byte.
pub fn metadata_log(data: &[u8]) {
    look_at(data);
    let mut sealed = data.to_vec();
    seal(&mut sealed);
    if sealed != data {
        look_at(&sealed);
    }
}

fn look_at(bytes: &[u8]) {
    let dir = Path::new(DIR);
    let mut checkpoint = Image::default();
    checkpoint.put(dir.join(bootstrap::BOOTSTRAP_FILE), bytes);
    let fs = SimFs::from_image(&checkpoint);
    if let Ok(Some(image)) = bootstrap::read(&fs, dir) {
        let placement = Placement { node_id: 1, directory_id: Uuid::METADATA_TOPIC };
        if bootstrap::write(&fs, dir, &image, placement, 0).is_ok() {
            let again = bootstrap::read(&fs, dir).unwrap().expect("it was written");
            assert_eq!(again.topics.len(), image.topics.len());
            assert_eq!(again.next_producer_id, image.next_producer_id);
        }
    }
    for name in ["00000000000000000000.log", "00000000000000000005-0000000001.checkpoint"] {
        let mut log = checkpoint.clone();
        log.put(dir.join(CLUSTER_METADATA_DIR).join(name), bytes);
        let fs = SimFs::from_image(&log);
        let _ = load(&fs, dir);
        if let Ok(Some(now_at)) = set_aside(&fs, dir) {
            assert_eq!(fs.image().read(now_at.join(name)), Some(bytes), "{}", now_at.display());
        }
    }
}
