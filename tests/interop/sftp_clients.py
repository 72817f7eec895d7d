"""What Paramiko's and AsyncSSH's SFTP clients do with a server.

    sftp_clients.py paramiko|asyncssh HOST PORT USER KEY FOLDER

FOLDER exists on both sides (it is the same file system).
"""
import asyncio
import hashlib
import os
import stat
import sys

which, host, port, user, key, folder = sys.argv[1:]
port = int(port)
data = os.urandom(3_000_000)
odd = "odd \u00e4 name"


def check(condition, what):
    if not condition:
        raise SystemExit("does not hold: " + what)


def with_paramiko():
    import paramiko
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(host, port, user, key_filename=key, allow_agent=False,
                   look_for_keys=False)
    sftp = client.open_sftp()
    sftp.chdir(folder)
    check(sftp.getcwd() == os.path.realpath(folder), "the folder's path")
    with sftp.open("p", "wb") as f:
        f.set_pipelined(True)
        f.write(data)
    check(sftp.stat("p").st_size == len(data), "the size")
    with sftp.open("p", "rb") as f:
        f.prefetch()
        check(f.read() == data, "the data")
        f.seek(1_000_000)
        check(f.read(10) == data[1_000_000:1_000_010], "data in the middle")
    with sftp.open("p", "rb") as f:
        digests = f.check("sha256", 0, 0, 1_000_000)
        want = b"".join(hashlib.sha256(data[i:i + 1_000_000]).digest()
                        for i in range(0, len(data), 1_000_000))
        check(digests == want, "check-file")
    with sftp.open("p", "ab") as f:
        f.write(b"more")
    check(sftp.stat("p").st_size == len(data) + 4, "what was appended")
    sftp.chmod("p", 0o640)
    check(stat.S_IMODE(sftp.stat("p").st_mode) == 0o640, "the mode")
    sftp.utime("p", (1, 1_000_000_000))
    check(sftp.stat("p").st_mtime == 1_000_000_000, "the time")
    sftp.truncate("p", 5)
    check(os.path.getsize(folder + "/p") == 5, "the cut")
    sftp.symlink("p", "l")
    check(sftp.readlink("l") == "p", "the link")
    check(stat.S_ISLNK(sftp.lstat("l").st_mode), "lstat")
    sftp.mkdir("d")
    sftp.posix_rename("p", "d/" + odd)
    check(sftp.listdir("d") == [odd], "the listing")
    for name in ("nothing", "d/nothing"):
        try:
            sftp.stat(name)
            check(False, "no error")
        except FileNotFoundError:
            pass
    sftp.remove("d/" + odd)
    sftp.remove("l")
    sftp.rmdir("d")
    check(sftp.listdir(".") == [], "nothing is left")
    client.close()


async def with_asyncssh():
    import asyncssh
    async with asyncssh.connect(host, port, username=user, client_keys=[key],
                                known_hosts=None, agent_path=None) as c:
        async with c.start_sftp_client() as sftp:
            await sftp.chdir(folder)
            os.makedirs(folder + "/from/sub")
            for i in range(50):
                with open(f"{folder}/from/sub/{i}", "wb") as f:
                    f.write(data[:i * 1000])
            await sftp.put(folder + "/from", folder + "/to", recurse=True,
                           preserve=True)
            await sftp.get(folder + "/to", folder + "/back", recurse=True,
                           preserve=True)
            for i in range(50):
                with open(f"{folder}/back/sub/{i}", "rb") as f:
                    check(f.read() == data[:i * 1000], f"file {i}")
            names = sorted(n.filename for n in await sftp.readdir("to/sub"))
            check(len(names) == 52, "the listing")
            check((await sftp.statvfs(".")).bsize > 0, "statvfs")
            await sftp.link("to/sub/7", "hard")
            check((await sftp.stat("hard")).size == 7000, "a hard link")
            async with sftp.open("hard", "rb") as f:
                check((await f.stat()).size == 7000, "the size of a handle")
            await sftp.setstat("hard", asyncssh.SFTPAttrs(permissions=0o600))
            try:
                await sftp.stat("nothing")
                check(False, "no error")
            except asyncssh.SFTPNoSuchFile:
                pass
            try:
                await sftp.rmdir("to")
                check(False, "no error")
            except asyncssh.SFTPError as e:
                check("not empty" in str(e), "the words: " + str(e))
            for tree in ("from", "to", "back"):
                await sftp.rmtree(tree)
            await sftp.remove("hard")
            check(os.listdir(folder) == [], "nothing is left")


if which == "paramiko":
    with_paramiko()
else:
    asyncio.run(with_asyncssh())
