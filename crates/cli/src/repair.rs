//! `ottla repair`: what is derived from the log made anew, and what a crash interrupted finished or undone.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ottla_inspect::repair::{Change, Left, Options, Repairs, Step, apply, plan};
use serde_json::{Value, json};

use crate::exit::Outcome;
use crate::progress::Bar;
use crate::text::counted;

const EXAMPLES: &str = "Examples:
  ottla repair /var/lib/kafka/data
  ottla repair /var/lib/kafka/data/orders-3 --apply
  ottla repair ottla-data --json | jq '.left[].file'

Without --apply nothing is changed: the steps are those that --apply would take. Indexes, transaction indexes, \
snapshots of the producers, leader epochs and checkpoints that are missing or wrong are made anew from the log; \
interrupted deletes, cleans and swaps are finished or undone as the next start of a broker would; an unfinished \
last write above the recovery point is cut off. No other process may have the data directory open.
Exit codes: 0 nothing was to be done, or all of it was; 1 there is something to do, or something that repair cannot \
mend; 2 could not run.";

/// Mend what is derived from the logs, and what a crash interrupted.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RepairArgs {
    /// A partition directory, or a data directory with all in it
    dir: PathBuf,
    /// Do it; without this it is only told
    #[arg(long)]
    apply: bool,
    /// Cut a log at its first damage, even where records go that were said to be on disk; they are kept in .cut files
    #[arg(long)]
    cut_below_recovery_point: bool,
    /// One JSON object: steps, and what is left
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the directory is in use or is none of a log, or the system refuses.
pub fn run(args: &RepairArgs) -> Result<Outcome> {
    let options = Options { cut_below_recovery_point: args.cut_below_recovery_point, ..Options::default() };
    let mut bar = Bar::new(if args.apply { "repairing" } else { "looking" });
    let repairs =
        if args.apply { apply(&args.dir, &options, &mut bar)? } else { plan(&args.dir, &options, &mut bar)? };
    drop(bar);
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        writeln!(out, "{}", report(&repairs, args.apply))?;
    } else {
        print(&mut out, &repairs, args.apply)?;
    }
    out.flush()?;
    let is_done = repairs.left.is_empty() && (args.apply || repairs.steps.is_empty());
    Ok(if is_done { Outcome::Clean } else { Outcome::Findings })
}

fn print(out: &mut impl Write, repairs: &Repairs, applied: bool) -> io::Result<()> {
    for Step { file, change, why } in &repairs.steps {
        let file = file.display();
        match change {
            Change::Remove => writeln!(out, "remove  {file}")?,
            Change::Rename { to } => writeln!(out, "rename  {file} to {}", to.display())?,
            Change::Write { bytes } => writeln!(out, "write   {file} ({bytes} bytes)")?,
            Change::Cut { position, bytes, kept_in } => {
                writeln!(out, "cut     {file} at byte {position}: {bytes} bytes")?;
                if let Some(kept_in) = kept_in {
                    writeln!(out, "        they are kept in {}", kept_in.display())?;
                }
            }
        }
        writeln!(out, "        {why}")?;
    }
    for Left { file, position, what, advice } in &repairs.left {
        let at = position.map_or_else(String::new, |position| format!(" at byte {position}"));
        writeln!(out, "left    {}{at}: {what}", file.display())?;
        writeln!(out, "        {advice}")?;
    }
    let steps = counted(repairs.steps.len() as u64, "step", "steps");
    let told = match (repairs.steps.is_empty(), applied) {
        (true, _) => "Nothing to do".to_owned(),
        (false, true) => format!("Done: {steps}"),
        (false, false) => format!("{steps} to take; nothing was changed: --apply does it"),
    };
    match repairs.left.len() {
        0 => writeln!(out, "{told}"),
        left => writeln!(out, "{told}; {left} left that repair cannot mend"),
    }
}

fn report(repairs: &Repairs, applied: bool) -> Value {
    let step = |Step { file, change, why }: &Step| {
        let mut value = json!({ "change": change.name(), "file": file.to_string_lossy(), "why": why });
        let more = match change {
            Change::Remove => json!({}),
            Change::Rename { to } => json!({ "to": to.to_string_lossy() }),
            Change::Write { bytes } => json!({ "bytes": bytes }),
            Change::Cut { position, bytes, kept_in } => {
                let kept_in = kept_in.as_ref().map(|path| path.to_string_lossy().into_owned());
                json!({ "position": position, "bytes": bytes, "kept_in": kept_in })
            }
        };
        if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
            value.extend(more);
        }
        value
    };
    let left = |Left { file, position, what, advice }: &Left| json!({ "file": file.to_string_lossy(), "position": position, "what": what, "advice": advice });
    json!({
        "applied": applied,
        "steps": repairs.steps.iter().map(step).collect::<Vec<_>>(),
        "left": repairs.left.iter().map(left).collect::<Vec<_>>(),
    })
}
