//! The table of APIs against the oracle's.

use std::collections::BTreeSet;

use kafka_protocol::messages as oracle;
use ottla_protocol::{API_TABLE, ApiKey, ErrorCode, UnknownApiKey};

use crate::oracle::{Oracle, Visit, api_key, each_message};

#[test]
fn versions_and_flexibility_are_those_of_the_oracle() {
    for api in API_TABLE {
        let theirs = oracle::ApiKey::try_from(api.key.code()).unwrap();
        assert_eq!(format!("{theirs:?}"), api.key.name());
        let range = theirs.valid_versions();
        assert_eq!(range.min, api.min_version, "{}", api.key);
        for version in range.min..=range.max.min(api.max_version) {
            let name = api.key;
            assert_eq!(theirs.request_header_version(version), name.request_header_version(version));
            assert_eq!(theirs.response_header_version(version), name.response_header_version(version));
        }
    }
}

/// The oracle is older than Kafka 4.3 and 4.4 by two versions, and has one that Kafka calls unstable.
#[test]
fn newest_versions_are_those_of_kafka() {
    for api in API_TABLE {
        let theirs = oracle::ApiKey::try_from(api.key.code()).unwrap().valid_versions().max;
        let newer = match api.key {
            ApiKey::ListOffsets | ApiKey::ApiVersions => 1,
            ApiKey::InitProducerId => -1,
            _ => 0,
        };
        assert_eq!(theirs + newer, api.max_version, "{}", api.key);
    }
}

#[test]
fn every_api_is_tested_in_both_directions() {
    struct Seen(BTreeSet<(ApiKey, bool)>);
    impl Visit for Seen {
        fn visit<O: Oracle>(&mut self, name: &str, is_request: bool) {
            assert!(name.starts_with(api_key::<O>().name()));
            assert!(self.0.insert((api_key::<O>(), is_request)));
        }
    }
    let mut seen = Seen(BTreeSet::new());
    each_message(&mut seen);
    assert_eq!(seen.0.len(), 2 * API_TABLE.len());
}

#[test]
fn keys_ascend_and_convert_both_ways() {
    assert!(API_TABLE.is_sorted_by_key(|api| api.key.code()));
    for api in API_TABLE {
        assert_eq!(ApiKey::try_from(api.key.code()), Ok(api.key));
        assert_eq!(api.key.api(), *api);
    }
    for unknown in [-1, 4, 8, i16::MAX, i16::MIN] {
        assert_eq!(ApiKey::try_from(unknown), Err(UnknownApiKey(unknown)));
    }
}

#[test]
fn produce_is_advertised_from_version_0_and_spoken_from_3() {
    assert_eq!(ApiKey::Produce.advertised_min_version(), 0);
    assert!(!ApiKey::Produce.supports(2));
    assert!(ApiKey::Produce.supports(3));
    assert_eq!(ApiKey::Fetch.advertised_min_version(), 4);
}

#[test]
fn error_codes_are_those_of_the_oracle() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from(code.code()), *code);
        let upper: String = code.name().split('_').map(capitalised).collect();
        if let Some(theirs) = kafka_protocol::ResponseError::try_from_code(code.code()) {
            let theirs = format!("{theirs:?}");
            // The oracle keeps a number for what it does not know.
            assert!(theirs == upper || theirs.starts_with("Unknown("), "{theirs} {upper}");
        }
    }
    assert_eq!(ErrorCode::from(32_000), ErrorCode::UnknownServerError);
    assert_eq!(ErrorCode::from(-2), ErrorCode::UnknownServerError);
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_owned() + &rest.to_lowercase()
}
