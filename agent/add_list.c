/*
 * add_list.c - ssh-add: what the agent holds (-l, -L), and whether it can
 * sign by it (-T).
 */
#include <stdio.h>
#include <stdlib.h>

#include "agent/add.h"
#include "common/crypto/random.h"
#include "common/key/key_file.h"

#define TEST_SIZE 1024

/* ---- the list ---- */

/* A comment of the agent's as one line that drives no terminal; what people
 * write in comments (backslashes, UTF-8) stays as it is. Fresh text. */
static char *
shown(const char *comment)
{
	struct buf b = BUF_INIT;

	text_escape_lines(&b, span_text(comment), true);
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == '\n')
			b.data[i] = ' ';
	return buf_take_text(&b);
}

static int
print_fingerprint(const struct add_options *o, const struct agent_identity *i)
{
	char *comment = shown(i->comment);
	char *fingerprint = key_fingerprint(i->key, o->hash);
	bool is_whole = comment != NULL && fingerprint != NULL;

	if (is_whole)
		printf("%u %s %s (%s)\n", key_bits(i->key), fingerprint,
		    comment, key_row(i->key)->short_name);
	free(comment);
	free(fingerprint);
	return is_whole ? 0 : complain("out of memory");
}

static int
print_line(const struct agent_identity *i)
{
	char *comment = shown(i->comment);
	char *line = comment == NULL ? NULL : key_public_line(i->key, comment);

	if (line != NULL)
		printf("%s\n", line);
	free(comment);
	free(line);
	return line != NULL ? 0 : complain("out of memory");
}

static int
print_identity(const struct add_options *o, const struct agent_identity *i)
{
	/* A key of a newer agent is no failure of the list. */
	if (i->key == NULL) {
		complain("a key of %zu bytes is of a type that is not known "
			 "here",
		    i->blob.len);
		return 0;
	}
	return o->action == ADD_LINES ? print_line(i) : print_fingerprint(o, i);
}

int
add_list(struct agent *a, const struct add_options *o)
{
	struct agent_identities list;
	struct error e = { 0 };
	int r, status = 0;

	if ((r = agent_list(a, &list, &e)) != 0)
		return complain(
		    "error fetching identities: %s", error_message(&e, r));
	if (list.count == 0) {
		printf("The agent has no identities.\n");
		status = EXIT_FAILED;
	}
	for (size_t i = 0; i < list.count && status == 0; i++)
		status = print_identity(o, &list.item[i]);
	agent_identities_release(&list);
	return status;
}

/* ---- the test ---- */

/* Signs random data by the agent and verifies here. */
static int
try_key(struct agent *a, const char *path, const struct key *k)
{
	const struct signature_algorithm *algorithm =
	    key_choose_signature(k, span_of(NULL, 0));
	uint8_t data[TEST_SIZE];
	struct buf signature = BUF_INIT;
	struct error e = { 0 };
	int r, status = 0;

	if (algorithm == NULL)
		algorithm = signature_find(span_text(key_type_name(k)));
	if (algorithm == NULL)
		return complain("%s: a key that does not sign", path);
	if (random_fill(&random_system, data, sizeof(data)) != 0)
		return complain("no randomness");
	r = agent_sign(a, key_blob(k), algorithm, span_of(data, sizeof(data)),
	    &signature, &e);
	if (r != 0)
		status = complain("Agent signature failed for %s: %s", path,
		    error_message(&e, r));
	else if ((r = key_verify(k, algorithm, span_of(data, sizeof(data)),
		      buf_span(&signature))) != 0)
		status = complain("Signature verification failed for %s: %s",
		    path, error_text(r));
	buf_release(&signature);
	return status;
}

static int
test_file(struct agent *a, const struct add_options *o, const char *path)
{
	struct error e = { 0 };
	struct key *k;
	int r = add_load_public(path, &k, &e);

	if (r != 0)
		return complain("Couldn't read public key %s: %s", path,
		    error_message(&e, r));
	r = try_key(a, path, k);
	key_unref(k);
	return r;
}

int
add_test(struct agent *a, const struct add_options *o)
{
	return add_each_file(a, o, test_file);
}
