#!/usr/bin/python3
"""What the other end offers: its SSH_MSG_KEXINIT as text (RFC 4253 s7.1).

    kexinit.py connect PORT       of a server on 127.0.0.1, to standard output
    kexinit.py answer FILE        of a client whose proxy command this is

Prints one line `LIST name,name,...` for each of the lists.
"""
import socket
import struct
import sys

LISTS = ["kex", "hostkey", "cipher", "cipher-down", "mac", "mac-down",
         "compression", "compression-down"]
SSH_MSG_KEXINIT = 20


def read_line(stream):
    while True:
        line = stream.readline(1024)
        if not line or line.startswith(b"SSH-"):
            return line


def read_lists(stream):
    length, padding = struct.unpack(">IB", stream.read(5))
    payload = stream.read(length - 1)[:length - 1 - padding]
    assert payload[0] == SSH_MSG_KEXINIT, payload[0]
    at = 17                             # the number and the cookie
    for name in LISTS:
        n, = struct.unpack_from(">I", payload, at)
        yield name, payload[at + 4:at + 4 + n].decode()
        at += 4 + n


def main():
    mode, argument = sys.argv[1:]
    if mode == "connect":
        connection = socket.create_connection(("127.0.0.1", int(argument)), 10)
        stream, out = connection.makefile("rb"), sys.stdout
        connection.sendall(b"SSH-2.0-lists\r\n")
    else:
        stream, out = sys.stdin.buffer, open(argument, "w")
        sys.stdout.write("SSH-2.0-lists\r\n")
        sys.stdout.flush()
    read_line(stream)
    for name, names in read_lists(stream):
        print(name, names, file=out)


main()
