/*
 * report.h - why a login failed, in three lines: what was offered, what the
 * server answered, what most likely is the matter and what helps.
 */
#ifndef SSH_REPORT_H
#define SSH_REPORT_H

#include <stdbool.h>

#include "ssh/identities.h"
#include "ssh/options.h"

enum report_answer {
	REPORT_NOT_TRIED,
	REPORT_NOBODY_TO_ASK, /* no terminal, or BatchMode */
	REPORT_CANCELLED,     /* the person gave nothing */
	REPORT_REFUSED,
	REPORT_PARTIAL,
	REPORT_SWITCHED_OFF /* by our side: option, or an unverified host */
};

struct report {
	const struct ssh_options *o;
	const struct identities *identities;
	const char *user;
	const char *host;
	const char *methods; /* what the server would take; "" if unknown */
	enum report_answer password;
	enum report_answer keyboard_interactive;
	bool pubkey_off;           /* PubkeyAuthentication no */
	bool pubkey_not_preferred; /* PreferredAuthentications without it */
	bool was_cut_off;          /* the server had enough of attempts */
};

/* Logs the lines at level error. */
void report_failed_login(const struct report *r);

#endif
