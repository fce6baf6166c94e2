//! Broker settings by Kafka's names.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Result, bail};
use ottla_server::ServerConfig;

/// One `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    name: String,
    value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Setting, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok(Setting { name: name.trim().to_owned(), value: value.trim().to_owned() })
            }
            _ => Err("give NAME=VALUE, as in num.partitions=3".to_owned()),
        }
    }
}

/// The settings that are the server's own; all others are defaults for topics.
const OWN: [&str; 15] = [
    "auto.create.topics.enable",
    "connections.max.idle.ms",
    "fetch.max.bytes",
    "log.cleaner.backoff.ms",
    "log.cleaner.dedupe.buffer.size",
    "log.cleaner.enable",
    "log.cleaner.io.buffer.size",
    "log.retention.check.interval.ms",
    "log.scrub.bytes.per.second",
    "max.connections",
    "max.connections.per.ip",
    "node.id",
    "num.partitions",
    "queued.max.request.bytes",
    "socket.request.max.bytes",
];

/// Puts a setting into force.
///
/// # Errors
/// Where there is no such setting, or the value is none that it takes.
pub fn apply(config: &mut ServerConfig, setting: &Setting) -> Result<()> {
    let Setting { name, value } = setting;
    let limits = &mut config.limits;
    match name.as_str() {
        "auto.create.topics.enable" => config.auto_create_topics = parse(setting, |_: &bool| true)?,
        "num.partitions" => config.default_partitions = parse(setting, |n: &i32| *n >= 1)?,
        "node.id" => config.node_id = parse(setting, |n: &i32| *n >= 0)?,
        "fetch.max.bytes" => config.fetch_max_bytes = parse(setting, |n: &usize| *n >= 1024)?,
        "max.connections" => limits.connections = Some(parse(setting, |n: &usize| *n >= 1)?),
        "max.connections.per.ip" => limits.connections_per_ip = parse(setting, |n: &usize| *n >= 1)?,
        "socket.request.max.bytes" => limits.frame_bytes = parse(setting, |n: &usize| *n >= 1024)?,
        "queued.max.request.bytes" => limits.in_flight_bytes = parse(setting, |n: &usize| *n >= 1024)?,
        "connections.max.idle.ms" => limits.idle_time = milliseconds(setting)?,
        "log.cleaner.enable" => config.cleaner_enabled = parse(setting, |_: &bool| true)?,
        "log.cleaner.backoff.ms" => config.cleaner_backoff = milliseconds(setting)?,
        "log.cleaner.dedupe.buffer.size" => config.cleaner.dedupe_buffer_bytes = parse(setting, |_| true)?,
        "log.cleaner.io.buffer.size" => config.cleaner.io_buffer_bytes = parse(setting, |_| true)?,
        "log.scrub.bytes.per.second" => {
            config.scrub_bytes_per_second = Some(parse(setting, |bytes: &u64| *bytes > 0)?);
        }
        "log.retention.check.interval.ms" => config.housekeeping_interval = milliseconds(setting)?,
        _ => {
            if !ottla::settings::from_broker(&mut config.log, name, value)? {
                bail!(
                    "there is no broker setting {name:?} here; there are {}, and those of topics, such as log.retention.ms or log.segment.bytes",
                    OWN.join(", ")
                );
            }
        }
    }
    Ok(())
}

fn milliseconds(setting: &Setting) -> Result<Duration> {
    Ok(Duration::from_millis(parse(setting, |n: &u64| *n >= 1)?))
}

fn parse<T: FromStr>(setting: &Setting, is_valid: impl Fn(&T) -> bool) -> Result<T> {
    match setting.value.parse().ok().filter(is_valid) {
        Some(value) => Ok(value),
        None => bail!("{} does not take {:?}", setting.name, setting.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Result<ServerConfig> {
        let mut config = ServerConfig::new("data");
        apply(&mut config, &text.parse().map_err(anyhow::Error::msg)?)?;
        Ok(config)
    }

    #[test]
    fn settings_of_the_broker_and_defaults_of_topics_are_taken() {
        assert!(!set("auto.create.topics.enable=false").unwrap().auto_create_topics);
        assert_eq!(set("num.partitions = 3").unwrap().default_partitions, 3);
        assert_eq!(set("log.segment.bytes=1048576").unwrap().log.segment_bytes, 1 << 20);
        assert_eq!(set("log.retention.hours=-1").unwrap().log.retention_ms, None);
        assert_eq!(set("max.connections.per.ip=7").unwrap().limits.connections_per_ip, 7);
    }

    #[test]
    fn every_own_setting_is_known() {
        for name in OWN {
            let value = if name.ends_with(".enable") { "true" } else { "2048" };
            assert!(set(&format!("{name}={value}")).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_is_no_setting_is_told() {
        for text in ["num.partitions", "num.partitions=0", "num.partitions=x", "num.io.threads=3", "=3"] {
            assert!(set(text).is_err(), "{text}");
        }
    }
}
