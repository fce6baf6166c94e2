//! Whole frames: header and body together, in both directions.

use crate::wire::{Decode, Encode, Reader, Writer};
use crate::{
    ApiKey, EncodeError, ProtocolError, Request, RequestError, RequestErrorReason, RequestHeader,
    ResponseHeader,
};

/// The request or the response of one API.
pub trait Message {
    /// Which API.
    const API_KEY: ApiKey;
}

/// Decodes a frame that a client sent, without the length before it. Nothing is allocated.
///
/// Bytes after the request are ignored, as in Kafka.
///
/// # Errors
/// [`RequestError`], with as much of the header as could be read, so that it can be answered.
pub fn decode_request(frame: &[u8]) -> Result<(RequestHeader<'_>, Request<'_>), RequestError> {
    let (header, body) = RequestHeader::decode(frame)?;
    let request = decode_body(&header, body)?;
    Ok((header, request))
}

/// Decodes the body of a request, for a server that looks at the header first.
///
/// # Errors
/// [`RequestError`] with the reason [`RequestErrorReason::Body`].
pub fn decode_body<'a>(
    header: &RequestHeader<'a>,
    mut body: Reader<'a>,
) -> Result<Request<'a>, RequestError> {
    Request::decode(header.api_key, &mut body, header.api_version)
        .map_err(|source| header.error(RequestErrorReason::Body(source)))
}

/// Appends the frame of a response: its length, the header and the body. External records count in the length.
///
/// # Errors
/// [`EncodeError`]; the frame is then not in the writer.
pub fn encode_response<M: Message + Encode>(
    writer: &mut Writer,
    correlation_id: i32,
    version: i16,
    response: &M,
) -> Result<(), EncodeError> {
    supported::<M>(version)?;
    let start = writer.begin_frame();
    writer.set_flexible(M::API_KEY.is_flexible(version));
    ResponseHeader { correlation_id }.encode(writer, M::API_KEY, version);
    response.encode(writer, version);
    writer.end_frame(start)
}

/// Appends the frame of a request: its length, the header and the body.
///
/// # Errors
/// [`EncodeError`]; the frame is then not in the writer.
pub fn encode_request<M: Message + Encode>(
    writer: &mut Writer,
    correlation_id: i32,
    client_id: Option<&str>,
    version: i16,
    request: &M,
) -> Result<(), EncodeError> {
    supported::<M>(version)?;
    let start = writer.begin_frame();
    RequestHeader { api_key: M::API_KEY, api_version: version, correlation_id, client_id }.encode(writer);
    request.encode(writer, version);
    writer.end_frame(start)
}

/// Decodes a frame that a broker sent, without the length before it. `version` is that of the request.
///
/// Bytes after the response are ignored, as in Kafka.
///
/// # Errors
/// [`ProtocolError`].
pub fn decode_response<'a, M: Message + Decode<'a>>(
    frame: &'a [u8],
    version: i16,
) -> Result<(ResponseHeader, M), ProtocolError> {
    let mut reader = reader_of::<M>(frame, version)?;
    let header = ResponseHeader::decode(&mut reader, M::API_KEY, version)?;
    Ok((header, M::decode(&mut reader, version)?))
}

/// Decodes one message without a header and returns how many bytes follow it.
///
/// # Errors
/// [`ProtocolError`].
pub fn decode_message<'a, M: Message + Decode<'a>>(
    bytes: &'a [u8],
    version: i16,
) -> Result<(M, usize), ProtocolError> {
    let mut reader = reader_of::<M>(bytes, version)?;
    let message = M::decode(&mut reader, version)?;
    Ok((message, reader.remaining()))
}

/// Appends one message without length and header.
///
/// # Errors
/// [`EncodeError`]; the writer is then as before.
pub fn encode_message<M: Message + Encode>(
    writer: &mut Writer,
    version: i16,
    message: &M,
) -> Result<(), EncodeError> {
    supported::<M>(version)?;
    let start = writer.mark();
    writer.set_flexible(M::API_KEY.is_flexible(version));
    message.encode(writer, version);
    writer.check(start)
}

fn supported<M: Message>(version: i16) -> Result<(), EncodeError> {
    if M::API_KEY.supports(version) {
        return Ok(());
    }
    Err(EncodeError::UnsupportedVersion { api_key: M::API_KEY, version })
}

fn reader_of<M: Message>(bytes: &[u8], version: i16) -> Result<Reader<'_>, ProtocolError> {
    if M::API_KEY.supports(version) {
        return Ok(Reader::new(bytes, M::API_KEY.is_flexible(version)));
    }
    Err(ProtocolError::UnsupportedVersion { api_key: M::API_KEY, version })
}
