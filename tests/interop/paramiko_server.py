#!/usr/bin/python3
"""An SSH server made of Paramiko, for one user and a few ways to get in.

    paramiko_server.py PORT_FILE AUTHORIZED_KEYS PASSWORD HOST_KEY...

Listens on a free port of 127.0.0.1 and writes it to PORT_FILE. Commands run
by /bin/sh; a shell on a terminal is a small echo: "size" prints the
terminal's size, "exit N" ends it.
"""
import base64
import os
import socket
import subprocess
import sys
import threading

import paramiko

KINDS = {"ssh-ed25519": paramiko.Ed25519Key, "ssh-rsa": paramiko.RSAKey,
         "ssh-dss": paramiko.DSSKey}


def load_host_key(path):
    with open(path + ".pub") as file:
        name = file.read().split()[0]
    return KINDS.get(name, paramiko.ECDSAKey).from_private_key_file(path)


class Session:
    """One channel: what the client has asked for before it starts."""

    def __init__(self):
        self.size = None
        self.term = ""


class Server(paramiko.ServerInterface):
    def __init__(self, authorized, password):
        self.authorized = authorized
        self.password = password
        self.sessions = {}

    # ---- authentication ----

    def get_allowed_auths(self, username):
        return "publickey,password,keyboard-interactive"

    def check_auth_publickey(self, username, key):
        known = key.asbytes() in self.authorized
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def check_auth_password(self, username, password):
        right = password == self.password
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_interactive(self, username, submethods):
        return paramiko.InteractiveQuery(
            "Two questions", "Answer both.",
            ("Password: ", False), ("And how much is 6 times 7? ", True))

    def check_auth_interactive_response(self, responses):
        right = responses == [self.password, "42"]
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    # ---- channels ----

    def check_channel_request(self, kind, number):
        if kind != "session":
            return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        self.sessions[number] = Session()
        return paramiko.OPEN_SUCCEEDED

    def check_channel_pty_request(self, channel, term, width, height,
                                  pixelwidth, pixelheight, modes):
        session = self.sessions[channel.get_id()]
        session.term, session.size = term.decode(), (width, height)
        return True

    def check_channel_window_change_request(self, channel, width, height,
                                            pixelwidth, pixelheight):
        self.sessions[channel.get_id()].size = (width, height)
        return True

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=run_command, args=(channel, command)).start()
        return True

    def check_channel_shell_request(self, channel):
        session = self.sessions[channel.get_id()]
        threading.Thread(target=run_shell, args=(channel, session)).start()
        return True


def copy(read, write, end):
    try:
        while True:
            data = read(65536)
            if not data:
                break
            write(data)
    except OSError:
        pass
    finally:
        end()


def run_command(channel, command):
    child = subprocess.Popen(["/bin/sh", "-c", command], bufsize=0,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    threading.Thread(target=copy, daemon=True, args=(
        channel.recv, write_all(child.stdin), child.stdin.close)).start()
    threads = [
        threading.Thread(target=copy, args=(
            child.stdout.read, channel.sendall, lambda: None)),
        threading.Thread(target=copy, args=(
            child.stderr.read, channel.sendall_stderr, lambda: None))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    channel.send_exit_status(child.wait())
    channel.close()


def write_all(pipe):
    def write(data):
        while data:
            data = data[pipe.write(data):]
    return write


def run_shell(channel, session):
    status = 0
    line = b""
    channel.sendall("term %s\r\nready> " % session.term)
    while True:
        data = channel.recv(1)
        if not data:
            break
        if data not in b"\r\n":
            line += data
            channel.sendall(data)
            continue
        channel.sendall(b"\r\n")
        if line == b"size" and session.size:
            channel.sendall("%dx%d\r\n" % session.size)
        elif line.startswith(b"exit"):
            status = int(line.split()[1])
            break
        line = b""
        channel.sendall(b"ready> ")
    channel.send_exit_status(status)
    channel.close()


def serve(connection, keys, authorized, password):
    transport = paramiko.Transport(connection)
    for key in keys:
        transport.add_server_key(key)
    try:
        transport.start_server(server=Server(authorized, password))
    except (paramiko.SSHException, EOFError, OSError) as error:
        print("negotiation failed:", error, file=sys.stderr)


def main():
    port_file, authorized_file, password = sys.argv[1:4]
    keys = [load_host_key(path) for path in sys.argv[4:]]
    with open(authorized_file) as file:
        authorized = {base64.b64decode(line.split()[1]) for line in file}
    paramiko.util.log_to_file("/dev/stderr", "INFO")
    paramiko.Transport.load_server_moduli("/etc/ssh/moduli")
    listener = socket.create_server(("127.0.0.1", 0), backlog=50)
    with open(port_file + ".new", "w") as file:
        print(listener.getsockname()[1], file=file)
    os.rename(port_file + ".new", port_file)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, daemon=True, args=(
            connection, keys, authorized, password)).start()


main()
