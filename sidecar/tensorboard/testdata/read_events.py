"""Reads an event file with nothing but Python's standard library and prints "step tag value" for every scalar.

Written from the format's description, not from the Go code: the test compares both.
"""
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        elif kind == 5:
            value, at = data[at:at + 4], at + 4
        else:
            sys.exit("wire type %d" % kind)
        yield key >> 3, value


data, at = open(sys.argv[1], "rb").read(), 0
while at < len(data):
    length, check = struct.unpack_from("<QI", data, at)
    body = data[at + 12:at + 12 + length]
    if masked(data[at:at + 8]) != check or masked(body) != struct.unpack_from("<I", data, at + 12 + length)[0]:
        sys.exit("checksum at byte %d" % at)
    at += 16 + length
    event = list(fields(body))
    step = dict(event).get(2, 0)
    for number, value in event:
        if number == 3:
            print("version", value.decode())
        if number == 5:
            for _, entry in fields(value):
                entry = dict(fields(entry))
                if 2 in entry:
                    print(step, entry[1].decode(), "%.9g" % struct.unpack("<f", entry[2])[0])
                else:
                    print("text", entry[1].decode(), dict(fields(entry[8]))[8].decode())
