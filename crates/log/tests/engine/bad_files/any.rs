//! Several bad files at once, in any way: what is read back is still what was appended, and nothing panics.

use ottla::Offset;
use ottla::dir::FileKind;
use proptest::prelude::*;
use proptest::sample::Index;

use super::scene::{End, Scene, never_flushed, scene};
use crate::support::setting;

#[derive(Clone, Debug)]
enum Harm {
    Remove,
    Cut(Index),
    Flip(Index, u8),
    Zero(Index, u8),
    Append(Vec<u8>),
    AppendZeros(u8),
    Swap(Index),
}

fn harm() -> impl Strategy<Value = (Index, Harm)> {
    let harm = prop_oneof![
        1 => Just(Harm::Remove),
        3 => any::<Index>().prop_map(Harm::Cut),
        3 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Harm::Flip(at, 1 << bit)),
        2 => (any::<Index>(), 1..200_u8).prop_map(|(at, length)| Harm::Zero(at, length)),
        2 => prop::collection::vec(any::<u8>(), 1..80).prop_map(Harm::Append),
        2 => (1..100_u8).prop_map(Harm::AppendZeros),
        1 => any::<Index>().prop_map(Harm::Swap),
    ];
    (any::<Index>(), harm)
}

/// The files that recovery can do without, or whose damage it can see.
fn files(scene: &Scene) -> Vec<(FileKind, String)> {
    let kinds = [FileKind::Log, FileKind::Index, FileKind::TimeIndex, FileKind::Snapshot];
    let all = kinds.into_iter().flat_map(|kind| scene.files(kind).into_iter().map(move |file| (kind, file)));
    // See `the_last_time_index_is_not_believed_after_a_clean_stop_either`.
    let known = |kind, base: Offset| kind == FileKind::TimeIndex && scene.bases.last() == Some(&base);
    all.filter(|(kind, (base, _))| !known(*kind, *base)).map(|(kind, (_, path))| (kind, path)).collect()
}

fn harmed(scene: &Scene, which: &Index, harm: &Harm) -> Scene {
    let files = files(scene);
    let (kind, path) = which.get(&files);
    let mut bytes = scene.bytes(path);
    let place = |at: &Index, bytes: &[u8]| at.index(bytes.len().max(1)).min(bytes.len());
    match harm {
        Harm::Remove => return scene.without(path),
        Harm::Cut(at) => bytes.truncate(place(at, &bytes)),
        Harm::Flip(at, bits) => {
            let at = place(at, &bytes);
            // Offsets and epochs of batches lie outside every checksum.
            if let Some(byte) =
                bytes.get_mut(at).filter(|_| *kind != FileKind::Log || is_checked(scene, path, at))
            {
                *byte ^= bits;
            }
        }
        Harm::Zero(at, length) => {
            let at = place(at, &bytes);
            let end = bytes.len().min(at + usize::from(*length));
            // A batch of which only those went is whole, and behind one that is damaged nobody can tell where it was.
            let end = if *kind == FileKind::Log { before_unchecked(scene, path, end) } else { end };
            if let Some(zeroed) = bytes.get_mut(at..end) {
                zeroed.fill(0);
            }
        }
        Harm::Append(more) => bytes.extend_from_slice(more),
        Harm::AppendZeros(count) => bytes.extend(vec![0; usize::from(*count)]),
        Harm::Swap(other) => {
            let alike: Vec<_> =
                files.iter().filter(|(other, _)| other == kind).map(|(_, path)| path).collect();
            let other = *other.get(&alike);
            return scene.with(path, scene.bytes(other)).with(other, bytes);
        }
    }
    scene.with(path, bytes)
}

fn is_checked(scene: &Scene, path: &str, at: usize) -> bool {
    batch_start(scene, path, at).is_some_and(|start| at - start >= 16)
}

/// `end`, or where the batch begins of which only the unchecked beginning lies before it.
fn before_unchecked(scene: &Scene, path: &str, end: usize) -> usize {
    batch_start(scene, path, end).filter(|start| end - start <= 16).unwrap_or(end)
}

fn batch_start(scene: &Scene, path: &str, at: usize) -> Option<usize> {
    let of_path = scene.files(FileKind::Log).into_iter().find(|(_, other)| other == path);
    let batches = of_path.map(|(base, _)| scene.batches(base)).unwrap_or_default();
    batches.iter().rfind(|(position, _)| *position <= at).map(|(position, _)| *position)
}

fn scenes() -> impl Strategy<Value = Scene> {
    (0..3_u8).prop_map(|number| match number {
        0 => scene(End::Closed),
        1 => scene(End::Killed),
        _ => never_flushed(),
    })
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "segments {:?}, recovery point {}", self.bases, self.recovery_point)
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: u32::try_from(setting("OTTLA_CASES", 300)).unwrap(),
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_read_back_is_what_was_appended(
        scene in scenes(),
        harms in prop::collection::vec(harm(), 1..4),
    ) {
        let bad = harms.iter().fold(scene, |scene, (which, harm)| harmed(&scene, which, harm));
        bad.opens_with_nothing_wrong(&format!("{harms:?}"));
    }
}
