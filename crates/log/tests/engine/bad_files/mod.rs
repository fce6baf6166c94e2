//! A directory with bad files in it, one kind after the other, opened after a clean stop and after a crash.
//! Nothing panics, every record that should be there is read back, an error names its file and says what to
//! do, and the second open shows what the first did.
//!
//! | file | what is bad |
//! | --- | --- |
//! | [`indexes`] | what is derived from the log: indexes and producers' snapshots |
//! | [`tail`] | the last batch |
//! | [`segments`] | segments that are missing, damaged, overlapping or wrongly named |
//! | [`small_files`] | the text files of the data directory and of the partition |
//! | [`any`] | several files at once, in any way |
//! | [`identity`] | what says whose the directory is, and which topics are in it |
//! | [`names`] | files and directories that nobody knows, and what was left half done |

mod any;
mod identity;
mod indexes;
mod names;
mod scene;
mod segments;
mod small_files;
mod tail;
