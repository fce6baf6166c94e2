//! Where a leader listens (KIP-951).

use std::borrow::Cow;

use crate::ProtocolError;
use crate::wire::{Decode, Encode, Reader, Writer};

/// Where a leader listens, told to a client that asked another broker (KIP-951).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeEndpoint<'a> {
    /// The broker.
    pub node_id: i32,
    /// Its host.
    pub host: Cow<'a, str>,
    /// Its port.
    pub port: i32,
    /// Its rack, where it has one.
    pub rack: Option<Cow<'a, str>>,
}

impl<'a> Decode<'a> for NodeEndpoint<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let endpoint = NodeEndpoint {
            node_id: reader.i32("node_id")?,
            host: reader.text("host")?,
            port: reader.i32("port")?,
            rack: reader.nullable_text("rack")?,
        };
        reader.no_tagged_fields()?;
        Ok(endpoint)
    }
}

impl Encode for NodeEndpoint<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i32(self.node_id);
        writer.string(&self.host);
        writer.i32(self.port);
        writer.nullable_string(self.rack.as_deref());
        writer.no_tagged_fields();
    }
}
