//! A thread reads what lies still and tells what is damaged, while clients are served.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use crate::support::{batch, broker_with, wait_until};

#[test]
fn damage_is_counted_before_a_client_comes_upon_it() {
    let broker = broker_with(|config| config.scrub_bytes_per_second = Some(1 << 20));
    broker.topic("letters", 1);
    for value in ["a", "b", "c"] {
        broker.connect().produce("letters", 0, 1, &batch(&[value]));
    }
    let log = broker.server.store().log("letters", 0).unwrap();
    let file = OpenOptions::new().write(true).open(log.path().join("00000000000000000000.log")).unwrap();
    file.write_all_at(b"?", log.size_bytes().unwrap() / 2).unwrap();

    wait_until(|| broker.server.metrics().scrubbed_bytes > 0);
    assert_eq!(broker.server.metrics().damage_found, 1);
    broker.server.shutdown().unwrap();
}
