use super::{CONFIG, PRODUCER_IDS, finish, frame};
use crate::metadata::ConfigResource;
use crate::metadata::wire::{Reader, Result, put_nullable_str, put_str};

/// `ConfigRecord`: one setting of something; without a value it is taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::metadata) struct Config {
    pub(in crate::metadata) resource: ConfigResource,
    pub(in crate::metadata) name: String,
    pub(in crate::metadata) value: Option<String>,
}

impl Config {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Config> {
        let resource = ConfigResource { kind: reader.i8()?, name: reader.str()?.to_owned() };
        let name = reader.str()?.to_owned();
        let value = reader.nullable_str()?.map(str::to_owned);
        reader.skip_tags()?;
        Ok(Config { resource, name, value })
    }

    pub(in crate::metadata) fn encode(&self) -> Vec<u8> {
        let mut out = frame(CONFIG, 0);
        out.extend_from_slice(&self.resource.kind.to_be_bytes());
        put_str(&mut out, &self.resource.name);
        put_str(&mut out, &self.name);
        put_nullable_str(&mut out, self.value.as_deref());
        finish(out)
    }
}

/// `ProducerIdsRecord`: a broker took a block of producer ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::metadata) struct ProducerIds {
    pub(in crate::metadata) broker_id: i32,
    pub(in crate::metadata) broker_epoch: i64,
    pub(in crate::metadata) next_producer_id: i64,
}

impl ProducerIds {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<ProducerIds> {
        let ids = ProducerIds {
            broker_id: reader.i32()?,
            broker_epoch: reader.i64()?,
            next_producer_id: reader.i64()?,
        };
        reader.skip_tags()?;
        Ok(ids)
    }

    pub(in crate::metadata) fn encode(&self) -> Vec<u8> {
        let mut out = frame(PRODUCER_IDS, 0);
        out.extend_from_slice(&self.broker_id.to_be_bytes());
        out.extend_from_slice(&self.broker_epoch.to_be_bytes());
        out.extend_from_slice(&self.next_producer_id.to_be_bytes());
        finish(out)
    }
}
