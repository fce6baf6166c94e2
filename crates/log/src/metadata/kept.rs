use super::wire::{Reader, Result, put_nullable_str, put_str};

/// A metadata record that is kept as it is, without a look at what it says beyond what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRecord {
    pub(super) api_key: u32,
    pub(super) version: u32,
    pub(super) body: Vec<u8>,
    /// What a later record of the same kind replaces. A kind that is not known here has none: all such
    /// records are kept in their order.
    pub(super) subject: Option<Subject>,
}

/// What a record is about: the kind of the thing, and what tells it from others of its kind.
pub(super) type Subject = (u32, Vec<u8>);

pub(super) const SCRAM_CREDENTIAL: u32 = 11;
pub(super) const CLIENT_QUOTA: u32 = 14;
pub(super) const ACCESS_CONTROL_ENTRY: u32 = 18;

impl KeptRecord {
    /// The number of its kind in Kafka.
    pub fn api_key(&self) -> u32 {
        self.api_key
    }

    /// The version of its encoding.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Its bytes, after kind and version.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// The user and mechanism that a `UserScramCredentialRecord` and its removal begin with.
pub(super) fn scram_subject(body: &[u8]) -> Result<Subject> {
    let mut reader = Reader::new(body);
    let mut subject = Vec::new();
    put_str(&mut subject, reader.str()?);
    subject.extend_from_slice(&reader.array::<1>()?);
    Ok((SCRAM_CREDENTIAL, subject))
}

/// The id that an `AccessControlEntryRecord` and its removal begin with.
pub(super) fn acl_subject(body: &[u8]) -> Result<Subject> {
    Ok((ACCESS_CONTROL_ENTRY, Reader::new(body).array::<16>()?.to_vec()))
}

/// The entity and key of a `ClientQuotaRecord`, and whether it removes the quota. The parts of an entity
/// come in any order.
pub(super) fn quota_subject(body: &[u8]) -> Result<(Subject, bool)> {
    let mut reader = Reader::new(body);
    let mut entity = reader.vec(|reader| {
        let part = (reader.str()?, reader.nullable_str()?);
        reader.skip_tags()?;
        Ok(part)
    })?;
    entity.sort_unstable();
    let mut subject = Vec::new();
    put_str(&mut subject, reader.str()?);
    for (kind, name) in entity {
        put_str(&mut subject, kind);
        put_nullable_str(&mut subject, name);
    }
    reader.slice(size_of::<f64>())?;
    let remove = reader.i8()? != 0;
    Ok(((CLIENT_QUOTA, subject), remove))
}
