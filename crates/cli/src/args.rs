//! The commands and what they take.

use clap::{Parser, Subcommand};

use crate::{
    append, bench, dump, exit, explain, read, reindex, repair, salvage, serve, shell, stats, verify,
};

/// The Kafka log as one small binary: serve it, write it, read it, check it.
#[derive(Debug, Parser)]
#[command(name = "ottla", version, after_help = exit::HELP, propagate_version = true)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Serve(serve::ServeArgs),
    Append(append::AppendArgs),
    Read(read::ReadArgs),
    Dump(dump::DumpArgs),
    Verify(verify::VerifyArgs),
    Repair(repair::RepairArgs),
    Salvage(salvage::SalvageArgs),
    Stats(stats::StatsArgs),
    Reindex(reindex::ReindexArgs),
    Explain(explain::ExplainArgs),
    Bench(bench::BenchArgs),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_fit_together_and_each_shows_an_example() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{}", command.get_name());
        }
    }
}
