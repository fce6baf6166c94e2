//! The lists of requests, which are views.

use std::fmt;

use crate::wire::{Decode, Encode, Reader, Writer};

/// A list in a request: either still in its frame, or a slice that is to be sent.
///
/// A list from a frame was checked from end to end when the request was decoded, and its elements are read
/// again on iteration. So decoding allocates nothing, however many elements a frame holds, and a request is a
/// plain `Copy` view in both directions.
///
/// ```
/// use ottla_protocol::wire::List;
/// let list = List::from(&[1, 2, 3]);
/// assert_eq!(list.len(), 3);
/// assert_eq!(list.iter().sum::<i32>(), 6);
/// ```
pub struct List<'a, T>(Elements<'a, T>);

enum Elements<'a, T> {
    Wire { bytes: &'a [u8], count: usize, version: i16, flexible: bool },
    Slice(&'a [T]),
}

impl<'a, T> List<'a, T> {
    /// `bytes` holds exactly `count` elements that decode without an error.
    pub(super) fn from_wire(bytes: &'a [u8], count: usize, version: i16, flexible: bool) -> List<'a, T> {
        List(Elements::Wire { bytes, count, version, flexible })
    }

    /// A list without elements.
    pub const fn empty() -> List<'a, T> {
        List(Elements::Slice(&[]))
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self.0 {
            Elements::Wire { count, .. } => count,
            Elements::Slice(slice) => slice.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a, T: Decode<'a> + Copy> List<'a, T> {
    /// The elements, by value, in their order.
    pub fn iter(&self) -> Iter<'a, T> {
        match self.0 {
            Elements::Wire { bytes, count, version, flexible } => {
                Iter(Rest::Wire { reader: Reader::new(bytes, flexible), count, version })
            }
            Elements::Slice(slice) => Iter(Rest::Slice(slice.iter())),
        }
    }
}

/// The iterator over a [`List`].
#[derive(Clone, Debug)]
pub struct Iter<'a, T>(Rest<'a, T>);

#[derive(Clone, Debug)]
enum Rest<'a, T> {
    Wire { reader: Reader<'a>, count: usize, version: i16 },
    Slice(std::slice::Iter<'a, T>),
}

impl<'a, T: Decode<'a> + Copy> Iterator for Iter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            Rest::Wire { reader, count, version } => {
                *count = count.checked_sub(1)?;
                // These bytes have been decoded once: the second time cannot end differently.
                T::decode(reader, *version).ok()
            }
            Rest::Slice(slice) => slice.next().copied(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = match &self.0 {
            Rest::Wire { count, .. } => *count,
            Rest::Slice(slice) => slice.len(),
        };
        (count, Some(count))
    }
}

impl<'a, T: Decode<'a> + Copy> ExactSizeIterator for Iter<'a, T> {}

impl<'a, T: Decode<'a> + Copy> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Decode<'a> + Copy> IntoIterator for &List<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(slice: &'a [T]) -> List<'a, T> {
        List(Elements::Slice(slice))
    }
}

impl<'a, T> From<&'a Vec<T>> for List<'a, T> {
    fn from(vec: &'a Vec<T>) -> List<'a, T> {
        List(Elements::Slice(vec))
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for List<'a, T> {
    fn from(array: &'a [T; N]) -> List<'a, T> {
        List(Elements::Slice(array))
    }
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> Clone for Elements<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Elements<'_, T> {}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        List::empty()
    }
}

impl<'a, T: Decode<'a> + Copy + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Decode<'a> + Copy + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: Decode<'a> + Encode + Copy> List<'a, T> {
    pub(super) fn encode_elements(&self, writer: &mut Writer, version: i16) {
        for element in self.iter() {
            element.encode(writer, version);
        }
    }
}
