/*
 * protocol_answer.c - answers of an SFTP server, writer and reader of each
 * side by side. draft-ietf-secsh-filexfer-02 s7.
 */
#include "common/base/error.h"
#include "sftp/protocol.h"

/* What a name takes in a packet at least: two lengths and flags. */
#define NAME_MIN 12u

/* ---- uint32 code, string message, string language tag ---- */

void
sftp_status_write(
    struct buf *out, uint32_t id, uint32_t code, const char *message)
{
	size_t mark = sftp_packet_begin(out, SSH_FXP_STATUS, id);

	write_uint32(out, code);
	write_text(out, message);
	write_text(out, "");
	sftp_packet_end(out, mark);
}

int
sftp_status_read(struct span body, struct sftp_status *ret)
{
	struct reader r = reader_of(body);
	struct sftp_status s = { .code = read_uint32(&r) };

	/* Servers before version 3 end here. */
	if (r.len > 0) {
		s.message = read_string(&r);
		if (r.len > 0)
			(void)read_string(&r);
	}
	if (read_error(&r) != 0)
		return read_error(&r);
	*ret = s;
	return 0;
}

/* ---- string handle ---- */

void
sftp_handle_write(struct buf *out, uint32_t id, struct span handle)
{
	size_t mark = sftp_packet_begin(out, SSH_FXP_HANDLE, id);

	write_string(out, handle);
	sftp_packet_end(out, mark);
}

int
sftp_handle_read(struct span body, struct span *ret)
{
	struct reader r = reader_of(body);
	struct span handle = read_string_max(&r, SFTP_HANDLE_MAX);
	int rc = read_end(&r);

	if (rc != 0)
		return rc;
	*ret = handle;
	return 0;
}

/* ---- string data ---- */

static void
put_uint32(uint8_t *to, uint32_t v)
{
	to[0] = (uint8_t)(v >> 24);
	to[1] = (uint8_t)(v >> 16);
	to[2] = (uint8_t)(v >> 8);
	to[3] = (uint8_t)v;
}

void
sftp_data_head(uint8_t out[SFTP_DATA_HEAD], uint32_t id, uint32_t data_len)
{
	put_uint32(out, SFTP_DATA_HEAD - 4 + data_len);
	out[4] = SSH_FXP_DATA;
	put_uint32(out + 5, id);
	put_uint32(out + 9, data_len);
}

/* ---- attributes ---- */

void
sftp_attrs_answer_write(
    struct buf *out, uint32_t id, const struct sftp_attrs *a)
{
	size_t mark = sftp_packet_begin(out, SSH_FXP_ATTRS, id);

	sftp_attrs_write(out, a);
	sftp_packet_end(out, mark);
}

int
sftp_attrs_answer_read(struct span body, struct sftp_attrs *ret)
{
	struct reader r = reader_of(body);
	struct sftp_attrs a = sftp_attrs_read(&r);
	int rc = read_end(&r);

	if (rc != 0)
		return rc;
	*ret = a;
	return 0;
}

/* ---- uint32 count, count times (string name, string longname, attrs) ---- */

struct sftp_names
sftp_names_begin(struct buf *out, uint32_t id)
{
	struct sftp_names n = { 0 };

	n.packet = sftp_packet_begin(out, SSH_FXP_NAME, id);
	n.count_at = out->len;
	write_uint32(out, 0);
	return n;
}

void
sftp_names_add(
    struct buf *out, struct sftp_names *n, const struct sftp_name *name)
{
	write_string(out, name->name);
	write_string(out, name->longname);
	sftp_attrs_write(out, &name->attrs);
	n->count++;
}

void
sftp_names_end(struct buf *out, const struct sftp_names *n)
{
	if (buf_error(out) == 0)
		put_uint32(out->data + n->count_at, n->count);
	sftp_packet_end(out, n->packet);
}

int
sftp_names_read(struct reader *r, uint32_t *ret_count)
{
	uint32_t count = read_uint32(r);

	if (read_error(r) != 0)
		return read_error(r);
	if (count > r->len / NAME_MIN)
		return ERR_FORMAT;
	*ret_count = count;
	return 0;
}

struct sftp_name
sftp_name_next(struct reader *r)
{
	struct sftp_name n;

	n.name = read_string(r);
	n.longname = read_string(r);
	n.attrs = sftp_attrs_read(r);
	return n;
}

