#!/usr/bin/env python3
# An SFTP server that lies: liar.py LIE. One folder, "t", with one file.
import os
import struct
import sys

lie = sys.argv[1]
inp, out = os.fdopen(0, "rb"), os.fdopen(1, "wb")


def string(b):
    return struct.pack(">I", len(b)) + b


def send(kind, rid, body):
    data = bytes([kind]) + (struct.pack(">I", rid) if rid is not None else b"") + body
    out.write(struct.pack(">I", len(data)) + data)
    out.flush()


def status(rid, code):
    send(101, rid, struct.pack(">I", code) + string(b"") + string(b""))


def attributes(mode, size):
    return struct.pack(">IQI", 0x5, size, mode)


names = {
    "slash": b"../evil",
    "absolute": b"/tmp/evil",
    "nul": b"ev\0il",
    "empty": b"",
    "escape": b"\x1b]0;evil\x07",
}
listed = 0
while True:
    head = inp.read(4)
    if len(head) < 4:
        break
    packet = inp.read(struct.unpack(">I", head)[0])
    kind = packet[0]
    if kind == 1:
        if lie == "version":
            send(2, None, struct.pack(">I", 7))
        elif lie == "long":
            out.write(b"\xff" * 9)
            out.flush()
        else:
            send(2, None, struct.pack(">I", 3))
        continue
    rid = struct.unpack(">I", packet[1:5])[0]
    if kind == 16:
        send(104, rid, struct.pack(">I", 1) + string(b"/r") + string(b"") + struct.pack(">I", 0))
    elif kind in (7, 17):
        path = packet[9:9 + struct.unpack(">I", packet[5:9])[0]]
        folder = path in (b"/r", b"/r/t")
        send(105, rid, attributes(0o40755 if folder else 0o100644, 0 if folder else 100))
    elif kind == 11:
        send(102, rid, string(b"d"))
    elif kind == 12:
        if listed and lie != "endless":
            status(rid, 1)
            continue
        listed += 1
        count = 2000 if lie == "endless" else 1
        body = struct.pack(">I", count)
        for i in range(count):
            name = names.get(lie, b"f")
            if lie == "endless":
                name = b"f%d" % (listed * 2000 + i)
            body += string(name) + string(b"") + attributes(0o100644, 100)
        send(104, rid, body)
    elif kind == 3:
        if lie == "endless":
            status(rid, 3)
        else:
            send(102, rid, string(b"f"))
    elif kind == 5:
        if lie == "id":
            send(103, rid + 1, string(b"x" * 100))
        elif lie == "more":
            send(103, rid, string(b"x" * 101))
        elif lie == "cut":
            out.write(struct.pack(">I", 100) + bytes([103]) + struct.pack(">I", rid))
            out.flush()
            sys.exit(0)
        else:
            send(103, rid, string(b"x" * 100))
    else:
        status(rid, 0)
