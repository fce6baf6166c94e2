use std::fmt;
use std::str::FromStr;

use crate::RecordError;

/// The codec that the records of a batch are compressed with, all together.
///
/// ```
/// use ottla_record::Compression;
/// assert_eq!("lz4".parse(), Ok(Compression::Lz4));
/// assert_eq!(Compression::Zstd.to_string(), "zstd");
/// assert_eq!(Compression::from_id(1), Ok(Compression::Gzip));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not compressed.
    #[default]
    None,
    /// RFC 1952; more than one member is read.
    Gzip,
    /// Snappy blocks in the framing of snappy-java, or one bare block.
    Snappy,
    /// The LZ4 frame format with independent blocks.
    Lz4,
    /// RFC 8878. Only in batches of magic 2 (KIP-110).
    Zstd,
}

impl Compression {
    /// All of them, by id.
    pub const ALL: [Compression; 5] =
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

    /// The number in the attributes of a batch.
    pub const fn id(self) -> u8 {
        match self {
            Compression::None => 0,
            Compression::Gzip => 1,
            Compression::Snappy => 2,
            Compression::Lz4 => 3,
            Compression::Zstd => 4,
        }
    }

    /// The codec of a number.
    ///
    /// # Errors
    /// [`RecordError::UnknownCodec`] for numbers above 4.
    pub fn from_id(id: u8) -> Result<Compression, RecordError> {
        Self::ALL.get(usize::from(id)).copied().ok_or(RecordError::UnknownCodec { id })
    }

    /// Kafka's name of it, as in `compression.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }

    /// Whether this build can read and write it.
    pub const fn is_built(self) -> bool {
        match self {
            Compression::None => true,
            Compression::Gzip => cfg!(feature = "gzip"),
            Compression::Snappy => cfg!(feature = "snappy"),
            Compression::Lz4 => cfg!(feature = "lz4"),
            Compression::Zstd => cfg!(feature = "zstd"),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Compression {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Compression, UnknownName> {
        Self::ALL.into_iter().find(|codec| codec.name() == name).ok_or(UnknownName)
    }
}

/// The name is none of Kafka's compression types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of none, gzip, snappy, lz4, zstd")]
pub struct UnknownName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_lead_back() {
        for codec in Compression::ALL {
            assert_eq!(Compression::from_id(codec.id()), Ok(codec));
            assert_eq!(codec.name().parse(), Ok(codec));
        }
        assert_eq!(Compression::from_id(5), Err(RecordError::UnknownCodec { id: 5 }));
        assert_eq!("LZ4".parse::<Compression>(), Err(UnknownName));
    }
}
