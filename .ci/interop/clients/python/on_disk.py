"""What the files of a stopped server must say. LEDGER DATA DUMP STEP [VERIFIED]; DUMP is what DumpLogSegments printed of all .log and .snapshot
files, VERIFIED what `ottla verify --json` did. What is found is kept for the next stop, beside the ledger."""

import glob
import json
import os
import re
import sys

from ledger import Ledger, Report

FIELD = re.compile(r"(\w+): (\S+)")


def checkpoint(path):
    """The entries of one of Kafka's small checkpoint files; empty where there is none."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [entry.split() for entry in file.read().splitlines()[2:]]


def offsets_of(data, name):
    return {f"{topic}-{number}": int(offset) for topic, number, offset in checkpoint(os.path.join(data, name))}


def dumped(path):
    """partition → its batches, and the producers of its newest snapshot."""
    batches, producers, newest = {}, {}, {}
    at = file_name = ""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for text in lines:
            if text.startswith("Dumping "):
                at, file_name = text.split()[1].split("/")[-2:]
                batches.setdefault(at, [])
                if file_name.endswith(".snapshot") and file_name >= newest.get(at, ""):
                    newest[at], producers[at] = file_name, {}
            elif text.startswith("baseOffset"):
                batches[at].append(dict(FIELD.findall(text)))
            elif text.startswith("producerId:") and newest.get(at) == file_name:
                fields = dict(FIELD.findall(text))
                producers[at][fields["producerId"]] = fields
    return batches, producers, newest


def epoch_at(entries, offset):
    found = [int(epoch) for epoch, start in entries if int(start) <= offset]
    return found[-1] if found else None


class Stopped:
    def __init__(self, path, data, dump, step):
        self.ledger, self.data, self.step, self.report = Ledger(path), data, step, Report()
        self.kept_path = os.path.join(os.path.dirname(path), "on-disk.json")
        self.before = {"ends": {}, "epochs": {}, "producers": {}, "ids": {}}
        if os.path.exists(self.kept_path):
            with open(self.kept_path, encoding="utf-8") as file:
                self.before = json.load(file)
        self.batches, self.producers, self.newest = dumped(dump)
        self.epochs = {
            at: checkpoint(os.path.join(data, at, "leader-epoch-checkpoint")) for at in self.ledger.partitions
        }

    def check(self):
        self.starts_and_ends()
        self.epoch_history()
        self.producer_state()
        self.one_producer()
        with open(self.kept_path, "w", encoding="utf-8") as file:
            # Kafka forgets the producers of a log when it opens it with all its records deleted.
            producers = {
                at: self.producers.get(at, {})
                for at, kept in self.ledger.partitions.items()
                if kept["start"] < kept["end"]
            }
            ends = {at: kept["end"] for at, kept in self.ledger.partitions.items()}
            ids = {at: self.topic_id(at) for at in self.ledger.partitions}
            json.dump({"ends": ends, "epochs": self.epochs, "ids": ids, "producers": producers}, file)

    def topic_id(self, at):
        return self.ledger.topics[self.ledger.partitions[at]["topic"]]["id"]

    def last_time(self, what, at):
        """What was kept of a partition at the last stop; nothing where its topic was made since."""
        is_the_same = self.before["ids"].get(at) == self.topic_id(at)
        return self.before[what].get(at) if is_the_same else None

    def verified(self, path):
        """Index entries that a restart left out, and snapshots that Kafka has removed, are told there as harmless."""
        with open(path, encoding="utf-8") as file:
            findings = [finding for finding in json.load(file)["findings"] if not finding["harmless"]]
        failures = [
            (os.path.relpath(found["file"], self.data), "nothing", (found["kind"], found["what"])) for found in findings
        ]
        self.report.verdict(f"{self.step}, stopped: ottla verify finds no harm", failures)

    def starts_and_ends(self):
        starts = offsets_of(self.data, "log-start-offset-checkpoint")
        recovery_points = offsets_of(self.data, "recovery-point-offset-checkpoint")
        failures = []
        for at, kept in self.ledger.partitions.items():
            segments = [os.path.basename(path) for path in glob.glob(os.path.join(self.data, at, "*.log"))]
            if not segments:
                failures.append((self.ledger.shape(at), "segments", "none"))
                continue
            start = max(starts.get(at, 0), int(min(segments).removesuffix(".log")))
            if start != kept["start"]:
                failures.append((f"{self.ledger.shape(at)}, log start on disk", kept["start"], start))
            if recovery_points.get(at) != kept["end"]:
                failures.append((f"{self.ledger.shape(at)}, recovery point", kept["end"], recovery_points.get(at)))
        self.report.verdict(
            f"{self.step}, stopped: checkpoints say where logs start, and that all is flushed", failures
        )

    def epoch_history(self):
        lost, wrong = [], []
        for at in self.ledger.partitions:
            before, now = self.last_time("epochs", at) or [], self.epochs[at]
            for record in self.ledger.readable(at):
                was, came = epoch_at(before, record["offset"]), epoch_at(now, record["offset"])
                if record["offset"] < (self.last_time("ends", at) or 0) and was != came:
                    lost.append(
                        (f"{self.ledger.shape(at)}, offset {record['offset']}", f"epoch {was}", f"epoch {came}")
                    )
                    break
            for batch in self.batches.get(at, []):
                offset = int(batch["lastOffset"]) if "lastOffset" in batch else -1
                if batch.get("magic") != "2" or offset < self.ledger.partitions[at]["start"]:
                    continue
                if epoch_at(now, offset) != int(batch["partitionLeaderEpoch"]):
                    came = f"epoch {batch['partitionLeaderEpoch']}"
                    wrong.append((f"{self.ledger.shape(at)}, offset {offset}", f"epoch {epoch_at(now, offset)}", came))
                    break
        self.report.verdict(f"{self.step}, stopped: every record is still of its leader epoch", lost)
        self.report.verdict(
            f"{self.step}, stopped: every batch carries the epoch that the checkpoint has for it", wrong
        )

    def producer_state(self):
        failures = []
        for at, kept in self.ledger.partitions.items():
            expected = f"{kept['end']:020}.snapshot" if kept["end"] else None
            if expected and self.newest.get(at) != expected:
                failures.append((self.ledger.shape(at), f"the snapshot {expected}", self.newest.get(at)))
                continue
            for producer, was in (self.last_time("producers", at) or {}).items():
                came = self.producers[at].get(producer, {})
                if self.progress(came) < self.progress(was):
                    failures.append((f"{self.ledger.shape(at)}, producer {producer}", was, came or "nothing"))
        self.report.verdict(f"{self.step}, stopped: a snapshot at the end of each log knows every producer", failures)

    @staticmethod
    def progress(entry):
        """How far a producer has come; one whose last word was a marker tells no offset."""
        return int(entry.get("producerEpoch", -1)), int(entry.get("lastOffset", -1))

    def one_producer(self):
        """The producer that outlives the servers: one id, one epoch, no gap."""
        failures, expected = [], 0
        seen = {(batch["producerId"], batch["producerEpoch"]) for batch in self.batches["live-0"]}
        if len(seen) != 1:
            failures.append((self.ledger.shape("live-0"), "one producer id and epoch", seen))
        for batch in self.batches["live-0"]:
            if int(batch["baseSequence"]) != expected:
                where = f"{self.ledger.shape('live-0')}, offset {batch['baseOffset']}"
                failures.append((where, f"sequence {expected}", batch["baseSequence"]))
                break
            expected = int(batch["lastSequence"]) + 1
        self.report.verdict(f"{self.step}, stopped: one producer went on through all servers, without a gap", failures)


def main(ledger, data, dump, step, verified=None):
    stopped = Stopped(ledger, data, dump, step)
    stopped.check()
    if verified:
        stopped.verified(verified)


if __name__ == "__main__":
    main(*sys.argv[1:])
