"""What a data directory that goes round must hold: its topics, and every record with what became of it."""

import json
import os
import time


# How many failures of one kind are told.
SHOWN = 5


class Ledger:
    """Kept in one file between the runs of journey.py. A record is {"fate", "key", "line", "offset"}: `line` is as in
    ../README.md, `fate` one of plain, committed, aborted, open."""

    def __init__(self, path):
        self.path = path
        self.start_ms = int(time.time()) * 1000
        self.topics, self.partitions, self.groups = {}, {}, {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.__dict__.update(json.load(file))

    def save(self):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            kept = {name: value for name, value in self.__dict__.items() if name != "path"}
            json.dump(kept, file, indent=1, sort_keys=True)
        os.replace(self.path + ".new", self.path)

    def add_topic(self, name, shape, partitions, config, codec="none"):
        self.topics[name] = {
            "shape": shape,
            "partitions": 0,
            "config": config,
            "codec": codec,
            "id": None,
            "burst": 0,
        }
        self.grow(name, partitions)

    def grow(self, name, partitions):
        for partition in range(self.topics[name]["partitions"], partitions):
            self.partitions[f"{name}-{partition}"] = {
                "topic": name,
                "partition": partition,
                "start": 0,
                "end": 0,
                "records": [],
                "maybe": [],
            }
        self.topics[name]["partitions"] = partitions

    def remove_topic(self, name):
        del self.topics[name]
        self.partitions = {at: kept for at, kept in self.partitions.items() if kept["topic"] != name}

    def record(self, at, offset, key, line, fate):
        self.partitions[at]["records"].append(
            {"offset": offset, "key": None if key is None else key.hex(), "line": line, "fate": fate}
        )

    def shape(self, at):
        """How a failure names a partition."""
        return f"{at} ({self.topics[self.partitions[at]['topic']]['shape']})"

    def is_compacted(self, at):
        config = self.topics[self.partitions[at]["topic"]]["config"]
        return "compact" in config.get("cleanup.policy", "")

    def readable(self, at):
        """The records that were not deleted by a prefix."""
        kept = self.partitions[at]
        return [record for record in kept["records"] if record["offset"] >= kept["start"]]

    def stable_end(self, at):
        """The last stable offset: where the first open transaction begins."""
        began = [record["offset"] for record in self.partitions[at]["records"] if record["fate"] == "open"]
        return min(began, default=self.partitions[at]["end"])

    def committed(self, at):
        stable = self.stable_end(at)
        return [
            record
            for record in self.readable(at)
            if record["offset"] < stable and record["fate"] in ("plain", "committed")
        ]

    def last_of_each_key(self, at):
        """The offsets that no compaction may take: the last committed record of each key, but for a tombstone whose time is up."""
        last = {record["key"]: record for record in self.committed(at)}
        config = self.topics[self.partitions[at]["topic"]]["config"]
        may_go = config.get("delete.retention.ms") == "0"
        return {record["offset"] for record in last.values() if not (may_go and '"value":null' in record["line"])}


class Report:
    """A line for each result; interchange.sh counts them."""

    @staticmethod
    def verdict(name, failures):
        """One line where all is well, one for each failure (where, expected, came) where not."""
        if not failures:
            print(f"ok\t{name}", flush=True)
        for where, expected, came in failures[:SHOWN]:
            print(f"fail\t{name}: {where}\t{shorten(expected)}\t{shorten(came)}", flush=True)
        if len(failures) > SHOWN:
            print(f"fail\t{name}: … and {len(failures) - SHOWN} more\t-\t-", flush=True)


def shorten(value):
    text = str(value).replace("\t", " ").replace("\n", " ")
    return text if len(text) <= 300 else text[:300] + "…"
