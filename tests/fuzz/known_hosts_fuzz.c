/*
 * known_hosts_fuzz.c - files of known hosts: lookup, verdict, adding.
 *
 * Input: the file's text. It is asked for a few names.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/hosts/known_hosts.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

static void
check_line(const struct known_host *h, struct span text)
{
	unsigned long lines = 1;

	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	REQUIRE(h->key != NULL && h->names != NULL);
	REQUIRE(h->line >= 1 && h->line <= lines);
}

static enum known_hosts_verdict
lookup(const char *path, const char *name, struct span text)
{
	struct known_hosts found = { 0 };
	const struct known_host *line = NULL;
	enum known_hosts_verdict verdict;
	struct error e = { 0 };
	char *list;

	REQUIRE(known_hosts_lookup(path, name, &found, &e) == 0);
	for (size_t i = 0; i < found.count; i++)
		check_line(&found.item[i], text);
	verdict = known_hosts_check(&found, engine_host_key(), &line);
	if (verdict == KNOWN_HOSTS_OK || verdict == KNOWN_HOSTS_REVOKED)
		REQUIRE(
		    line != NULL && key_equal(line->key, engine_host_key()));
	/* A reordered list has the same names. */
	list = known_hosts_order_algorithms(&found, signature_default_list());
	REQUIRE(
	    list != NULL && strlen(list) == strlen(signature_default_list()));
	free(list);
	known_hosts_release(&found);
	return verdict;
}

/* What is added is found, unless something else in the file says no. */
static void
check_add(const char *path, struct span text, bool hash)
{
	enum known_hosts_verdict before = lookup(path, "added.host", text);
	enum known_hosts_verdict after;
	struct buf whole = BUF_INIT;
	struct error e = { 0 };

	REQUIRE(known_hosts_add(
		    path, "added.host", engine_host_key(), hash, &e) == 0);
	REQUIRE(file_read(path, 1 << 20, &whole, &e) == 0);
	REQUIRE(whole.len > text.len &&
		memcmp(whole.data, text.ptr, text.len) == 0);
	after = lookup(path, "added.host", buf_span(&whole));
	REQUIRE(after == (before == KNOWN_HOSTS_REVOKED ? KNOWN_HOSTS_REVOKED
							: KNOWN_HOSTS_OK));
	buf_release(&whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "host", "[host]:2222", "192.0.2.1",
		"::1" };
	struct strings same = STRINGS_INIT;
	struct span text =
	    span_of(size == 0 ? (const uint8_t *)"" : data, size);
	const char *path = scratch_file("known_hosts", text);

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		(void)lookup(path, names[i], text);
	REQUIRE(known_hosts_names_of_key(path, engine_host_key(), &same) == 0);
	strings_release(&same);
	check_add(path, text, size % 2 != 0);
	return 0;
}

void
fuzz_seeds(void)
{
	char *line = key_public_line(engine_host_key(), "comment");
	char *hashed = known_hosts_hash("host");
	struct buf seed = BUF_INIT;

	REQUIRE(line != NULL && hashed != NULL);
	buf_printf(&seed, "# comment\n\nhost,*.host,!not.host %s\n", line);
	fuzz_seed("plain", buf_span(&seed));
	buf_clear(&seed);
	buf_printf(&seed, "%s %s\n@revoked * %s", hashed, line, line);
	fuzz_seed("hashed", buf_span(&seed));
	buf_clear(&seed);
	buf_printf(&seed, "@cert-authority [host]:2222 %s\r\n", line);
	fuzz_seed("ca", buf_span(&seed));
	free(line);
	free(hashed);
	buf_release(&seed);
}
