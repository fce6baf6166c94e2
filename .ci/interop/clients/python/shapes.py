"""The directory shapes, as topics of one directory, and what is written to them."""

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import NewTopic

from records import Random, line

TIMEOUT_SECONDS = 30
# Record times lead, not the clock: each burst is a segment of its own. Markers carry the server's time, which lies before all
# bursts, so that they roll nothing.
BURST_MS = 660_000
ROLLED = {
    "segment.ms": "600000",
    "index.interval.bytes": "300",
    "message.timestamp.after.max.ms": "9223372036854775807",
}
COMPACTED = {**ROLLED, "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
KEYS = 40

# name: (what it is, partitions, settings, codec)
SHAPES = {
    "plain": ("one partition, one segment", 1, {}, "none"),
    "spread": ("three partitions, many segments", 3, ROLLED, "lz4"),
    **{f"codec-{codec}": (f"{codec}, many segments", 1, ROLLED, codec) for codec in CODECS},
    "keyed": ("compacted, with tombstones", 1, COMPACTED, "none"),
    "keyed-cd": (
        "compact,delete, old segments gone",
        1,
        {**COMPACTED, "cleanup.policy": "compact,delete", "retention.ms": "3600000"},
        "zstd",
    ),
    "txn": ("committed and aborted transactions", 1, ROLLED, "lz4"),
    "open": ("an open transaction", 1, ROLLED, "none"),
    "prefix": ("a deleted prefix", 1, ROLLED, "gzip"),
    "emptied": ("all records deleted", 1, ROLLED, "zstd"),
    "append-time": ("log append time", 1, {"message.timestamp.type": "LogAppendTime"}, "snappy"),
    "settings": ("settings that change", 1, {"retention.bytes": "1000000000"}, "none"),
    "live": ("one producer through all servers", 1, {}, "none"),
    "killed": ("the server killed while it is written", 1, {}, "lz4"),
    "gone-ottla": ("deleted while ottla serves", 2, {}, "none"),
    "gone-kafka": ("deleted while Kafka serves", 2, {}, "none"),
    "reborn": ("deleted by ottla, and made again", 1, {}, "none"),
}
# Five more for the comparison of the cleaners: cleaned only where a server is told so.
CLEANED = {f"clean-{codec}": codec for codec in CODECS}


def create(ledger, admin, names_shapes):
    for name, (shape, partitions, config, codec) in names_shapes.items():
        ledger.add_topic(name, shape, partitions, config, codec)
    wanted = [NewTopic(name, shape[1], config=shape[2]) for name, shape in names_shapes.items()]
    for done in admin.create_topics(wanted, operation_timeout=TIMEOUT_SECONDS).values():
        done.result()


def create_all(ledger, admin):
    create(ledger, admin, SHAPES)
    config = {**COMPACTED, "delete.retention.ms": "0"}
    del config["min.cleanable.dirty.ratio"]
    create(ledger, admin, {name: ("for both cleaners", 1, config, codec) for name, codec in CLEANED.items()})


class Writer:
    """Sends records and writes down where they came to lie. One producer for each codec, or each transactional id."""

    def __init__(self, ledger, bootstrap, seed):
        self.ledger, self.bootstrap, self.random = ledger, bootstrap, Random(seed)
        self.producers, self.waiting, self.errors = {}, [], []

    def producer(self, codec, transactional_id=None):
        name = (codec, transactional_id)
        if name not in self.producers:
            config = {
                "bootstrap.servers": self.bootstrap,
                "compression.type": codec,
                "linger.ms": 5,
                "batch.num.messages": 12,
                "enable.idempotence": True,
                "delivery.timeout.ms": TIMEOUT_SECONDS * 1000,
            }
            if transactional_id:
                config |= {"transactional.id": transactional_id, "transaction.timeout.ms": 900_000}
            self.producers[name] = Producer(config)
            if transactional_id:
                self.producers[name].init_transactions(TIMEOUT_SECONDS)
        return self.producers[name]

    def send(self, producer, topic, count, fate="plain", timestamp_ms=None, keys=KEYS):
        """`count` records, spread over the partitions, in the topic's present burst; a value in eight is a tombstone."""
        kept = self.ledger.topics[topic]
        if timestamp_ms is None:
            step_ms = BURST_MS if "segment.ms" in kept["config"] else 1000
            timestamp_ms = self.ledger.start_ms + kept["burst"] * step_ms
        sent = []
        for index in range(count):
            key = f"k{self.random.below(keys)}".encode()
            value = (
                None
                if self.random.below(8) == 0
                else f"v{self.random.below(1_000_000)} ".encode() * (1 + self.random.below(12))
            )
            partition = index % kept["partitions"]
            record = {"fate": fate}
            sent.append(record)
            producer.produce(
                topic,
                key=key,
                value=value,
                partition=partition,
                timestamp=timestamp_ms + index,
                on_delivery=lambda error, message, record=record, key=key, value=value: self.delivered(
                    error, message, record, key, value
                ),
            )
        return sent

    def delivered(self, error, message, record, key, value):
        if error is not None:
            self.errors.append(f"{message.topic()}-{message.partition()}: {error.str()}")
            return
        timestamp_type, timestamp_ms = message.timestamp()
        text = line(message.offset(), {1: "create", 2: "append"}[timestamp_type], timestamp_ms, key, value, [])
        self.waiting.append((f"{message.topic()}-{message.partition()}", message.offset(), key, text, record))

    def flush(self):
        for producer in self.producers.values():
            if left := producer.flush(TIMEOUT_SECONDS):
                self.errors.append(f"{left} records were not answered")
        if self.errors:
            raise KafkaException(f"records were not acknowledged: {self.errors[:3]}")

    def settle(self):
        """Into the ledger, when the fates are known."""
        self.flush()
        for at, offset, key, text, record in sorted(self.waiting, key=lambda entry: entry[:2]):
            self.ledger.record(at, offset, key, text, record["fate"])
        self.waiting = []


def write_plainly(writer, topics, bursts, count, codec=None):
    """Bursts of records to each topic, as idempotent producers; in the topic's codec where none is given."""
    for _ in range(bursts):
        for topic in topics:
            kept = writer.ledger.topics[topic]
            kept["burst"] += 1
            writer.send(writer.producer(codec or kept["codec"]), topic, count)
        writer.flush()
    writer.settle()


def write_transactions(writer, topic, bursts, count):
    """In each burst one transaction, and another one that goes on from each burst to the next; each is committed or aborted.
    Between their records are some outside of transactions."""
    kept = writer.ledger.topics[topic]
    plain = writer.producer(kept["codec"])
    short, long = (writer.producer(kept["codec"], f"{topic}-{name}") for name in ("short", "long"))
    long.begin_transaction()
    held = writer.send(long, topic, count, "open")
    for _ in range(bursts):
        kept["burst"] += 1
        short.begin_transaction()
        sent = writer.send(short, topic, count, "open")
        short.flush(TIMEOUT_SECONDS)
        writer.send(plain, topic, count)
        plain.flush(TIMEOUT_SECONDS)
        held += writer.send(long, topic, count // 2, "open")
        end_transaction(writer, long, held)
        long.begin_transaction()
        held = writer.send(long, topic, count // 2, "open")
        long.flush(TIMEOUT_SECONDS)
        end_transaction(writer, short, sent)
    end_transaction(writer, long, held)
    writer.settle()


def end_transaction(writer, producer, records):
    # An abort would take back what is still on its way.
    producer.flush(TIMEOUT_SECONDS)
    fate = "aborted" if writer.random.below(2) else "committed"
    (producer.abort_transaction if fate == "aborted" else producer.commit_transaction)(TIMEOUT_SECONDS)
    for record in records:
        record["fate"] = fate


def leave_open(writer, topic, count):
    """A transaction that is not ended; whoever calls this must leave without closing the producer."""
    writer.ledger.topics[topic]["burst"] += 1
    producer = writer.producer("none", f"{topic}-left-open")
    producer.begin_transaction()
    writer.send(producer, topic, count, "open")
    writer.settle()
