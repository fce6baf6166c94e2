"""What a server must say of a directory that it has taken over; each check names the shape, what was expected and what came."""

import json
import os

from confluent_kafka import TopicPartition

from server import bounds, read_all, topics_of
from wire import last_batch, produce


def check_topics(ledger, admin, report, step):
    came, failures = topics_of(admin), []
    for name, kept in ledger.topics.items():
        shape = f"{name} ({kept['shape']})"
        if name not in came:
            failures.append((shape, "the topic", "no such topic"))
            continue
        if kept["id"] is None:
            kept["id"] = came[name]["id"]
        for what in ("id", "partitions", "config"):
            if came[name][what] != kept[what]:
                failures.append((f"{shape}, its {what}", kept[what], came[name][what]))
    failures += [
        (name, "no such topic: it was deleted or never made", "the topic") for name in came if name not in ledger.topics
    ]
    report.verdict(f"{step}: {len(ledger.topics)} topics have the same ids, partitions and settings", failures)


def check_bounds(ledger, admin, report, step):
    failures = []
    for at, (start, end, stable) in bounds(admin, ledger.partitions).items():
        kept = ledger.partitions[at]
        if kept["maybe"]:
            continue
        for what, expected, found in (
            ("log start", kept["start"], start),
            ("log end", kept["end"], end),
            ("last stable offset", ledger.stable_end(at), stable),
        ):
            if expected != found:
                failures.append((f"{ledger.shape(at)}, its {what}", expected, found))
    report.verdict(f"{step}: {len(ledger.partitions)} partitions start and end where they did", failures)


def check_records(ledger, bootstrap, report, step):
    everything = read_all(bootstrap, ledger.partitions, "read_uncommitted")
    failures = []
    for at, came in everything.items():
        if ledger.partitions[at]["maybe"]:
            failures += accept_unanswered(ledger, at, came)
        if ledger.is_compacted(at):
            failures += shrink(ledger, at, came)
        failures += differences(ledger, at, ledger.readable(at), came)
    count = sum(len(came) for came in everything.values())
    report.verdict(f"{step}: all {count} records are served", failures)
    committed = read_all(bootstrap, ledger.partitions, "read_committed")
    failures = []
    for at, came in committed.items():
        check = some_of if ledger.is_compacted(at) else differences
        failures += check(ledger, at, ledger.committed(at), came)
    count = sum(len(came) for came in committed.values())
    report.verdict(f"{step}: to a careful reader the {count} committed ones", failures)


def differences(ledger, at, expected, came):
    expected = [record["line"] for record in expected]
    came = [line for _, _, line in came]
    if expected == came:
        return []
    first = next((i for i, pair in enumerate(zip(expected, came)) if pair[0] != pair[1]), min(len(expected), len(came)))
    return [
        (
            f"{ledger.shape(at)}, record number {first}",
            f"{len(expected)} records, here: {expected[first : first + 1]}",
            f"{len(came)} records, here: {came[first : first + 1]}",
        )
    ]


def some_of(ledger, at, expected, came):
    """The cleaner may have been there since the last look."""
    left = {offset for offset, _, _ in came}
    known = {record["line"] for record in expected}
    more = [line for _, _, line in came if line not in known]
    lost = sorted(ledger.last_of_each_key(at) - left)
    failures = []
    if more or len(left) != len(came):
        failures.append((ledger.shape(at), f"some of {len(expected)} records, each once", f"others: {more[:1]}"))
    if lost:
        failures.append((ledger.shape(at), "the last record of each key", f"none at the offsets {lost[:10]}"))
    return failures


def shrink(ledger, at, came):
    """A cleaner may take records between two looks, but of each key the last one must stay."""
    kept, left = ledger.partitions[at], {offset for offset, _, _ in came}
    lost = sorted(ledger.last_of_each_key(at) - left)
    kept["records"] = [
        record for record in kept["records"] if record["offset"] in left or record["offset"] < kept["start"]
    ]
    if lost:
        return [
            (f"{ledger.shape(at)}, after compaction", "the last record of each key", f"none at the offsets {lost[:10]}")
        ]
    return []


def accept_unanswered(ledger, at, came):
    """After a kill, what was sent but not acknowledged may be there too, in the order in which it was sent."""
    kept = ledger.partitions[at]
    known = {record["offset"] for record in kept["records"]}
    more = [entry for entry in came if entry[0] not in known]
    values = [value_of(line) for _, _, line in more]
    expected, kept["maybe"] = kept["maybe"][: len(values)], []
    kept["end"] = came[-1][0] + 1 if came else kept["start"]
    for offset, key, line in more:
        kept["records"].append({"offset": offset, "key": key, "line": line, "fate": "plain"})
    if values != expected:
        return [(f"{ledger.shape(at)}, beyond what was acknowledged", expected[:3], values[:3])]
    return []


def value_of(line):
    return json.loads(line)["value"]


def check_retry(ledger, bootstrap, data, report, step, topic="live"):
    """The producers' state went along where the last batch, sent again, is known as a duplicate."""
    base_offset, batch = last_batch(os.path.join(data, f"{topic}-0"))
    error, came = produce(bootstrap, topic, batch)
    failures = []
    if (error, came) != (0, base_offset):
        shape = ledger.shape(f"{topic}-0")
        failures.append((shape, f"error 0 and the old offset {base_offset}", f"error {error} and offset {came}"))
    report.verdict(f"{step}: the last batch of a producer, sent again, is known as a duplicate", failures)


def start_of(admin, ledger, at):
    return bounds(admin, {at: ledger.partitions[at]})[at][0]


def end_of(admin, ledger, at):
    return bounds(admin, {at: ledger.partitions[at]})[at][1]


def remember_bounds(ledger, admin):
    """Where logs start and end now; what was acknowledged lies within."""
    for at, (start, end, _) in bounds(admin, ledger.partitions).items():
        ledger.partitions[at]["start"], ledger.partitions[at]["end"] = start, end


def committed_offsets(consumer, ledger):
    asked = [TopicPartition(at.rsplit("-", 1)[0], int(at.rsplit("-", 1)[1])) for at in ledger.groups]
    return {f"{found.topic}-{found.partition}": found.offset for found in consumer.committed(asked, timeout=30)}
