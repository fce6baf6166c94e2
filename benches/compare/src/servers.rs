//! The three servers: started on a directory, stopped, and never left behind.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::kafka::Kafka;
use crate::load::connect;

const START_TIMEOUT: Duration = Duration::from_secs(120);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Floor,
    Ottla,
    Kafka,
    /// By its name: a broker whose command the run was given.
    Other(&'static str),
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Floor, Self::Ottla, Self::Kafka];

    pub fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Ottla => "ottla",
            Self::Kafka => "kafka",
            Self::Other(name) => name,
        }
    }
}

/// A broker whose command the run was given.
#[derive(Debug, Clone)]
pub struct Other {
    pub name: &'static str,
    /// For a shell, with `{data}` and `{port}` in it.
    command: String,
}

impl Other {
    /// Reads `NAME=COMMAND`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, command) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=COMMAND"))?;
        if name.is_empty() || Kind::ALL.iter().any(|kind| kind.name() == name) {
            return Err(format!("a broker cannot be called {name:?} here"));
        }
        if !command.contains("{data}") || !command.contains("{port}") {
            return Err("the command has no {data} for its directory, or no {port} to listen on".to_owned());
        }
        // Names live as long as the run, like those of the others.
        Ok(Self { name: name.to_owned().leak(), command: command.to_owned() })
    }

    /// The shell gives its place to the broker, so that its process is the one that is measured.
    fn command(&self, data: &Path, port: u16) -> Command {
        let filled = self.command.replace("{port}", &port.to_string()).replace("{data}", "\"$0\"");
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("exec {filled}")).arg(data);
        command
    }
}

/// How to start a server of each kind.
#[derive(Debug, Clone)]
pub struct Launcher {
    pub ottla: Option<PathBuf>,
    pub kafka: Option<Kafka>,
    pub others: Vec<Other>,
    /// The first of four ports in a row (Kafka's controller takes one too), and one more for each other broker.
    pub first_port: u16,
}

impl Launcher {
    /// The servers there is a way to start.
    pub fn kinds(&self) -> Vec<Kind> {
        let there = |kind: &Kind| match kind {
            Kind::Floor => true,
            Kind::Ottla => self.ottla.is_some(),
            Kind::Kafka => self.kafka.is_some(),
            Kind::Other(_) => true,
        };
        let others = self.others.iter().map(|other| Kind::Other(other.name));
        Kind::ALL.into_iter().chain(others).filter(there).collect()
    }

    /// Starts a server and waits until it speaks what the loads speak.
    pub fn start(&self, kind: Kind, dir: &Path) -> Result<Server> {
        let mut server = self.launch(kind, dir)?;
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let failed = match connect(server.addr) {
                Ok(_) => return Ok(server),
                Err(failed) => failed,
            };
            if Instant::now() > deadline || server.child.try_wait()?.is_some() {
                return Err(failed.context(format!("{} did not come up", kind.name())));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts a server and returns at once.
    pub fn launch(&self, kind: Kind, dir: &Path) -> Result<Server> {
        let addr = self.addr_of(kind);
        TcpListener::bind(addr).with_context(|| format!("{addr} is taken; --port chooses others"))?;
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let mut command = self.command(kind, dir, addr)?;
        let output = File::options().create(true).append(true).open(dir.join("output"))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let since = Instant::now();
        let child = command.spawn().with_context(|| format!("{command:?}"))?;
        let pid = Pid::from_raw(child.id() as i32);
        running().push(pid);
        Ok(Server { kind, addr, pid, since, child })
    }

    fn addr_of(&self, kind: Kind) -> SocketAddr {
        let nth = match kind {
            Kind::Floor => 0,
            Kind::Ottla => 1,
            Kind::Kafka => 2,
            Kind::Other(name) => {
                4 + self.others.iter().position(|other| other.name == name).unwrap_or(0) as u16
            }
        };
        (Ipv4Addr::LOCALHOST, self.first_port + nth).into()
    }

    fn command(&self, kind: Kind, dir: &Path, addr: SocketAddr) -> Result<Command> {
        let data = dir.join("data");
        let program = match kind {
            Kind::Floor => &std::env::current_exe()?,
            Kind::Ottla => self.ottla.as_ref().context("no ottla binary")?,
            Kind::Kafka => return self.kafka.as_ref().context("no Kafka")?.command(dir, addr),
            Kind::Other(name) => {
                let other = self.others.iter().find(|other| other.name == name).context("no such broker")?;
                std::fs::create_dir_all(&data)?;
                return Ok(other.command(&data, addr.port()));
            }
        };
        let mut command = Command::new(program);
        match kind {
            Kind::Floor => command.arg("floor"),
            _ => command.arg("serve"),
        };
        command.arg("--data").arg(data).arg("--listen").arg(addr.to_string());
        Ok(command)
    }
}

/// A running server.
pub struct Server {
    pub kind: Kind,
    pub addr: SocketAddr,
    pub pid: Pid,
    /// The moment before it was executed.
    pub since: Instant,
    child: Child,
}

impl Server {
    /// Ends it without a word, as a crash of the process would.
    pub fn kill(mut self) -> Result<()> {
        kill(self.pid, Signal::SIGKILL)?;
        self.child.wait()?;
        running().retain(|pid| *pid != self.pid);
        Ok(())
    }

    /// Asks it to stop and waits until it has: what follows finds a directory closed in good order.
    pub fn stop(mut self) -> Result<()> {
        kill(self.pid, Signal::SIGTERM)?;
        let deadline = Instant::now() + STOP_TIMEOUT;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("{} did not stop within {} s of SIGTERM", self.kind.name(), STOP_TIMEOUT.as_secs());
            }
            thread::sleep(Duration::from_millis(5));
        }
        running().retain(|pid| *pid != self.pid);
        Ok(())
    }
}

/// Every server that was started and not stopped.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends every server that still runs, without asking: after an error, or an interrupt.
pub fn kill_all() {
    for pid in running().drain(..) {
        if let Err(error) = kill(pid, Signal::SIGKILL)
            && error != Errno::ESRCH
        {
            eprintln!("process {pid} could not be killed: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_of_any_command_gets_its_directory_and_its_port() {
        let other = Other::parse("mine=echo --dir={data} --port={port}").unwrap();
        let output = other.command(Path::new("/tmp/a b"), 1234).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "--dir=/tmp/a b --port=1234\n");
        for text in ["mine", "ottla=x {data} {port}", "mine=x {data}", "=x {data} {port}"] {
            assert!(Other::parse(text).is_err(), "{text}");
        }
    }
}
