#!/usr/bin/python3
"""Key files by Paramiko and AsyncSSH.

    key_files.py paramiko read FILE PASSPHRASE     prints "type base64"
    key_files.py paramiko write KIND FILE PASSPHRASE
    key_files.py asyncssh read FILE PASSPHRASE
    key_files.py asyncssh public FILE              of a public key file
    key_files.py asyncssh write KIND FORMAT FILE PASSPHRASE
    key_files.py asyncssh export FORMAT FILE       public key to stdout

KIND is rsa, ecdsa256, ecdsa384, ecdsa521, ed25519 or dsa. PASSPHRASE may be
empty. Exit status 3: the library does not know this combination.
"""
import os
import sys
import warnings

warnings.simplefilter("ignore")


def paramiko_read(path, passphrase):
    import paramiko
    for kind in (paramiko.RSAKey, paramiko.ECDSAKey, paramiko.Ed25519Key, paramiko.DSSKey):
        try:
            k = kind.from_private_key_file(path, passphrase or None)
        except paramiko.SSHException:
            continue
        print(k.get_name(), k.get_base64())
        return
    sys.exit("no type fits")


def paramiko_write(kind, path, passphrase):
    import paramiko
    if kind == "rsa":
        k = paramiko.RSAKey.generate(2048)
    elif kind == "dsa":
        k = paramiko.DSSKey.generate(1024)
    elif kind.startswith("ecdsa"):
        k = paramiko.ECDSAKey.generate(bits=int(kind[5:]))
    else:
        sys.exit(3)
    k.write_private_key_file(path, passphrase or None)
    print(k.get_name(), k.get_base64())


def public_line(k):
    return " ".join(k.export_public_key("openssh").decode().split()[:2])


def asyncssh_read(path, passphrase):
    import asyncssh
    print(public_line(asyncssh.read_private_key(path, passphrase or None)))


def asyncssh_public(path):
    import asyncssh
    print(public_line(asyncssh.read_public_key(path)))


def asyncssh_write(kind, form, path, passphrase):
    import asyncssh
    names = {"rsa": "ssh-rsa", "dsa": "ssh-dss", "ed25519": "ssh-ed25519"}
    name = names.get(kind) or "ecdsa-sha2-nistp" + kind[5:]
    k = asyncssh.generate_private_key(name, comment="async", **({"key_size": 2048} if kind == "rsa" else {}))
    options = {"passphrase": passphrase} if passphrase else {}
    if passphrase and form == "openssh":
        options["rounds"] = 1
    try:
        k.write_private_key(path, form, **options)
    except asyncssh.KeyExportError:
        sys.exit(3)
    os.chmod(path, 0o600)
    print(public_line(k))


def asyncssh_export(form, path):
    import asyncssh
    try:
        sys.stdout.write(asyncssh.read_public_key(path).export_public_key(form).decode())
    except asyncssh.KeyExportError:
        sys.exit(3)


globals()[sys.argv[1] + "_" + sys.argv[2]](*sys.argv[3:])
