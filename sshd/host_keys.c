/*
 * host_keys.c - loading, passing on and using the host keys.
 */
#include "sshd/host_keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/agent/client.h"
#include "common/agent/helper.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/crypto/random.h"
#include "common/key/certificate.h"
#include "common/key/key_file.h"

#define SEED_SIZE      32
#define AGENT_PATH_MAX 4096

struct host_key {
	struct key *public_key;
	struct key *certificate; /* of the key; NULL: none */
	struct key *private_key; /* made when first used; may be NULL */
	uint8_t *fields;         /* private fields, locked; may be NULL */
	size_t fields_len;
};

struct host_keys {
	struct host_key item[HOST_KEYS_MAX];
	size_t count;
	char *agent_path;    /* NULL: none */
	struct agent *agent; /* connected when first used; may be NULL */
	uint8_t *seed;       /* SEED_SIZE, secret; NULL without an agent */
	char *provider;      /* of security keys; NULL: the usual one */
};

struct host_keys *
host_keys_new(void)
{
	return calloc(1, sizeof(struct host_keys));
}

void
host_keys_free(struct host_keys *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->count; i++) {
		key_unref(k->item[i].public_key);
		key_unref(k->item[i].certificate);
		key_unref(k->item[i].private_key);
		secret_free(k->item[i].fields, k->item[i].fields_len);
	}
	agent_close(k->agent); /* after the keys that ask it */
	free(k->agent_path);
	free(k->provider);
	secret_free(k->seed, SEED_SIZE);
	free(k);
}

size_t
host_keys_count(const struct host_keys *k)
{
	return k->count;
}

/* ---- the agent ---- */

static int
take_agent(struct host_keys *k, const char *path, struct span seed)
{
	free(k->agent_path);
	k->agent_path = strdup(path);
	if (k->seed == NULL)
		k->seed = secret_alloc(SEED_SIZE);
	if (k->agent_path == NULL || k->seed == NULL)
		return ERR_MEMORY;
	if (seed.len == SEED_SIZE) {
		memcpy(k->seed, seed.ptr, SEED_SIZE);
		return 0;
	}
	return random_fill(&random_system, k->seed, SEED_SIZE);
}

int
host_keys_set_agent(struct host_keys *k, const char *path)
{
	struct agent *probe;
	struct error e = { 0 };

	if (strcmp(path, "SSH_AUTH_SOCK") == 0)
		path = getenv("SSH_AUTH_SOCK");
	if (path == NULL || path[0] == '\0') {
		log_error("HostKeyAgent: SSH_AUTH_SOCK is not set");
		return 0;
	}
	if (agent_connect(path, &probe, &e) != 0) {
		log_error("Could not connect to agent: %s", e.text);
		return 0;
	}
	agent_close(probe);
	return take_agent(k, path, span_of(NULL, 0));
}

int
host_keys_set_provider(struct host_keys *k, const char *path)
{
	free(k->provider);
	k->provider = path != NULL ? strdup(path) : NULL;
	return path != NULL && k->provider == NULL ? ERR_MEMORY : 0;
}

/* ---- loading ---- */

/* Takes a copy of the private fields (may be empty). */
static int
add(struct host_keys *k, struct span blob, struct span fields)
{
	struct host_key *h = &k->item[k->count];
	int r;

	if (k->count == HOST_KEYS_MAX)
		return ERR_LIMIT;
	if ((r = key_from_blob(blob, &h->public_key)) != 0)
		return r;
	if (fields.len > 0) {
		h->fields = secret_alloc(fields.len);
		if (h->fields == NULL) {
			key_unref(h->public_key);
			h->public_key = NULL;
			return ERR_MEMORY;
		}
		memcpy(h->fields, fields.ptr, fields.len);
		h->fields_len = fields.len;
	}
	k->count++;
	return 0;
}

static bool
is_known(const struct host_keys *k, const struct key *key)
{
	for (size_t i = 0; i < k->count; i++) {
		if (key_equal(k->item[i].public_key, key))
			return true;
	}
	return false;
}

