/// Is told how far long work has come.
pub trait Progress {
    /// So many bytes there are, as far as is known when the work begins.
    fn begin(&mut self, total_bytes: u64);

    /// So many more bytes were looked at.
    fn advance(&mut self, bytes: u64);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _total_bytes: u64) {}

    fn advance(&mut self, _bytes: u64) {}
}
