/*
 * monitor_proofs.c - PROVE: that this host has the private half of one of its
 * keys, for a client that learns them all (hostkeys-prove-00@openssh.com).
 * Wire: surface notes s9.
 */
#include "sshd/monitor_state.h"

#include <string.h>

#include "common/base/log.h"

#define ALGORITHM_MAX 64

/*
 * Signs with a host key; the session holds none. It names the key only: what
 * is signed is composed here, over the hash that was signed first, so that a
 * proof is of no use in any other connection, nor as another signature. How
 * often it may ask is in privsep.def.
 *
 *   string "hostkeys-prove-00@openssh.com", string session_id,
 *   string host key blob
 */
int
monitor_on_prove(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct span blob = read_string(r);
	struct span name = read_text(r);
	struct buf data = BUF_INIT, signature = BUF_INIT;
	char algorithm[ALGORITHM_MAX];
	int rc;

	if ((rc = read_end(r)) != 0)
		return rc;
	if (name.len >= sizeof(algorithm))
		return ERR_FORMAT;
	memcpy(algorithm, name.ptr, name.len);
	algorithm[name.len] = '\0';
	write_text(&data, "hostkeys-prove-00@openssh.com");
	write_string(&data, buf_span(&m->session_id));
	write_string(&data, blob);
	if ((rc = buf_error(&data)) == 0)
		rc = host_keys_sign_with(
		    m->host_keys, blob, algorithm, buf_span(&data), &signature);
	if (rc != 0) {
		log_error("cannot prove a host key: %s", error_text(rc));
		buf_clear(&signature);
	}
	write_string(ipc_begin(ipc, PRIVSEP_SIGNED), buf_span(&signature));
	buf_release(&data);
	buf_release(&signature);
	return ipc_end(ipc, -1);
}
