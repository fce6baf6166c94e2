//! The kernel encrypts: the handshake's keys are given to the socket, and `sendfile` does the rest.

use std::net::TcpStream;

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use rustls::ConnectionTrafficSecrets;

use super::pair::Pair;
use crate::claims::error::{Unmeasured, doing, skip};
use crate::claims::paths::sendfile::Sendfile;
use crate::claims::paths::way::{Job, Way};

pub struct KernelTls;

impl KernelTls {
    pub fn new(pair: &Pair, socket: &TcpStream) -> Result<Self, Unmeasured> {
        setsockopt(socket, sockopt::TcpUlp::default(), b"tls")
            .map_err(skip("this kernel has no TLS for sockets (CONFIG_TLS, module `tls`)"))?;
        let connection = pair.shake_hands(socket).map_err(doing("the sender's handshake"))?;
        let secrets = connection.dangerous_extract_secrets().map_err(skip("rustls keeps its keys"))?;
        let (number, ConnectionTrafficSecrets::Aes128Gcm { key, iv }) = secrets.tx else {
            return Err(Unmeasured::Skipped(
                "the handshake chose another cipher than AES-128-GCM".to_owned(),
            ));
        };
        let info = crypto_info(number, key.as_ref(), iv.as_ref())
            .ok_or_else(|| Unmeasured::Skipped("the keys have another size than the kernel's".to_owned()))?;
        setsockopt(socket, sockopt::TcpTlsTx, &info).map_err(skip("the kernel does not take the keys"))?;
        Ok(Self)
    }
}

impl Way for KernelTls {
    fn send(&mut self, job: &Job<'_>) -> Result<u64, Unmeasured> {
        Sendfile.send(job)
    }
}

/// What the kernel takes: the twelve bytes of the nonce come in two parts.
fn crypto_info(number: u64, key: &[u8], iv: &[u8]) -> Option<sockopt::TlsCryptoInfo> {
    let (salt, rest) = iv.split_at_checked(4)?;
    Some(sockopt::TlsCryptoInfo::Aes128Gcm(libc::tls12_crypto_info_aes_gcm_128 {
        info: libc::tls_crypto_info {
            version: libc::TLS_1_3_VERSION,
            cipher_type: libc::TLS_CIPHER_AES_GCM_128,
        },
        iv: rest.try_into().ok()?,
        key: key.try_into().ok()?,
        salt: salt.try_into().ok()?,
        rec_seq: number.to_be_bytes(),
    }))
}
