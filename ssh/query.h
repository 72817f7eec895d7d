/*
 * query.h - what this program can do: -Q, -V, and the names it bears.
 */
#ifndef SSH_QUERY_H
#define SSH_QUERY_H

#include <stdbool.h>

#include "common/base/attributes.h"

/* Prints the list for a query, one name a line; false: no such query. */
bool query_print(const char *what) MUST_CHECK;

/* "Sheetbend_0.1 (compatible with OpenSSH_10.5p1), OpenSSL ..." */
void version_print(void);
const char *version_library(void);

#define VERSION_NAME       "Sheetbend_" SHEETBEND_VERSION
#define VERSION_COMPATIBLE "OpenSSH_10.5p1"

#endif
