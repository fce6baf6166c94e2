#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla_testkit::fuzz::time_index(data));
