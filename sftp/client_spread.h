/*
 * client_spread.h - a copy's further channels, where a program runs it over a
 * link: those that there are, and those that would help.
 */
#ifndef SFTP_CLIENT_SPREAD_H
#define SFTP_CLIENT_SPREAD_H

#include "sftp/client_copy.h"
#include "sftp/client_link.h"

/* Before the first step: the channels of earlier copies. target: NULL or that
 * of a local end, then nothing is done. */
void client_spread_begin(struct copy *c, struct client_link *target);

/* After each step: asks for what is wanted, takes what came. */
void client_spread_more(struct copy *c, struct client_link *target);

#endif
