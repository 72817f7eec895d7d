/*
 * sftp_protocol_fuzz.c - the SFTP coder: a stream of packets cut into
 * pieces; requests that are read are written again and are the same; every
 * reader of answers on every body.
 */
#include <string.h>

#include "common/base/error.h"
#include "sftp/protocol.h"
#include "tests/fuzz/fuzz.h"

/* A request that was understood: what it says is written and read alike. */
static void
check_request(const struct sftp_event *e)
{
	struct sftp_request q, again;
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct sftp_event e2 = *e;

	if (sftp_request_read(e, &q) != 0)
		return;
	sftp_request_write(&once, &q);
	e2.body = span_of(once.data + 9, once.len - 9);
	REQUIRE(sftp_request_read(&e2, &again) == 0);
	sftp_request_write(&twice, &again);
	REQUIRE(span_equal(buf_span(&once), buf_span(&twice)));
	buf_release(&once);
	buf_release(&twice);
}

static void
read_names(struct span body)
{
	struct reader r = reader_of(body);
	uint32_t count;

	if (sftp_names_read(&r, &count) != 0)
		return;
	REQUIRE(count <= body.len);
	while (count-- > 0 && read_error(&r) == 0)
		(void)sftp_name_next(&r);
	IGNORE_RESULT(read_end(&r) != 0);
}

/* Whatever they say, they say it of bytes that are there. */
static void
read_answers(struct span body)
{
	struct sftp_version version;
	struct sftp_status status;
	struct sftp_statvfs statvfs;
	struct sftp_limits limits;
	struct sftp_space space;
	struct sftp_attrs attrs;
	struct span a, b, text;

	read_names(body);
	IGNORE_RESULT(sftp_version_read(body, &version) != 0);
	IGNORE_RESULT(sftp_attrs_answer_read(body, &attrs) != 0);
	IGNORE_RESULT(sftp_statvfs_read(body, &statvfs) != 0);
	IGNORE_RESULT(sftp_limits_read(body, &limits) != 0);
	IGNORE_RESULT(sftp_space_read(body, &space) != 0);
	if (sftp_status_read(body, &status) == 0)
		REQUIRE(status.message.len <= body.len);
	if (sftp_handle_read(body, &a) == 0)
		REQUIRE(a.len <= SFTP_HANDLE_MAX);
	if (sftp_check_read(body, &a, &b) == 0)
		REQUIRE(a.len + b.len <= body.len);
	if (sftp_users_groups_read(body, &a, &b) == 0)
		while (sftp_text_next(&a, &text))
			REQUIRE(text.len <= body.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t bulk[] = { 0, SSH_FXP_WRITE, SSH_FXP_DATA };
	struct reader input = reader_of(span_of(data, size));
	struct sftp_input in;
	struct sftp_event e;
	int r = 0;

	sftp_input_init(&in, bulk[fuzz_byte(&input) % 3], 4096);
	while (input.len > 0 && r == 0) {
		struct span piece = fuzz_chunk(&input);

		while ((r = sftp_input_next(&in, &piece, &e)) == 0 &&
		       e.event != SFTP_INPUT_NEED) {
			if (e.event == SFTP_INPUT_BULK) {
				REQUIRE(e.done + e.piece.len <= e.total);
				continue;
			}
			check_request(&e);
			read_answers(e.body);
		}
		REQUIRE(in.partial.len <= 4100);
	}
	sftp_input_release(&in);
	return 0;
}

void
fuzz_seeds(void)
{
	struct buf session = BUF_INIT, input = BUF_INIT;
	struct sftp_names names;

	sftp_init_write(&session);
	sftp_version_write(&session, 0);
	for (int k = 0; k < SFTP_KIND_COUNT; k++)
		sftp_request_write(
		    &session, &(struct sftp_request){ .kind = (enum sftp_kind)k,
				  .path = span_text("path"),
				  .handle = span_text("h"),
				  .data = span_text("data") });
	sftp_status_write(&session, 1, SSH_FX_FAILURE, "no");
	names = sftp_names_begin(&session, 2);
	sftp_names_add(
	    &session, &names, &(struct sftp_name){ .name = span_text("n") });
	sftp_names_end(&session, &names);
	for (uint8_t kind = 0; kind < 3; kind++) {
		buf_clear(&input);
		write_byte(&input, kind);
		fuzz_put_chunk(&input, buf_span(&session));
		fuzz_seed(kind == 0   ? "all"
			  : kind == 1 ? "server"
				      : "client",
		    buf_span(&input));
	}
	buf_release(&session);
	buf_release(&input);
}
