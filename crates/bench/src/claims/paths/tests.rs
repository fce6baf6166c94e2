//! Every path delivers the bytes of the file, and nothing else.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;

use super::{Job, Keys, Path, prepare};
use crate::claims::error::Unmeasured;
use crate::claims::network::Networks;
use crate::claims::receiver::source;
use crate::claims::work::{Network, Receiver};

const CHUNK_BYTES: usize = 4096;

/// Around the borders of pages, chunks, TLS records (16 KiB) and chains of io_uring (8 chunks).
const SIZES: [usize; 14] = [
    1,
    4095,
    4096,
    4097,
    8191,
    8192,
    8193,
    16_383,
    16_384,
    16_385,
    8 * 4096 - 1,
    8 * 4096,
    8 * 4096 + 1,
    300_001,
];

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// What comes out at the other end, or why nothing was sent.
fn deliver(path: Path, network: Network, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let skipped = |why| match why {
        Unmeasured::Skipped(reason) => reason,
        Unmeasured::Failed(error) => panic!("{path:?}: {error}"),
    };
    let file = file_of(bytes);
    let keys = Keys::for_path(path).map_err(skipped)?;
    let (socket, other_end) = Networks::default().connect(network).map_err(skipped)?;
    let (client, size) = (keys.client(), bytes.len());
    let receiver = std::thread::spawn(move || {
        let mut got = vec![0; size];
        let mut source = source(other_end, Receiver::Reads, client)?;
        source.read_exact(&mut got)?;
        Ok::<_, std::io::Error>((got, source))
    });
    let mut way = prepare(path, CHUNK_BYTES, &socket, &keys).map_err(skipped)?;
    let job = Job { file: &file, size_bytes: size as u64, chunk_bytes: CHUNK_BYTES, socket: &socket };
    let calls = way.send(&job).map_err(skipped)?;
    assert!(calls > 0);
    socket.shutdown(Shutdown::Write).unwrap();
    let (got, mut source) = receiver.join().unwrap().unwrap();
    if !path.is_encrypted() {
        assert_eq!(source.read(&mut [0]).unwrap(), 0, "{path:?} sent more than the file");
    }
    Ok(got)
}

fn delivers(path: Path, network: Network) {
    for size in SIZES {
        let mut bytes = vec![0; size];
        fastrand::Rng::with_seed(size as u64).fill(&mut bytes);
        match deliver(path, network, &bytes) {
            Ok(got) => assert!(got == bytes, "{path:?} changed the bytes of a file of {size}"),
            Err(reason) => return eprintln!("SKIPPED: {}: {reason}", path.label()),
        }
    }
}

#[test]
fn every_path_delivers_the_bytes_of_the_file_over_loopback() {
    Path::ALL.into_iter().for_each(|path| delivers(path, Network::Loopback));
}

#[test]
fn every_path_delivers_the_bytes_of_the_file_between_two_namespaces() {
    Path::ALL.into_iter().for_each(|path| delivers(path, Network::Veth));
}

#[test]
fn what_is_discarded_is_counted() {
    let bytes = vec![7; 100_000];
    let (mut socket, other_end) =
        Networks::default().connect(Network::Loopback).unwrap_or_else(|_| panic!("loopback"));
    let keys = Keys::for_path(Path::Sendfile).unwrap_or_else(|_| panic!("no keys needed"));
    let mut source = source(other_end, Receiver::Discards, keys.client()).unwrap();
    let sender = std::thread::spawn(move || socket.write_all(&bytes));
    let (mut counted, mut buffer) = (0, vec![1; 8192]);
    loop {
        match source.read(&mut buffer).unwrap() {
            0 => break,
            read => counted += read,
        }
    }
    sender.join().unwrap().unwrap();
    assert_eq!(counted, 100_000);
    assert!(buffer.iter().all(|byte| *byte == 1), "nothing was copied");
}
