//! Topics of a measurement.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use ottla_bench::client::{self, ClientError, Connection, Manners};
use ottla_protocol::ErrorCode;

use super::CLIENT_ID;

/// A connection, once the server has said what it speaks.
pub fn connect(addr: SocketAddr) -> Result<Connection> {
    let manners =
        Manners { client_id: CLIENT_ID.to_owned(), patience: Duration::from_secs(60), stop: Arc::default() };
    Ok(Connection::open(&addr.to_string(), &manners)?)
}

/// Makes a topic and waits until its partitions have leaders.
///
/// Deleted files are to go at once, so that a run needs little disk; a server without that setting keeps its own.
pub fn create_topic(addr: SocketAddr, topic: &str, partitions: i32, configs: &[(&str, &str)]) -> Result<()> {
    let mut connection = connect(addr)?;
    let hasty = [configs, &[("file.delete.delay.ms", "1000")]].concat();
    let made = match client::create_topic(&mut connection, topic, partitions, &hasty) {
        Err(ClientError::Refused { code: ErrorCode::InvalidConfig, .. }) => {
            client::create_topic(&mut connection, topic, partitions, configs)
        }
        made => made,
    };
    match made {
        // An earlier request of ours may have run into its time limit and yet be carried out.
        Ok(()) | Err(ClientError::Refused { code: ErrorCode::TopicAlreadyExists, .. }) => {}
        Err(error) => return Err(error.into()),
    }
    client::leaders(&mut connection, topic, true)?;
    Ok(())
}

/// Removes it again.
pub fn delete_topic(addr: SocketAddr, topic: &str) -> Result<()> {
    Ok(client::delete_topic(&mut connect(addr)?, topic)?)
}
