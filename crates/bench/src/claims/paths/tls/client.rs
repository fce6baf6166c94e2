//! The receiver's side.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::pair::NAME;

/// rustls asks for a few KiB at a time; a receiver that is to keep up reads more.
const BUFFER_BYTES: usize = 256 << 10;

/// What a receiver needs for one connection.
#[derive(Clone)]
pub struct ClientSide {
    config: Arc<ClientConfig>,
}

impl ClientSide {
    pub fn new(config: Arc<ClientConfig>) -> Self {
        Self { config }
    }

    /// The receiver's half of the handshake.
    ///
    /// # Errors
    /// Where it fails.
    pub fn shake_hands(&self, mut socket: &TcpStream) -> io::Result<ClientConnection> {
        let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
        let mut connection =
            ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(connection)
    }

    /// The bytes behind the handshake.
    ///
    /// # Errors
    /// Those of the handshake.
    pub fn decrypting(self, socket: TcpStream) -> io::Result<impl Read + Send> {
        let connection = self.shake_hands(&socket)?;
        Ok(StreamOwned::new(connection, Buffered(BufReader::with_capacity(BUFFER_BYTES, socket))))
    }
}

/// Reads much at a time, and writes at once.
struct Buffered(BufReader<TcpStream>);

impl Read for Buffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Buffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().flush()
    }
}
