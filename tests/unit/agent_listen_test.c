/*
 * agent_listen_test.c - sockets of agents and the folders they lie in.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/agent/listen.h"
#include "common/base/text.h"
#include "tests/unit/unit.h"

static void
enter_scratch(void)
{
	CHECK_INT(chdir(unit_scratch()), 0);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	CHECK_INT(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
connects(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(text_copy(a.sun_path, sizeof(a.sun_path), path));
	CHECK_INT(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
}

TEST(a_socket_in_the_home_is_private_and_goes)
{
	struct agent_listener l = AGENT_LISTENER_NONE;
	struct error e = { 0 };
	char *prefix = agent_listen_prefix(), *start;

	enter_scratch();
	CHECK_INT(mkdir("home", 0755), 0);
	CHECK_INT(agent_listen_home("home", "sshd", &l, &e), 0);
	start = text_format("home/.ssh/agent/%ssshd.", prefix);
	CHECK(text_starts_with(l.path, start));
	CHECK_INT(strlen(l.path), strlen(start) + 10);
	CHECK_INT(mode_of("home/.ssh"), 0700);
	CHECK_INT(mode_of("home/.ssh/agent"), 0700);
	CHECK_INT(mode_of(l.path), 0600);
	connects(l.path);
	free(start);
	start = strdup(l.path);
	agent_listener_end(&l);
	CHECK(access(start, F_OK) != 0);
	CHECK(access("home/.ssh/agent", F_OK) == 0);
	free(start);
	free(prefix);
}

TEST(a_folder_that_others_may_change_is_refused)
{
	struct agent_listener l = AGENT_LISTENER_NONE;
	struct error e = { 0 };

	enter_scratch();
	CHECK_INT(mkdir("home", 0755), 0);
	CHECK_INT(mkdir("home/.ssh", 0700), 0);
	CHECK_INT(mkdir("home/.ssh/agent", 0700), 0);
	CHECK_INT(chmod("home/.ssh/agent", 0777), 0);
	CHECK_INT(agent_listen_home("home", "sshd", &l, &e), ERR_PERMISSION);
	CHECK_INT(l.fd, -1);
	CHECK_INT(agent_listen_home("nowhere", "sshd", &l, &e), ERR_NOT_FOUND);
}

TEST(a_folder_of_its_own_goes_with_the_socket)
{
	struct agent_listener l = AGENT_LISTENER_NONE;
	struct error e = { 0 };
	char *folder;

	enter_scratch();
	CHECK_INT(agent_listen_below(".", 123, &l, &e), 0);
	CHECK(text_starts_with(l.path, "./ssh-"));
	CHECK(text_ends_with(l.path, "/agent.123"));
	CHECK_INT(mode_of(l.folder), 0700);
	connects(l.path);
	folder = strdup(l.folder);
	agent_listener_end(&l);
	CHECK(access(folder, F_OK) != 0);
	free(folder);
}

TEST(a_path_that_is_too_long_is_refused)
{
	struct agent_listener l = AGENT_LISTENER_NONE;
	struct error e = { 0 };
	char path[200];

	enter_scratch();
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	CHECK_INT(agent_listen_at(path, &l, &e), ERR_LIMIT);
	CHECK_INT(mkdir(path, 0700), 0);
	CHECK_INT(agent_listen_below(path, 1, &l, &e), ERR_LIMIT);
	CHECK_INT(rmdir(path), 0); /* nothing was left in it */
	CHECK_INT(agent_listen_at("nowhere/x", &l, &e), ERR_NOT_FOUND);
	CHECK_INT(l.fd, -1);
}
