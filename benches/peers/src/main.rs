//! The embedded API of ottla, other embedded logs and bare system calls, measured side by side. See README.md.

mod child;
mod entry;
mod machine;
mod options;
mod peers;
mod report;
mod rounds;
mod samples;
mod scratch;
mod work;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = options::Cli::parse();
    let outcome = match &cli.child {
        Some(options::Child::Child(task)) => work::run(task),
        None => rounds::run(&cli.run),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
