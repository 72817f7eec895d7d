/*
 * listener.c - the loop of the daemon.
 */
#include "sshd/listener.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/time.h"
#include "common/crypto/random.h"
#include "common/event/loop.h"
#include "common/port/port.h"
#include "sshd/admission.h"
#include "sshd/peer.h"
#include "sshd/pool.h"
#include "sshd/privsep.h"

#define ACCEPTS_A_TURN  16
#define PAUSE_US        100000 /* out of descriptors */
#define THROTTLE_LOG_US 60000000

struct listener {
	const struct listener_config *config;
	const struct sshd_options *options;
	struct loop *loop;
	struct watch *watch[LISTEN_MAX];
	struct timer *resume;
	struct pool *pool;
	struct admission *admission;
	enum listener_end end;
	int status;
	bool accepting;
	/* MaxStartups throttling under way */
	bool throttling;
	uint64_t throttling_since_us;
	unsigned dropped;
};

/* ---- rules from the configuration ---- */

static struct penalty_rules
penalty_rules_of(const struct sshd_options *o)
{
	static const enum sshd_penalty row[PENALTY_KIND_COUNT] = {
		[PENALTY_CRASH] = SSHD_PENALTY_CRASH,
		[PENALTY_AUTHFAIL] = SSHD_PENALTY_AUTHFAIL,
		[PENALTY_INVALIDUSER] = SSHD_PENALTY_INVALIDUSER,
		[PENALTY_REFUSECONNECTION] = SSHD_PENALTY_REFUSECONNECTION,
		[PENALTY_NOAUTH] = SSHD_PENALTY_NOAUTH,
		[PENALTY_GRACE_EXCEEDED] = SSHD_PENALTY_GRACE_EXCEEDED,
	};
	const struct sshd_penalties *p = &o->per_source_penalties;
	struct penalty_rules r = {
		.enabled = p->on,
		.max_us = (uint64_t)(p->seconds[SSHD_PENALTY_MAX] * 1e6),
		.min_us = (uint64_t)(p->seconds[SSHD_PENALTY_MIN] * 1e6),
		.max_sources4 = (size_t)p->max_sources4,
		.max_sources6 = (size_t)p->max_sources6,
		.deny_all4 = p->overflow_deny_all,
		.deny_all6 = p->overflow6_deny_all,
		.block_bits4 = (unsigned)o->per_source_net_block_size.ipv4,
		.block_bits6 = (unsigned)o->per_source_net_block_size.ipv6,
	};

	for (int i = 0; i < PENALTY_KIND_COUNT; i++)
		r.price_us[i] = (uint64_t)(p->seconds[row[i]] * 1e6);
	return r;
}

static struct admission_rules
admission_rules_of(const struct sshd_options *o)
{
	struct admission_rules r = {
		.begin = (unsigned)o->max_startups.begin,
		.rate = (unsigned)o->max_startups.rate,
		.full = (unsigned)o->max_startups.full,
		.block_bits4 = (unsigned)o->per_source_net_block_size.ipv4,
		.block_bits6 = (unsigned)o->per_source_net_block_size.ipv6,
		.exempt = o->per_source_penalty_exempt_list,
		.penalties = penalty_rules_of(o),
	};

	if (o->per_source_max_startups > 0)
		r.per_source = (unsigned)o->per_source_max_startups;
	return r;
}

/* ---- what is shown ---- */

static void
show_title(const struct listener *l)
{
	port_title("sshd: [listener] %u of %d-%d startups",
	    admission_startups(l->admission), l->options->max_startups.begin,
	    l->options->max_startups.full);
}

/* One line for each dropped connection would fill the disk in a flood. */
static void
log_throttling(struct listener *l, bool dropped)
{
	uint64_t now = loop_now_us(l->loop);

	if (dropped && !l->throttling) {
		l->throttling = true;
		l->throttling_since_us = now;
		l->dropped = 0;
		log_error("beginning MaxStartups throttling");
	}
	if (dropped)
		l->dropped++;
	else if (l->throttling &&
		 admission_startups(l->admission) <
		     (unsigned)l->options->max_startups.begin) {
		log_info("exited MaxStartups throttling after %llu s, %u "
			 "connections dropped",
		    (unsigned long long)((now - l->throttling_since_us) /
					 1000000),
		    l->dropped);
		l->throttling = false;
	}
}

