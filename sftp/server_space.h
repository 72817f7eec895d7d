/*
 * server_space.h - the space of a file system, for the requests by path and
 * by handle: statvfs@openssh.com, fstatvfs@openssh.com.
 */
#ifndef SFTP_SERVER_SPACE_H
#define SFTP_SERVER_SPACE_H

#include <stdint.h>

struct sftp_server;

/* Answers for the file system of an open file (O_PATH will do). */
void server_answer_statvfs(struct sftp_server *s, uint32_t id, int fd);

#endif
