use super::{TOPIC, finish, frame};
use crate::dir::{TopicId, Uuid};
use crate::metadata::wire::{Reader, Result, put_str};

/// `TopicRecord`: a topic was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::metadata) struct Topic {
    pub(in crate::metadata) name: String,
    pub(in crate::metadata) id: TopicId,
}

impl Topic {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Topic> {
        let name = reader.str()?.to_owned();
        let id = Uuid::new(reader.array()?);
        reader.skip_tags()?;
        Ok(Topic { name, id })
    }

    pub(in crate::metadata) fn encode(&self) -> Vec<u8> {
        let mut out = frame(TOPIC, 0);
        put_str(&mut out, &self.name);
        out.extend_from_slice(&self.id.to_bytes());
        finish(out)
    }
}

/// `RemoveTopicRecord`.
pub(super) fn read_removal(reader: &mut Reader<'_>) -> Result<TopicId> {
    let id = Uuid::new(reader.array()?);
    reader.skip_tags()?;
    Ok(id)
}