static void
log_drop(struct listener *l, const struct peer *p, const char *reason)
{
	bool throttled = strcmp(reason, "Maxstartups") == 0;

	if (throttled)
		log_throttling(l, true);
	log_at(throttled && l->dropped > 1 ? LOG_LEVEL_VERBOSE : LOG_LEVEL_INFO,
	    "drop connection #%u from [%s]:%u on [%s]:%u %s",
	    admission_startups(l->admission), p->remote_text, p->remote_port,
	    p->local_text, p->local_port, reason);
}

/* ---- connections ---- */

static void
set_accepting(struct listener *l, bool on)
{
	l->accepting = on;
	for (size_t i = 0; i < l->config->sockets->count; i++)
		watch_set(l->watch[i], on ? WATCH_READ : 0);
}

static void
refuse(struct listener *l, int fd, const struct peer *p, const char *reason)
{
	static const char text[] = "Not allowed at this time\r\n";

	log_drop(l, p, reason);
	/* Who is refused may as well miss the reason. */
	IGNORE_RESULT(
	    send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0);
}

static unsigned
chance(void)
{
	uint32_t n = 0;

	if (random_fill(&random_fast, &n, sizeof(n)) != 0)
		return 0;
	return n % 100;
}

static void
serve_one(struct listener *l, int fd)
{
	struct pool_process *s;
	struct peer peer;
	const char *reason;

	peer_of(fd, &peer);
	reason = admission_check(
	    l->admission, &peer.remote, chance(), loop_now_us(l->loop));
	if (reason != NULL) {
		refuse(l, fd, &peer, reason);
		return;
	}
	s = pool_hand_over(l->pool, fd, &peer.remote);
	if (s == NULL) {
		refuse(l, fd, &peer, "no process can be started");
		return;
	}
	admission_begin(l->admission, &peer.remote);
	if (l->config->single)
		set_accepting(l, false);
	else
		pool_fill_later(l->pool);
	show_title(l);
}

static void
on_resume(struct timer *t, void *context)
{
	set_accepting(context, true);
}

static void
on_connection(struct watch *w, unsigned ready, void *context)
{
	struct listener *l = context;

	for (int i = 0; i < ACCEPTS_A_TURN && l->accepting; i++) {
		int fd = accept4(watch_fd(w), NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			serve_one(l, fd);
			close(fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			log_error("accept: %s", strerror(errno));
			set_accepting(l, false);
			timer_set(l->resume, PAUSE_US);
		}
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

/* ---- processes ---- */

static void
end_startup(struct listener *l, struct pool_process *s)
{
	if (!s->starting)
		return;
	s->starting = false;
	admission_end(l->admission, &s->source);
	log_throttling(l, false);
	show_title(l);
}

static void
on_authenticated(void *context, struct pool_process *s)
{
	end_startup(context, s);
}

/* Says how a connection ended that did not authenticate. */
static enum penalty_kind
penalty_of(int wait_status)
{
	/* A monitor that was kept waiting for a file: see serve.c. */
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGALRM)
		return PENALTY_GRACE_EXCEEDED;
	if (!WIFEXITED(wait_status))
		return PENALTY_CRASH;
	switch (WEXITSTATUS(wait_status)) {
	case SESSION_EXIT_GRACE:
		return PENALTY_GRACE_EXCEEDED;
	case SESSION_EXIT_CRASH:
		return PENALTY_CRASH;
	case SESSION_EXIT_AUTH_FAILED:
		return PENALTY_AUTHFAIL;
	case SESSION_EXIT_REFUSED:
		return PENALTY_REFUSECONNECTION;
	case SESSION_EXIT_INVALID_USER:
		return PENALTY_INVALIDUSER;
	default:
		return PENALTY_NOAUTH;
	}
}

static void
session_ended(struct listener *l, struct pool_process *s, int wait_status)
{
	bool was_spare = !s->busy;

	if (s->starting)
		admission_penalise(l->admission, &s->source,
		    penalty_of(wait_status), loop_now_us(l->loop));
	end_startup(l, s);
	if (WIFSIGNALED(wait_status))
		log_error("session process %d was killed by signal %d (%s)",
		    (int)s->pid, WTERMSIG(wait_status),
		    strsignal(WTERMSIG(wait_status)));
	pool_forget(s);
	/* Whoever finds out addresses by crashes finds others next time. */
	if (penalty_of(wait_status) == PENALTY_CRASH)
		pool_renew(l->pool);
	if (was_spare) {
		log_error("a spare session process ended, status 0x%x",
		    (unsigned)wait_status);
		pool_spare_failed(l->pool);
	}
	if (l->config->single) {
		l->status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
						   : SESSION_EXIT_FATAL;
		loop_stop(l->loop, 0);
	}
}

/* The ones that are known, whoever else is in the way. */
static void
reap_known(struct listener *l)
{
	struct pool_process *s;
	int wait_status;

	while ((s = pool_first_ended(l->pool, &wait_status)) != NULL)
		session_ended(l, s, wait_status);
}

/*
 * Reaps. Children of this process before a restart are among them, and
 * templates, and spares that were dismissed; but while a pid is still to be
 * told, a child that nobody knows waits for it.
 */
static void
reap(struct listener *l)
{
	struct pool_process *s;
	siginfo_t info;
	int wait_status;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		    info.si_pid == 0)
			return;
		s = pool_find(l->pool, info.si_pid);
		if (s == NULL && !pool_is_complete(l->pool)) {
			reap_known(l);
			return;
		}
		if (waitpid(info.si_pid, &wait_status, 0) != info.si_pid)
			return;
		if (s != NULL)
			session_ended(l, s, wait_status);
	}
}

