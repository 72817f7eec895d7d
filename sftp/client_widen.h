/*
 * client_widen.h - further channels on the connection of the ssh that we run:
 * asked for over a socket that it finds by SHEETBEND_WIDEN in its environment.
 *
 * The socket is a Unix one of packets. Each packet that we send is one byte,
 * the number of the request from 0 on, with one stream socket beside it: ssh
 * opens one more channel for the same subsystem and joins it with that socket,
 * and answers two bytes, the number and 'y' or 'n'.
 * Another program than our ssh never answers, and nothing comes of it.
 *
 * Knows: descriptors only.
 */
#ifndef SFTP_CLIENT_WIDEN_H
#define SFTP_CLIENT_WIDEN_H

#include <stdbool.h>

#include "common/base/attributes.h"

#define CLIENT_WIDEN_MAX 8

struct client_widen {
	int control;                 /* -1: none, or it is over */
	int asked[CLIENT_WIDEN_MAX]; /* our ends, by number; -1 */
	unsigned count;
};

void client_widen_init(struct client_widen *w);

/* Makes the socket: its other end, for the program; -1 where there is none. */
int client_widen_open(struct client_widen *w) MUST_CHECK;
void client_widen_close(struct client_widen *w);

/* In the child that becomes the program: passes the socket on. */
void client_widen_export(int fd);

/* So many channels are wanted in all: asks for what is missing. Then looks
 * for an answer: the socket of a channel that is open now, the caller's;
 * -1: none. */
int client_widen_step(struct client_widen *w, unsigned wanted) MUST_CHECK;

#endif
