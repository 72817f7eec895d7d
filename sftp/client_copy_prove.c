/*
 * client_copy_prove.c - both ends of a file compared by hashes of blocks.
 * draft-ietf-secsh-filexfer-extensions-00 s3 (check-file-handle).
 */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/digest.h"
#include "sftp/client_copy_impl.h"

#define PROVE_BLOCK ((uint32_t)256 * 1024)
/* Paramiko hashes the wrong bytes of larger ones, and then does not end. */
#define PROVE_BLOCK_SMALL ((uint32_t)32 * 1024)
#define PROVE_BLOCKS      64 /* by one request */
#define PROVE_AHEAD       4

/* Those that the server may choose from; the first ones prove most. */
#define PROVE_ALGORITHMS "sha256,sha512,sha384,sha1,md5"

struct proof {
	struct transfer *t;
	uint64_t offset, len;
	uint32_t block;
};

static struct client *
prover(const struct copy *c)
{
	if (c->source != NULL && c->target != NULL)
		return NULL;
	return c->source != NULL ? c->source : c->target;
}

bool
copy_can_prove(const struct copy *c)
{
	const struct client *client = prover(c);

	return client != NULL && (client_has(client, SFTP_CHECK_HANDLE) ||
				     client_has(client, SFTP_CHECK_FILE));
}

static void
tell_unproved(struct node *n, const char *why)
{
	struct copy *c = n->copy;

	if (c->is_unproved_told)
		return;
	c->is_unproved_told = true;
	copy_notice(n,
	    "\"%s\" and what follows is not proved to be the same: "
	    "%s",
	    n->source, why);
}

/* ---- one answer ---- */

static void
differs(struct proof *p, uint64_t offset, uint64_t len)
{
	struct transfer *t = p->t;
	struct node *n = t->node;

	if (n->state == NODE_PROVING) {
		if (!n->has_failed)
			copy_fail(n,
			    "verify: \"%s\" differs from \"%s\" between bytes "
			    "%llu and %llu",
			    t->written, n->source, (unsigned long long)offset,
			    (unsigned long long)(offset + len));
		return;
	}
	if (copy_add_range(t, offset, len) != 0) {
		n->has_failed = t->is_ending = true;
		return;
	}
	t->moved -= len;
	n->copy->progress.bytes_done -= len;
}

/* Is the local block what the server's digest says? */
static bool
block_is_same(struct transfer *t, enum digest_algorithm a,
    const uint8_t *expected, uint64_t offset, uint32_t len, uint8_t *space)
{
	struct copy *c = t->node->copy;
	int fd = c->source == NULL ? t->source_fd : t->target_fd;
	uint8_t digest[DIGEST_MAX];
	size_t got;

	return c->files->read(
		   c->files->context, fd, offset, space, len, &got) == 0 &&
	       got == len && digest_of(a, span_of(space, got), digest) == 0 &&
	       memcmp(digest, expected, digest_size(a)) == 0;
}

static bool
compare_blocks(struct proof *p, enum digest_algorithm a, struct span digests)
{
	uint8_t *space = malloc(p->block);
	size_t size = digest_size(a);

	if (space == NULL)
		return false;
	for (uint64_t at = 0; at < p->len; at += p->block) {
		uint32_t len =
		    p->len - at < p->block ? (uint32_t)(p->len - at) : p->block;

		if (!block_is_same(p->t, a, digests.ptr + at / p->block * size,
			p->offset + at, len, space))
			differs(p, p->offset + at, len);
	}
	free(space);
	return true;
}

/* Names in the answer are lower case; ours are found in any. */
static bool
find_digest(struct span name, enum digest_algorithm *ret)
{
	char *text = span_dup_text(name);
	bool found = text != NULL && digest_find(text, ret) == 0;

	free(text);
	return found;
}

static bool
take_answer(struct proof *p, struct span body)
{
	uint64_t blocks = (p->len + p->block - 1) / p->block;
	enum digest_algorithm a;
	struct span name, digests;
	uint64_t size;

	if (sftp_check_read(body, &name, &digests) != 0 ||
	    !find_digest(name, &a))
		return false;
	size = blocks * digest_size(a);
	/* Paramiko sends them as a string, with its length in front. */
	if (digests.len == size + 4)
		digests = span_of(digests.ptr + 4, digests.len - 4);
	return digests.len == size && compare_blocks(p, a, digests);
}

/* ---- requests ---- */

static void ask(struct transfer *t);

static void
on_digests(const struct client_reply *r, void *context)
{
	struct proof *p = context;
	struct transfer *t = p->t;
	struct node *n = t->node;

	t->requests--;
	if (r->status == SSH_FX_CONNECTION_LOST) {
		copy_fail_status(n, "verify", n->source, r);
	} else if (r->status != SSH_FX_OK || !take_answer(p, r->body)) {
		if (n->state == NODE_PROVING)
			tell_unproved(n, "the server gave no hashes of it");
		else
			differs(p, p->offset, p->len);
	}
	free(p);
	ask(t);
	copy_file_advance(t);
}

static bool
ask_one(struct transfer *t, struct client *client)
{
	bool by_handle = client_has(client, SFTP_CHECK_HANDLE);
	uint32_t block = by_handle ? PROVE_BLOCK : PROVE_BLOCK_SMALL;
	uint64_t left = t->prove_to - t->prove_at;
	uint64_t most = (uint64_t)PROVE_BLOCKS * block;
	struct proof *p = calloc(1, sizeof(*p));
	struct sftp_request q = {
		.kind = by_handle ? SFTP_CHECK_HANDLE : SFTP_CHECK_FILE,
		.handle = copy_handle(
		    t->node->copy->source != NULL ? &t->source : &t->target),
		.data = span_text(PROVE_ALGORITHMS),
		.offset = t->prove_at,
		.length = left < most ? left : most,
		.count = block,
	};

	if (p == NULL) {
		t->node->has_failed = t->is_ending = true;
		return false;
	}
	p->t = t;
	p->offset = q.offset;
	p->len = q.length;
	p->block = block;
	t->prove_at += q.length;
	t->requests++;
	client_request(client, &q, on_digests, p);
	return true;
}

static void
ask(struct transfer *t)
{
	struct client *client = prover(t->node->copy);

	while (t->requests < PROVE_AHEAD && t->prove_at < t->prove_to &&
	       !t->is_ending && !client_is_over(client) && ask_one(t, client))
		;
}

void
copy_prove(struct transfer *t, uint64_t to)
{
	t->prove_at = 0;
	t->prove_to = to;
	if (!copy_can_prove(t->node->copy))
		tell_unproved(t->node,
		    prover(t->node->copy) == NULL
			? "the copy is between two servers"
			: "the server gives no hashes of files (check-file)");
	else
		ask(t);
	copy_file_advance(t);
}
