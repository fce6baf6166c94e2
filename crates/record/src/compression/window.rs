/// A buffer that is filled at its end and emptied from its start.
///
/// All of `bytes` is initialised, so that growing zeroes each byte once and reuse costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Window {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Growing ahead of need stops here.
    most: usize,
}

/// The buffer is as large as so many of these. Under Miri each byte that is made zero takes long.
const STEP_BYTES: usize = if cfg!(miri) { 256 } else { 64 * 1024 };

impl Window {
    /// Empties the window for contents of up to `most` bytes.
    pub(crate) fn begin(&mut self, most: usize) {
        self.clear();
        self.most = most;
    }

    /// What has been put in and not been consumed.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Drops the first `count` filled bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        if self.start == self.end {
            self.clear();
        }
    }

    /// Drops all filled bytes.
    pub(crate) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Room for exactly `len` bytes after the filled ones; [`Window::fill`] says how many were put there.
    pub(crate) fn spare(&mut self, len: usize) -> &mut [u8] {
        if self.bytes.len() - self.end < len && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let wanted = self.end.saturating_add(len);
        if self.bytes.len() < wanted {
            self.grow(wanted);
        }
        self.bytes.get_mut(self.end..wanted).unwrap_or_default()
    }

    /// Doubles the buffer, but not beyond the bound unless as much is wanted.
    fn grow(&mut self, wanted: usize) {
        let doubled = self.bytes.len().saturating_mul(2).min(self.most);
        let len = wanted.max(doubled).checked_next_multiple_of(STEP_BYTES).unwrap_or(wanted);
        self.bytes.reserve_exact(len - self.bytes.len());
        self.bytes.resize(len, 0);
    }

    /// Marks the first `count` spare bytes as filled.
    pub(crate) fn fill(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.bytes.len());
    }

    /// The filled bytes as their own vector.
    pub(crate) fn into_vec(mut self) -> Vec<u8> {
        self.bytes.truncate(self.end);
        self.bytes.drain(..self.start);
        self.bytes.shrink_to_fit();
        self.bytes
    }

    /// Forgets the contents and, where the buffer is larger than `retained_bytes`, gives it back.
    pub(crate) fn trim(&mut self, retained_bytes: usize) {
        self.clear();
        if self.bytes.len() > retained_bytes {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(window: &mut Window, bytes: &[u8]) {
        window.spare(bytes.len()).copy_from_slice(bytes);
        window.fill(bytes.len());
    }

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let mut window = Window::default();
        put(&mut window, b"abc");
        put(&mut window, b"defg");
        assert_eq!(window.filled(), b"abcdefg");
        window.consume(2);
        put(&mut window, b"hijklmnop");
        assert_eq!(window.filled(), b"cdefghijklmnop");
        window.consume(3);
        assert_eq!(window.into_vec(), b"fghijklmnop");
    }

    #[test]
    fn only_what_was_filled_counts() {
        let mut window = Window::default();
        window.spare(10)[..2].copy_from_slice(b"xy");
        window.fill(2);
        assert_eq!(window.filled(), b"xy");
        window.consume(5);
        assert_eq!(window.filled(), b"");
    }

    #[test]
    fn the_buffer_is_reused_from_its_start_before_it_grows() {
        let mut window = Window::default();
        put(&mut window, &[1; 64]);
        for round in 0..if cfg!(miri) { 100 } else { 10_000u16 } {
            window.consume(32);
            put(&mut window, &[round as u8; 32]);
        }
        assert_eq!(window.filled().len(), 64);
        assert_eq!(window.bytes.len(), STEP_BYTES);
    }

    #[test]
    fn the_buffer_doubles_up_to_its_bound() {
        let mut window = Window::default();
        window.begin(5 * STEP_BYTES);
        let mut lens = Vec::new();
        for _ in 0..6 {
            window.spare(STEP_BYTES);
            window.fill(STEP_BYTES);
            lens.push(window.bytes.len() / STEP_BYTES);
        }
        assert_eq!(lens, [1, 2, 4, 4, 5, 6]);
    }

    #[test]
    fn trimming_gives_back_only_a_large_buffer() {
        let mut window = Window::default();
        put(&mut window, &[1; 100]);
        window.trim(STEP_BYTES);
        assert_eq!((window.filled(), window.bytes.len()), (&[][..], STEP_BYTES));
        window.trim(STEP_BYTES - 1);
        assert_eq!(window.bytes.capacity(), 0);
    }
}
