use std::sync::Arc;

use ottla::{Environment, Log, LogConfig};
use ottla_record::{BatchBuilder, Header};
use ottla_testkit::{Image, SimClock, SimFs};
use ottla_tidy::{Repo, blocks, hex_of};

use crate::report;

/// The directory of the worked example: two appends, then a clean close.
fn example() -> Image {
    let fs = SimFs::new();
    let clock = Arc::new(SimClock::at_ms(1_700_000_002_000));
    let environment = Environment { fs: Arc::new(fs.clone()), clock };
    // So that the second batch gets an index entry; the default is 4096.
    let config = LogConfig { index_interval_bytes: 64, ..LogConfig::default() };
    let (log, _) = Log::open_with("/data/letters-0", config, environment).unwrap();

    let mut two = BatchBuilder::new();
    two.push(1_700_000_000_000, Some(b"milena"), Some(b"Dear Milena"), &[]).unwrap();
    two.push(1_700_000_000_005, None, Some(b"hi"), &[Header::new("k", Some(b"v"))]).unwrap();
    log.append(&two.build().unwrap()).unwrap();

    let mut one = BatchBuilder::new().producer(7, 0, 0);
    one.push(1_700_000_001_000, Some(b"ottla"), None, &[]).unwrap();
    log.append(&one.build().unwrap()).unwrap();
    log.close().unwrap();
    fs.image()
}

#[test]
fn the_worked_example_is_what_the_code_writes() {
    let image = example();
    let document = Repo::here().read("docs/FORMAT.md");
    let mut problems = Vec::new();
    let hex = blocks(&document, "hex");
    assert!(hex.len() >= 4, "docs/FORMAT.md must show .log, .index, .timeindex and .snapshot");
    for block in &hex {
        let path = block.info.trim_start_matches("hex").trim();
        let written = image.read(format!("/data/{path}")).unwrap_or_else(|| panic!("no file {path}"));
        if hex_of(block) != written {
            problems.push(format!("docs/FORMAT.md: the bytes of {path} are\n{}", dump(written)));
        }
    }
    for block in blocks(&document, "file") {
        let path = block.info.trim_start_matches("file").trim();
        let written = image.read(format!("/data/{path}")).unwrap_or_else(|| panic!("no file {path}"));
        if block.lines.join("\n").trim_end() != String::from_utf8_lossy(written).trim_end() {
            problems.push(format!("docs/FORMAT.md: {path} is\n{}", String::from_utf8_lossy(written)));
        }
    }
    report(problems);
}

fn dump(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    bytes.chunks(16).map(line).collect::<Vec<_>>().join("\n")
}
