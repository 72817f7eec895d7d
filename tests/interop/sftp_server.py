#!/usr/bin/env python3
# SFTP servers of Paramiko and AsyncSSH on a free port:
#   sftp_server.py paramiko|asyncssh host_key authorized_keys port_file
# Everybody with one of the keys may log in, as the caller.
import os
import socket
import sys
import threading

kind, host_key, authorized, port_file = sys.argv[1:5]


def announce(port):
    with open(port_file + ".new", "w") as f:
        f.write("%d\n" % port)
    os.rename(port_file + ".new", port_file)


def run_paramiko():
    import paramiko

    class Handle(paramiko.SFTPHandle):
        def stat(self):
            return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

        def chattr(self, attr):
            paramiko.SFTPServer.set_file_attr(self.filename, attr)
            return paramiko.SFTP_OK

    def answer(fn):
        def wrapped(*args):
            try:
                r = fn(*args)
                return paramiko.SFTP_OK if r is None else r
            except OSError as e:
                return paramiko.SFTPServer.convert_errno(e.errno)
        return wrapped

    def attributes(name, st):
        return paramiko.SFTPAttributes.from_stat(st, name)

    class Files(paramiko.SFTPServerInterface):
        @answer
        def list_folder(self, path):
            return [attributes(n, os.lstat(os.path.join(path, n))) for n in os.listdir(path)]

        @answer
        def stat(self, path):
            return attributes("", os.stat(path))

        @answer
        def lstat(self, path):
            return attributes("", os.lstat(path))

        @answer
        def open(self, path, flags, attr):
            fd = os.open(path, flags, (attr.st_mode or 0o644) & 0o777)
            mode = "rb" if not flags & (os.O_WRONLY | os.O_RDWR) else "r+b" if flags & os.O_RDWR else "wb"
            if mode == "wb":
                file = os.fdopen(fd, "wb")
            else:
                file = os.fdopen(fd, mode)
            handle = Handle(flags)
            handle.filename = path
            handle.readfile = handle.writefile = file
            return handle

        @answer
        def remove(self, path):
            os.remove(path)

        @answer
        def rename(self, old, new):
            os.rename(old, new)

        @answer
        def mkdir(self, path, attr):
            os.mkdir(path, (attr.st_mode or 0o755) & 0o777)

        @answer
        def rmdir(self, path):
            os.rmdir(path)

        @answer
        def chattr(self, path, attr):
            paramiko.SFTPServer.set_file_attr(path, attr)

        @answer
        def symlink(self, target, path):
            os.symlink(target, path)

        @answer
        def readlink(self, path):
            return os.readlink(path)

        def canonicalize(self, path):
            return os.path.realpath(path)

    class Server(paramiko.ServerInterface):
        def check_auth_publickey(self, username, key):
            for line in open(authorized):
                if key.get_base64() == line.split()[1]:
                    return paramiko.AUTH_SUCCESSFUL
            return paramiko.AUTH_FAILED

        def get_allowed_auths(self, username):
            return "publickey"

        def check_channel_request(self, kind, chanid):
            return paramiko.OPEN_SUCCEEDED

    key = paramiko.Ed25519Key(filename=host_key)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(20)
    announce(listener.getsockname()[1])
    while True:
        conn, _ = listener.accept()
        t = paramiko.Transport(conn)
        t.add_server_key(key)
        t.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
        threading.Thread(target=lambda t=t: t.start_server(server=Server()), daemon=True).start()


def run_asyncssh():
    import asyncio
    import asyncssh

    async def serve():
        server = await asyncssh.listen("127.0.0.1", 0, server_host_keys=[host_key],
                                       authorized_client_keys=authorized, sftp_factory=True)
        announce(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(serve())


run_paramiko() if kind == "paramiko" else run_asyncssh()
