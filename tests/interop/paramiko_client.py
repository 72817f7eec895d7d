#!/usr/bin/python3
"""A client made of Paramiko, against a server with OpenSSH's behaviour.

    paramiko_client.py PORT USER FOLDER PASSWORD TEST [NAME...]

FOLDER holds host_KIND.pub and user_KIND. TEST is one of the functions below
that bear a test's name; those of algorithms take the names that both ends
know and try each. The status is 0 when everything held.
"""
import hashlib
import os
import sys
import threading

import paramiko

KINDS = {"ssh-ed25519": ("ed25519", paramiko.Ed25519Key),
         "ssh-dss": ("dsa", paramiko.DSSKey)}
for curve in "256", "384", "521":
    KINDS["ecdsa-sha2-nistp" + curve] = ("ecdsa" + curve, paramiko.ECDSAKey)
for name in "ssh-rsa", "rsa-sha2-256", "rsa-sha2-512":
    KINDS[name] = ("rsa", paramiko.RSAKey)

PAYLOAD = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(4000))
TIMEOUT = 30


class Peer:
    def __init__(self, port, user, folder, password):
        self.port = port
        self.user = user
        self.folder = folder
        self.password = password

    def start(self, kex=None, cipher=None, mac=None, host_key=None,
              compress=False):
        """A transport whose host key has been checked."""
        transport = paramiko.Transport(("127.0.0.1", self.port))
        options = transport.get_security_options()
        if kex:
            options.kex = (kex,)
        if cipher:
            options.ciphers = (cipher,)
        if mac:
            options.digests = (mac,)
        if host_key:
            options.key_types = (host_key,)
        transport.use_compression(compress)
        transport.start_client(timeout=TIMEOUT)
        key = transport.get_remote_server_key()
        kind, _ = KINDS[transport.host_key_type]
        with open("%s/host_%s.pub" % (self.folder, kind)) as file:
            assert file.read().split()[1] == key.get_base64(), "host key"
        return transport

    def user_key(self, algorithm):
        kind, loader = KINDS[algorithm]
        return loader.from_private_key_file(
            "%s/user_%s" % (self.folder, kind))

    def log_in(self, **algorithms):
        transport = self.start(**algorithms)
        transport.auth_publickey(self.user, self.user_key("ssh-ed25519"))
        return transport


def execute(transport, command, data=b""):
    """Runs a command; gives its status, output and standard error."""
    channel = transport.open_session(timeout=TIMEOUT)
    channel.settimeout(TIMEOUT)
    channel.exec_command(command)
    errors = []

    def feed():
        channel.sendall(data)
        channel.shutdown_write()

    def read_errors():
        errors.append(channel.makefile_stderr("rb").read())

    threads = [threading.Thread(target=feed),
               threading.Thread(target=read_errors)]
    for thread in threads:
        thread.start()
    output = channel.makefile("rb").read()
    for thread in threads:
        thread.join(TIMEOUT)
    assert channel.status_event.wait(TIMEOUT), "no exit status"
    status = channel.recv_exit_status()
    channel.close()
    return status, output, errors[0]


def each(names, attempt):
    failed = []
    for name in names:
        try:
            attempt(name)
        except Exception as error:
            failed.append(name)
            print("-- %s failed: %r" % (name, error))
    print("%d tried; failed: %s" % (len(names), " ".join(failed) or "none"))
    assert not failed


def echoes(peer, **algorithms):
    transport = peer.log_in(**algorithms)
    assert execute(transport, "cat", PAYLOAD) == (0, PAYLOAD, b"")
    transport.close()


# ---- the tests ----

def kex(peer, *names):
    each(names, lambda name: echoes(peer, kex=name))


def ciphers(peer, *names):
    each(names, lambda name: echoes(peer, cipher=name))


def macs(peer, *names):
    for cipher in "aes128-ctr", "aes256-cbc":
        each(names, lambda name: echoes(peer, mac=name, cipher=cipher))


def host_keys(peer, *names):
    each(names, lambda name: echoes(peer, host_key=name))


def compression(peer, *names):
    each(names, lambda name: echoes(peer, cipher=name, compress=True))