/* ---- extensions ---- */

void
sftp_statvfs_write(struct buf *out, uint32_t id, const struct sftp_statvfs *s)
{
	size_t mark = sftp_packet_begin(out, SSH_FXP_EXTENDED_REPLY, id);

	write_uint64(out, s->bsize);
	write_uint64(out, s->frsize);
	write_uint64(out, s->blocks);
	write_uint64(out, s->bfree);
	write_uint64(out, s->bavail);
	write_uint64(out, s->files);
	write_uint64(out, s->ffree);
	write_uint64(out, s->favail);
	write_uint64(out, s->fsid);
	write_uint64(out, s->flag);
	write_uint64(out, s->namemax);
	sftp_packet_end(out, mark);
}

int
sftp_statvfs_read(struct span body, struct sftp_statvfs *ret)
{
	struct reader r = reader_of(body);
	struct sftp_statvfs s;
	int rc;

	s.bsize = read_uint64(&r);
	s.frsize = read_uint64(&r);
	s.blocks = read_uint64(&r);
	s.bfree = read_uint64(&r);
	s.bavail = read_uint64(&r);
	s.files = read_uint64(&r);
	s.ffree = read_uint64(&r);
	s.favail = read_uint64(&r);
	s.fsid = read_uint64(&r);
	s.flag = read_uint64(&r);
	s.namemax = read_uint64(&r);
	if ((rc = read_end(&r)) != 0)
		return rc;
	*ret = s;
	return 0;
}

void
sftp_limits_write(struct buf *out, uint32_t id, const struct sftp_limits *l)
{
	size_t mark = sftp_packet_begin(out, SSH_FXP_EXTENDED_REPLY, id);

	write_uint64(out, l->packet);
	write_uint64(out, l->read);
	write_uint64(out, l->write);
	write_uint64(out, l->handles);
	sftp_packet_end(out, mark);
}

int
sftp_limits_read(struct span body, struct sftp_limits *ret)
{
	struct reader r = reader_of(body);
	struct sftp_limits l;
	int rc;

	l.packet = read_uint64(&r);
	l.read = read_uint64(&r);
	l.write = read_uint64(&r);
	l.handles = read_uint64(&r);
	if ((rc = read_end(&r)) != 0)
		return rc;
	*ret = l;
	return 0;
}

void
sftp_space_write(struct buf *out, uint32_t id, const struct sftp_space *s)
{
	size_t mark = sftp_packet_begin(out, SSH_FXP_EXTENDED_REPLY, id);

	write_uint64(out, s->device);
	write_uint64(out, s->device_unused);
	write_uint64(out, s->user);
	write_uint64(out, s->user_unused);
	write_uint32(out, s->unit);
	sftp_packet_end(out, mark);
}

int
sftp_space_read(struct span body, struct sftp_space *ret)
{
	struct reader r = reader_of(body);
	struct sftp_space s;
	int rc;

	s.device = read_uint64(&r);
	s.device_unused = read_uint64(&r);
	s.user = read_uint64(&r);
	s.user_unused = read_uint64(&r);
	s.unit = read_uint32(&r);
	if ((rc = read_end(&r)) != 0)
		return rc;
	*ret = s;
	return 0;
}

int
sftp_check_read(
    struct span body, struct span *ret_name, struct span *ret_digests)
{
	struct reader r = reader_of(body);
	struct span name = read_string(&r);

	/* Paramiko's answer has the extension's name in front, the draft's
	 * has not. No digest is called so. */
	if (span_is(name, sftp_kind_extension(SFTP_CHECK_FILE)))
		name = read_string(&r);
	if (read_error(&r) != 0)
		return read_error(&r);
	*ret_name = name;
	*ret_digests = read_rest(&r);
	return 0;
}

int
sftp_users_groups_read(
    struct span body, struct span *ret_users, struct span *ret_groups)
{
	struct reader r = reader_of(body);
	struct span users = read_string(&r);
	struct span groups = read_string(&r);
	int rc = read_end(&r);

	if (rc != 0)
		return rc;
	*ret_users = users;
	*ret_groups = groups;
	return 0;
}

bool
sftp_text_next(struct span *rest, struct span *ret)
{
	struct reader r = reader_of(*rest);
	struct span text = read_string(&r);

	if (read_error(&r) != 0)
		return false;
	*ret = text;
	*rest = read_rest(&r);
	return true;
}