static void
on_child(int signal_number, void *context)
{
	reap(context);
}

static void
on_complete(void *context)
{
	reap(context);
}

static void
on_lost(void *context, struct pool_process *s)
{
	session_ended(context, s, W_EXITCODE(SESSION_EXIT_FATAL, 0));
}

/* ---- signals ---- */

static void
on_stop(int signal_number, void *context)
{
	struct listener *l = context;

	log_info("Received signal %d; terminating.", signal_number);
	l->end = LISTENER_STOPPED;
	l->status = signal_number == SIGTERM ? 0 : SESSION_EXIT_FATAL;
	loop_stop(l->loop, 0);
}

static void
on_hangup(int signal_number, void *context)
{
	struct listener *l = context;

	log_info("Received SIGHUP; restarting.");
	l->end = LISTENER_RESTART;
	loop_stop(l->loop, 0);
}

/* ---- life ---- */

static bool
watch_sockets(struct listener *l)
{
	const struct listen_sockets *s = l->config->sockets;

	for (size_t i = 0; i < s->count; i++) {
		l->watch[i] = watch_new(l->loop, s->fd[i], on_connection, l);
		if (l->watch[i] == NULL)
			return false;
	}
	set_accepting(l, true);
	return true;
}

static bool
set_up(struct listener *l)
{
	struct admission_rules rules = admission_rules_of(l->options);
	struct pool_config pool = {
		.config = l->config->config,
		.host_keys = l->config->host_keys,
		.log_to_stderr = l->config->log_to_stderr,
		.authenticated = on_authenticated,
		.lost = on_lost,
		.complete = on_complete,
		.context = l,
	};

	if ((l->loop = loop_new()) == NULL)
		return false;
	pool.loop = l->loop;
	l->admission = admission_new(&rules);
	l->pool = pool_new(&pool);
	l->resume = timer_new(l->loop, on_resume, l);
	return l->admission != NULL && l->pool != NULL && l->resume != NULL &&
	       loop_on_signal(l->loop, SIGTERM, on_stop, l) == 0 &&
	       loop_on_signal(l->loop, SIGINT, on_stop, l) == 0 &&
	       loop_on_signal(l->loop, SIGQUIT, on_stop, l) == 0 &&
	       loop_on_signal(l->loop, SIGHUP, on_hangup, l) == 0 &&
	       loop_on_signal(l->loop, SIGCHLD, on_child, l) == 0 &&
	       watch_sockets(l);
}

static void
tear_down(struct listener *l)
{
	for (size_t i = 0; i < l->config->sockets->count; i++)
		watch_free(l->watch[i]);
	/* A restart passes on what was passed to us. */
	if (l->end != LISTENER_RESTART || !l->config->sockets->were_passed)
		listen_close(l->config->sockets);
	pool_free(l->pool);
	admission_free(l->admission);
	timer_free(l->resume);
	loop_free(l->loop);
}

enum listener_end
listener_run(const struct listener_config *config, int *ret_status)
{
	struct listener l = { .config = config,
		.options = sshd_config_global(config->config),
		.status = SESSION_EXIT_FATAL };

	if (!set_up(&l)) {
		log_fatal("cannot set up the listener: %s", strerror(errno));
		l.end = LISTENER_FAILED;
	} else {
		show_title(&l);
		config->ready(config->context);
		if (!config->single)
			pool_fill(l.pool);
		loop_run(l.loop);
	}
	tear_down(&l);
	*ret_status = l.status;
	return l.end;
}
