/*
 * client_meter.h - how far copies are, on a terminal: one line that is drawn
 * again and again, ended by a newline when a file is done.
 *
 *   name    45%   12MB   3.4MB/s   00:12 ETA
 *
 * Writes to standard output. Names are escaped already.
 */
#ifndef SFTP_CLIENT_METER_H
#define SFTP_CLIENT_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "sftp/client_copy.h"

struct client_meter {
	bool is_on;
	bool is_drawn; /* the cursor stands in a line of ours */
	uint64_t start_us;
	uint64_t file_us; /* the file that is shown is shown since */
	uint64_t drawn_us;
	uint64_t sample_us, sample_bytes;
	double rate; /* bytes a second, of late */
	uint64_t files;
	uint64_t bytes;
};

void client_meter_start(struct client_meter *m, bool is_on);

/* Draws, at most a few times a second. */
void client_meter_tick(struct client_meter *m, const struct copy_progress *p);

/* A file is done: its line, with what it took. */
void client_meter_file(
    struct client_meter *m, const char *name, uint64_t size, bool failed);

/* Before other output: away with an unfinished line. */
void client_meter_clear(struct client_meter *m);

/* The total, where there was more than one file. */
void client_meter_end(struct client_meter *m);

#endif
