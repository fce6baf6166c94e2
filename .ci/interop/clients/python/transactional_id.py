"""InitProducerId with a transactional id, by hand: a fatal error is right, a producer id never is. BOOTSTRAP"""

import socket
import struct
import sys

# Retriable codes would keep a client asking for ever.
RETRIABLE = {-1, 3, 5, 7, 13, 14, 15, 16, 51}


def string(text):
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def receive(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise SystemExit("expected an answer with an error code; the connection was closed")
        data += piece
    return data


host, port = sys.argv[1].split(":")
request = struct.pack(">hhi", 22, 0, 7) + string("interop") + string("interop-transaction") + struct.pack(">i", 60_000)
with socket.create_connection((host, int(port)), timeout=10) as connection:
    connection.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", receive(connection, 4))
    correlation_id, _throttle_ms, error, producer_id, producer_epoch = struct.unpack(
        ">iihqh", receive(connection, size)
    )

print(f"correlation id {correlation_id}, error {error}, producer id {producer_id}, epoch {producer_epoch}")
if correlation_id != 7 or error == 0 or error in RETRIABLE or producer_id != -1:
    raise SystemExit("expected correlation id 7, a fatal error and producer id -1")
