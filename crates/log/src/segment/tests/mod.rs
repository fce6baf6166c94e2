//! Pieces of a segment on schedules that a test chooses; `tests/schedules` has the whole.

mod growing_index;
