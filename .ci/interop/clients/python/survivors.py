"""What two cleaners left of the same logs, as Kafka's DumpLogSegments (--deep-iteration --print-data-log) shows it: LABEL EXPECTED CAME"""

import re
import sys

from ledger import Report

RECORD = re.compile(r"^\| offset: (\d+) .*?(?:key: (.*?) )?(?:payload: (.*)|endTxnMarker: (\w+).*)?$")
# What a cleaner must leave as it was, of a batch that it keeps.
BATCH = (
    "baseOffset",
    "lastOffset",
    "count",
    "baseSequence",
    "lastSequence",
    "producerEpoch",
    "isTransactional",
    "isControl",
    "compresscodec",
)
FIELD = re.compile(r"(\w+): (\S+)")


def read(path):
    """partition → its records (offset, key, value, marker), and its batches."""
    records, batches, producers, at = {}, {}, {}, ""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for text in lines:
            text = text.rstrip("\n")
            if text.startswith("Dumping "):
                at = text.split()[1].split("/")[-2]
                records.setdefault(at, []), batches.setdefault(at, [])
            elif text.startswith("| offset"):
                records[at].append(RECORD.match(text).groups())
            elif text.startswith("baseOffset"):
                batches[at].append(batch(dict(FIELD.findall(text)), producers.setdefault(at, {})))
    return records, batches


def batch(fields, producers):
    """Ids of producers are given out anew by each server: here they are counted as they come."""
    producer = producers.setdefault(fields["producerId"], len(producers))
    has_horizon = fields["deleteHorizonMs"] != "OptionalLong.empty"
    return *(fields[name] for name in BATCH), producer, has_horizon


def main(label, expected_path, came_path):
    report = Report()
    for what, expected, came in zip(("records and markers", "batches"), read(expected_path), read(came_path)):
        failures = []
        for at in sorted(expected.keys() | came.keys()):
            ours, theirs = came.get(at, []), expected.get(at, [])
            if ours != theirs:
                missing = [entry for entry in theirs if entry not in set(ours)][:2]
                more = [entry for entry in ours if entry not in set(theirs)][:2]
                failures.append((at, f"{len(theirs)}, among them {missing}", f"{len(ours)}, among them {more}"))
        count = sum(map(len, expected.values()))
        if not count:
            failures.append((expected_path, "logs to compare", "none"))
        report.verdict(f"{label}: both cleaners leave the same {count} {what} of {len(expected)} partitions", failures)


if __name__ == "__main__":
    main(*sys.argv[1:])
