use super::{FEATURE_LEVEL, finish, frame};
use crate::metadata::wire::{Reader, Result, put_str};

/// `FeatureLevelRecord`: the level of a feature; 0 takes the feature away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::metadata) struct FeatureLevel {
    pub(in crate::metadata) name: String,
    pub(in crate::metadata) level: i16,
}

impl FeatureLevel {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<FeatureLevel> {
        let name = reader.str()?.to_owned();
        let level = reader.i16()?;
        reader.skip_tags()?;
        Ok(FeatureLevel { name, level })
    }

    pub(in crate::metadata) fn encode(&self) -> Vec<u8> {
        let mut out = frame(FEATURE_LEVEL, 0);
        put_str(&mut out, &self.name);
        out.extend_from_slice(&self.level.to_be_bytes());
        finish(out)
    }
}
