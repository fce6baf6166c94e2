//! What was found: for a terminal, for a program, and as a page.

mod figures;
pub mod html;
pub mod json;
mod plot;
pub mod text;
