use std::io::{self, Write};
use std::path::Path;

use ottla::StoreReport;
use ottla_server::Server;

/// The first screen: what is served where, and what to try.
pub fn print(out: &mut impl Write, server: &Server, data_dir: &Path) -> io::Result<()> {
    let address = server.local_addr();
    let data_dir = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_path_buf());
    writeln!(out, "ottla {} serves {} on {address}", env!("CARGO_PKG_VERSION"), data_dir.display())?;
    writeln!(out, "  {}", state(server.report()))?;
    writeln!(out, "  write   git log --oneline | ottla append --server {address} commits")?;
    writeln!(out, "  read    kcat -b {address} -t commits -C -o beginning -e")?;
    writeln!(out, "          ottla read --follow {}", data_dir.join("commits-0").display())?;
    writeln!(out, "  stop    Ctrl-C")?;
    out.flush()
}

fn state(report: &StoreReport) -> String {
    let logs = match report.logs {
        0 => "no topics yet".to_owned(),
        1 => "1 partition".to_owned(),
        count => format!("{count} partitions"),
    };
    let stopped = match (report.clean, report.recovered.len()) {
        (true, _) => "stopped cleanly before",
        (false, 0) => "nothing to recover",
        (false, _) => "recovered, see the log",
    };
    let taken_over = if report.taken_over_from_kafka { "; taken over from Apache Kafka" } else { "" };
    format!("{logs}; {stopped}{taken_over}")
}
