//! The headers that precede each request and response.

use crate::wire::{Reader, Writer};
use crate::{ApiKey, ProtocolError, RequestError, RequestErrorReason};

/// What precedes each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// Which API.
    pub api_key: ApiKey,
    /// In which version; one that this crate speaks.
    pub api_version: i16,
    /// A number that the response repeats.
    pub correlation_id: i32,
    /// A name that the client gave itself.
    pub client_id: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// Reads the header of a frame and leaves the cursor at the body.
    ///
    /// A server that advertises less than this crate speaks compares the version before it decodes the body.
    ///
    /// # Errors
    /// [`RequestError`]: an unknown API or version, or not a header. What came before the error is in it.
    pub fn decode(frame: &'a [u8]) -> Result<(RequestHeader<'a>, Reader<'a>), RequestError> {
        let mut error = RequestError {
            api_key: None,
            api_version: None,
            correlation_id: None,
            reason: RequestErrorReason::UnknownApi,
        };
        // The client id has the old form of length in every version, so that any broker can read it.
        let mut reader = Reader::new(frame, false);
        match decode_fields(&mut reader, &mut error) {
            Ok(header) => {
                let flexible = header.api_key.is_flexible(header.api_version);
                let mut reader = reader.with_flexible(flexible);
                match reader.no_tagged_fields() {
                    Ok(()) => Ok((header, reader)),
                    Err(source) => Err(RequestError { reason: RequestErrorReason::Header(source), ..error }),
                }
            }
            Err(reason) => Err(RequestError { reason, ..error }),
        }
    }

    /// The error of this request for a `reason` that shows itself after the header.
    pub fn error(&self, reason: RequestErrorReason) -> RequestError {
        RequestError {
            api_key: Some(self.api_key.code()),
            api_version: Some(self.api_version),
            correlation_id: Some(self.correlation_id),
            reason,
        }
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.set_flexible(false);
        writer.i16(self.api_key.code());
        writer.i16(self.api_version);
        writer.i32(self.correlation_id);
        writer.nullable_string(self.client_id);
        writer.set_flexible(self.api_key.is_flexible(self.api_version));
        writer.no_tagged_fields();
    }
}

/// All but the tagged fields; `seen` collects what an answer to an error needs.
fn decode_fields<'a>(
    reader: &mut Reader<'a>,
    seen: &mut RequestError,
) -> Result<RequestHeader<'a>, RequestErrorReason> {
    let api_key = *seen.api_key.insert(reader.i16("request_api_key")?);
    let api_version = *seen.api_version.insert(reader.i16("request_api_version")?);
    let correlation_id = *seen.correlation_id.insert(reader.i32("correlation_id")?);
    let api_key = ApiKey::try_from(api_key).map_err(|_| RequestErrorReason::UnknownApi)?;
    if !api_key.supports(api_version) {
        return Err(RequestErrorReason::UnsupportedVersion);
    }
    let client_id = reader.nullable_string("client_id")?;
    Ok(RequestHeader { api_key, api_version, correlation_id, client_id })
}

impl From<ProtocolError> for RequestErrorReason {
    fn from(source: ProtocolError) -> RequestErrorReason {
        RequestErrorReason::Header(source)
    }
}

/// What precedes each response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The number of the request that is answered.
    pub correlation_id: i32,
}

impl ResponseHeader {
    pub(crate) fn decode(
        reader: &mut Reader<'_>,
        api_key: ApiKey,
        version: i16,
    ) -> Result<Self, ProtocolError> {
        let correlation_id = reader.i32("correlation_id")?;
        if api_key.response_header_version(version) >= 1 {
            reader.no_tagged_fields()?;
        }
        Ok(ResponseHeader { correlation_id })
    }

    pub(crate) fn encode(self, writer: &mut Writer, api_key: ApiKey, version: i16) {
        writer.i32(self.correlation_id);
        if api_key.response_header_version(version) >= 1 {
            writer.no_tagged_fields();
        }
    }
}
