//! Ids of topics, directories and clusters: 16 bytes, written as 22 characters.

use std::fmt;
use std::io;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The id of a topic.
pub type TopicId = Uuid;

/// A universally unique id as Kafka writes it: base64url without padding. Kafka: `Uuid`.
///
/// ```
/// use ottla::dir::Uuid;
/// let id: Uuid = "zHCIxbTgTFqd7XoBtnZJqA".parse()?;
/// assert_eq!(id.to_string(), "zHCIxbTgTFqd7XoBtnZJqA");
/// assert_eq!(Uuid::METADATA_TOPIC.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
/// # Ok::<(), ottla::dir::InvalidUuid>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// No id (`ZERO_UUID`).
    pub const ZERO: Uuid = Uuid([0; 16]);
    /// The id of `__cluster_metadata` (`METADATA_TOPIC_ID`).
    pub const METADATA_TOPIC: Uuid = Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// The id of these bytes.
    pub const fn new(bytes: [u8; 16]) -> Uuid {
        Uuid(bytes)
    }

    /// The bytes, as they stand on the wire.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// A new random id (version 4) whose text does not begin with `-`, which a command line would
    /// take for an option.
    ///
    /// # Errors
    /// Where the system has no random bytes to give.
    pub fn random() -> io::Result<Uuid> {
        loop {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes).map_err(|e| io::Error::other(e.to_string()))?;
            let id = Uuid(bytes).version_4();
            if !id.to_string().starts_with('-') {
                return Ok(id);
            }
        }
    }

    /// The version bits are never zero, so this is none of the ids that Kafka reserves: their first
    /// eight bytes are zero.
    fn version_4(self) -> Uuid {
        let id = u128::from_be_bytes(self.0);
        let id = id & !(0xf << 76) | (4 << 76);
        let id = id & !(0b11 << 62) | (0b10 << 62);
        Uuid(id.to_be_bytes())
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

/// Text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 22 characters of base64url: A-Z a-z 0-9 - _")]
pub struct InvalidUuid;

impl FromStr for Uuid {
    type Err = InvalidUuid;

    fn from_str(text: &str) -> Result<Uuid, InvalidUuid> {
        let mut bytes = [0; 16];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Ok(Uuid(bytes)),
            _ => Err(InvalidUuid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kafkas() {
        let mut bytes = [0; 16];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = 0xf0 + u8::try_from(i).unwrap();
        }
        assert_eq!(Uuid::new(bytes).to_string(), "8PHy8_T19vf4-fr7_P3-_w");
        assert_eq!("8PHy8_T19vf4-fr7_P3-_w".parse(), Ok(Uuid::new(bytes)));
        assert_eq!(Uuid::ZERO.to_string(), "A".repeat(22));
        assert_eq!(format!("{:?}", Uuid::METADATA_TOPIC), "Uuid(AAAAAAAAAAAAAAAAAAAAAQ)");
    }

    #[test]
    fn other_text_is_no_id() {
        for text in [
            "",
            "8PHy8_T19vf4-fr7_P3-_",
            "8PHy8_T19vf4-fr7_P3-_wA",
            "8PHy8_T19vf4-fr7_P3-_w==",
            "8PHy8/T19vf4+fr7/P3+/w",
            "8PHy8_T19vf4-fr7_P3-_x",
            "8PHy8_T19vf4-fr7_P3- w",
            "f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff",
            "řřřřřřřřřřř",
        ] {
            assert_eq!(text.parse::<Uuid>(), Err(InvalidUuid), "{text:?}");
        }
    }

    #[test]
    fn random_ids_are_of_version_4_differ_and_do_not_look_like_an_option() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1000 {
            let id = Uuid::random().unwrap();
            assert!(!id.to_string().starts_with('-'));
            assert_eq!(id.to_bytes()[6] >> 4, 4);
            assert_eq!(id.to_bytes()[8] >> 6, 0b10);
            assert!(seen.insert(id));
        }
    }

    proptest::proptest! {
        #[test]
        fn every_id_is_read_back(bytes: [u8; 16]) {
            let id = Uuid::new(bytes);
            proptest::prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn what_is_an_id_is_written_exactly_so(text in "[A-Za-z0-9_=-]{20,24}|\\PC{0,30}") {
            if let Ok(id) = text.parse::<Uuid>() {
                proptest::prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
