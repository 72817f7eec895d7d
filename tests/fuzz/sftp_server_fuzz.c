/*
 * sftp_server_fuzz.c - the SFTP server's engine driven by any bytes, in
 * pieces of any size, confined to a scratch folder whose contents are made
 * anew now and then. It must not crash, must answer in whole packets with
 * ids that were asked with, and must keep little waiting.
 */
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "sftp/protocol.h"
#include "sftp/server.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

#define RUNS_OF_A_FOLDER 200
#define WORK_MAX         50 /* slices of long requests in one run */
#define FILE_SIZE_MAX    (1024 * 1024)

static char *folder;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	return remove(path);
}

static void
remove_folder(void)
{
	if (folder == NULL)
		return;
	chmod(folder, 0755);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
	folder = NULL;
}

static void
make_folder(void)
{
	char *in = path_join(scratch_directory(), "in");
	char *file, *link, *sub;

	remove_folder();
	REQUIRE(in != NULL && mkdir(in, 0755) == 0);
	file = path_join(in, "file");
	link = path_join(in, "link");
	sub = path_join(in, "sub");
	REQUIRE(file_write_atomic(
		    file, span_text("some contents"), 0644, false, NULL) == 0);
	REQUIRE(symlink("file", link) == 0 && mkdir(sub, 0755) == 0);
	free(file);
	free(link);
	free(sub);
	folder = realpath(in, NULL);
	REQUIRE(folder != NULL);
	free(in);
}

/* Whole packets; nothing is left. */
static void
check_answers(struct span out)
{
	struct reader r = reader_of(out);

	while (r.len > 0)
		REQUIRE(read_string(&r).len >= 5 && read_error(&r) == 0);
}

static void
drive(struct sftp_server *s, struct reader *input)
{
	struct buf answers = BUF_INIT;
	int r = 0, work = 0;

	while (input->len > 0 && r == 0) {
		struct span piece = fuzz_chunk(input);

		do {
			r = sftp_server_input(s, &piece);
			while (r == 0 && sftp_server_has_work(s) &&
			       work++ < WORK_MAX)
				sftp_server_work(s);
			if (sftp_server_has_work(s))
				r = ERR_LIMIT;
			REQUIRE(sftp_server_output(s).len <
				SFTP_SERVER_OUTPUT_HIGH + 2 * SFTP_PACKET_MAX);
			write_span(&answers, sftp_server_output(s));
			sftp_server_sent(s, sftp_server_output(s).len);
		} while (r == 0 && piece.len > 0);
	}
	check_answers(buf_span(&answers));
	buf_release(&answers);
}

/* Files stay small, whatever size they are given. */
static void
start(void)
{
	const struct rlimit limit = { FILE_SIZE_MAX, FILE_SIZE_MAX };

	signal(SIGXFSZ, SIG_IGN);
	REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	REQUIRE(scratch_directory() != NULL && atexit(remove_folder) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int runs;
	struct reader input = reader_of(span_of(data, size));
	struct sftp_server_options options = { .allowed = ~(uint64_t)0 };
	struct sftp_server_config config = { .options = &options,
		.user = "fuzz" };
	struct strings trees = STRINGS_INIT;
	struct sftp_server *s;
	struct error e = { 0 };

	if (runs == 0)
		start();
	if (runs++ % RUNS_OF_A_FOLDER == 0)
		make_folder();
	options.read_only = (fuzz_byte(&input) & 1) != 0;
	config.home = config.start = folder;
	config.trees = &trees;
	REQUIRE(strings_take(&trees, text_format("rw:%s", folder)) == 0);
	REQUIRE(sftp_server_new(&config, &s, &e) == 0);
	drive(s, &input);
	sftp_server_free(s);
	strings_release(&trees);
	return 0;
}

/* A session that opens what there is and asks each request once. */
static void
seed(const char *name, bool read_only)
{
	struct buf session = BUF_INIT, input = BUF_INIT;
	static const uint8_t first[8] = { 0, 0, 0, 0, 0, 0, 0, 1 };
	static const uint8_t second[8] = { 0, 0, 0, 1, 0, 0, 0, 1 };

	sftp_init_write(&session);
	sftp_request_write(&session,
	    &(struct sftp_request){ .kind = SFTP_OPEN,
		.path = span_text("file"),
		.pflags = SSH_FXF_READ | (read_only ? 0 : SSH_FXF_WRITE) });
	sftp_request_write(
	    &session, &(struct sftp_request){
			  .kind = SFTP_OPENDIR, .path = span_text(".") });
	for (int k = 0; k < SFTP_KIND_COUNT; k++)
		sftp_request_write(&session,
		    &(struct sftp_request){ .kind = (enum sftp_kind)k,
			.id = (uint32_t)k + 10,
			.handle = k == SFTP_READDIR ? span_of(second, 8)
						    : span_of(first, 8),
			.handle2 = span_of(first, 8),
			.path = span_text("link"),
			.path2 = span_text("sub/new"),
			.data = span_text("sha256,md5"),
			.count = 4096 });
	write_byte(&input, read_only);
	fuzz_put_chunk(&input, buf_span(&session));
	fuzz_seed(name, buf_span(&input));
	buf_release(&session);
	buf_release(&input);
}

void
fuzz_seeds(void)
{
	seed("writing", false);
	seed("reading", true);
}
