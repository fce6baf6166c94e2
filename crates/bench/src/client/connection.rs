//! A connection, and what the broker at its other end speaks.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ottla_protocol::api::api_versions::{self, ApiVersion};
use ottla_protocol::wire::{Decode, Encode, Writer};
use ottla_protocol::{ApiKey, ErrorCode, Message, decode_response, encode_request};

use super::error::ClientError;
use super::frames::Frames;

/// How often a thread that waits for a broker looks whether it is to end.
const LOOK_UP: Duration = Duration::from_millis(100);

/// What every connection of a load keeps to.
#[derive(Clone, Debug)]
pub struct Manners {
    /// What it calls itself.
    pub client_id: String,
    /// A broker that says nothing for so long is taken for stuck.
    pub patience: Duration,
    /// Once true, whatever waits for a broker gives up.
    pub stop: Arc<AtomicBool>,
}

/// A connection to one broker.
#[derive(Debug)]
pub struct Connection {
    address: String,
    stream: TcpStream,
    versions: Vec<ApiVersion>,
    manners: Manners,
    correlation_id: i32,
    frames: Frames,
}

impl Connection {
    /// Connects, and asks first of all which versions are spoken.
    ///
    /// # Errors
    /// Where there is no broker, or it does not say.
    pub fn open(address: &str, manners: &Manners) -> Result<Connection, ClientError> {
        let stream = connect(address, manners.patience)
            .map_err(|source| ClientError::Unreachable { address: address.to_owned(), source })?;
        let mut connection = Connection {
            address: address.to_owned(),
            stream,
            versions: Vec::new(),
            manners: manners.clone(),
            correlation_id: 0,
            frames: Frames::default(),
        };
        // Every broker answers version 0.
        let request = api_versions::Request::default();
        let (code, versions) = connection.exchange(&request, 0, |answer: api_versions::Response<'_>| {
            (answer.error_code, answer.api_keys)
        })?;
        if code != ErrorCode::None {
            let (address, api, what) = (address.to_owned(), ApiKey::ApiVersions, "version 0".to_owned());
            return Err(ClientError::Refused { address, api, what, code, message: None });
        }
        connection.versions = versions;
        Ok(connection)
    }

    /// Whom it leads to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The same connection for a second thread: one of the two sends, the other receives.
    ///
    /// # Errors
    /// Where the system has no more handles.
    pub fn try_clone(&self) -> Result<Connection, ClientError> {
        let stream = self.stream.try_clone().map_err(|source| self.gone(source))?;
        Ok(Connection {
            address: self.address.clone(),
            stream,
            versions: self.versions.clone(),
            manners: self.manners.clone(),
            correlation_id: 0,
            frames: Frames::default(),
        })
    }

    /// The newest version up to `newest` that both sides speak.
    ///
    /// # Errors
    /// [`ClientError::NotSpoken`].
    pub fn version_of(&self, api: ApiKey, newest: i16) -> Result<i16, ClientError> {
        let theirs = self.versions.iter().find(|spoken| spoken.api_key == api.code());
        let ours = api.api();
        let to = ours.max_version.min(newest);
        let common = theirs.and_then(|theirs| {
            let both = theirs.min_version.max(ours.min_version)..=theirs.max_version.min(to);
            (!both.is_empty()).then_some(*both.end())
        });
        common.ok_or_else(|| ClientError::NotSpoken {
            address: self.address.clone(),
            api,
            from: ours.min_version,
            to,
            theirs: theirs.map(|theirs| (theirs.min_version, theirs.max_version)),
        })
    }

    /// Sends a request, waits for its answer, and shows it to `read`.
    ///
    /// # Errors
    /// Where either fails; an error code is for `read` to see.
    pub fn ask<'a, M, A, T>(
        &'a mut self,
        request: &M,
        newest: i16,
        read: impl FnOnce(A) -> T,
    ) -> Result<T, ClientError>
    where
        M: Message + Encode,
        A: Message + Decode<'a>,
    {
        let version = self.version_of(M::API_KEY, newest)?;
        self.exchange(request, version, read)
    }

    /// Sends whole frames.
    ///
    /// # Errors
    /// Where the broker is gone, or takes nothing for too long.
    pub fn send(&mut self, mut frames: &[u8]) -> Result<(), ClientError> {
        let mut since = None;
        while !frames.is_empty() {
            match self.stream.write(frames) {
                Ok(0) => return Err(self.gone(io::ErrorKind::WriteZero.into())),
                Ok(written) => {
                    frames = frames.get(written..).unwrap_or_default();
                    since = None;
                }
                Err(error) => self.still_patient(error, &mut since)?,
            }
        }
        Ok(())
    }

    /// The next frame from the broker, from its correlation id on.
    ///
    /// # Errors
    /// Where the broker is gone, or says nothing for too long.
    pub fn receive(&mut self) -> Result<&[u8], ClientError> {
        let mut since = None;
        while !self.has_frame()? {
            match self.fill() {
                Ok(()) => since = None,
                Err(error) => self.still_patient(error, &mut since)?,
            }
        }
        self.next_frame().map(Option::unwrap_or_default)
    }

    /// Waits a moment for bytes; `false` where none came.
    ///
    /// # Errors
    /// Where the broker is gone, or the load is to end.
    pub fn wait_for_bytes(&mut self) -> Result<bool, ClientError> {
        match self.fill() {
            Ok(()) => Ok(true),
            Err(error) => self.still_patient(error, &mut None).map(|()| false),
        }
    }

    /// The next whole frame among the bytes that have come.
    ///
    /// # Errors
    /// Where the bytes are no frames.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, ClientError> {
        let address = &self.address;
        let not_kafka = |source| ClientError::NotKafka { address: address.clone(), source };
        self.frames.next_frame().map_err(not_kafka)
    }

    /// Tells the broker that nothing more comes; whoever reads the other half sees the end.
    pub fn shut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// The socket itself, for a receiver that has its own way to read.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// How long a broker may say nothing.
    pub fn patience(&self) -> Duration {
        self.manners.patience
    }

    /// What this client calls itself.
    pub fn client_id(&self) -> &str {
        &self.manners.client_id
    }

    /// A correlation id that was not used yet.
    pub fn next_correlation_id(&mut self) -> i32 {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        self.correlation_id
    }

    fn has_frame(&self) -> Result<bool, ClientError> {
        let not_kafka = |source| ClientError::NotKafka { address: self.address.clone(), source };
        self.frames.has_frame().map_err(not_kafka)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.frames.fill(&mut self.stream)
    }

    fn exchange<'a, M, A, T>(
        &'a mut self,
        request: &M,
        version: i16,
        read: impl FnOnce(A) -> T,
    ) -> Result<T, ClientError>
    where
        M: Message + Encode,
        A: Message + Decode<'a>,
    {
        let correlation_id = self.next_correlation_id();
        let mut writer = Writer::new();
        encode_request(&mut writer, correlation_id, Some(&self.manners.client_id), version, request)
            .map_err(|source| ClientError::Encode { address: self.address.clone(), source })?;
        self.send(writer.bytes())?;
        let address = self.address.clone();
        let frame = self.receive()?;
        let (header, answer) = decode_response(frame, version).map_err(|source| ClientError::Malformed {
            address: address.clone(),
            api: M::API_KEY,
            source,
        })?;
        if header.correlation_id != correlation_id {
            let found = header.correlation_id;
            return Err(ClientError::OutOfTurn { address, expected: correlation_id, found });
        }
        Ok(read(answer))
    }

    /// Whether to go on after a read or a write that did nothing: yes, until the load ends or patience does.
    fn still_patient(&self, error: io::Error, since: &mut Option<Instant>) -> Result<(), ClientError> {
        let is_pause = matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
        );
        if !is_pause {
            return Err(self.gone(error));
        }
        if self.manners.stop.load(Ordering::Relaxed) {
            return Err(ClientError::Stopped);
        }
        let waited = since.get_or_insert_with(Instant::now).elapsed();
        if waited < self.manners.patience {
            return Ok(());
        }
        Err(ClientError::Silent { address: self.address.clone(), waited: self.manners.patience })
    }

    fn gone(&self, source: io::Error) -> ClientError {
        ClientError::Gone { address: self.address.clone(), source }
    }
}

fn connect(address: &str, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name resolves to no address");
    for resolved in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&resolved, patience) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(LOOK_UP))?;
                stream.set_write_timeout(Some(LOOK_UP))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
