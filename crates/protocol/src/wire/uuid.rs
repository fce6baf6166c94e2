//! Topic ids.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The id of a topic, printed as Kafka prints it: 22 characters of URL-safe base64 without padding
/// (`org.apache.kafka.common.Uuid`).
///
/// ```
/// use ottla_protocol::Uuid;
/// let id: Uuid = "q83vASNFZ4mrze8BI0VniQ".parse().unwrap();
/// assert_eq!(id.as_bytes()[..4], [0xab, 0xcd, 0xef, 0x01]);
/// assert_eq!(id.to_string(), "q83vASNFZ4mrze8BI0VniQ");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// The id that stands for "no id".
    pub const ZERO: Uuid = Uuid([0; 16]);

    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Uuid {
        Uuid(bytes)
    }

    /// The bytes, as they stand on the wire.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether this is [`Uuid::ZERO`].
    pub fn is_zero(&self) -> bool {
        *self == Uuid::ZERO
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for sextet in 0..22_u32 {
            // 22 sextets hold 132 bits: the last one is filled up with four zero bits.
            let value = match 122_u32.checked_sub(sextet * 6) {
                Some(shift) => bits >> shift,
                None => bits << 4,
            };
            let character = ALPHABET.get((value & 0x3f) as usize).copied().unwrap_or(b'A');
            fmt::Write::write_char(f, char::from(character))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a [`Uuid`] as Kafka prints it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a topic id is 22 characters of URL-safe base64, not {text:?}")]
pub struct ParseUuidError {
    /// What was to be an id.
    pub text: String,
}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(text: &str) -> Result<Uuid, ParseUuidError> {
        let error = || ParseUuidError { text: text.chars().take(64).collect() };
        // Kafka writes no padding but reads it.
        let characters = text.strip_suffix("==").unwrap_or(text).as_bytes();
        if characters.len() != 22 {
            return Err(error());
        }
        let mut bits: u128 = 0;
        for (sextet, character) in characters.iter().enumerate() {
            let value = ALPHABET.iter().position(|known| known == character).ok_or_else(error)?;
            if sextet < 21 {
                bits = (bits << 6) | value as u128;
            } else if value & 0x0f == 0 {
                bits = (bits << 2) | (value as u128 >> 4);
            } else {
                return Err(error());
            }
        }
        Ok(Uuid(bits.to_be_bytes()))
    }
}