static int
add_loaded(struct host_keys *k, const struct key *key)
{
	struct buf fields = BUF_SECRET_INIT;
	int r;

	if (is_known(k, key))
		return 0;
	if (key_has_private(key) &&
	    ((r = key_write_private(key, &fields)) != 0 ||
		(r = buf_error(&fields)) != 0))
		goto out;
	r = add(k, key_blob(key), buf_span(&fields));
out:
	buf_release(&fields);
	return r;
}

/* The warning that people know, for a file that others can read. */
static void
log_permissions(const char *path)
{
	struct stat st;
	struct span rest, line;
	char *box;

	if (stat(path, &st) != 0 || (st.st_mode & 077) == 0)
		return;
	if ((box = key_file_permissions_box(path, st.st_mode & 0777)) == NULL)
		return;
	rest = span_text(box);
	while (line_next(&rest, &line))
		log_error("%.*s", (int)line.len, (const char *)line.ptr);
	free(box);
}

static void
use_loaded(struct host_keys *k, const char *path, const struct key *key,
    unsigned rsa_bits_min)
{
	int r;

	if (key_row(key)->type == KEY_RSA && key_bits(key) < rsa_bits_min)
		log_error("Host key %s: %u bits are fewer than RequiredRSASize "
			  "%u",
		    path, key_bits(key), rsa_bits_min);
	else if ((r = add_loaded(k, key)) != 0)
		log_error("Unable to use host key %s: %s", path, error_text(r));
	else
		log_debug1("host key %s: %s", path, key_type_name(key));
}

/* The public half, for a key that the agent has. */
static struct key *
load_public(const char *path)
{
	char *beside = text_format("%s.pub", path);
	struct key *key = NULL;

	if ((beside == NULL || key_public_load(beside, &key, NULL) != 0) &&
	    key_public_load(path, &key, NULL) != 0)
		key = NULL;
	free(beside);
	if (key != NULL && key_certificate(key) != NULL) {
		key_unref(key);
		key = NULL;
	}
	return key;
}

static void
load_one(struct host_keys *k, const char *path, unsigned rsa_bits_min)
{
	struct error e = { 0 };
	struct key *key = NULL;
	int r;

	r = key_private_load(path, NULL, &key, NULL, &e);
	if (r != 0 && k->agent_path != NULL &&
	    (key = load_public(path)) != NULL) {
		log_debug1("will rely on agent for hostkey %s", path);
		r = 0;
	}
	if (r != 0) {
		if (r == ERR_PERMISSION)
			log_permissions(path);
		log_error("Unable to load host key \"%s\": %s", path,
		    error_message(&e, r));
		return;
	}
	use_loaded(k, path, key, rsa_bits_min);
	key_unref(key);
}

size_t
host_keys_load(struct host_keys *k, const struct strings *paths, bool wanted,
    unsigned rsa_bits_min)
{
	for (size_t i = 0; i < paths->count; i++) {
		if (wanted || access(paths->item[i], F_OK) == 0)
			load_one(k, paths->item[i], rsa_bits_min);
	}
	return k->count;
}

/* ---- certificates ---- */

/* Takes a reference. The first certificate of a key stays. */
static int
attach(struct host_keys *k, struct key *certificate)
{
	for (size_t i = 0; i < k->count; i++) {
		struct host_key *h = &k->item[i];

		if (!span_equal(
			key_blob(h->public_key), key_plain_blob(certificate)))
			continue;
		if (h->certificate == NULL)
			h->certificate = key_ref(certificate);
		return 0;
	}
	return ERR_NOT_FOUND;
}

static void
load_certificate(struct host_keys *k, const char *path)
{
	struct error e = { 0 };
	struct key *key = NULL;
	int r;

	if ((r = key_public_load(path, &key, &e)) != 0)
		log_error("Could not load host certificate \"%s\": %s", path,
		    error_message(&e, r));
	else if (key_certificate(key) == NULL)
		log_error("Certificate file is not a certificate: %s", path);
	else if (key_certificate(key)->kind != CERTIFICATE_HOST)
		log_error("Certificate file is not of a host: %s", path);
	else if (attach(k, key) != 0)
		log_error("No matching private key for certificate: %s", path);
	else
		log_debug1("host certificate %s: %s", path, key_type_name(key));
	key_unref(key);
}

void
host_keys_load_certificates(struct host_keys *k, const struct strings *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		load_certificate(k, paths->item[i]);
}

