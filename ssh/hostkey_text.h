/*
 * hostkey_text.h - what people read about host keys: warnings, the question
 * about a new one. For the files hostkey*.c.
 *
 * Nothing here decides; texts as in surface notes s10.
 */
#ifndef SSH_HOSTKEY_TEXT_H
#define SSH_HOSTKEY_TEXT_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/hosts/known_hosts.h"
#include "common/key/key.h"
#include "ssh/hostkey.h"

/* "ED25519" */
const char *hostkey_type(const struct key *k);
/* By FingerprintHash; fresh text, or NULL. */
char *hostkey_fingerprint(const struct host_check *h, const struct key *k);

/* ---- warnings ---- */

void hostkey_warn_revoked(const struct host_check *h, const struct key *k);
void hostkey_warn_changed(const struct host_check *h, const struct key *k,
    const struct known_host *line);
/* The name and its address tell different things (CheckHostIP). line: of the
 * address; NULL: it has none. */
void hostkey_warn_spoofing(const struct host_check *h, const struct key *k,
    enum known_hosts_verdict address_verdict, const struct known_host *line);

/* The records in DNS are of other keys. */
void hostkey_warn_dns(const struct host_check *h, const struct key *k);

/* ---- questions ---- */

/* May the unknown key be trusted? False too where nobody can be asked (then
 * that is said). */
bool hostkey_ask_about_new(
    struct host_check *h, const struct key *k, bool has_other_types);

/* ---- lines for the log ---- */

void hostkey_show_randomart(const struct host_check *h, const struct key *k);
/* What the server showed, at debug level. */
void hostkey_log(const struct host_check *h, const struct key *k);

#endif
