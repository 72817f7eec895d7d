/*
 * scratch.c - a folder for targets whose code reads files.
 */
#include "tests/fuzz/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/file.h"
#include "tests/fuzz/fuzz.h"

static char directory[64];
static char path[512];

static void
remove_all(void)
{
	DIR *d = opendir(directory);
	struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	if (d != NULL)
		closedir(d);
	(void)rmdir(directory);
}

const char *
scratch_directory(void)
{
	if (directory[0] != '\0')
		return directory;
	snprintf(directory, sizeof directory, "%s/fuzz-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	REQUIRE(mkdtemp(directory) != NULL);
	atexit(remove_all);
	return directory;
}

const char *
scratch_file(const char *name, struct span contents)
{
	int fd;

	snprintf(path, sizeof path, "%s/%s", scratch_directory(), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	REQUIRE(fd >= 0);
	REQUIRE(fd_write_all(fd, contents.ptr, contents.len) == 0);
	close(fd);
	return path;
}
