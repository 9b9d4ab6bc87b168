"""Writes cids.json: the CIDs this network gives to known bytes.

An implementation of its own, from the dag-pb and UnixFS specifications, so
that it agrees with `ipfs add --cid-version 1 --raw-leaves --chunker
size-1048576` without sharing code with the package under test.
Run: python3 testdata/cids.py > testdata/cids.json
"""
import base64
import hashlib
import json
import sys

CHUNK, LINKS = 1 << 20, 1024
RAW, DAG_PB = 0x55, 0x70


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def cid(codec, block):
    return varint(1) + varint(codec) + b"\x12\x20" + hashlib.sha256(block).digest()


def leaf(data):
    return cid(RAW, data), len(data), len(data)  # cid, bytes of content, bytes of the DAG


def inner(children):
    links = b"".join(field(2, field(1, c) + field(2, b"") + field(3, total)) for c, _, total in children)
    size = sum(s for _, s, _ in children)
    file = field(1, 2) + field(3, size) + b"".join(field(4, s) for _, s, _ in children)
    block = links + field(1, file)
    return cid(DAG_PB, block), size, len(block) + sum(t for _, _, t in children)


def add(data):
    level = [leaf(data[i:i + CHUNK]) for i in range(0, len(data), CHUNK)] or [leaf(b"")]
    while len(level) > 1:
        level = [inner(level[i:i + LINKS]) for i in range(0, len(level), LINKS)]
    return "b" + base64.b32encode(level[0][0]).decode().lower().rstrip("=")


def stream(n):
    """sha256(0) sha256(1) ... with 8-byte big-endian counters, cut to n bytes."""
    blocks = (hashlib.sha256(i.to_bytes(8, "big")).digest() for i in range((n + 31) // 32))
    return b"".join(blocks)[:n]


sizes = [0, 1, 11, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK // 2, 9 * CHUNK + 7]
json.dump([{"size": n, "cid": add(stream(n))} for n in sizes], sys.stdout, indent=1)
print()
