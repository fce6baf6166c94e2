"""What a server says and serves, read with librdkafka."""

import time

from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import ConfigResource, ConfigSource, OffsetSpec, ResourceType

from records import line

TIMEOUT_SECONDS = 30
TIMESTAMP_TYPES = {TIMESTAMP_CREATE_TIME: "create", TIMESTAMP_LOG_APPEND_TIME: "append"}


def topics_of(admin):
    """name → id, number of partitions, settings of its own; without Kafka's own topics."""
    names = [name for name in admin.list_topics(timeout=TIMEOUT_SECONDS).topics if not name.startswith("__")]
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    configs = {
        resource.name: {
            name: entry.value
            for name, entry in asked.result().items()
            if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        }
        for resource, asked in admin.describe_configs(resources, request_timeout=TIMEOUT_SECONDS).items()
    }
    described = admin.describe_topics(TopicCollection(names), request_timeout=TIMEOUT_SECONDS)
    return {
        name: {
            "id": str(asked.result().topic_id),
            "partitions": len(asked.result().partitions),
            "config": configs[name],
        }
        for name, asked in described.items()
    }


def bounds(admin, partitions):
    """partition → log start, log end, last stable offset."""
    ask = [TopicPartition(kept["topic"], kept["partition"]) for kept in partitions.values()]

    def offsets(spec, isolation):
        asked = admin.list_offsets({at: spec for at in ask}, isolation_level=isolation, request_timeout=TIMEOUT_SECONDS)
        return {f"{at.topic}-{at.partition}": answer.result().offset for at, answer in asked.items()}

    starts = offsets(OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED)
    ends = offsets(OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED)
    stable = offsets(OffsetSpec.latest(), IsolationLevel.READ_COMMITTED)
    return {at: (starts[at], ends[at], stable[at]) for at in partitions}


def read_all(bootstrap, partitions, isolation):
    """partition → [(offset, key in hex, line)], from the first offset to the end, by assignment and without a group."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "never-joined",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "check.crcs": True,
            "isolation.level": isolation,
            "fetch.wait.max.ms": 10,
        }
    )
    came = {at: [] for at in partitions}
    missing = {(kept["topic"], kept["partition"]) for kept in partitions.values()}
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in missing])
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while missing:
        if time.monotonic() > deadline:
            raise SystemExit(f"the end was not reached in {TIMEOUT_SECONDS} s; still missing: {sorted(missing)}")
        for message in consumer.consume(1000, timeout=0.05):
            error = message.error()
            if error is None:
                timestamp_type, timestamp_ms = message.timestamp()
                text = line(
                    message.offset(),
                    TIMESTAMP_TYPES.get(timestamp_type, "none"),
                    timestamp_ms if timestamp_type else -1,
                    message.key(),
                    message.value(),
                    message.headers() or [],
                )
                key = None if message.key() is None else message.key().hex()
                came[f"{message.topic()}-{message.partition()}"].append((message.offset(), key, text))
            elif error.code() == KafkaError._PARTITION_EOF:
                missing.discard((message.topic(), message.partition()))
            else:
                raise KafkaException(error)
    consumer.close()
    return came
