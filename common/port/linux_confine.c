/*
 * linux_confine.c - files beneath some directories only: openat2(2) for
 * single paths, Landlock for the whole process.
 *
 * Both by bare system call numbers: the C library of 2022 has no names for
 * them. What Landlock cannot restrict (attributes, stat) openat2 does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/port/port.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

/* openat2 gives up where a rename crosses its way; it is asked again. */
#define RACE_TRIES 64

int
port_open_beneath(int directory_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
		.mode = (flags & O_CREAT) != 0 ? mode & 07777 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;

	for (int i = 0; i < RACE_TRIES; i++) {
		fd =
		    syscall(SYS_openat2, directory_fd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

int
port_open_straight(const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

int
port_chmod_path_fd(int fd, mode_t mode)
{
	char path[] = "/proc/self/fd/0000000000";
	char *end = path + sizeof(path) - 1;

	if (syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOSYS)
		return -1;
	/* Before Linux 6.6. Leading zeros are no digits there: from the end,
	 * then moved to the slash. */
	for (unsigned n = (unsigned)fd; end > path; n /= 10) {
		*--end = (char)('0' + n % 10);
		if (n < 10)
			break;
	}
	memmove(path + strlen("/proc/self/fd/"), end, strlen(end) + 1);
	return chmod(path, mode);
}

/* ---- Landlock (linux/landlock.h, by its documented values) ---- */

#define ACCESS_EXECUTE    (1ull << 0)
#define ACCESS_WRITE_FILE (1ull << 1)
#define ACCESS_READ_FILE  (1ull << 2)
#define ACCESS_READ_DIR   (1ull << 3)
#define ACCESS_VERSION_1  ((1ull << 13) - 1)
#define ACCESS_REFER      (1ull << 13) /* version 2 */
#define ACCESS_TRUNCATE   (1ull << 14) /* version 3 */
#define ACCESS_IOCTL_DEV  (1ull << 15) /* version 5 */
#define CREATE_VERSION    1u
#define RULE_PATH_BENEATH 1
#define ACCESS_READ       (ACCESS_READ_FILE | ACCESS_READ_DIR)
#define ACCESS_NEVER      (ACCESS_EXECUTE | ACCESS_IOCTL_DEV)

struct ruleset {
	uint64_t handled_access_fs;
};

struct beneath_rule {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

/* Every kind of access to files that this kernel can restrict; 0: none. */
static uint64_t
restrictable(void)
{
	long version = syscall(
	    SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_VERSION);
	uint64_t all = ACCESS_VERSION_1;

	if (version < 1)
		return 0;
	if (version >= 2)
		all |= ACCESS_REFER;
	if (version >= 3)
		all |= ACCESS_TRUNCATE;
	if (version >= 5)
		all |= ACCESS_IOCTL_DEV;
	return all;
}

static int
add_trees(
    int ruleset_fd, uint64_t all, const struct port_tree *trees, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct beneath_rule rule = {
			.allowed_access = trees[i].writable
					      ? all & ~ACCESS_NEVER
					      : all & ACCESS_READ,
			.parent_fd = trees[i].fd,
		};

		if (syscall(SYS_landlock_add_rule, ruleset_fd,
			RULE_PATH_BENEATH, &rule, 0) != 0)
			return -1;
	}
	return 0;
}

int
port_confine_files(const struct port_tree *trees, size_t count, struct error *e)
{
	struct ruleset r = { restrictable() };
	int fd, rc = 0;

	if (r.handled_access_fs == 0)
		return error_set(e, ERR_UNSUPPORTED,
		    "this kernel cannot confine a process to directories "
		    "(Landlock: %s)",
		    strerror(errno));
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
	if (fd < 0)
		return error_set_errno(e, "Landlock rules");
	if (add_trees(fd, r.handled_access_fs, trees, count) != 0)
		rc = error_set_errno(e, "Landlock rule of a directory");
	else if (port_no_new_privileges() != 0)
		rc = error_set_errno(e, "no new privileges");
	else if (syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		rc = error_set_errno(e, "Landlock");
	close(fd);
	return rc;
}
