//! The keys of a transfer under TLS; of the others there are none.

use std::io::{self, Read};
use std::net::TcpStream;

use super::path::Path;
#[cfg(feature = "tls")]
use super::tls;
use super::way::Way;
use crate::claims::error::Unmeasured;

/// What the sender needs.
pub struct Keys {
    #[cfg(feature = "tls")]
    pair: Option<tls::Pair>,
}

/// What the receiver needs.
#[derive(Clone)]
pub struct ClientKeys {
    #[cfg(feature = "tls")]
    config: Option<tls::ClientSide>,
}

#[cfg(feature = "tls")]
impl Keys {
    /// New ones where the path is one with TLS.
    ///
    /// # Errors
    /// A reason to skip the path.
    pub fn for_path(path: Path) -> Result<Self, Unmeasured> {
        Ok(Self { pair: path.is_encrypted().then(tls::Pair::new).transpose()? })
    }

    /// What the other end needs.
    pub fn client(&self) -> ClientKeys {
        ClientKeys { config: self.pair.as_ref().map(tls::Pair::client_side) }
    }

    /// The handshake, and the path behind it.
    ///
    /// # Errors
    /// A reason to skip the path, or to end the run.
    pub fn prepare(
        &self,
        path: Path,
        chunk_bytes: usize,
        socket: &TcpStream,
    ) -> Result<Box<dyn Way>, Unmeasured> {
        let pair = self.pair.as_ref().ok_or_else(|| Unmeasured::Skipped("there are no keys".to_owned()))?;
        Ok(match path {
            Path::KernelTls => Box::new(tls::KernelTls::new(pair, socket)?),
            _ => Box::new(tls::ProcessTls::new(pair, socket, chunk_bytes)?),
        })
    }
}

#[cfg(feature = "tls")]
impl ClientKeys {
    /// Whether bytes come encrypted.
    pub fn are_there(&self) -> bool {
        self.config.is_some()
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// Those of the handshake.
    pub fn decrypting(self, socket: TcpStream) -> io::Result<Box<dyn Read + Send>> {
        match self.config {
            Some(config) => Ok(Box::new(config.decrypting(socket)?)),
            None => Ok(Box::new(socket)),
        }
    }

    /// The socket as it is, behind the handshake.
    ///
    /// # Errors
    /// Those of the handshake.
    pub fn ignoring(self, socket: TcpStream) -> io::Result<TcpStream> {
        if let Some(config) = self.config {
            config.shake_hands(&socket)?;
        }
        Ok(socket)
    }
}

#[cfg(not(feature = "tls"))]
impl Keys {
    /// None.
    ///
    /// # Errors
    /// A reason to skip the path where it is one with TLS.
    pub fn for_path(path: Path) -> Result<Self, Unmeasured> {
        if path.is_encrypted() { Err(Self::missing()) } else { Ok(Self {}) }
    }

    /// None for the other end either.
    pub fn client(&self) -> ClientKeys {
        ClientKeys {}
    }

    /// Nothing.
    ///
    /// # Errors
    /// Always.
    pub fn prepare(&self, _: Path, _: usize, _: &TcpStream) -> Result<Box<dyn Way>, Unmeasured> {
        Err(Self::missing())
    }

    fn missing() -> Unmeasured {
        Unmeasured::Skipped("built without the feature `tls`".to_owned())
    }
}

#[cfg(not(feature = "tls"))]
impl ClientKeys {
    /// Never.
    pub fn are_there(&self) -> bool {
        false
    }

    /// The bytes as they come.
    ///
    /// # Errors
    /// None.
    pub fn decrypting(self, socket: TcpStream) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(socket))
    }

    /// The socket as it is.
    ///
    /// # Errors
    /// None.
    pub fn ignoring(self, socket: TcpStream) -> io::Result<TcpStream> {
        Ok(socket)
    }
}
