"""Kills a server again and again, and then holds what it kept against what was acknowledged. Only the standard library.

kill OTTLA DATA ADDRESS OUT KILLS SEED         the server runs, and is killed; the producers write to OUT meanwhile
check OTTLA DATA OUT TOPIC                     the server is stopped
"""

import base64
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from array import array

START_SECONDS = 30
# Every kind of system call that changes a file or answers a client, each at its k-th time in one thread.
CALLS = ["pwrite64", "pwritev", "fdatasync", "fsync", "openat", "rename", "ftruncate", "sendto,sendmsg,write", "recvfrom,read", "mmap"]


class Server:
    """One life of the server."""

    def __init__(self, ottla, data, address, log, injection=None):
        command = [ottla, "serve", "--data", data, "--listen", address, "--log-level", "warn"]
        if injection:
            # -D: the tracer is the child, so that this process's child is the server itself.
            trace = ["strace", "-D", "-f", "-qqq", "-o", "/dev/null"]
            command = [*trace, "-e", f"trace={injection[0]}", "-e", f"inject={injection[0]}:signal=SIGKILL:when={injection[1]}", *command]
        self.address = address
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def is_gone(self):
        code = self.process.poll()
        if code is not None and code not in (-signal.SIGKILL, 128 + signal.SIGKILL):
            raise SystemExit(f"the server ended by itself, with {code}")
        return code is not None

    def await_listening(self):
        """Seconds until it accepts connections; None where it was killed before."""
        host, port = self.address.rsplit(":", 1)
        while time.monotonic() - self.began < START_SECONDS:
            if self.is_gone():
                return None
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return time.monotonic() - self.began
            except OSError:
                time.sleep(0.001)
        raise SystemExit(f"the server does not listen after {START_SECONDS} s")

    def await_gone(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.is_gone():
            time.sleep(0.005)
        return self.is_gone()

    def kill(self):
        self.process.kill()
        self.process.wait()


def sizes(out):
    return {name: os.stat(os.path.join(out, name)).st_size for name in os.listdir(out) if name != "stop"}


def await_progress(out, server):
    """Until every producer was acknowledged something more."""
    before, end = sizes(out), time.monotonic() + 60
    while time.monotonic() < end and not server.is_gone():
        now = sizes(out)
        if before and all(now[name] > before.get(name, 0) for name in now):
            return True
        time.sleep(0.01)
    if not server.is_gone():
        raise SystemExit("a producer got no acknowledgement in 60 s, though the server runs")
    return False


def kill(ottla, data, address, out, kills, seed):
    """Ctrl-C and SIGTERM end it after the kill that is under way; what was done until then counts."""
    ended = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.append(True))
    chance = random.Random(int(seed))
    strace = shutil.which("strace")
    restarts, by = [], {"by the clock": 0, "while it starts": 0, "at a system call": 0}
    progressed = 0
    with open(os.path.join(data + "-serve.log"), "ab") as log:
        for number in range(int(kills)):
            if ended:
                break
            moment, k = chance.uniform(0, 0.5), chance.randrange(1, 25)
            calls = CALLS[chance.randrange(len(CALLS))]
            at_call = strace is not None and number % 3 == 2
            starting = not at_call and number % 8 == 7
            server = Server(ottla, data, address, log, (calls, k) if at_call else None)
            if starting:
                time.sleep(moment / 10)
                server.is_gone()
                server.kill()
                by["while it starts"] += 1
                continue
            listening = server.await_listening()
            if listening is not None and not at_call:
                restarts.append(listening)
            if at_call:
                reached = server.await_gone(moment + 0.3)
                by["at a system call" if reached else "by the clock"] += 1
            else:
                if number % 2 == 0:
                    progressed += await_progress(out, server)
                time.sleep(moment)
                server.is_gone()
                by["by the clock"] += 1
            server.kill()
    restarts.sort()
    at = lambda part: f"{restarts[min(len(restarts) - 1, int(len(restarts) * part))] * 1000:.0f}"
    print(f"{sum(by.values())} of {kills} kills (seed {seed}): " + ", ".join(f"{count} {how}" for how, count in by.items()))
    print(f"after {progressed} restarts every producer was waited for, and each got acknowledgements")
    print(f"restarts until it listens, in ms: median {at(0.5)}, p99 {at(0.99)}, longest {at(1)}, of {len(restarts)}")
    if strace is None:
        print("SKIPPED: kills at a system call: there is no strace")


def stored(ottla, data, topic, partition):
    """The records of one partition, by offset: [(producer, number)]."""
    reading = subprocess.Popen([ottla, "read", "--format", "jsonl", os.path.join(data, f"{topic}-{partition}")], stdout=subprocess.PIPE)
    for expected, line in enumerate(reading.stdout):
        record = json.loads(line)
        if record["offset"] != expected:
            raise SystemExit(f"partition {partition}: offset {record['offset']} stands where {expected} must be")
        name, number, _ = base64.b64decode(record["value"]).decode("ascii").split(" ")
        yield name, int(number)
    if reading.wait() != 0:
        raise SystemExit(f"ottla read ended with {reading.returncode}")


def check(ottla, data, out, topic):
    names = sorted(sizes(out))
    partitions = sorted(int(name.rsplit("-", 1)[1]) for name in os.listdir(data) if re.fullmatch(re.escape(topic) + r"-\d+", name))
    # For each partition and offset: the producer's place in `names`, and the number.
    who, what, problems = [], [], []
    for partition in partitions:
        last = dict.fromkeys(names, -1)
        who.append(array("b"))
        what.append(array("q"))
        for name, number in stored(ottla, data, topic, partition):
            if number == last[name]:
                problems.append(f"{name}: {number} is doubled in partition {partition}")
            elif number < last[name]:
                problems.append(f"{name}: {number} stands after {last[name]} in partition {partition}")
            last[name] = number
            who[-1].append(names.index(name))
            what[-1].append(number)
    kept = {name: sum(column.count(index) for column in who) for index, name in enumerate(names)}
    for index, name in enumerate(names):
        acknowledged = 0
        summary = None
        with open(os.path.join(out, name), encoding="ascii") as lines:
            for line in lines:
                if line.startswith("sent "):
                    summary = dict(zip(line.split()[::2], map(int, line.split()[1::2])))
                    continue
                number, partition, offset = map(int, line.split())
                acknowledged += 1
                column = what[partition] if partition < len(what) else []
                if offset >= len(column) or (who[partition][offset], column[offset]) != (index, number):
                    problems.append(f"{name}: {number} was acknowledged at {offset} of partition {partition}, and is not there")
        if summary is None:
            problems.append(f"{name} did not come to its end")
            continue
        print(f"{name}: sent {summary['sent']}, acknowledged {acknowledged}, kept {kept[name]}")
        if name.endswith("-all") and not summary["sent"] == acknowledged == kept[name]:
            problems.append(f"{name} is idempotent: all it sent must be acknowledged, and there once")
        if acknowledged < 100:
            problems.append(f"{name} was acknowledged {acknowledged} records only: this proves nothing")
    for problem in problems[:20]:
        print(problem)
    raise SystemExit(f"{len(problems)} problems" if problems else 0)


if __name__ == "__main__":
    {"kill": kill, "check": check}[sys.argv[1]](*sys.argv[2:])
