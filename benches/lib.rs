//! The benches of ottla live beside this file, one per structure or path; this library is empty.
