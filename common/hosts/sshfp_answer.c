/*
 * sshfp_answer.c - SSHFP records in the answer of a DNS resolver.
 *
 * Message (RFC 1035 s4.1): uint16 id, uint16 flags, uint16 numbers of
 * questions, answers, authorities, additionals; questions: name, uint16 type,
 * uint16 class; records: name, uint16 type, uint16 class, uint32 ttl,
 * uint16 length, data. SSHFP data (RFC 4255 s3.1): byte algorithm, byte
 * fingerprint type, fingerprint.
 */
#include "common/hosts/sshfp_answer.h"

#include <string.h>

#include "common/base/error.h"
#include "common/crypto/digest.h"
#include "common/hosts/sshfp_text.h"

#define CLASS_IN       1
#define FLAG_RESPONSE  0x8000
#define FLAG_VALIDATED 0x0020 /* AD, RFC 4035 s3.2.3 */
#define MASK_RCODE     0x000f
#define LABEL_POINTER  0xc0
#define LABELS_MAX     128 /* of a name of 255 bytes */

#define HASH_SHA1   1
#define HASH_SHA256 2

static unsigned
read_uint16(struct reader *r)
{
	unsigned high = read_byte(r);

	return high << 8 | read_byte(r);
}

/* A pointer ends a name; where it leads does not matter here. */
static void
skip_name(struct reader *r)
{
	for (int i = 0; i < LABELS_MAX; i++) {
		uint8_t len = read_byte(r);

		if ((len & LABEL_POINTER) == LABEL_POINTER) {
			read_byte(r);
			return;
		}
		if ((len & LABEL_POINTER) != 0)
			break;
		if (len == 0)
			return;
		read_bytes(r, len);
	}
	if (r->error == 0)
		r->error = ERR_FORMAT;
}

static size_t
digest_len(unsigned hash)
{
	return hash == HASH_SHA1 ? 20 : hash == HASH_SHA256 ? 32 : 0;
}

static void
take_record(struct span data, struct sshfp_answer *a)
{
	struct sshfp_record *record = &a->item[a->count];

	if (data.len < 2 || a->count == SSHFP_RECORDS_MAX ||
	    digest_len(data.ptr[1]) == 0 ||
	    digest_len(data.ptr[1]) != data.len - 2)
		return;
	record->algorithm = data.ptr[0];
	record->hash = data.ptr[1];
	record->len = data.len - 2;
	memcpy(record->digest, data.ptr + 2, record->len);
	a->count++;
}

static void
read_record(struct reader *r, struct sshfp_answer *a)
{
	unsigned type, class;
	struct span data;

	skip_name(r);
	type = read_uint16(r);
	class = read_uint16(r);
	read_uint32(r); /* ttl */
	data = read_bytes(r, read_uint16(r));
	if (read_error(r) == 0 && type == SSHFP_RECORD_TYPE &&
	    class == CLASS_IN)
		take_record(data, a);
}

int
sshfp_answer_read(struct span message, struct sshfp_answer *ret)
{
	struct reader r = reader_of(message);
	unsigned flags, questions, answers;

	memset(ret, 0, sizeof(*ret));
	read_uint16(&r); /* id */
	flags = read_uint16(&r);
	questions = read_uint16(&r);
	answers = read_uint16(&r);
	read_uint32(&r); /* authorities, additionals */
	if (read_error(&r) != 0)
		return ERR_TRUNCATED;
	if ((flags & FLAG_RESPONSE) == 0)
		return ERR_FORMAT;
	if ((flags & MASK_RCODE) != 0)
		return ERR_NOT_FOUND;
	ret->is_validated = (flags & FLAG_VALIDATED) != 0;
	for (unsigned i = 0; i < questions && r.error == 0; i++) {
		skip_name(&r);
		read_uint32(&r); /* type, class */
	}
	for (unsigned i = 0; i < answers && r.error == 0; i++)
		read_record(&r, ret);
	/* Half an answer is none. */
	if (read_error(&r) != 0) {
		int rc = r.error;

		memset(ret, 0, sizeof(*ret));
		return rc;
	}
	return ret->count > 0 ? 0 : ERR_NOT_FOUND;
}

enum sshfp_verdict
sshfp_answer_check(const struct sshfp_answer *a, const struct key *k)
{
	uint8_t digest[DIGEST_MAX];
	unsigned hash = HASH_SHA1, algorithm;

	if (a->count == 0)
		return SSHFP_NONE;
	algorithm = sshfp_algorithm(k);
	for (size_t i = 0; i < a->count; i++)
		if (a->item[i].algorithm == algorithm &&
		    a->item[i].hash == HASH_SHA256)
			hash = HASH_SHA256;
	if (algorithm == 0 ||
	    digest_of(hash == HASH_SHA1 ? DIGEST_SHA1 : DIGEST_SHA256,
		key_plain_blob(k), digest) != 0)
		return SSHFP_MISMATCH;
	for (size_t i = 0; i < a->count; i++) {
		const struct sshfp_record *record = &a->item[i];

		if (record->algorithm == algorithm && record->hash == hash &&
		    memcmp(record->digest, digest, record->len) == 0)
			return SSHFP_MATCH;
	}
	return SSHFP_MISMATCH;
}
