/*
 * mac.c - message authentication of packets.
 * RFC 4253 s6.4, RFC 6668, RFC 4418.
 */
#include "common/crypto/mac.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/hash.h"
#include "common/crypto/umac.h"

#define KEY_MAX 64

/* How a row computes; parallel to the public row. */
enum engine {
	HMAC_MD5,
	HMAC_SHA1,
	HMAC_SHA256,
	HMAC_SHA512,
	UMAC
};

struct row {
	struct mac_algorithm public;
	enum engine engine;
};

struct mac {
	const struct row *row;
	uint8_t key[KEY_MAX];
	struct hmac_key hmac;
	struct umac *umac;
};

/* In the order of `ssh -Q mac`. */
/* clang-format off */
static const struct row table[] = {
	/* name                          key tag  etm    off     engine */
	{{ "hmac-sha1",                   20, 20, false, false }, HMAC_SHA1 },
	{{ "hmac-sha1-96",                20, 12, false, true  }, HMAC_SHA1 },
	{{ "hmac-sha2-256",               32, 32, false, false }, HMAC_SHA256 },
	{{ "hmac-sha2-512",               64, 64, false, false }, HMAC_SHA512 },
	{{ "hmac-md5",                    16, 16, false, true  }, HMAC_MD5 },
	{{ "hmac-md5-96",                 16, 12, false, true  }, HMAC_MD5 },
	{{ "umac-64@openssh.com",         16,  8, false, false }, UMAC },
	{{ "umac-128@openssh.com",        16, 16, false, false }, UMAC },
	{{ "hmac-sha1-etm@openssh.com",     20, 20, true, false }, HMAC_SHA1 },
	{{ "hmac-sha1-96-etm@openssh.com",  20, 12, true, true  }, HMAC_SHA1 },
	{{ "hmac-sha2-256-etm@openssh.com", 32, 32, true, false }, HMAC_SHA256 },
	{{ "hmac-sha2-512-etm@openssh.com", 64, 64, true, false }, HMAC_SHA512 },
	{{ "hmac-md5-etm@openssh.com",      16, 16, true, true  }, HMAC_MD5 },
	{{ "hmac-md5-96-etm@openssh.com",   16, 12, true, true  }, HMAC_MD5 },
	{{ "umac-64-etm@openssh.com",       16,  8, true, false }, UMAC },
	{{ "umac-128-etm@openssh.com",      16, 16, true, false }, UMAC },
};
/* clang-format on */

static enum digest_algorithm
engine_digest(enum engine e)
{
	switch (e) {
	case HMAC_MD5:
		return DIGEST_MD5;
	case HMAC_SHA1:
		return DIGEST_SHA1;
	case HMAC_SHA256:
		return DIGEST_SHA256;
	default:
		return DIGEST_SHA512;
	}
}

const struct mac_algorithm *
mac_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		if (span_is(name, table[i].public.name))
			return &table[i].public;
	}
	return NULL;
}

const struct mac_algorithm *
mac_row(size_t index)
{
	return index < ARRAY_COUNT(table) ? &table[index].public : NULL;
}

int
mac_new(const struct mac_algorithm *a, const uint8_t *key, struct mac **ret)
{
	struct mac *m = calloc(1, sizeof(*m));
	int r;

	if (m == NULL)
		return ERR_MEMORY;
	m->row = (const struct row *)(const void *)a; /* its first member */
	memcpy(m->key, key, a->key_size);
	if (m->row->engine != UMAC) {
		hmac_key_init(&m->hmac, engine_digest(m->row->engine),
		    span_of(key, a->key_size));
	} else if ((r = umac_new(key, a->size, &m->umac)) != 0) {
		mac_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

void
mac_free(struct mac *m)
{
	if (m == NULL)
		return;
	umac_free(m->umac);
	secret_wipe(m, sizeof(*m));
	free(m);
}

const struct mac_algorithm *
mac_algorithm(const struct mac *m)
{
	return &m->row->public;
}

int
mac_compute(struct mac *m, uint32_t seqnr, const uint8_t *data, size_t len,
    uint8_t *out)
{
	uint8_t be[4] = { (uint8_t)(seqnr >> 24), (uint8_t)(seqnr >> 16),
		(uint8_t)(seqnr >> 8), (uint8_t)seqnr };
	uint8_t tag[MAC_MAX];

	if (m->row->engine == UMAC)
		return umac_compute(m->umac, seqnr, data, len, out);
	hmac_key_compute(&m->hmac, span_of(be, 4), span_of(data, len), tag);
	memcpy(out, tag, m->row->public.size);
	return 0;
}

int
mac_export(const struct mac *m, struct buf *out)
{
	write_text(out, m->row->public.name);
	write_string(out, span_of(m->key, m->row->public.key_size));
	return buf_error(out);
}

int
mac_import(struct reader *r, struct mac **ret)
{
	const struct mac_algorithm *a;
	struct span name = read_string(r);
	struct span key = read_string(r);
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	if ((a = mac_find(name)) == NULL || key.len != a->key_size)
		return ERR_FORMAT;
	return mac_new(a, key.ptr, ret);
}
