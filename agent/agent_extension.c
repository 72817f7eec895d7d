/*
 * agent_extension.c - requests by name.
 * draft-ietf-sshm-ssh-agent s4.8; surface notes s9.
 */
#include "agent/agent_peer.h"
#include "common/base/log.h"

/* Neither needs the keys: a locked agent answers both, since a connection that
 * is not bound now would later pass for one of this machine. */
static const char *const names[] = { "query", "session-bind@openssh.com" };

static void
on_query(struct agent_peer *p, struct reader *r)
{
	size_t mark;

	if (read_end(r) != 0) {
		agent_answer(p, AGENT_EXTENSION_FAILURE);
		return;
	}
	mark = write_string_begin(&p->out);
	write_byte(&p->out, AGENT_EXTENSION_RESPONSE);
	write_text(&p->out, "query");
	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		write_text(&p->out, names[i]);
	write_string_end(&p->out, mark);
}

static void
on_session_bind(struct agent_peer *p, struct reader *r)
{
	struct error e = { 0 };
	int error = agent_way_bind(&p->way, r, &e);

	if (error != 0)
		log_error("refused: binding a session: %s", e.text);
	else
		log_debug1("bound to %s session %zu",
		    p->way.hop[p->way.count - 1].is_forwarded ? "a forwarded"
							      : "a",
		    p->way.count);
	agent_answer(p, error == 0 ? AGENT_SUCCESS : AGENT_EXTENSION_FAILURE);
}

static agent_handler *const handlers[] = { on_query, on_session_bind };

_Static_assert(ARRAY_COUNT(handlers) == ARRAY_COUNT(names), "one for each");

void
agent_on_extension(struct agent_peer *p, struct reader *r)
{
	struct span name = read_string(r);

	if (read_error(r) == 0) {
		for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
			if (span_is(name, names[i])) {
				log_debug2("extension: %s", names[i]);
				handlers[i](p, r);
				return;
			}
		}
	}
	log_verbose("refused: an extension that is not known");
	agent_answer(p, AGENT_FAILURE);
}
