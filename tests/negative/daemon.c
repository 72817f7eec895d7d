/*
 * daemon.c - the real sshd on a free port, and whether it is still well.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/time.h"
#include "common/key/key_file.h"
#include "tests/negative/negative.h"

#define START_MS 5000

static bool
write_files(struct daemon *d)
{
	struct key_file_options format = { .format = KEY_FORMAT_OPENSSH };
	struct buf config = BUF_INIT;
	struct error e = { 0 };
	char *line;
	bool ok;

	if (key_generate("ed25519", 0, &d->host_key, &e) != 0 ||
	    key_generate("ed25519", 0, &d->user_key, &e) != 0 ||
	    key_private_save(
		d->host_key, scratch_path("host_key"), &format, &e) != 0 ||
	    (line = key_public_line(d->user_key, NULL)) == NULL)
		return false;
	buf_printf(&config,
	    "ListenAddress 127.0.0.1\nPort %u\nHostKey %s\n"
	    "AuthorizedKeysFile %s\nPidFile %s\nStrictModes no\n"
	    "PermitRootLogin yes\nPerSourcePenalties no\n"
	    "MaxStartups 200:30:300\nLoginGraceTime 4\nCompression yes\n"
	    "MaxSessions 4\nPrintMotd no\nPrintLastLog no\n",
	    d->port, scratch_path("host_key"), scratch_path("authorized_keys"),
	    scratch_path("pid"));
	ok = scratch_write("authorized_keys", span_text(line)) &&
	     scratch_write("sshd_config", buf_span(&config));
	free(line);
	buf_release(&config);
	return ok;
}

static void
execute(void)
{
	int fd = open("/dev/null", O_RDWR);
	char *absolute = realpath(options.sshd, NULL);

	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (absolute != NULL)
		execl(absolute, absolute, "-D", "-f",
		    scratch_path("sshd_config"), "-E", scratch_path("log"),
		    (char *)NULL);
	_exit(127);
}

bool
daemon_start(struct daemon *d)
{
	uint64_t until = time_monotonic_us() + START_MS * 1000;
	int fd = listen_loopback(&d->port);

	if (fd < 0)
		return false;
	close(fd);
	if (!write_files(d))
		return false;
	if (geteuid() == 0)
		(void)mkdir("/run/sshd", 0755);
	if ((d->pid = fork()) == 0)
		execute();
	while (d->pid > 0 && time_monotonic_us() < until) {
		if (waitpid(d->pid, NULL, WNOHANG) == d->pid)
			return false;
		if (access(scratch_path("pid"), F_OK) == 0)
			return true;
		usleep(20000);
	}
	return false;
}

void
daemon_stop(struct daemon *d)
{
	if (d->pid > 0) {
		kill(d->pid, SIGTERM);
		waitpid(d->pid, NULL, 0);
	}
	key_unref(d->host_key);
	key_unref(d->user_key);
}

bool
daemon_serves(struct daemon *d)
{
	struct wire w;
	struct buf b = BUF_INIT;
	bool ok;
	int fd = connect_loopback(d->port);

	if (fd < 0)
		return false;
	wire_init(&w, fd);
	ok = wire_start(&w, TRANSPORT_CLIENT, NULL) &&
	     wire_until_keyed(&w, WIRE_WAIT_MS) && wire_service(&w) &&
	     wire_login(&w, user_name(), d->user_key) && wire_open_session(&w);
	if (ok) {
		wire_begin_request(&b, w.peer_channel, "exec");
		write_text(&b, "exit 0");
		wire_send(&w, &b);
		ok = wire_until(&w, SSH_MSG_CHANNEL_CLOSE, 1, WIRE_WAIT_MS) &&
		     w.count[SSH_MSG_CHANNEL_SUCCESS] == 1;
	}
	buf_release(&b);
	wire_release(&w);
	return ok;
}

unsigned
daemon_descriptors(const struct daemon *d)
{
	char path[64];
	struct dirent *entry;
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)d->pid);
	if ((dir = opendir(path)) == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static bool
is_child(const char *name, pid_t parent)
{
	char path[300], line[512];
	const char *at;
	int ppid = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%s/stat", name);
	if (name[0] < '0' || name[0] > '9' || (f = fopen(path, "r")) == NULL)
		return false;
	if (fgets(line, sizeof line, f) != NULL &&
	    (at = strrchr(line, ')')) != NULL)
		(void)!sscanf(at, ") %*c %d", &ppid);
	fclose(f);
	return ppid == parent;
}

unsigned
daemon_children(const struct daemon *d)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	unsigned n = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		n += is_child(entry->d_name, d->pid);
	if (dir != NULL)
		closedir(dir);
	return n;
}

void
daemon_show_log(void)
{
	struct buf log = BUF_INIT;
	size_t from;

	if (file_read(scratch_path("log"), 64 << 20, &log, NULL) == 0) {
		from = log.len > 3000 ? log.len - 3000 : 0;
		fprintf(stderr, "-- the daemon's log ends with:\n%.*s\n",
		    (int)(log.len - from), (const char *)log.data + from);
	}
	buf_release(&log);
}
