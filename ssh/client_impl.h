/*
 * client_impl.h - the state of the connection, for the files client*.c.
 */
#ifndef SSH_CLIENT_IMPL_H
#define SSH_CLIENT_IMPL_H

#include <stdbool.h>

#include "common/channel/channel.h"
#include "common/channel/idle.h"
#include "common/event/loop.h"
#include "common/transport/link.h"
#include "common/transport/transport.h"
#include "ssh/agent_forward.h"
#include "ssh/arguments.h"
#include "ssh/auth.h"
#include "ssh/chaff.h"
#include "ssh/connect.h"
#include "ssh/hostkey.h"
#include "ssh/hostkey_update.h"
#include "ssh/identities.h"
#include "ssh/keepalive.h"
#include "ssh/memory.h"
#include "ssh/options.h"
#include "ssh/session.h"

enum client_phase {
	CLIENT_KEX,
	CLIENT_AUTH,
	CLIENT_SESSION
};

struct client {
	const struct arguments *a;
	const struct ssh_options *o;
	struct ssh_tokens *tokens;
	const char *home;
	const char *command;

	struct host_check host;
	struct host_memory memory; /* of the last visit */
	char *memory_name;
	struct identities identities;
	char *ident; /* lists and texts of the transport */
	char *kex_algorithms;
	char *host_key_algorithms;
	char *host_key_text; /* for LocalCommand's tokens */

	enum client_phase phase;
	struct peer peer;
	struct transport *t;
	struct loop *loop;
	struct link *link;
	bool is_link_over;      /* it ended after the session */
	struct timer *deadline; /* of ConnectTimeout */
	struct auth *auth;
	struct connection *connection;
	struct session *session;
	struct agent_forward *agent_forward; /* NULL: off */
	struct keepalive *keepalive;
	struct idle *idle; /* ChannelTimeout; NULL */
	struct chaff *chaff;
	struct host_update *update; /* of host keys, under way */
	bool has_host_keys;         /* the server told them once */
	uint64_t rtt_us;
	uint64_t session_since_us; /* authenticated */
	uint8_t deferred_escape;   /* a command that waits for the loop */
};

/* client_end.c: why it is over, in words; all end the process. */
NORETURN void client_end_by_link(
    struct client *c, int code, const struct error *e);
NORETURN void client_end_by_peer(struct client *c);
NORETURN void client_end_by_failure(
    struct client *c, uint32_t reason, const char *text);
NORETURN void client_end_of_session(struct client *c, int status);

/* client_escape.c: a ~ command; false: it is none. */
bool client_on_escape(uint8_t command, void *context);

/* client_memory.c: the guess from the last visit, and its notes for the next.
 */
void client_recall(struct client *c);
bool client_may_guess(const struct client *c);
void client_memorize(struct client *c);

#endif
