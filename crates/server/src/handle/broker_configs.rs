//! The settings of this broker under Kafka's names. They are given when the server is started, and only
//! shown here.

use std::collections::BTreeMap;
use std::time::Duration;

use ottla::settings;

use crate::broker::Broker;
use crate::handle::config::{Config, broker_synonyms, config_type, source, type_of};

/// All that a client may want to know, in the order of their names.
pub(super) fn broker_configs(broker: &Broker) -> Vec<Config> {
    let mut configs = topic_defaults(broker);
    configs.extend(own(broker));
    configs.sort_unstable_by_key(|config| config.name);
    configs.dedup_by_key(|config| config.name);
    configs
}

/// What topics have that set nothing of their own.
fn topic_defaults(broker: &Broker) -> Vec<Config> {
    let values = settings::describe(broker.store.defaults(), &BTreeMap::new());
    let named = values.into_iter().filter(|value| !value.setting.broker_name.is_empty());
    let config = |value: settings::SettingValue| {
        let setting = value.setting;
        config(setting.broker_name, type_of(setting.kind), value.value, setting.default, setting.doc)
    };
    named.map(config).collect()
}

fn own(broker: &Broker) -> Vec<Config> {
    use config_type::{BOOLEAN, INT, LONG, STRING};
    let server = &broker.config;
    let limits = &server.limits;
    let listener = |host: &str, port: i32| format!("PLAINTEXT://{host}:{port}");
    let listens = broker.local_addr;
    let advertised = broker.endpoint(listens);
    let ms = |duration: Duration| duration.as_millis().to_string();
    vec![
        config(
            "advertised.listeners",
            STRING,
            listener(&advertised.host, advertised.port),
            "",
            "Where clients are told to connect.",
        ),
        config(
            "auto.create.topics.enable",
            BOOLEAN,
            server.auto_create_topics.to_string(),
            "true",
            "Whether a topic that a client names comes to exist.",
        ),
        config(
            "connections.max.idle.ms",
            LONG,
            ms(limits.idle_time),
            "600000",
            "How long a connection may be silent.",
        ),
        config(
            "default.replication.factor",
            INT,
            "1".to_owned(),
            "1",
            "The replicas of a partition: there is one broker.",
        ),
        config(
            "fetch.max.bytes",
            INT,
            server.fetch_max_bytes.to_string(),
            "57671680",
            "The bytes of one fetch response.",
        ),
        config(
            "listeners",
            STRING,
            listener(&listens.ip().to_string(), i32::from(listens.port())),
            "PLAINTEXT://:9092",
            "Where the server listens.",
        ),
        config("log.dirs", STRING, server.data_dir.display().to_string(), "", "The data directory."),
        config(
            "max.connections.per.ip",
            INT,
            limits.connections_per_ip.to_string(),
            "2147483647",
            "Connections of one address at once.",
        ),
        config("node.id", INT, broker.store.node_id().to_string(), "", "The id of this broker."),
        config(
            "num.partitions",
            INT,
            server.default_partitions.to_string(),
            "1",
            "The partitions of a topic for which no number is given.",
        ),
        config(
            "queued.max.request.bytes",
            LONG,
            limits.in_flight_bytes.to_string(),
            "-1",
            "Memory for requests that are being received and handled.",
        ),
        config(
            "socket.request.max.bytes",
            INT,
            limits.frame_bytes.to_string(),
            "104857600",
            "The size of one request.",
        ),
    ]
}

fn config(
    name: &'static str,
    config_type: i8,
    value: String,
    default: &'static str,
    doc: &'static str,
) -> Config {
    Config {
        name,
        source: if value == default { source::DEFAULT } else { source::STATIC_BROKER },
        config_type,
        read_only: true,
        doc,
        synonyms: broker_synonyms(name, &value, default),
        value,
    }
}
