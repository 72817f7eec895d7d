/*
 * hostbased.h - host-based authentication: this machine's host key says who
 * the user is, by way of ssh-keysign, which alone can read it.
 * RFC 4252 s9.
 */
#ifndef SSH_HOSTBASED_H
#define SSH_HOSTBASED_H

#include "common/base/attributes.h"

struct auth;

/* Offers the next host key of this machine that the options and the server
 * take. 1: a request is on its way; 0: there is none left, or the helper
 * refused (said); or a negative code. */
int hostbased_try(struct auth *a) MUST_CHECK;

#endif