def user_keys(peer, *names):
    def attempt(name):
        transport = peer.start()
        # Only this algorithm is left to it.
        keys = transport._preferred_pubkeys
        transport.disabled_algorithms = {
            "pubkeys": [key for key in keys if key != name]}
        transport.auth_publickey(peer.user, peer.user_key(name))
        assert execute(transport, "exit 3")[0] == 3
        transport.close()
    each(names, attempt)


def password(peer):
    transport = peer.start()
    try:
        transport.auth_password(peer.user, "wrong", fallback=False)
        assert False, "a wrong password was taken"
    except paramiko.AuthenticationException:
        pass
    transport.auth_password(peer.user, peer.password, fallback=False)
    assert execute(transport, "echo $USER")[1].decode().strip() == peer.user
    transport.close()


def interactive(peer):
    def answer(title, instructions, prompts):
        seen.extend(prompts)
        return [peer.password] * len(prompts)

    seen = []
    transport = peer.start()
    transport.auth_interactive(peer.user, answer)
    assert len(seen) == 1 and not seen[0][1], seen
    assert execute(transport, "echo $USER")[1].decode().strip() == peer.user
    transport.close()


def statuses(peer):
    transport = peer.log_in()
    for status in 0, 1, 7, 127, 255:
        assert execute(transport, "exit %d" % status)[0] == status
    # Ended by a signal: exit-signal, which Paramiko takes for no status.
    channel = transport.open_session()
    channel.exec_command("kill -TERM $$")
    assert channel.recv(1) == b""
    channel.close()
    assert execute(transport, "echo out; echo err >&2") == (0, b"out\n", b"err\n")
    transport.close()


def terminal(peer):
    transport = peer.log_in()
    channel = transport.open_session()
    channel.settimeout(TIMEOUT)
    channel.get_pty("vt220", 91, 33)
    channel.invoke_shell()
    read_until(channel, b"\x00start", b"printf '\\000%s' start\n")
    read_until(channel, b"33 91\r\nvt220", b"stty size; echo $TERM\n")
    channel.resize_pty(120, 40)
    read_until(channel, b"40 120", b"stty size\n")
    channel.sendall(b"exit 9\n")
    while channel.recv(4096):
        pass
    assert channel.recv_exit_status() == 9
    transport.close()


def read_until(channel, text, typed=b""):
    seen = b""
    channel.sendall(typed)
    while text not in seen:
        data = channel.recv(4096)
        assert data, "the shell ended: %r" % seen
        seen += data
    return seen


def many_commands(peer):
    """One after the other on one connection: channel numbers come back."""
    transport = peer.log_in()
    for n in range(30):
        assert execute(transport, "echo %d" % n)[1] == b"%d\n" % n
    transport.close()


def channels_at_once(peer):
    """Eight echoes at once, each with bytes of its own."""
    transport = peer.log_in()
    wrong = []

    def run(n):
        data = bytes([n]) * 3000000
        status, output, errors = execute(transport, "cat", data)
        if (status, output, errors) != (0, data, b""):
            wrong.append("channel %d: status %d, %d bytes, %d wrong, %r" % (
                n, status, len(output), len(output) - output.count(n), errors))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a channel hangs"
    assert not wrong, wrong
    transport.close()


def rekey(peer):
    """New keys, asked for by the client, while data flows both ways."""
    transport = peer.log_in()
    before, exchanges = transport.session_id, []
    result = []
    data = PAYLOAD * 250
    worker = threading.Thread(
        target=lambda: result.append(execute(transport, "cat", data)))
    worker.start()
    for _ in range(6):
        transport.renegotiate_keys()
        exchanges.append(transport.H)
    worker.join(60)
    assert result == [(0, data, b"")], "the data"
    assert len(set(exchanges)) == 6 and transport.session_id == before
    transport.close()


def main():
    port, user, folder, secret, test = sys.argv[1:6]
    paramiko.util.log_to_file(os.path.join(folder, "paramiko.log"), "INFO")
    globals()[test](Peer(int(port), user, folder, secret), *sys.argv[6:])


main()
