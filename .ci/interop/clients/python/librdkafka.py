"""The matrix client on librdkafka, through confluent-kafka; the verbs are described in ../README.md."""

import sys
import time

from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from records import generate, line, main

TIMEOUT_SECONDS = 30
TIMESTAMP_TYPES = {TIMESTAMP_CREATE_TIME: "create", TIMESTAMP_LOG_APPEND_TIME: "append"}


def create_if_missing(bootstrap, topic, partitions):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    config = {"retention.ms": "-1", "segment.bytes": "1048576"}
    created = admin.create_topics([NewTopic(topic, partitions, config=config)], operation_timeout=TIMEOUT_SECONDS)
    try:
        created[topic].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def partitions_of(producer, topic):
    """A broker may answer the creation of a topic a moment before its metadata has it."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if partitions := len(producer.list_topics(topic, timeout=TIMEOUT_SECONDS).topics[topic].partitions):
            return partitions
        time.sleep(0.05)
    raise SystemExit(f"{topic}: its partitions did not appear")


def produce(bootstrap, files, topic, partitions, codec, count, seed):
    """Idempotent by request (the library is not by default); writes down what the server acknowledged."""
    create_if_missing(bootstrap, topic, partitions)
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.type": codec,
            "linger.ms": 20,
            "batch.num.messages": 200,
            "enable.idempotence": True,
            "delivery.timeout.ms": TIMEOUT_SECONDS * 1000,
        }
    )
    partitions = partitions_of(producer, topic)
    acknowledged = []

    def on_delivery(error, message, record):
        if error is not None:
            raise KafkaException(error)
        acknowledged.append((message.partition(), message.offset(), record))

    for index, record in enumerate(generate(count, seed)):
        timestamp_ms, key, value, headers = record
        producer.produce(
            topic,
            value=value,
            key=key,
            partition=index % partitions,
            timestamp=timestamp_ms,
            headers=headers,
            on_delivery=lambda error, message, record=record: on_delivery(error, message, record),
        )
        producer.poll(0)
    left = producer.flush(TIMEOUT_SECONDS)
    if left or len(acknowledged) != count:
        raise SystemExit(f"{topic}: {len(acknowledged)} of {count} records were acknowledged, {left} are in the queue")
    for partition, offset, (timestamp_ms, key, value, headers) in sorted(acknowledged, key=lambda entry: entry[:2]):
        files.append(topic, partition, line(offset, "create", timestamp_ms, key, value, headers))


def consume(bootstrap, files, topics):
    """From the first offset to the end of each partition, by assignment; the group id is asked for but never used."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "never-joined",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "check.crcs": True,
            "max.partition.fetch.bytes": 65_536,
        }
    )
    metadata = consumer.list_topics(timeout=TIMEOUT_SECONDS)
    missing = {(topic, partition) for topic in topics for partition in metadata.topics[topic].partitions}
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in missing])
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while missing:
        if time.monotonic() > deadline:
            raise SystemExit(f"the end was not reached in time; still missing: {sorted(missing)}")
        for message in consumer.consume(500, timeout=0.2):
            error = message.error()
            if error is None:
                timestamp_type, timestamp_ms = message.timestamp()
                files.append(
                    message.topic(),
                    message.partition(),
                    line(
                        message.offset(),
                        TIMESTAMP_TYPES.get(timestamp_type, "none"),
                        timestamp_ms,
                        message.key(),
                        message.value(),
                        message.headers() or [],
                    ),
                )
            elif error.code() == KafkaError._PARTITION_EOF:
                missing.discard((message.topic(), message.partition()))
            else:
                raise KafkaException(error)
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1:], produce, consume)
