/*
 * hostkey_dns.c - VerifyHostKeyDNS.
 */
#include "ssh/hostkey_dns.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/address.h"
#include "common/base/log.h"
#include "common/hosts/sshfp_answer.h"
#include "ssh/hostkey_text.h"

#define ANSWER_MAX 65535

/* The length of the resolver's answer to the question for SSHFP records;
 * negative: none, said in the log. */
static int
ask_resolver(const char *host, uint8_t *answer, size_t size)
{
	struct __res_state state;
	int n;

	memset(&state, 0, sizeof(state));
	if (res_ninit(&state) != 0) {
		log_error("DNS lookup error: no resolver");
		return -1;
	}
	/* With signatures, so that it knows that we care; the records need
	 * not fit 512 bytes then. */
	state.options |= RES_USE_EDNS0 | RES_USE_DNSSEC;
	n = res_nquery(
	    &state, host, ns_c_in, SSHFP_RECORD_TYPE, answer, (int)size);
	if (n < 0)
		log_verbose("DNS lookup error: %s: %s", host,
		    hstrerror(state.res_h_errno));
	res_nclose(&state);
	return n < 0 || (size_t)n > size ? -1 : n;
}

static enum host_dns
judge(const struct host_check *h, const struct key *k,
    const struct sshfp_answer *a)
{
	log_debug1("found %zu %s fingerprints in DNS", a->count,
	    a->is_validated ? "secure" : "insecure");
	switch (sshfp_answer_check(a, k)) {
	case SSHFP_MATCH:
		log_verbose("matching host key fingerprint found in DNS");
		return a->is_validated ? HOST_DNS_SECURE : HOST_DNS_MATCH;
	case SSHFP_MISMATCH:
		hostkey_warn_dns(h, k);
		return HOST_DNS_MISMATCH;
	default:
		return HOST_DNS_NONE;
	}
}

enum host_dns
hostkey_check_dns(const struct host_check *h, const struct key *k)
{
	const char *host = h->o->hostname;
	struct sshfp_answer *answer;
	struct address numeric;
	enum host_dns found = HOST_DNS_NONE;
	uint8_t *message;
	int n;

	if (h->o->verify_host_key_dns == NYA_NO)
		return HOST_DNS_NOT_ASKED;
	if (address_parse(host, &numeric) == 0) {
		log_debug1("skipped DNS lookup for numerical hostname");
		return HOST_DNS_NOT_ASKED;
	}
	message = malloc(ANSWER_MAX);
	answer = malloc(sizeof(*answer));
	if (message != NULL && answer != NULL &&
	    (n = ask_resolver(host, message, ANSWER_MAX)) >= 0 &&
	    sshfp_answer_read(span_of(message, (size_t)n), answer) == 0)
		found = judge(h, k, answer);
	if (found == HOST_DNS_NONE)
		log_debug1("no host key fingerprint found in DNS");
	free(message);
	free(answer);
	return found;
}
