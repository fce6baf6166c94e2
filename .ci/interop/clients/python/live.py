"""One idempotent producer that outlives the servers: BOOTSTRAP TOPIC OUT; each line of standard input, `send COUNT SEED`, sends and
waits for the acknowledgements, which go to OUT as in ../README.md; the answer is `sent FIRST LAST` or `failed REASON`."""

import sys

from confluent_kafka import Producer

from records import generate, line

TIMEOUT_SECONDS = 40


def send(producer, topic, out, count, seed):
    acknowledged, errors = [], []

    def on_delivery(error, message, record):
        if error is not None:
            errors.append(error.str())
        else:
            acknowledged.append((message.offset(), message.timestamp()[1], *record))

    for _, key, value, headers in generate(count, seed):
        record = (key, value, headers)
        producer.produce(
            topic,
            value=value,
            key=key,
            partition=0,
            headers=headers,
            on_delivery=lambda error, message, record=record: on_delivery(error, message, record),
        )
    left = producer.flush(TIMEOUT_SECONDS)
    for offset, timestamp_ms, key, value, headers in acknowledged:
        out.write(line(offset, "create", timestamp_ms, key, value, headers))
    out.flush()
    if left or errors:
        return f"failed: {left} unanswered, {len(errors)} refused {errors[:1]}"
    return f"sent {acknowledged[0][0]} {acknowledged[-1][0]}"


def main(bootstrap, topic, path):
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "linger.ms": 5,
            "batch.num.messages": 10,
            "delivery.timeout.ms": TIMEOUT_SECONDS * 1000,
            "reconnect.backoff.max.ms": 500,
        }
    )
    with open(path, "a", encoding="utf-8") as out:
        for command in sys.stdin:
            _, count, seed = command.split()
            print(send(producer, topic, out, int(count), int(seed)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
