"""The records every client sends and the line every client prints; see ../README.md for both rules."""

import base64
import json
import os

WORDS = ["hello", "tom", "jerry", "kitty", "suke", "Žluťoučký", "零拷贝", "🜁"]
START_MS = 1_700_000_000_000


class Random:
    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & 0xFFFF_FFFF_FFFF_FFFF
        return (self.state >> 33) % bound


def generate(count, seed):
    """Yields (timestamp_ms, key, value, headers) with bytes or None."""
    random = Random(seed)

    def null_or_empty_or(sides, make):
        side = random.below(sides)
        return None if side == 0 else b"" if side == 1 else make().encode()

    for index in range(count):
        key = null_or_empty_or(16, lambda: f"k{random.below(1000)}")
        value = null_or_empty_or(16, lambda: " ".join(WORDS[random.below(8)] for _ in range(1 + random.below(40))))
        headers = [
            ("ключ" if i == 2 else f"h{i}", null_or_empty_or(4, lambda: f"v{random.below(100)}"))
            for i in range(random.below(4))
        ]
        yield START_MS + 7 * index - random.below(50), key, value, headers


def line(offset, timestamp_type, timestamp_ms, key, value, headers):
    def quoted(data):
        return None if data is None else base64.b64encode(data).decode()

    fields = {
        "offset": offset,
        "ts_type": timestamp_type,
        "ts": timestamp_ms,
        "key": quoted(key),
        "value": quoted(value),
        "headers": [[name, quoted(data)] for name, data in headers],
    }
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False) + "\n"


class PartitionFiles:
    """One file of lines for each partition, named like its directory in a log directory."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.open = {}

    def append(self, topic, partition, text):
        name = f"{topic}-{partition}"
        if name not in self.open:
            self.open[name] = open(os.path.join(self.folder, name), "a", encoding="utf-8")
        self.open[name].write(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for file in self.open.values():
            file.close()


def main(arguments, produce, consume):
    """VERB BOOTSTRAP OUT …, as in ../README.md; `produce` gets one topic at a time, `consume` all of them."""
    verb, bootstrap, out, *rest = arguments
    with PartitionFiles(out) as files:
        if verb == "produce":
            for topic, partitions, codec, count, seed in zip(*[iter(rest)] * 5):
                produce(bootstrap, files, topic, int(partitions), codec, int(count), int(seed))
        elif verb == "consume":
            consume(bootstrap, files, rest)
        else:
            raise SystemExit(f"unknown verb {verb}")
