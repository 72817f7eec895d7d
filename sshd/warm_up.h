/*
 * warm_up.h - work that every connection needs, done before there is one.
 */
#ifndef SSHD_WARM_UP_H
#define SSHD_WARM_UP_H

#include "sshd/options.h"

/* Has the crypto library fetch what the most likely algorithms need; no
 * value of it is used. */
void warm_up(const struct sshd_options *o);

#endif
