/*
 * placement_fuzz.c - a server's bytes where READs of shared files wait for
 * them: nothing is written but where one of them said.
 *
 * Input: the number of requests; of each its slot, its count and its place in
 * the file; how the bytes are cut; then the server's bytes.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssh/parent.h"
#include "ssh/placement_impl.h"
#include "tests/fuzz/fuzz.h"

#define REQUESTS_MAX 16
#define FILE_NUMBER  7

static int file = -1;

/* One file for all inputs, shared as sftp does it. */
static void
share_file(void)
{
	struct direct_packet p = { DIRECT_FILE, FILE_NUMBER, 0, -1 };
	int fds[2];

	if (file >= 0)
		return;
	file = memfd_create("target", MFD_CLOEXEC);
	REQUIRE(file >= 0);
	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
	parent_attach(fds[1]);
	p.fd = file;
	REQUIRE(direct_send(fds[0], &p));
	REQUIRE(parent_file(FILE_NUMBER) >= 0);
}

static uint64_t
add_record(struct placement *p, struct reader *r)
{
	struct record *record = &p->records[fuzz_byte(r)];
	uint32_t id = (uint32_t)(record - p->records);

	if (record->kind != RECORD_NONE)
		placement_record_drop(p, record);
	*record = (struct record){ .kind = RECORD_READ,
		.id = id,
		.file = FILE_NUMBER,
		.count = fuzz_byte(r) + 1u,
		.offset = fuzz_byte(r) };
	p->under_way += record->count;
	return record->offset + record->count;
}

static void
on_tell(struct timer *t, void *context)
{
	placement_flush(context);
}

static void
set_up(struct placement *p)
{
	memset(p, 0, sizeof(*p));
	p->loop = loop_new();
	p->records = calloc((size_t)1 << DIRECT_SLOT_BITS, sizeof(*p->records));
	REQUIRE(p->loop != NULL && p->records != NULL);
	p->tell = timer_new(p->loop, on_tell, p);
	p->out.fd = p->out.given = open("/dev/null", O_WRONLY | O_CLOEXEC);
	p->out_watch = watch_new(p->loop, p->out.fd, NULL, NULL);
	REQUIRE(p->tell != NULL && p->out.fd >= 0 && p->out_watch != NULL);
}

static void
tear_down(struct placement *p)
{
	timer_free(p->tell);
	watch_free(p->out_watch);
	descriptor_release(&p->out, true);
	loop_free(p->loop);
	buf_release(&p->answers);
	free(p->records);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	unsigned requests = fuzz_byte(&r) % REQUESTS_MAX;
	uint64_t end = 0;
	struct placement p;
	struct span rest;
	struct stat st;
	size_t cut;

	share_file();
	REQUIRE(ftruncate(file, 0) == 0);
	set_up(&p);
	for (unsigned i = 0; i < requests; i++) {
		uint64_t n = add_record(&p, &r);

		end = n > end ? n : end;
	}
	cut = fuzz_byte(&r) + 1u;
	rest = read_rest(&r);
	while (rest.len > 0) {
		size_t n = rest.len < cut ? rest.len : cut;

		REQUIRE(placement_take(&p, span_of(rest.ptr, n)) == n);
		rest = span_of(rest.ptr + n, rest.len - n);
		loop_turn(p.loop, 0);
	}
	REQUIRE(fstat(file, &st) == 0 && (uint64_t)st.st_size <= end);
	tear_down(&p);
	return 0;
}

/* Two requests, answered; a status; a message of a kind that is ours. */
void
fuzz_seeds(void)
{
	static const uint8_t answers[] = { 2, 1, 3, 0, 2, 9, 4, 6, /* cut */
		0, 0, 0, 13, SSH_FXP_DATA, 0, 0, 0, 1, 0, 0, 0, 4, 'd', 'a',
		't', 'a', 0, 0, 0, 11, SSH_FXP_DATA, 0, 0, 0, 2, 0, 0, 0, 2,
		'd', 'a' };
	static const uint8_t failures[] = { 1, 1, 3, 0, 200, 0, 0, 0, 17,
		SSH_FXP_STATUS, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 13, DIRECT_PLACED, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0,
		0, 0 };

	fuzz_seed("answers", span_of(answers, sizeof(answers)));
	fuzz_seed("failures", span_of(failures, sizeof(failures)));
}
