//! Values out of random bytes, so that what fails shrinks to little.

use bytes::Bytes;
use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::StrBytes;
use ottla_protocol::ErrorCode;
use proptest::prelude::*;
use uuid::Uuid;

/// Turns bytes into values; when they run out every value is its smallest.
pub struct Gen<'b> {
    bytes: std::slice::Iter<'b, u8>,
}

/// What a [`Gen`] is fed with.
pub fn entropy() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..1_024)
}

/// Bytes that fill every list and every optional field, the same in every run.
pub fn rich_entropy(salt: u64) -> Vec<u8> {
    let mut state = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(4_096).collect()
}

impl<'b> Gen<'b> {
    pub fn new(bytes: &'b [u8]) -> Gen<'b> {
        Gen { bytes: bytes.iter() }
    }

    pub fn u8(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    pub fn bool(&mut self) -> bool {
        self.u8() & 1 == 1
    }

    pub fn i8(&mut self) -> i8 {
        self.u8().cast_signed()
    }

    pub fn i16(&mut self) -> i16 {
        match self.u8() % 6 {
            0 => 0,
            1 => -1,
            2 => i16::MAX,
            3 => i16::MIN,
            _ => i16::from_be_bytes([self.u8(), self.u8()]),
        }
    }

    pub fn i32(&mut self) -> i32 {
        match self.u8() % 6 {
            0 => 0,
            1 => -1,
            2 => i32::MAX,
            3 => i32::MIN,
            _ => i32::from_be_bytes([self.u8(), self.u8(), self.u8(), self.u8()]),
        }
    }

    pub fn i64(&mut self) -> i64 {
        match self.u8() % 6 {
            0 => 0,
            1 => -1,
            2 => i64::MAX,
            3 => i64::MIN,
            _ => i64::from(self.i32()) << 16 | i64::from(self.i16()),
        }
    }

    pub fn uuid(&mut self) -> Uuid {
        if self.bool() { Uuid::from_bytes(std::array::from_fn(|_| self.u8())) } else { Uuid::nil() }
    }

    pub fn error_code(&mut self) -> i16 {
        let index = usize::from(self.u8()) % ErrorCode::ALL.len();
        ErrorCode::ALL[(index + 1) % ErrorCode::ALL.len()].code()
    }

    pub fn string(&mut self) -> StrBytes {
        match self.u8() % 6 {
            0 => StrBytes::new(),
            1 => StrBytes::from_static_str("příběh"),
            // Two bytes of length in the compact form.
            2 => StrBytes::from_string("k".repeat(126 + usize::from(self.u8() % 4))),
            _ => {
                let characters = std::iter::repeat_with(|| char::from(b'a' + self.u8() % 26));
                let length = 5;
                StrBytes::from_string(characters.take(length).collect())
            }
        }
    }

    pub fn topic(&mut self) -> TopicName {
        TopicName(self.string())
    }

    pub fn bytes(&mut self) -> Bytes {
        let length = match self.u8() % 4 {
            0 => 0,
            1 => 200,
            _ => usize::from(self.u8()) % 16,
        };
        std::iter::repeat_with(|| self.u8()).take(length).collect()
    }

    pub fn option<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.bool().then(|| value(self))
    }

    pub fn vec<T>(&mut self, mut element: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = usize::from(self.u8() % 4);
        (0..count).map(|_| element(self)).collect()
    }

    /// A value where this version has the field, else the default.
    pub fn when<T>(&mut self, has: bool, value: impl FnOnce(&mut Self) -> T, default: T) -> T {
        if has { value(self) } else { default }
    }
}
