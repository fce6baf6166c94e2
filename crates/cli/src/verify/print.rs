use std::io::{self, Write};

use indicatif::{HumanBytes, HumanCount};
use ottla_inspect::verify::{Finding, Report, Summary};
use serde_json::json;

use crate::text::counted;

/// Prints the report for people.
pub fn text(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        let at = finding.position.map_or_else(String::new, |position| format!(" at byte {position}"));
        let harmless = match finding {
            Finding { kind, .. } if kind.is_remark() => " (a remark)",
            Finding { harmless: true, .. } => " (harmless)",
            _ => "",
        };
        writeln!(out, "{}{at}: {}{harmless}", finding.file.display(), finding.kind.name())?;
        writeln!(out, "    {}", finding.what)?;
        writeln!(out, "    {}", finding.kind.meaning())?;
    }
    for (file, kind, count) in report.not_kept() {
        writeln!(out, "{}: {} more of {}", file.display(), HumanCount(count), kind.name())?;
    }
    let Summary { partitions, segments, batches, records, bytes } = report.summary;
    writeln!(
        out,
        "Checked {}, {}, {} with {}, {}: {}",
        counted(partitions, "partition", "partitions"),
        counted(segments, "segment", "segments"),
        counted(batches, "batch", "batches"),
        counted(records, "record", "records"),
        HumanBytes(bytes),
        verdict(report)
    )
}

fn verdict(report: &Report) -> String {
    match report.total() {
        0 => "clean".to_owned(),
        total if report.is_clean() => format!("clean, {}", counted(total, "remark", "remarks")),
        total if report.findings.iter().all(|finding| finding.harmless) => {
            format!("{}, harmless", counted(total, "finding", "findings"))
        }
        total => counted(total, "finding", "findings"),
    }
}

/// Prints the report for machines.
pub fn json(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let findings: Vec<_> = report.findings.iter().map(finding_json).collect();
    let not_shown: Vec<_> = report
        .not_kept()
        .into_iter()
        .map(|(file, kind, count)| json!({ "file": file.to_string_lossy(), "kind": kind.name(), "count": count }))
        .collect();
    let Summary { partitions, segments, batches, records, bytes } = report.summary;
    let report = json!({
        "findings": findings,
        "not_shown": not_shown,
        "total": report.total(),
        "summary": {
            "partitions": partitions, "segments": segments, "batches": batches, "records": records, "bytes": bytes,
        },
    });
    writeln!(out, "{report}")
}

fn finding_json(finding: &Finding) -> serde_json::Value {
    json!({
        "file": finding.file.to_string_lossy(),
        "position": finding.position,
        "kind": finding.kind.name(),
        "what": finding.what,
        "meaning": finding.kind.meaning(),
        "harmless": finding.harmless,
        "remark": finding.kind.is_remark(),
    })
}
