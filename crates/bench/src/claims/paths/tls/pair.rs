//! Both sides of a connection that trust each other and nobody else.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::PrivateKeyDer;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection};

use super::client::ClientSide;
use crate::claims::error::{Unmeasured, doing};

/// Whom the certificate names. Nothing is looked up.
pub const NAME: &str = "localhost";

/// A certificate that was made for this, and the two sides that use it.
pub struct Pair {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Pair {
    /// New keys.
    ///
    /// # Errors
    /// Where they cannot be made.
    pub fn new() -> Result<Self, Unmeasured> {
        Ok(Self::make().map_err(doing("keys for TLS"))?)
    }

    fn make() -> io::Result<Self> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).map_err(io::Error::other)?;
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(io::Error::other)?;
        let mut trusted = RootCertStore::empty();
        trusted.add(certificate.clone()).map_err(io::Error::other)?;
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .map_err(io::Error::other)?;
        // The kernel is given the keys behind the handshake, and nothing may be under way then.
        server.enable_secret_extraction = true;
        server.send_tls13_tickets = 0;
        let client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        Ok(Self { server: Arc::new(server), client: Arc::new(client) })
    }

    /// What the receiver takes with it.
    pub fn client_side(&self) -> ClientSide {
        ClientSide::new(Arc::clone(&self.client))
    }

    /// The sender's half of the handshake.
    ///
    /// # Errors
    /// Where it fails.
    pub fn shake_hands(&self, mut socket: &TcpStream) -> io::Result<ServerConnection> {
        let mut connection = ServerConnection::new(Arc::clone(&self.server)).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(connection)
    }
}

/// One cipher, so that the process and the kernel do the same work.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    provider.cipher_suites = vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256];
    Arc::new(provider)
}
