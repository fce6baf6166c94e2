"""The matrix client on kafka-python; the verbs are described in ../README.md."""

import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

from records import generate, line, main

TIMEOUT_SECONDS = 30
TIMESTAMP_TYPES = {0: "create", 1: "append"}


def create_if_missing(bootstrap, topic, partitions):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    config = {"retention.ms": "-1", "segment.bytes": "1048576"}
    try:
        admin.create_topics([NewTopic(topic, partitions, -1, topic_configs=config)], timeout_ms=TIMEOUT_SECONDS * 1000)
    except TopicAlreadyExistsError:
        pass
    finally:
        admin.close()


def produce(bootstrap, files, topic, partitions, codec, count, seed):
    """Idempotent, as the library is by default; writes down what the server acknowledged."""
    create_if_missing(bootstrap, topic, partitions)
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        compression_type=None if codec == "none" else codec,
        linger_ms=20,
        delivery_timeout_ms=TIMEOUT_SECONDS * 1000,
        request_timeout_ms=10_000,
    )
    partitions = len(producer.partitions_for(topic))
    sent = []
    for index, (timestamp_ms, key, value, headers) in enumerate(generate(count, seed)):
        # What this library refuses to send: a header without a value, a record with neither key nor value.
        headers = [(name, data or b"") for name, data in headers]
        if key is None and value is None:
            key = b""
        future = producer.send(
            topic, value=value, key=key, headers=headers, partition=index % partitions, timestamp_ms=timestamp_ms
        )
        sent.append((future, timestamp_ms, key, value, headers))
    producer.flush(TIMEOUT_SECONDS)
    for future, timestamp_ms, key, value, headers in sent:
        answer = future.get(timeout=TIMEOUT_SECONDS)
        files.append(topic, answer.partition, line(answer.offset, "create", timestamp_ms, key, value, headers))
    producer.close()


def consume(bootstrap, files, topics):
    """From the first offset to the end as it was at the start, by assigned partitions: no group anywhere."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="none", max_partition_fetch_bytes=65_536
    )
    partitions = [TopicPartition(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        ends = {partition: end for partition, end in ends.items() if consumer.position(partition) < end}
        if not ends:
            break
        if time.monotonic() > deadline:
            raise SystemExit(f"the end was not reached in time; still missing: {ends}")
        for records in consumer.poll(timeout_ms=200).values():
            for record in records:
                files.append(
                    record.topic,
                    record.partition,
                    line(
                        record.offset,
                        TIMESTAMP_TYPES.get(record.timestamp_type, "none"),
                        record.timestamp,
                        record.key,
                        record.value,
                        record.headers,
                    ),
                )
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1:], produce, consume)
