/*
 * protocol.c - requests and attributes, written and read by one table.
 * draft-ietf-secsh-filexfer-02 s5, s6.
 */
#include "sftp/protocol.h"

#include <string.h>

#include "common/base/error.h"

struct kind_row {
	const char *name;
	uint8_t type;
	const char *extension;
	const char *version;
	const char *fields;
	bool writes;
};

static const struct kind_row kinds[] = {
#define ROW(kind, name, type, extension, version, fields, writes)              \
	[SFTP_##kind] = { name, type, extension, version, fields, writes },
#include "sftp/protocol.def"
#undef ROW
};

_Static_assert(SFTP_KIND_COUNT <= 64, "sftp_version.extensions has a bit each");

static const char *const status_texts[] = {
	[SSH_FX_OK] = "Success",
	[SSH_FX_EOF] = "End of file",
	[SSH_FX_NO_SUCH_FILE] = "No such file",
	[SSH_FX_PERMISSION_DENIED] = "Permission denied",
	[SSH_FX_FAILURE] = "Failure",
	[SSH_FX_BAD_MESSAGE] = "Bad message",
	[SSH_FX_NO_CONNECTION] = "No connection",
	[SSH_FX_CONNECTION_LOST] = "Connection lost",
	[SSH_FX_OP_UNSUPPORTED] = "Operation unsupported",
};

const char *
sftp_status_text(uint32_t code)
{
	return code < ARRAY_COUNT(status_texts) ? status_texts[code]
						: "Unknown status";
}

const char *
sftp_kind_name(enum sftp_kind kind)
{
	return kinds[kind].name;
}

enum sftp_kind
sftp_kind_of_name(struct span name)
{
	for (size_t i = 0; i < SFTP_KIND_COUNT; i++)
		if (span_is(name, kinds[i].name))
			return (enum sftp_kind)i;
	return SFTP_KIND_COUNT;
}

const char *
sftp_kind_extension(enum sftp_kind kind)
{
	return kinds[kind].extension;
}

bool
sftp_kind_writes(enum sftp_kind kind)
{
	return kinds[kind].writes;
}

/* Every flag but READ makes, changes or empties a file; so does an unknown
 * one, for all that is known. */
bool
sftp_open_writes(uint32_t pflags)
{
	return (pflags & ~SSH_FXF_READ) != 0;
}

/* ---- attributes ---- */

static void
skip_extended(struct reader *r)
{
	uint32_t count = read_uint32(r);

	/* Each takes 8 bytes at least, so a false count ends soon. */
	for (uint32_t i = 0; i < count && read_error(r) == 0; i++) {
		(void)read_string(r);
		(void)read_string(r);
	}
}

struct sftp_attrs
sftp_attrs_read(struct reader *r)
{
	struct sftp_attrs a = { .flags = read_uint32(r) };

	if (a.flags & SSH_FILEXFER_ATTR_SIZE)
		a.size = read_uint64(r);
	if (a.flags & SSH_FILEXFER_ATTR_UIDGID) {
		a.uid = read_uint32(r);
		a.gid = read_uint32(r);
	}
	if (a.flags & SSH_FILEXFER_ATTR_PERMISSIONS)
		a.permissions = read_uint32(r);
	if (a.flags & SSH_FILEXFER_ATTR_ACMODTIME) {
		a.atime = read_uint32(r);
		a.mtime = read_uint32(r);
	}
	if (a.flags & SSH_FILEXFER_ATTR_EXTENDED)
		skip_extended(r);
	return a;
}

void
sftp_attrs_write(struct buf *out, const struct sftp_attrs *a)
{
	write_uint32(out, a->flags & ~SSH_FILEXFER_ATTR_EXTENDED);
	if (a->flags & SSH_FILEXFER_ATTR_SIZE)
		write_uint64(out, a->size);
	if (a->flags & SSH_FILEXFER_ATTR_UIDGID) {
		write_uint32(out, a->uid);
		write_uint32(out, a->gid);
	}
	if (a->flags & SSH_FILEXFER_ATTR_PERMISSIONS)
		write_uint32(out, a->permissions);
	if (a->flags & SSH_FILEXFER_ATTR_ACMODTIME) {
		write_uint32(out, a->atime);
		write_uint32(out, a->mtime);
	}
}

/* ---- requests ---- */

size_t
sftp_packet_begin(struct buf *out, uint8_t type, uint32_t id)
{
	size_t mark = write_string_begin(out);

	write_byte(out, type);
	write_uint32(out, id);
	return mark;
}

void
sftp_packet_end(struct buf *out, size_t mark)
{
	write_string_end(out, mark);
}

static void
write_field(struct buf *out, const struct sftp_request *q, char field)
{
	switch (field) {
	case 'h':
		write_string(out, q->handle);
		break;
	case 'H':
		write_string(out, q->handle2);
		break;
	case 'p':
		write_string(out, q->path);
		break;
	case 'P':
		write_string(out, q->path2);
		break;
	case 'd':
		write_string(out, q->data);
		break;
	case 'D':
		write_string(out, q->data2);
		break;
	case 'o':
		write_uint64(out, q->offset);
		break;
	case 'O':
		write_uint64(out, q->offset2);
		break;
	case 'l':
		write_uint64(out, q->length);
		break;
	case 'n':
		write_uint32(out, q->count);
		break;
	case 'f':
		write_uint32(out, q->pflags);
		break;
	case 'a':
		sftp_attrs_write(out, &q->attrs);
		break;
	}
}

void
sftp_request_write(struct buf *out, const struct sftp_request *q)
{
	const struct kind_row *row = &kinds[q->kind];
	size_t mark = sftp_packet_begin(out, row->type, q->id);

	if (row->extension != NULL)
		write_text(out, row->extension);
	for (const char *f = row->fields; *f != '\0'; f++)
		write_field(out, q, *f);
	sftp_packet_end(out, mark);
}

void
sftp_write_head(struct buf *out, uint32_t id, struct span handle,
    uint64_t offset, uint32_t data_len)
{
	write_uint32(out, SFTP_WRITE_HEAD((uint32_t)handle.len) - 4 + data_len);
	write_byte(out, SSH_FXP_WRITE);
	write_uint32(out, id);
	write_string(out, handle);
	write_uint64(out, offset);
	write_uint32(out, data_len);
}

static void
read_field(struct reader *r, struct sftp_request *q, char field)
{
	switch (field) {
	case 'h':
		q->handle = read_string_max(r, SFTP_HANDLE_MAX);
		break;
	case 'H':
		q->handle2 = read_string_max(r, SFTP_HANDLE_MAX);
		break;
	case 'p':
		q->path = read_text(r);
		break;
	case 'P':
		q->path2 = read_text(r);
		break;
	case 'd':
		q->data = read_string(r);
		break;
	case 'D':
		q->data2 = read_string(r);
		break;
	case 'o':
		q->offset = read_uint64(r);
		break;
	case 'O':
		q->offset2 = read_uint64(r);
		break;
	case 'l':
		q->length = read_uint64(r);
		break;
	case 'n':
		q->count = read_uint32(r);
		break;
	case 'f':
		q->pflags = read_uint32(r);
		break;
	case 'a':
		q->attrs = sftp_attrs_read(r);
		break;
	}
}

static enum sftp_kind
find_kind(uint8_t type, struct span extension)
{
	for (size_t i = 0; i < SFTP_KIND_COUNT; i++) {
		if (kinds[i].type != type)
			continue;
		if (kinds[i].extension == NULL ||
		    span_is(extension, kinds[i].extension))
			return (enum sftp_kind)i;
	}
	return SFTP_KIND_COUNT;
}

int
sftp_request_read(const struct sftp_event *packet, struct sftp_request *ret)
{
	struct reader r = reader_of(packet->body);
	struct span extension = { NULL, 0 };

	memset(ret, 0, sizeof(*ret));
	ret->id = packet->id;
	if (packet->type == SSH_FXP_EXTENDED) {
		extension = read_string(&r);
		if (read_error(&r) != 0)
			return read_error(&r);
	}
	ret->kind = find_kind(packet->type, extension);
	if (ret->kind == SFTP_KIND_COUNT)
		return ERR_UNSUPPORTED;
	for (const char *f = kinds[ret->kind].fields; *f != '\0'; f++)
		read_field(&r, ret, *f);
	return read_end(&r);
}

/* ---- the first packets ---- */

void
sftp_init_write(struct buf *out)
{
	write_uint32(out, 5);
	write_byte(out, SSH_FXP_INIT);
	write_uint32(out, SFTP_VERSION);
}

int
sftp_init_read(struct span body, uint32_t *ret_version)
{
	struct reader r = reader_of(body);
	uint32_t version = read_uint32(&r);

	/* Extensions of the client's follow; there are none that we know. */
	if (read_error(&r) != 0)
		return read_error(&r);
	*ret_version = version;
	return 0;
}

void
sftp_version_write(struct buf *out, uint64_t without)
{
	size_t mark = sftp_packet_begin(out, SSH_FXP_VERSION, SFTP_VERSION);
	size_t vendor;

	for (size_t i = 0; i < SFTP_KIND_COUNT; i++) {
		if (kinds[i].extension == NULL || (without >> i & 1) != 0)
			continue;
		write_text(out, kinds[i].extension);
		write_text(out, kinds[i].version);
	}
	/* draft-ietf-secsh-filexfer-extensions-00 s2: who made it, its name,
	 * its version, the number of its build. */
	write_text(out, "vendor-id");
	vendor = write_string_begin(out);
	write_text(out, "Sheetbend");
	write_text(out, "sftp-server");
	write_text(out, SHEETBEND_VERSION);
	write_uint64(out, 0);
	write_string_end(out, vendor);
	sftp_packet_end(out, mark);
}

/* Another version may have other fields. Paramiko's check-file has none: it
 * says which digests there are. */
static bool
is_our_version(size_t kind, struct span data)
{
	return kind == SFTP_CHECK_FILE || span_is(data, kinds[kind].version);
}

static void
note_extension(struct sftp_version *v, struct span name, struct span data)
{
	for (size_t i = 0; i < SFTP_KIND_COUNT; i++)
		if (kinds[i].extension != NULL &&
		    span_is(name, kinds[i].extension) &&
		    is_our_version(i, data))
			v->extensions |= (uint64_t)1 << i;
}

int
sftp_version_read(struct span body, struct sftp_version *ret)
{
	struct reader r = reader_of(body);
	struct sftp_version v = { .version = read_uint32(&r) };

	while (read_error(&r) == 0 && r.len > 0) {
		struct span name = read_string(&r);
		struct span data = read_string(&r);

		if (read_error(&r) == 0)
			note_extension(&v, name, data);
	}
	if (read_error(&r) != 0)
		return read_error(&r);
	*ret = v;
	return 0;
}

bool
sftp_version_has(const struct sftp_version *v, enum sftp_kind kind)
{
	return kinds[kind].extension == NULL ||
	       (v->extensions >> kind & 1) != 0;
}
