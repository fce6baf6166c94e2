use ottla::producer::Marker;
use ottla_record::Head;

/// One whole batch, as the checks are shown it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Where it begins in its segment.
    pub position: u64,
    /// Its head.
    pub head: &'a Head,
    /// The marker that it holds, where it is a control batch that holds one.
    pub marker: Option<Marker>,
}
