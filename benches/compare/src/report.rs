//! The samples as JSON and as one table.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde_json::{Value, json};

use crate::network::congestion_control;
use crate::scenarios::{Metrics, now_ms};
use crate::servers::Kind;
use crate::targets::{Best, ROWS, Row};

/// The figures of one server in one round of one scenario.
pub struct Sample {
    pub round: usize,
    pub scenario: &'static str,
    pub server: Kind,
    pub metrics: Metrics,
}

/// What the figures depend on most.
pub struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    load: String,
    congestion_control: String,
}

impl Machine {
    pub fn look() -> Result<Self> {
        let read = |path: &str| std::fs::read_to_string(path).with_context(|| path.to_owned());
        let cpus = read("/proc/cpuinfo")?;
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Ok(Self {
            cpu: model.map_or("unknown CPU", |(_, model)| model).to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load: read("/proc/loadavg")?.split(' ').next().unwrap_or_default().to_owned(),
            congestion_control: congestion_control(),
        })
    }

    pub fn print(&self) {
        let Self { cpu, cores, kernel, load, congestion_control } = self;
        eprintln!(
            "{cores} × {cpu}, Linux {kernel}, TCP {congestion_control}, load average {load} before the run"
        );
        if load.parse::<f64>().is_ok_and(|load| load > 0.5) {
            eprintln!("note: the machine is busy with something else; the figures will say so too");
        }
    }
}

pub fn write_json(dir: &Path, machine: &Machine, options: &Value, samples: &[Sample]) -> Result<PathBuf> {
    let unix_ms = now_ms()?;
    let samples: Vec<Value> = samples
        .iter()
        .map(|sample| {
            json!({
                "round": sample.round,
                "scenario": sample.scenario,
                "server": sample.server.name(),
                "metrics": sample.metrics,
            })
        })
        .collect();
    let document = json!({
        "unix_ms": unix_ms,
        "options": options,
        "machine": {
            "cpu": machine.cpu,
            "cores": machine.cores,
            "kernel": machine.kernel,
            "load_average_before": machine.load,
            "tcp_congestion_control": machine.congestion_control,
        },
        "samples": samples,
    });
    std::fs::create_dir_all(dir)?;
    let path = dir.join(format!("compare-{}.json", unix_ms / 1000));
    std::fs::write(&path, serde_json::to_string_pretty(&document)?)?;
    Ok(path)
}

pub fn table(samples: &[Sample]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    let others = others(samples);
    let mut header =
        ["", "floor", "ottla", "kafka", "ottla/floor", "ottla/kafka", "kafka/floor", "target", "holds"]
            .map(str::to_owned)
            .to_vec();
    header.extend(others.iter().flat_map(|kind| [kind.name().to_owned(), format!("ottla/{}", kind.name())]));
    table.set_header(header);
    for row in &ROWS {
        let summaries = Kind::ALL.map(|kind| summary(samples, row, row.metric, kind));
        if summaries.iter().any(Option::is_some) {
            let mut cells = cells(samples, row, summaries);
            let ottla = summaries[1].map(|summary| summary.best);
            for kind in &others {
                let other = summary(samples, row, row.metric, *kind);
                cells.push(other.map_or_else(String::new, Summary::show));
                cells.push(ratio(ottla, other.map(|other| other.best)));
            }
            table.add_row(cells);
        }
    }
    for column in table.column_iter_mut().skip(1).take(6) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The brokers that the run was given, in their order.
fn others(samples: &[Sample]) -> Vec<Kind> {
    let mut others = Vec::new();
    for sample in samples {
        if !Kind::ALL.contains(&sample.server) && !others.contains(&sample.server) {
            others.push(sample.server);
        }
    }
    others
}

fn cells(samples: &[Sample], row: &Row, summaries: [Option<Summary>; 3]) -> Vec<String> {
    let best = summaries.map(|summary| summary.map(|summary| summary.best));
    let [floor, ottla, kafka] = best;
    let mut cells = vec![row.label.to_owned()];
    cells.extend(summaries.map(|summary| summary.map_or_else(String::new, Summary::show)));
    cells.extend([ratio(ottla, floor), ratio(ottla, kafka), ratio(kafka, floor)]);
    cells.push(row.targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    let best_of = |kind: Kind| best[Kind::ALL.iter().position(|other| *other == kind)?];
    let own = |metric: &str| summary(samples, row, metric, Kind::Ottla).map(|summary| summary.best);
    let verdicts =
        row.targets.iter().map(|target| match ottla.and_then(|ottla| target.holds(ottla, best_of, own)) {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "not measured",
        });
    cells.push(verdicts.collect::<Vec<_>>().join(", "));
    cells
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Summary {
    best: f64,
    median: f64,
}

impl Summary {
    fn show(self) -> String {
        format!("{} ({})", number(self.best), number(self.median))
    }
}

fn summary(samples: &[Sample], row: &Row, metric: &str, kind: Kind) -> Option<Summary> {
    let of_row = samples.iter().filter(|sample| sample.scenario == row.scenario && sample.server == kind);
    let mut values: Vec<f64> = of_row.filter_map(|sample| sample.metrics.get(metric).copied()).collect();
    values.sort_by(f64::total_cmp);
    let best = *match row.best {
        Best::Lowest => values.first(),
        Best::Highest => values.last(),
    }?;
    let middle = values.len() / 2;
    let median =
        if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
    Some(Summary { best, median })
}

fn ratio(of: Option<f64>, to: Option<f64>) -> String {
    match (of, to) {
        (Some(of), Some(to)) if to > 0.0 => number(of / to),
        _ => String::new(),
    }
}

/// Three digits, or all of those before the point.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(round: usize, server: Kind, value: f64) -> Sample {
        let metrics = [("cpu_s_per_gb".to_owned(), value)].into();
        Sample { round, scenario: "produce-64k", server, metrics }
    }

    #[test]
    fn the_best_round_is_held_against_the_best_rounds_of_the_others() {
        let samples = [
            sample(1, Kind::Floor, 1.0),
            sample(2, Kind::Floor, 3.0),
            sample(1, Kind::Ottla, 2.0),
            sample(2, Kind::Ottla, 1.125),
            sample(1, Kind::Kafka, 4.0),
        ];
        let table = table(&samples).to_string();
        let row = table.lines().find(|line| line.contains("× floor")).unwrap();
        assert!(row.contains("1.00 (2.00)") && row.contains("1.12 (1.56)") && row.contains("yes"), "{table}");
        assert!(row.contains("yes, **no**"), "{table}");
    }

    #[test]
    fn another_broker_has_columns_of_its_own() {
        let other = Kind::Other("mine");
        let table = table(&[sample(1, Kind::Ottla, 1.0), sample(1, other, 4.0)]).to_string();
        assert!(
            table.contains("ottla/mine") && table.contains("4.00 (4.00)") && table.contains("0.25"),
            "{table}"
        );
    }

    #[test]
    fn a_server_that_was_left_out_has_no_verdict() {
        let table = table(&[sample(1, Kind::Floor, 1.0), sample(1, Kind::Kafka, 7.0)]).to_string();
        assert!(table.contains("not measured") && table.contains("7.00"), "{table}");
    }
}
