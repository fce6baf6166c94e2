"""Produce by hand: a batch that is in a log already, byte for byte, must be taken for the retry that it is."""

import glob
import os
import socket
import struct


def last_batch(partition_dir):
    """The last batch of the last segment that has one, and its base offset."""
    for path in sorted(glob.glob(os.path.join(partition_dir, "*.log")), reverse=True):
        with open(path, "rb") as file:
            data = file.read()
        position, last = 0, None
        while position + 12 <= len(data):
            base_offset, length = struct.unpack_from(">qi", data, position)
            last = (base_offset, data[position : position + 12 + length])
            position += 12 + length
        if last:
            return last
    raise SystemExit(f"no batch in {partition_dir}")


def produce(bootstrap, topic, batch):
    """Error code and base offset of the answer; version 8, acks=all."""

    def string(text):
        return struct.pack(">h", len(text)) + text.encode()

    records = struct.pack(">q", 0) + batch[8:]
    body = struct.pack(">hhi", -1, -1, 20_000) + struct.pack(">i", 1) + string(topic)
    body += struct.pack(">iii", 1, 0, len(records)) + records
    request = struct.pack(">hhi", 0, 8, 7) + string("interop") + body
    host, port = bootstrap.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", receive(connection, 4))
        answer = receive(connection, size)
    _, error, base_offset = struct.unpack_from(">ihq", answer, 4 + 4 + 2 + len(topic) + 4)
    return error, base_offset


def receive(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise SystemExit("the connection was closed instead of an answer")
        data += piece
    return data
