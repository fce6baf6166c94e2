"""The steps of a data directory that goes round; interchange.sh calls them. VERB LEDGER DATA BOOTSTRAP STEP …

begin SEED     makes every shape on a new server        take-over   all that must hold when a server has taken over
append SEED    bursts to each topic                     rest        waits for the cleaner, then remembers where logs end
delete TOPIC   deletes a topic                          make TOPIC SHAPE [NAME=VALUE…]
prefix TOPIC COUNT|all  deletes its first records      alter TOPIC NAME=VALUE
grow TOPIC PARTITIONS
transact SEED  more transactions                        leave-open COUNT  begins one
end-open       its producer comes back, and ends it
wait-cleaned TOPIC…                             clean-more SEED  the same to each topic that both cleaners clean
group COUNT    a group reads on from where it was       kill PID COUNT  writes, and kills the server in the middle
"""

import base64
import glob
import gzip
import json
import os
import signal
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    ResourceType,
)

import checks
import shapes
from ledger import Ledger, Report
from records import line

TIMEOUT_SECONDS = 30
OLD_MS = 12 * 3_600_000


def wait_for(what, is_done):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not is_done():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {TIMEOUT_SECONDS} s")
        time.sleep(0.1)


class Journey:
    def __init__(self, path, data, bootstrap, step):
        self.ledger, self.data, self.bootstrap, self.step = Ledger(path), data, bootstrap, step
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self.report = Report()
        self.load_live(os.path.join(os.path.dirname(path), "live"))

    def load_live(self, path):
        """What the producer that outlives the servers has written down."""
        if os.path.exists(path) and "live" in self.ledger.topics:
            kept = self.ledger.partitions["live-0"]
            with open(path, encoding="utf-8") as file:
                lines = file.readlines()[len(kept["records"]) :]
            for text in lines:
                kept["records"].append(
                    {"offset": json.loads(text)["offset"], "key": None, "line": text, "fate": "plain"}
                )

    # --- the first server ----------------------------------------------------------------------------------------

    def begin(self, seed):
        ledger = self.ledger
        shapes.create_all(ledger, self.admin)
        writer = shapes.Writer(ledger, self.bootstrap, int(seed))
        old = ledger.start_ms - OLD_MS
        for burst in range(3):
            writer.send(writer.producer("zstd"), "keyed-cd", 60, timestamp_ms=old + burst * shapes.BURST_MS)
            writer.flush()
        writer.settle()
        first_kept = ledger.partitions["keyed-cd-0"]["records"][-1]["offset"] + 1
        shapes.write_plainly(writer, self.writable("open"), 3, 90)
        shapes.write_plainly(writer, ["open"], 1, 40)
        shapes.write_transactions(writer, "txn", 3, 30)
        for topic in shapes.CLEANED:
            shapes.write_transactions(writer, topic, 4, 30)
        # Segments that both cleaners leave alone: the active one.
        shapes.write_plainly(writer, list(shapes.CLEANED), 1, 150)
        self.prefix("prefix", "100")
        self.prefix("emptied", "all")
        wait_for(
            "keyed-cd: its old segments are deleted",
            lambda: checks.start_of(self.admin, ledger, "keyed-cd-0") >= first_kept,
        )
        ledger.partitions["keyed-cd-0"]["start"] = first_kept

    def writable(self, *but):
        left_out = {*but, *shapes.CLEANED, "live", "killed"}
        return [name for name in self.ledger.topics if name not in left_out]

    # --- every server --------------------------------------------------------------------------------------------

    def take_over(self):
        checks.check_topics(self.ledger, self.admin, self.report, self.step)
        checks.check_records(self.ledger, self.bootstrap, self.report, self.step)
        checks.check_bounds(self.ledger, self.admin, self.report, self.step)
        if self.ledger.partitions["live-0"]["records"]:
            checks.check_retry(self.ledger, self.bootstrap, self.data, self.report, self.step)

    def append(self, seed):
        writer = shapes.Writer(self.ledger, self.bootstrap, int(seed))
        shapes.write_plainly(writer, self.writable(), 2, 45)

    def rest(self):
        checks.remember_bounds(self.ledger, self.admin)
        checks.check_topics(self.ledger, self.admin, self.report, f"{self.step}, then")
        checks.check_records(self.ledger, self.bootstrap, self.report, f"{self.step}, then")

    def wait_cleaned(self, *topics):
        """Until the checkpoint of the cleaner says that all but the active segment was looked at."""
        for topic in topics:
            wait_for(f"{self.step}: {topic} is cleaned", lambda topic=topic: self.is_cleaned(topic))

    def is_cleaned(self, topic):
        logs = glob.glob(os.path.join(self.data, f"{topic}-0", "*.log"))
        active = max(int(os.path.basename(path).removesuffix(".log")) for path in logs)
        try:
            with open(os.path.join(self.data, "cleaner-offset-checkpoint"), encoding="utf-8") as file:
                entries = [entry.split() for entry in file.read().splitlines()[2:]]
        except FileNotFoundError:
            return False
        return any(entry[:2] == [topic, "0"] and int(entry[2]) >= active for entry in entries)

    # --- changes -------------------------------------------------------------------------------------------------

    def delete(self, *topics):
        for done in self.admin.delete_topics(list(topics), operation_timeout=TIMEOUT_SECONDS).values():
            done.result()
        for topic in topics:
            self.ledger.remove_topic(topic)
        wait_for(
            "the topics are gone", lambda: not set(topics) & set(self.admin.list_topics(timeout=TIMEOUT_SECONDS).topics)
        )

    def make(self, topic, shape, *settings):
        config = dict(setting.split("=", 1) for setting in settings)
        shapes.create(self.ledger, self.admin, {topic: (shape, 2, config, "zstd")})
        writer = shapes.Writer(self.ledger, self.bootstrap, len(self.ledger.topics))
        shapes.write_plainly(writer, [topic], 2, 40)

    def prefix(self, topic, count):
        at = f"{topic}-0"
        kept = self.ledger.partitions[at]
        wanted = checks.end_of(self.admin, self.ledger, at) if count == "all" else kept["start"] + int(count)
        asked = self.admin.delete_records([TopicPartition(topic, 0, wanted)], request_timeout=TIMEOUT_SECONDS)
        came = [done.result().low_watermark for done in asked.values()]
        failures = [] if came == [wanted] else [(self.ledger.shape(at), [wanted], came)]
        self.report.verdict(f"{self.step}: {count} records of {topic} are deleted", failures)
        kept["start"] = wanted

    def grow(self, topic, partitions):
        wanted = [NewPartitions(topic, int(partitions))]
        for done in self.admin.create_partitions(wanted, operation_timeout=TIMEOUT_SECONDS).values():
            done.result()
        self.ledger.grow(topic, int(partitions))
        wait_for("the new partitions are there", lambda: self.partitions_of(topic) == int(partitions))
        shapes.write_plainly(shapes.Writer(self.ledger, self.bootstrap, 5), [topic], 1, 40)

    def partitions_of(self, topic):
        return len(self.admin.list_topics(topic, timeout=TIMEOUT_SECONDS).topics[topic].partitions)

    def alter(self, topic, setting):
        name, value = setting.split("=", 1)
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        try:
            for done in self.admin.incremental_alter_configs([resource], request_timeout=TIMEOUT_SECONDS).values():
                done.result()
        except KafkaException as error:
            self.report.verdict(f"{self.step}: a setting changes", [(topic, setting, error)])
            return
        self.ledger.topics[topic]["config"][name] = value

    def adopt(self, expected, *names):
        """Partition directories of older Kafkas, laid into the data directory while no server ran."""
        for name in names:
            self.ledger.add_topic(name, "written by Kafka 2.8 in an old format", 1, {})
            with gzip.open(os.path.join(expected, f"kafka-2.8-{name}.jsonl.gz"), "rt", encoding="utf-8") as file:
                for text in file:
                    record = json.loads(text)
                    key = None if record["key"] is None else base64.b64decode(record["key"])
                    self.ledger.record(f"{name}-0", record["offset"], key, text, "plain")
            self.ledger.partitions[f"{name}-0"]["end"] = record["offset"] + 1

    def clean_more(self, seed):
        """One more burst, the same for both cleaners: the segment before it is closed, and there is one more pass to make.
        Uncompressed, because librdkafka leaves out lz4 where a server has no groups."""
        writer = shapes.Writer(self.ledger, self.bootstrap, int(seed))
        shapes.write_plainly(writer, list(shapes.CLEANED), 1, 40, "none")

    # --- what only Kafka has -------------------------------------------------------------------------------------

    def transact(self, seed):
        writer = shapes.Writer(self.ledger, self.bootstrap, int(seed))
        shapes.write_transactions(writer, "txn", 2, 20)

    def leave_open(self, count):
        """A transaction that is begun and not ended, and records behind it that are outside of it."""
        writer = shapes.Writer(self.ledger, self.bootstrap, int(count))
        shapes.leave_open(writer, "open", int(count))
        shapes.write_plainly(writer, ["open"], 2, 20)
        checks.remember_bounds(self.ledger, self.admin)
        self.ledger.save()
        # Closing the producer might end its transaction.
        sys.stdout.flush()
        os._exit(0)

    def end_open(self):
        """The coordinator knows the transaction that was left open, and ends it when its producer comes back."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": "open-left-open"})
        producer.init_transactions(TIMEOUT_SECONDS)
        for record in self.ledger.partitions["open-0"]["records"]:
            if record["fate"] == "open":
                record["fate"] = "aborted"
        end = [self.ledger.partitions["open-0"]["end"] + 1]
        partition = {"open-0": self.ledger.partitions["open-0"]}
        came = checks.bounds(self.admin, partition)["open-0"]
        failures = [] if [*came[1:]] == end * 2 else [(self.ledger.shape("open-0"), end, came)]
        self.report.verdict(f"{self.step}: the open transaction is ended by its producer", failures)
        self.ledger.partitions["open-0"]["end"] = came[1]

    def group(self, count):
        """A group goes on where it committed, reads COUNT records and commits."""
        config = {"bootstrap.servers": self.bootstrap, "group.id": "travellers", "enable.auto.commit": False}
        consumer = Consumer({**config, "auto.offset.reset": "earliest"})
        if self.ledger.groups:
            came = checks.committed_offsets(consumer, self.ledger)
            failures = [] if came == self.ledger.groups else [("plain-0", self.ledger.groups, came)]
            self.report.verdict(f"{self.step}: the offset that a group committed is there", failures)
        consumer.subscribe(["plain"])
        messages = []
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(messages) < int(count) and time.monotonic() < deadline:
            messages += consumer.consume(int(count) - len(messages), timeout=0.5)
        first = self.ledger.groups.get("plain-0", 0)
        came = [message.offset() for message in messages]
        expected = list(range(first, first + int(count)))
        failures = [] if came == expected else [("plain-0", f"offsets from {first}", came)]
        self.report.verdict(f"{self.step}: a group reads on from its offset", failures)
        self.ledger.groups["plain-0"] = first + int(count)
        consumer.commit(offsets=[TopicPartition("plain", 0, first + int(count))], asynchronous=False)
        consumer.close()

    # --- the end of a server -------------------------------------------------------------------------------------

    def kill(self, pid, count):
        """Writes without a pause; at COUNT acknowledgements the server is killed. What was acknowledged must survive."""
        kept = self.ledger.partitions["killed-0"]
        producer = Producer(
            {"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 1, "batch.num.messages": 7}
        )
        acknowledged, sent = [], []

        def on_delivery(error, message, value):
            if error is None:
                text = line(message.offset(), "create", message.timestamp()[1], b"key", value, [])
                acknowledged.append((message.offset(), text))
                if len(acknowledged) == int(count):
                    os.kill(int(pid), signal.SIGKILL)

        for index in range(10 * int(count)):
            value = f"{self.step} {index}".encode()
            sent.append(json.loads(line(0, "create", 0, b"key", value, []))["value"])
            producer.produce(
                "killed",
                key=b"key",
                value=value,
                on_delivery=lambda error, message, value=value: on_delivery(error, message, value),
            )
            producer.poll(0 if index % 20 else 0.001)
            if len(acknowledged) >= int(count):
                break
        wait_for("enough is acknowledged", lambda: producer.poll(0.1) is None or len(acknowledged) >= int(count))
        producer.purge()
        producer.poll(1)
        for offset, text in sorted(acknowledged):
            self.ledger.record("killed-0", offset, b"key", text, "plain")
        kept["maybe"] = sent[len(acknowledged) :]


def main(verb, path, data, bootstrap, step, *rest):
    journey = Journey(path, data, bootstrap, step)
    getattr(journey, verb.replace("-", "_"))(*rest)
    journey.ledger.save()


if __name__ == "__main__":
    main(*sys.argv[1:])
