"""A producer that outlives the server, on librdkafka: see "What the kills assert" in ../../README.md.

create BOOTSTRAP TOPIC PARTITIONS              makes the topic
send BOOTSTRAP OUT NAME ACKS TOPIC PARTITIONS PER_SECOND
"""

import os
import sys
import time

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

TIMEOUT_SECONDS = 60


def create(bootstrap, topic, partitions):
    """Every two seconds a segment is full, so that kills meet rolls too."""
    config = {"retention.ms": "-1", "segment.bytes": "1048576", "segment.ms": "2000"}
    admin = AdminClient({"bootstrap.servers": bootstrap})
    created = admin.create_topics([NewTopic(topic, int(partitions), config=config)], operation_timeout=TIMEOUT_SECONDS)
    created[topic].result()


def settings(acks):
    """With acks=1 nobody can be idempotent; nothing is doubled or out of order where nothing is sent twice."""
    if acks == "all":
        return {"enable.idempotence": True, "message.timeout.ms": 0}
    return {"acks": acks, "retries": 0, "max.in.flight.requests.per.connection": 1}


def send(bootstrap, out, name, acks, topic, partitions, per_second):
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 5,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200,
            "retry.backoff.ms": 20,
            "retry.backoff.max.ms": 200,
            "topic.metadata.refresh.fast.interval.ms": 50,
            "log_level": 0,
            **settings(acks),
        }
    )
    partitions, per_second = int(partitions), int(per_second)
    failed, number, began = 0, 0, time.monotonic()
    with open(os.path.join(out, name), "w", encoding="ascii", buffering=1) as acknowledged:

        def on_delivery(error, message, number):
            nonlocal failed
            if error is None:
                acknowledged.write(f"{number} {message.partition()} {message.offset()}\n")
            else:
                failed += 1

        while not os.path.exists(os.path.join(out, "stop")):
            if number < (time.monotonic() - began) * per_second and len(producer) < 20_000:
                value = f"{name} {number} " + "x" * (number % 600)
                producer.produce(
                    topic,
                    value=value,
                    partition=number % partitions,
                    on_delivery=lambda error, message, number=number: on_delivery(error, message, number),
                )
                number += 1
                producer.poll(0)
            else:
                producer.poll(0.005)
        left = producer.flush(TIMEOUT_SECONDS)
        acknowledged.write(f"sent {number} failed {failed} left {left}\n")


if __name__ == "__main__":
    try:
        {"create": create, "send": send}[sys.argv[1]](*sys.argv[2:])
    except KafkaException as error:
        raise SystemExit(f"{sys.argv[1]}: {error}") from error
