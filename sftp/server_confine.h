/*
 * server_confine.h - the trees of a confined server (Confine), for
 * server_place.c only, where failures are described.
 */
#ifndef SFTP_SERVER_CONFINE_H
#define SFTP_SERVER_CONFINE_H

#include "sftp/server_place.h"

int sftp_confine_init(struct sftp_place *p, const struct strings *trees,
    struct error *e) MUST_CHECK;
int sftp_confine_open(const struct sftp_place *p, const char *path, int flags,
    mode_t mode) MUST_CHECK;
int sftp_confine_find(const struct sftp_place *p, const char *path, bool follow,
    bool change, struct sftp_spot *ret) MUST_CHECK;
int sftp_confine_name(const struct sftp_place *p, const char *path, bool change,
    struct sftp_spot *ret) MUST_CHECK;
bool sftp_confine_may_change(const struct sftp_place *p, const char *path);
char *sftp_confine_canonical(
    const struct sftp_place *p, const char *path) MUST_CHECK;

#endif
