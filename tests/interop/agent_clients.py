"""Foreign clients of an agent: agent_clients.py paramiko|asyncssh KEYFILE...

Lists the keys of $SSH_AUTH_SOCK's agent, has each sign, and verifies. With
asyncssh also: adds the key files, locks, unlocks, removes them again."""
import asyncio
import sys
import warnings

warnings.simplefilter("ignore")


def by_paramiko(files):
    import paramiko
    keys = {k.asbytes(): k for k in paramiko.Agent().get_keys()}
    assert keys, "no keys"
    data = b"to be signed"
    kinds = {"ssh-rsa": paramiko.RSAKey, "ssh-ed25519": paramiko.Ed25519Key}
    for file in files:
        line = open(file + ".pub").read().split()
        kind = kinds.get(line[0], paramiko.ECDSAKey)
        public = kind(data=kind.from_private_key_file(file).asbytes())
        agent_key = keys[public.asbytes()]
        names = [None]
        if line[0] == "ssh-rsa":
            names = ["rsa-sha2-256", "rsa-sha2-512"]
        for name in names:
            signature = (agent_key.sign_ssh_data(data, name) if name
                         else agent_key.sign_ssh_data(data))
            message = paramiko.Message(signature)
            if name:
                assert paramiko.Message(signature).get_text() == name
            assert public.verify_ssh_sig(data, message), (file, name)
            print("signed", line[0], name or "")


async def by_asyncssh(files):
    import asyncssh
    async with asyncssh.connect_agent() as agent:
        await agent.remove_all()
        assert not await agent.get_keys()
        loaded = [asyncssh.read_private_key(f) for f in files]
        await agent.add_keys(loaded)
        await agent.add_keys([loaded[0]], lifetime=3600, confirm=False)
        keys = await agent.get_keys()
        assert len(keys) == len(files), keys
        data = b"to be signed"
        for pair, key in zip(keys, loaded):
            signature = await pair.sign_async(data)
            public = asyncssh.import_public_key(key.export_public_key())
            assert public.verify(data, signature), pair.algorithm
            print("signed", pair.sig_algorithm.decode())
        await agent.lock("password")
        assert not await agent.get_keys()
        await agent.unlock("password")
        await agent.remove_keys([loaded[0]])
        assert len(await agent.get_keys()) == len(files) - 1
        await agent.remove_all()
        assert not await agent.get_keys()


if sys.argv[1] == "paramiko":
    by_paramiko(sys.argv[2:])
else:
    asyncio.run(by_asyncssh(sys.argv[2:]))
print("done")
