/*
 * client_beside.h - what we ask of the ssh that we run, beside the bytes of
 * the channel (common/ipc/direct.h): further channels on its connection, and
 * that it reads and writes files which we share with it.
 *
 * Nothing is waited for: what an answer brings is found by a later call. A
 * program other than our ssh never answers, and nothing comes of it.
 *
 * Knows: descriptors only.
 */
#ifndef SFTP_CLIENT_BESIDE_H
#define SFTP_CLIENT_BESIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/ipc/direct.h"

#define CLIENT_WIDEN_MAX DIRECT_CHANNELS_MAX

struct client_beside {
	int control;                 /* -1: none, or it is over */
	int asked[CLIENT_WIDEN_MAX]; /* our ends, by number; -1 */
	unsigned count;
	int opened; /* a channel's socket that nobody took yet; -1 */
	bool shares_files;
	unsigned files; /* shared now */
	uint32_t last_file;
};

void client_beside_init(struct client_beside *b);

/* Makes the socket: its other end, for the program; -1 where there is none. */
int client_beside_open(struct client_beside *b) MUST_CHECK;
void client_beside_close(struct client_beside *b);

/* In the child that becomes the program: passes the socket on. */
void client_beside_export(int fd);

/* So many channels are wanted in all: asks for what is missing. Then looks
 * for an answer: the socket of a channel that is open now, the caller's;
 * -1: none. */
int client_beside_widen(struct client_beside *b, unsigned wanted) MUST_CHECK;

/* May files be shared? Known when the server's first bytes are here. */
bool client_beside_shares_files(struct client_beside *b);

/* Shares a regular file; it has the number from now on, until it is forgotten
 * (the program must be told so in a message of the channel). False: it is no
 * such file, or too many are shared. */
bool client_beside_share(
    struct client_beside *b, int fd, uint32_t *ret_number) MUST_CHECK;
void client_beside_forget(struct client_beside *b);

#endif
