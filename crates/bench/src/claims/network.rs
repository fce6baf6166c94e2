//! Between which ends bytes go: the machine's loopback, or two network namespaces with a pair of virtual cards.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::panic::resume_unwind;
use std::process::{Command, Stdio, id};
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{setsockopt, sockopt};

use super::error::{Unmeasured, doing};
use super::work::Network;

/// It never paces, and every kernel has it. Where TCP paces (BBR does, also over loopback), a timer decides when bytes leave,
/// and the cost of a send is chance.
pub const CONGESTION_CONTROL: &str = "reno";

const SENDER: Ipv4Addr = Ipv4Addr::new(10, 231, 0, 1);
const RECEIVER: Ipv4Addr = Ipv4Addr::new(10, 231, 0, 2);

/// The networks of a run; each is made when it is first needed.
#[derive(Default)]
pub struct Networks {
    veth: Option<Result<Veth, String>>,
}

/// Two namespaces. They have no names, and go when their files are closed, also where the process is killed.
struct Veth {
    sender: File,
    receiver: File,
}

impl Networks {
    /// A new connection: the sender's end and the receiver's.
    ///
    /// # Errors
    /// A reason to skip it, or to end the run.
    pub fn connect(&mut self, network: Network) -> Result<(TcpStream, TcpStream), Unmeasured> {
        let connected = match network {
            Network::Loopback => listen(Ipv4Addr::LOCALHOST).and_then(accept),
            Network::Veth => {
                let made = self.veth.get_or_insert_with(|| apart(make));
                let veth = made.as_ref().map_err(|reason| Unmeasured::Skipped(reason.clone()))?;
                apart(|| veth.connect())
            }
        };
        Ok(connected.map_err(doing("a connection"))?)
    }
}

impl Veth {
    fn connect(&self) -> io::Result<(TcpStream, TcpStream)> {
        setns(&self.sender, CloneFlags::CLONE_NEWNET)?;
        let listening = listen(SENDER)?;
        setns(&self.receiver, CloneFlags::CLONE_NEWNET)?;
        accept(listening)
    }
}

/// Runs this in a thread of its own, which may go into another namespace and never comes back.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

/// Makes both namespaces and what joins them, from a thread of its own.
fn make() -> Result<Veth, String> {
    let namespace = || {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|error| {
            format!("a pair of virtual cards takes two network namespaces, and those take root ({error})")
        })?;
        File::open("/proc/thread-self/ns/net").map_err(|error| error.to_string())
    };
    let receiver = namespace()?;
    let sender = namespace()?;
    let there = format!("/proc/{}/fd/{}", id(), receiver.as_raw_fd());
    ip(&["link", "add", "ottla0", "type", "veth", "peer", "name", "ottla1", "netns", &there])?;
    bring_up("ottla0", SENDER)?;
    setns(&receiver, CloneFlags::CLONE_NEWNET).map_err(|error| error.to_string())?;
    bring_up("ottla1", RECEIVER)?;
    Ok(Veth { sender, receiver })
}

fn bring_up(card: &str, address: Ipv4Addr) -> Result<(), String> {
    ip(&["address", "add", &format!("{address}/30"), "dev", card])?;
    ip(&["link", "set", card, "up"])
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let ran = Command::new("ip").args(arguments).stdin(Stdio::null()).output();
    let output =
        ran.map_err(|error| format!("a pair of virtual cards takes the command `ip` (iproute2): {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("a pair of virtual cards: `ip {}`: {}", arguments.join(" "), said.trim()))
        }
    }
}

fn listen(address: Ipv4Addr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((address, 0))?;
    setsockopt(&listener, sockopt::TcpCongestion, &CONGESTION_CONTROL.into())?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Connects from the namespace of the calling thread; the end that was accepted sends.
fn accept((listener, address): (TcpListener, SocketAddr)) -> io::Result<(TcpStream, TcpStream)> {
    let receiver = TcpStream::connect(address)?;
    setsockopt(&receiver, sockopt::TcpCongestion, &CONGESTION_CONTROL.into())?;
    let (sender, _) = listener.accept()?;
    Ok((sender, receiver))
}
