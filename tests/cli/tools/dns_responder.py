#!/usr/bin/env python3
# A name server for tests: dns_responder.py ADDRESS PORT READY RECORD...
#
# RECORD is `name algorithm type hex`, an SSHFP record; `!name` is answered
# with SERVFAIL. Every answer is marked as validated (AD) where the question
# asks for signatures (DO) or for that mark; names that are not listed do not
# exist. READY is a file that is made once it listens.
import socket
import struct
import sys


def question(message):
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode().lower())
        at += 1 + message[at]
    return ".".join(labels), message[at + 1 : at + 5], at + 5


def answer(message, records, broken):
    ident, flags, _, _, _, additional = struct.unpack(">6H", message[:12])
    name, kind, end = question(message)
    found = [r for r in records if r[0] == name and kind == b"\0\x2c\0\1"]
    known = name in broken or any(r[0] == name for r in records)
    code = 2 if name in broken else 0 if known else 3
    validated = 0x20 if flags & 0x20 or additional else 0
    body = struct.pack(
        ">6H", ident, 0x8180 | validated | code, 1, len(found), 0, 0
    )
    body += message[12:end]
    for _, data in found:
        body += b"\xc0\x0c\0\x2c\0\1\0\0\0\x3c" + struct.pack(">H", len(data)) + data
    return body


def main():
    address, port, ready = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    records, broken = [], set()
    for text in sys.argv[4:]:
        if text.startswith("!"):
            broken.add(text[1:])
            continue
        name, algorithm, kind, data = text.split()
        records.append(
            (name, bytes([int(algorithm), int(kind)]) + bytes.fromhex(data))
        )
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))
    open(ready, "w").close()
    while True:
        message, peer = s.recvfrom(4096)
        try:
            s.sendto(answer(message, records, broken), peer)
        except (IndexError, struct.error, UnicodeDecodeError):
            pass


main()
