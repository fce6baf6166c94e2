use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use ottla_record::{Record, TimestampType};
use serde::Serialize;

use crate::text::escaped;
use crate::timestamp::rfc3339;

/// How records are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One line a record, for people: offset, time, key, value and headers, with tabs between
    Text,
    /// One JSON object a record, for machines; bytes are base64
    Jsonl,
    /// The bytes of the value and a line end
    Raw,
}

/// A record as `jsonl` prints it.
#[derive(Serialize)]
struct JsonRecord<'a> {
    offset: i64,
    ts_type: &'static str,
    ts: i64,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(std::borrow::Cow<'a, str>, Option<String>)>,
}

impl Format {
    /// Prints one record.
    pub fn write(
        self,
        out: &mut impl Write,
        record: &Record<'_>,
        timestamp_type: Option<TimestampType>,
    ) -> io::Result<()> {
        match self {
            Format::Text => write_text(out, record, timestamp_type),
            Format::Jsonl => write_json(out, record, timestamp_type),
            Format::Raw => {
                out.write_all(record.value.unwrap_or_default())?;
                out.write_all(b"\n")
            }
        }
    }
}

fn write_text(
    out: &mut impl Write,
    record: &Record<'_>,
    timestamp_type: Option<TimestampType>,
) -> io::Result<()> {
    let time = timestamp_type.map_or_else(|| "-".to_owned(), |_| rfc3339(record.timestamp_ms));
    let (key, value) = (shown(record.key), shown(record.value));
    write!(out, "{}\t{time}\t{key}\t{value}", record.offset)?;
    for (i, header) in record.headers.clone().enumerate() {
        let separator = if i == 0 { '\t' } else { ',' };
        write!(out, "{separator}{}={}", escaped(header.name), shown(header.value))?;
    }
    writeln!(out)
}

fn shown(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(|| "null".to_owned(), escaped)
}

fn write_json(
    out: &mut impl Write,
    record: &Record<'_>,
    timestamp_type: Option<TimestampType>,
) -> io::Result<()> {
    let encoded = |bytes: Option<&[u8]>| bytes.map(|bytes| STANDARD.encode(bytes));
    let json = JsonRecord {
        offset: record.offset.get(),
        ts_type: match timestamp_type {
            Some(TimestampType::CreateTime) => "create",
            Some(TimestampType::LogAppendTime) => "append",
            None => "none",
        },
        ts: record.timestamp_ms,
        key: encoded(record.key),
        value: encoded(record.value),
        headers: record.headers.clone().map(|header| (header.name_lossy(), encoded(header.value))).collect(),
    };
    serde_json::to_writer(&mut *out, &json)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_record::{BatchBuilder, Header};

    fn printed(format: Format) -> String {
        let mut builder = BatchBuilder::new();
        let headers = [Header::new("h", Some(b"v")), Header::new("n", None)];
        builder.push(1_700_000_000_000, None, Some(b"a\nb"), &headers).unwrap();
        let batch = builder.build().unwrap();
        let decoded = ottla_record::decode(&batch, 1024).unwrap();
        let mut out = Vec::new();
        for record in decoded.records() {
            format.write(&mut out, &record.unwrap(), decoded.timestamp_type()).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_format_prints_one_record_as_it_says() {
        assert_eq!(printed(Format::Text), "0\t2023-11-14T22:13:20.000Z\tnull\ta\\nb\th=v,n=null\n");
        assert_eq!(
            printed(Format::Jsonl),
            "{\"offset\":0,\"ts_type\":\"create\",\"ts\":1700000000000,\"key\":null,\"value\":\"YQpi\",\
             \"headers\":[[\"h\",\"dg==\"],[\"n\",null]]}\n"
        );
        assert_eq!(printed(Format::Raw), "a\nb\n");
    }
}
