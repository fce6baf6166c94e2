//! Apache Kafka, as its own start script would run it: its JVM options, its heap, its default settings.
//!
//! The project's interop script brings the jars and formats the directory. It is not asked to start the broker, because it
//! does so with a small heap and the serial collector, which is right for tests and no fair rival.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What `kafka-server-start.sh` and `kafka-run-class.sh` of Kafka 4 set.
const JVM_OPTIONS: [&str; 9] = [
    "-Xmx1G",
    "-Xms1G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:MaxInlineLevel=15",
    "-Djava.awt.headless=true",
];

/// Any 16 bytes in base64.
const CLUSTER_ID: &str = "b3R0bGEtY29tcGFyZS0wMQ";

#[derive(Debug, Clone)]
pub struct Kafka {
    script: PathBuf,
    classpath: String,
}

impl Kafka {
    /// Fails, with the reason, where Kafka cannot run.
    pub fn find(script: &Path) -> Result<Self> {
        let java = Command::new("java").arg("-version").stdin(Stdio::null()).output();
        ensure!(java.is_ok_and(|output| output.status.success()), "no java");
        let output =
            Command::new(script).arg("classpath").stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = output.with_context(|| script.display().to_string())?;
        ensure!(output.status.success(), "`{} classpath` failed", script.display());
        Ok(Self { script: script.to_owned(), classpath: String::from_utf8(output.stdout)?.trim().to_owned() })
    }

    /// The command that runs a broker on `dir`, which is formatted first when it is new.
    pub fn command(&self, dir: &Path, addr: SocketAddr) -> Result<Command> {
        let properties = dir.join("server.properties");
        std::fs::write(&properties, server_properties(dir, addr))?;
        if !dir.join("data/meta.properties").exists() {
            self.format(dir, &properties)?;
        }
        let mut command = Command::new("java");
        command.args(JVM_OPTIONS).arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=info");
        command.arg("-cp").arg(&self.classpath).arg("kafka.Kafka").arg(properties);
        Ok(command)
    }

    fn format(&self, dir: &Path, properties: &Path) -> Result<()> {
        let mut command = Command::new(&self.script);
        command.args(["run", "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"]).arg(properties);
        let output = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "formatting {} for Kafka failed: {said}", dir.display());
        Ok(())
    }
}

/// A node of one, on loopback; every other setting is Kafka's default, but that deleted files go soon.
fn server_properties(dir: &Path, addr: SocketAddr) -> String {
    let controller = SocketAddr::new(addr.ip(), addr.port() + 1);
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@{controller}\n\
         listeners=PLAINTEXT://{addr},CONTROLLER://{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
         log.dirs={}\n\
         log.segment.delete.delay.ms=1000\n",
        dir.join("data").display()
    )
}
