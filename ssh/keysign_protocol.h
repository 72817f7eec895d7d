/*
 * keysign_protocol.h - what ssh and ssh-keysign say to each other, over the
 * helper's standard input and output.
 *
 * Each message is a uint32 length and that many bytes.
 *   request  byte version, string signed data (RFC 4252 s9: it names the
 *            algorithm and the key)
 *   reply    byte version, boolean ok, string signature, or why not
 * Descriptor 3 of the helper is the socket to the server, where there is one:
 * by its address the host gets its name.
 * Both ends read hostile bytes.
 */
#ifndef SSH_KEYSIGN_PROTOCOL_H
#define SSH_KEYSIGN_PROTOCOL_H

#define KEYSIGN_VERSION     1
#define KEYSIGN_MESSAGE_MAX ((size_t)256 * 1024)
#define KEYSIGN_SOCKET_FD   3
#define KEYSIGN_PROGRAM     "ssh-keysign"

/* The usual host keys, without their folder; NULL at the end. */
#define KEYSIGN_HOST_KEYS                                                      \
	{                                                                      \
		"ssh_host_ed25519_key", "ssh_host_ecdsa_key",                  \
		    "ssh_host_rsa_key", "ssh_host_mldsa44_ed25519_key", NULL   \
	}

#endif
