/*
 * direct.h - what our sftp or scp and the ssh that it runs say to each other
 * beside the bytes of the channel.
 *
 * sftp passes a Unix socket of packets, named by DIRECT_VARIABLE in the
 * environment; ssh uses it where it leads to its parent process. Each packet
 * is a kind, a number and a word, some with a descriptor beside them. By it
 * sftp has further channels opened, and shares the local files that it copies:
 * their data then never passes between the two processes. ssh reads a file
 * straight into the packets that it sends, and writes what comes straight from
 * the packet that it came in. A program that is not our ssh says nothing, and
 * every byte goes the usual way.
 *
 * What is asked of a shared file stands among the SFTP messages that sftp
 * writes to ssh, so that all keeps its order; these have numbers that SFTP
 * does not use, the same frame (uint32 length, byte type, uint32 id) and
 * only ever travel between the two:
 *
 *   DIRECT_READ   sftp to ssh: string handle, uint64 offset, uint32 count,
 *                 uint32 file, uint64 file_offset.
 *                 A READ is sent to the server; what answers it goes into the
 *                 file. DIRECT_PLACED tells; a failure comes as its STATUS.
 *                 ssh may hand over the DATA itself all the same.
 *   DIRECT_PLACED ssh to sftp: uint32 count (of the DATA), uint32 error (errno
 *                 of writing the file; 0: all count bytes are there)
 *   DIRECT_WRITE  sftp to ssh: fields as of DIRECT_READ.
 *                 A WRITE with count bytes of the file is sent. STATUS answers.
 *   DIRECT_SHORT  ssh to sftp, before that STATUS: uint32 count, uint32 error.
 *                 The file gave so many bytes only (its end, or error);
 *                 zeros were sent for the rest.
 *   DIRECT_FORGET sftp to ssh: uint32 file. The file is used no more. (id: 0)
 *
 * Knows: numbers and one socket; no files, no channels.
 */
#ifndef COMMON_IPC_DIRECT_H
#define COMMON_IPC_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"

#define DIRECT_VARIABLE "SHEETBEND_DIRECT"

/* ---- packets of the socket ---- */

enum direct_kind {
	/* sftp: one more session channel like the first one, joined with this
	 * stream socket. ssh: the answer by that number, word 'y' or 'n'. */
	DIRECT_CHANNEL = 'c',
	/* sftp: this file has this number. A number is used once: the next
	 * one may be here before DIRECT_FORGET, which comes the other way. */
	DIRECT_FILE = 'f',
	/* ssh, before the server's first byte: files may be shared. */
	DIRECT_READY = 'r'
};

#define DIRECT_CHANNELS_MAX 8

/* Files that sftp shares at a time. As many again may be forgotten by it and
 * not yet by ssh, but no more: a file is forgotten when its last request was
 * answered, and then all that was said before that request is known. */
#define DIRECT_FILES_MAX 64

struct direct_packet {
	enum direct_kind kind;
	uint32_t number;
	uint8_t word;
	int fd; /* -1: none. Sent: the caller's. Received: the receiver's */
};

/* Without waiting: false where it cannot be sent (the other side is gone, or
 * does not read). */
bool direct_send(int socket, const struct direct_packet *p) MUST_CHECK;

/* Without waiting: 1, 0 where there is none, -1 where none will ever come
 * (the end, or what is no packet). */
int direct_receive(int socket, struct direct_packet *ret) MUST_CHECK;

/* ---- messages among those of SFTP ---- */

enum direct_type {
	DIRECT_READ = 240,
	DIRECT_WRITE = 241,
	DIRECT_FORGET = 242,
	DIRECT_PLACED = 243,
	DIRECT_SHORT = 244,
	/* A server's message with a number of these gets this one instead. */
	DIRECT_NO_TYPE = 255
};

#define DIRECT_TYPE_MIN DIRECT_READ
#define DIRECT_TYPE_MAX DIRECT_SHORT

/* An id is a slot in these low bits, with a count above them: so few requests
 * are unanswered at a time. */
#define DIRECT_SLOT_BITS 13

#endif