/* ---- between processes ---- */

static void
write_keys(const struct host_keys *k, struct buf *out, bool private)
{
	if (private) {
		write_text(out, k->agent_path != NULL ? k->agent_path : "");
		write_string(
		    out, span_of(k->seed, k->seed != NULL ? SEED_SIZE : 0));
		write_text(out, k->provider != NULL ? k->provider : "");
	}
	write_uint32(out, (uint32_t)k->count);
	for (size_t i = 0; i < k->count; i++) {
		const struct host_key *h = &k->item[i];

		write_string(out, key_blob(h->public_key));
		write_string(out, h->certificate != NULL
				      ? key_blob(h->certificate)
				      : span_of(NULL, 0));
		if (private)
			write_string(out, span_of(h->fields, h->fields_len));
	}
}

void
host_keys_write(const struct host_keys *k, struct buf *out)
{
	write_keys(k, out, true);
}

void
host_keys_write_public(const struct host_keys *k, struct buf *out)
{
	write_keys(k, out, false);
}

static int
read_certificate(struct host_keys *k, struct span blob)
{
	struct key *certificate;
	int r;

	if (blob.len == 0)
		return 0;
	if ((r = key_from_blob(blob, &certificate)) != 0)
		return r;
	r = key_certificate(certificate) == NULL ? ERR_KEY_TYPE
						 : attach(k, certificate);
	key_unref(certificate);
	return r;
}

static int
read_agent(struct reader *r, struct host_keys *k)
{
	struct span path = read_text(r), seed = read_string(r);
	struct span provider = read_text(r);
	char text[AGENT_PATH_MAX];
	int rc = read_error(r);

	if (rc != 0)
		return rc;
	if (path.len >= sizeof(text) || provider.len >= sizeof(text) ||
	    (path.len > 0 && seed.len != SEED_SIZE))
		return ERR_FORMAT;
	memcpy(text, provider.ptr, provider.len);
	text[provider.len] = '\0';
	rc = host_keys_set_provider(k, provider.len > 0 ? text : NULL);
	if (rc != 0 || path.len == 0)
		return rc;
	memcpy(text, path.ptr, path.len);
	text[path.len] = '\0';
	return take_agent(k, text, seed);
}

static int
read_keys(struct reader *r, struct host_keys *k, bool private)
{
	uint32_t count;
	int rc;

	if (private && (rc = read_agent(r, k)) != 0)
		return rc;
	count = read_uint32(r);
	if (count > HOST_KEYS_MAX)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < count; i++) {
		struct span blob = read_string(r);
		struct span certificate = read_string(r);
		struct span fields = { NULL, 0 };

		if (private)
			fields = read_string(r);
		if ((rc = read_error(r)) != 0 ||
		    (rc = add(k, blob, fields)) != 0 ||
		    (rc = read_certificate(k, certificate)) != 0)
			return rc;
	}
	return 0;
}

int
host_keys_read(struct reader *r, struct host_keys *k)
{
	return read_keys(r, k, true);
}

int
host_keys_read_public(struct reader *r, struct host_keys *k)
{
	return read_keys(r, k, false);
}

/* ---- use ---- */

/* The half of h that the algorithm shows to the peer; NULL: it fits none. */
static const struct key *
shown_by(const struct host_key *h, const struct signature_algorithm *a)
{
	const struct key *k =
	    signature_is_of_certificate(a) ? h->certificate : h->public_key;

	return k != NULL && strcmp(key_type_name(k), a->key_type) == 0 ? k
								       : NULL;
}

static struct host_key *
find(const struct host_keys *k, struct span algorithm)
{
	const struct signature_algorithm *a = signature_find(algorithm);

	for (size_t i = 0; a != NULL && i < k->count; i++) {
		if (shown_by(&k->item[i], a) != NULL)
			return (struct host_key *)&k->item[i];
	}
	return NULL;
}

char *
host_keys_algorithms(const struct host_keys *k, const char *wanted)
{
	struct buf out = BUF_INIT;
	struct span rest = span_text(wanted), name;

	while (list_next(&rest, &name)) {
		if (find(k, name) == NULL)
			continue;
		if (out.len > 0)
			write_byte(&out, ',');
		write_span(&out, name);
	}
	return buf_take_text(&out);
}

