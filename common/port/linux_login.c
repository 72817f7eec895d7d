/*
 * linux_login.c - utmp, wtmp, lastlog, btmp: utmp(5), lastlog(8).
 *
 * A file that is not there is one that the administrator does not keep:
 * nothing is written and nothing is said.
 */
#include "common/port/port.h"

#include <fcntl.h>
#include <lastlog.h>
#include <paths.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utmp.h>

#include "common/base/file.h"
#include "common/base/text.h"

#define BTMP_PATH "/var/log/btmp"

/* These fields have no NUL when they are full. */
static void
set_field(char *field, size_t size, const char *text)
{
	if (text != NULL)
		memcpy(field, text, strnlen(text, size));
}

static const char *
line_of(const char *tty)
{
	return text_starts_with(tty, "/dev/") ? tty + 5 : tty;
}

static void
set_time(struct utmp *u)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	u->ut_tv.tv_sec = (int32_t)now.tv_sec;
	u->ut_tv.tv_usec = (int32_t)now.tv_usec;
}

/* What is the same in every record: where, and when. */
static void
fill_common(struct utmp *u, const struct port_login *l, short type)
{
	const char *line = line_of(l->tty);
	size_t len = strlen(line);

	memset(u, 0, sizeof(*u));
	u->ut_type = type;
	u->ut_pid = l->pid;
	set_field(u->ut_line, sizeof(u->ut_line), line);
	/* The last characters tell terminals apart: "ts/7". */
	if (len > sizeof(u->ut_id))
		line += len - sizeof(u->ut_id);
	set_field(u->ut_id, sizeof(u->ut_id), line);
	set_time(u);
}

static void
fill_person(struct utmp *u, const struct port_login *l)
{
	char text[ADDRESS_TEXT_MAX];
	const char *host = l->host;

	/* A name that does not fit would be cut into a wrong one. */
	if (l->address != NULL && host != NULL &&
	    strlen(host) > sizeof(u->ut_host))
		host = address_format(l->address, text);
	set_field(u->ut_user, sizeof(u->ut_user), l->user);
	set_field(u->ut_host, sizeof(u->ut_host), host);
	if (l->address != NULL)
		memcpy(u->ut_addr_v6, l->address->bytes,
		    l->address->family == AF_INET ? 4 : 16);
}

static void
write_utmp(const struct utmp *u)
{
	setutent();
	IGNORE_RESULT(pututline(u) == NULL);
	endutent();
}

/* Appends a record whole or not at all. */
static void
append_record(int fd, const struct utmp *u)
{
	struct stat st;

	if (flock(fd, LOCK_EX) != 0 || fstat(fd, &st) != 0)
		return;
	if (write(fd, u, sizeof(*u)) != (ssize_t)sizeof(*u))
		IGNORE_RESULT(ftruncate(fd, st.st_size) != 0);
	flock(fd, LOCK_UN);
}

static void
append_wtmp(const struct utmp *u)
{
	int fd = open(_PATH_WTMP, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0)
		return;
	append_record(fd, u);
	close(fd);
}

static void
write_lastlog(const struct port_login *l)
{
	struct lastlog record;
	struct timeval now;
	off_t at = (off_t)l->uid * (off_t)sizeof(record);
	int fd;

	if ((fd = open(_PATH_LASTLOG, O_WRONLY | O_CLOEXEC)) < 0)
		return;
	gettimeofday(&now, NULL);
	memset(&record, 0, sizeof(record));
	record.ll_time = (int32_t)now.tv_sec;
	set_field(record.ll_line, sizeof(record.ll_line), line_of(l->tty));
	set_field(record.ll_host, sizeof(record.ll_host), l->host);
	/* A login does not fail because its record does. */
	IGNORE_RESULT(pwrite(fd, &record, sizeof(record), at) < 0);
	close(fd);
}

void
port_login_record(const struct port_login *l)
{
	struct utmp u;

	fill_common(&u, l, USER_PROCESS);
	fill_person(&u, l);
	write_utmp(&u);
	append_wtmp(&u);
	write_lastlog(l);
}

void
port_logout_record(const struct port_login *l)
{
	struct utmp u;

	fill_common(&u, l, DEAD_PROCESS);
	write_utmp(&u);
	append_wtmp(&u);
}

void
port_login_failed_record(const struct port_login *l)
{
	struct port_login failed = *l;
	struct utmp u;
	struct stat st;
	int fd;

	if ((fd = open(BTMP_PATH, O_WRONLY | O_APPEND | O_CLOEXEC)) < 0)
		return;
	/* People type passwords where names belong: not into a file that
	 * everybody reads. */
	if (fstat(fd, &st) == 0 && (st.st_mode & (S_IXGRP | S_IRWXO)) == 0 &&
	    st.st_uid == geteuid()) {
		if (failed.tty == NULL || failed.tty[0] == '\0')
			failed.tty = "ssh:notty";
		fill_common(&u, &failed, LOGIN_PROCESS);
		fill_person(&u, &failed);
		append_record(fd, &u);
	}
	close(fd);
}

/* A field that may lack its NUL, as text. */
static void
get_field(char *ret, size_t size, const char *field, size_t field_size)
{
	size_t n = strnlen(field, field_size);

	if (size == 0)
		return;
	if (n > size - 1)
		n = size - 1;
	memcpy(ret, field, n);
	ret[n] = '\0';
}

bool
port_last_login(uid_t uid, uint64_t *ret_time_s, char *ret_tty, size_t tty_size,
    char *ret_host, size_t host_size)
{
	struct lastlog record;
	off_t at = (off_t)uid * (off_t)sizeof(record);
	ssize_t n;
	int fd;

	if ((fd = open(_PATH_LASTLOG, O_RDONLY | O_CLOEXEC)) < 0)
		return false;
	n = pread(fd, &record, sizeof(record), at);
	close(fd);
	if (n != (ssize_t)sizeof(record) || record.ll_time == 0)
		return false;
	/* 32 bits, unsigned: good until 2106. */
	*ret_time_s = (uint32_t)record.ll_time;
	get_field(ret_tty, tty_size, record.ll_line, sizeof(record.ll_line));
	get_field(ret_host, host_size, record.ll_host, sizeof(record.ll_host));
	return true;
}