struct span
host_keys_blob(const struct host_keys *k, const char *algorithm)
{
	const struct signature_algorithm *a =
	    signature_find(span_text(algorithm));
	const struct host_key *h = find(k, span_text(algorithm));

	return h != NULL ? key_blob(shown_by(h, a)) : span_of(NULL, 0);
}

const struct key *
host_keys_public(const struct host_keys *k, size_t index)
{
	return index < k->count ? k->item[index].public_key : NULL;
}

void
host_keys_write_secret(const struct host_keys *k, struct buf *out)
{
	for (size_t i = 0; i < k->count; i++)
		write_string(
		    out, span_of(k->item[i].fields, k->item[i].fields_len));
	write_string(out, span_of(k->seed, k->seed != NULL ? SEED_SIZE : 0));
}

static int
connect_agent(struct host_keys *k)
{
	struct error e = { 0 };
	int r;

	if (k->agent != NULL)
		return 0;
	if (k->agent_path == NULL)
		return ERR_NOT_FOUND;
	if ((r = agent_connect(k->agent_path, &k->agent, &e)) != 0) {
		log_error("Could not connect to agent: %s", e.text);
		return r;
	}
	agent_set_patience(k->agent, HOST_KEYS_AGENT_MS);
	return 0;
}

/* An agent that failed is asked anew: it may have been restarted. */
static int
sign_by_agent(struct host_keys *k, const struct host_key *h,
    const struct signature_algorithm *a, struct span data,
    struct buf *ret_signature)
{
	struct buf signature = BUF_INIT;
	struct error e = { 0 };
	int r;

	if ((r = connect_agent(k)) != 0)
		return r;
	r = agent_sign(
	    k->agent, key_blob(h->public_key), a, data, &signature, &e);
	if (r == 0)
		r = key_verify(h->public_key,
		    signature_find(span_text(a->plain)), data,
		    buf_span(&signature));
	if (r == 0) {
		write_span(ret_signature, buf_span(&signature));
		r = buf_error(ret_signature);
	} else {
		log_error(
		    "agent \"%s\": %s", k->agent_path, error_message(&e, r));
		agent_close(k->agent);
		k->agent = NULL;
	}
	buf_release(&signature);
	return r;
}

static int
make_private(const struct host_keys *k, struct host_key *h)
{
	struct reader r = reader_of(span_of(h->fields, h->fields_len));
	int rc;

	if (h->private_key != NULL)
		return 0;
	rc = key_read_private(&r, &h->private_key);
	if (rc == 0 && key_is_security_key(h->private_key))
		rc = security_key_attach(h->private_key, k->provider, NULL);
	return rc;
}

static int
sign(struct host_keys *k, struct host_key *h,
    const struct signature_algorithm *a, struct span data,
    struct buf *ret_signature)
{
	int r;

	if (h->fields == NULL)
		return sign_by_agent(k, h, a, data, ret_signature);
	if ((r = make_private(k, h)) != 0)
		return r;
	return key_sign(h->private_key, a, data, ret_signature);
}

int
host_keys_sign(struct host_keys *k, const char *algorithm, struct span data,
    struct buf *ret_signature)
{
	const struct signature_algorithm *a =
	    signature_find(span_text(algorithm));
	struct host_key *h = find(k, span_text(algorithm));

	if (a == NULL)
		return ERR_SIGNATURE_ALGORITHM;
	if (h == NULL)
		return ERR_NOT_FOUND;
	return sign(k, h, a, data, ret_signature);
}

int
host_keys_sign_with(struct host_keys *k, struct span blob,
    const char *algorithm, struct span data, struct buf *ret_signature)
{
	const struct signature_algorithm *a =
	    signature_find(span_text(algorithm));

	if (a == NULL || signature_is_of_certificate(a))
		return ERR_SIGNATURE_ALGORITHM;
	for (size_t i = 0; i < k->count; i++) {
		struct host_key *h = &k->item[i];

		if (!span_equal(key_blob(h->public_key), blob))
			continue;
		if (shown_by(h, a) == NULL)
			return ERR_SIGNATURE_ALGORITHM;
		return sign(k, h, a, data, ret_signature);
	}
	return ERR_NOT_FOUND;
}
