/*
 * known_hosts_test.c - lookup, verdicts, adding; lines of every form.
 */
#include "common/hosts/known_hosts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/key/certificate.h"
#include "tests/unit/unit.h"

static struct key *
make_key(const char *type)
{
	struct key *k;

	CHECK_INT(key_generate(type, 0, &k, NULL), 0);
	return k;
}

static const char *
path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", unit_scratch(), name);
	return path;
}

static void
write_file(const char *path, const char *text)
{
	CHECK_INT(
	    file_write_atomic(path, span_text(text), 0600, false, NULL), 0);
}

static char *
read_file(const char *path)
{
	struct buf b = BUF_INIT;

	CHECK_INT(file_read(path, 1 << 20, &b, NULL), 0);
	return buf_take_text(&b);
}

/* A file of the given names in front of one key; how many lines match? */
static size_t
count_matches(const struct key *k, const char *names, const char *name)
{
	struct known_hosts found = { 0 };
	char *key = key_public_line(k, NULL), text[4096];
	const char *path = path_of("count");
	size_t count;

	snprintf(text, sizeof(text), "%s %s\n", names, key);
	write_file(path, text);
	CHECK_INT(known_hosts_lookup(path, name, &found, NULL), 0);
	count = found.count;
	known_hosts_release(&found);
	free(key);
	return count;
}

TEST(plain_names_match_in_either_case)
{
	struct key *k = make_key("ed25519");

	CHECK_INT(count_matches(k, "host", "host"), 1);
	CHECK_INT(count_matches(k, "HoSt", "host"), 1);
	CHECK_INT(count_matches(k, "other,host,192.0.2.1", "host"), 1);
	CHECK_INT(count_matches(k, "other,host", "192.0.2.1"), 0);
	CHECK_INT(count_matches(k, "hosts", "host"), 0);
	CHECK_INT(count_matches(k, "hos", "host"), 0);
	key_unref(k);
}

TEST(wildcards_and_negations_match_as_patterns)
{
	struct key *k = make_key("ed25519");

	CHECK_INT(count_matches(k, "*.example", "a.example"), 1);
	CHECK_INT(count_matches(k, "h?st", "host"), 1);
	CHECK_INT(count_matches(k, "*.example,!a.example", "a.example"), 0);
	CHECK_INT(count_matches(k, "!a.example,*.example", "a.example"), 0);
	CHECK_INT(count_matches(k, "!a.*,*.example", "b.example"), 1);
	CHECK_INT(count_matches(k, "!a.example", "b.example"), 0);
	CHECK_INT(count_matches(k, "!", "b.example"), 0);
	CHECK_INT(count_matches(k, ",,host,", "host"), 1);
	key_unref(k);
}

TEST(ports_are_part_of_the_name)
{
	struct key *k = make_key("ed25519");
	char *name = known_hosts_name("HOST.Example", 2222);

	CHECK_TEXT(name, "[host.example]:2222");
	CHECK_INT(count_matches(k, "[host.example]:2222", name), 1);
	CHECK_INT(count_matches(k, "host.example", name), 0);
	CHECK_INT(count_matches(k, "[*.example]:*", name), 1);
	free(name);
	name = known_hosts_name("HOST", 22);
	CHECK_TEXT(name, "host");
	CHECK_INT(count_matches(k, "[host]:22", name), 0);
	free(name);
	key_unref(k);
}

/* Made by `ssh-keygen -H` of OpenSSH. */
TEST(hashed_names_of_openssh_match)
{
	struct key *k = make_key("ed25519");
	static const char hashed[] =
	    "|1|E4orYrFVEpYNuf4962U/tXDLqUk=|zs+zxPKeT1Nc/lekg1Uy+iDCKy8=";

	CHECK_INT(count_matches(k, hashed, "host.example"), 1);
	CHECK_INT(count_matches(k, hashed, "other.example"), 0);
	key_unref(k);
}

TEST(hashed_names_match_and_damaged_ones_do_not)
{
	struct key *k = make_key("ed25519");
	char *hashed = known_hosts_hash("host");
	size_t len = strlen(hashed);

	CHECK_INT(count_matches(k, hashed, "host"), 1);
	CHECK_INT(count_matches(k, hashed, "hosu"), 0);
	for (size_t i = 0; i < len; i++) {
		char *bad = strdup(hashed);

		bad[i] = bad[i] == '!' ? '?' : '!';
		CHECK_INT(count_matches(k, bad, "host"), 0);
		bad[i] = '\0';
		CHECK_INT(count_matches(k, bad, "host"), 0);
		free(bad);
	}
	free(hashed);
	key_unref(k);
}

TEST(a_missing_file_has_no_lines)
{
	struct known_hosts found = { 0 };

	CHECK_INT(known_hosts_lookup(path_of("none"), "host", &found, NULL), 0);
	CHECK_INT(found.count, 0);
	CHECK(known_hosts_lookup(unit_scratch(), "host", &found, NULL) != 0);
}

TEST(markers_comments_and_bad_lines_are_told_apart)
{
	struct known_hosts found = { 0 };
	struct key *k = make_key("ed25519");
	char *key = key_public_line(k, "a comment"), text[8192];
	const char *path = path_of("mixed");

	snprintf(text, sizeof(text),
	    "# host %s\n"
	    "\n"
	    "  \t\n"
	    "host %s\r\n"
	    "@cert-authority *\t%s\n"
	    "@revoked  host %s\n"
	    "@unknown host %s\n"
	    "host ssh-ed25519 AAAAdamaged\n"
	    "host ssh-unknown AAAA\n"
	    "host\n"
	    "other ssh-ed25519 AAAAdamaged\n"
	    "\thost %s",
	    key, key, key, key, key, key);
	write_file(path, text);
	CHECK_INT(known_hosts_lookup(path, "host", &found, NULL), 0);
	CHECK_INT(found.count, 4);
	CHECK_INT(found.bad_lines, 2);
	CHECK_INT(found.item[0].line, 4);
	CHECK_INT(found.item[0].marker, KNOWN_HOST_PLAIN);
	CHECK_TEXT(found.item[0].names, "host");
	CHECK_TEXT(found.item[0].file, path);
	CHECK_INT(found.item[1].line, 5);
	CHECK_INT(found.item[1].marker, KNOWN_HOST_CA);
	CHECK_INT(found.item[2].line, 6);
	CHECK_INT(found.item[2].marker, KNOWN_HOST_REVOKED);
	CHECK_INT(found.item[3].line, 12);
	known_hosts_release(&found);
	free(key);
	key_unref(k);
}

TEST(lines_across_pieces_are_whole)
{
	struct known_hosts found = { 0 };
	struct key *k = make_key("ed25519");
	char *key = key_public_line(k, NULL);
	const char *path = path_of("long");
	struct buf b = BUF_INIT;

	for (int i = 0; i < 9000; i++)
		buf_printf(&b, "%s %s\n", i % 100 == 7 ? "host" : "x", key);
	CHECK(b.len > 512 * 1024);
	CHECK_INT(file_write_atomic(path, buf_span(&b), 0600, false, NULL), 0);
	CHECK_INT(known_hosts_lookup(path, "host", &found, NULL), 0);
	CHECK_INT(found.count, 90);
	CHECK_INT(found.bad_lines, 0);
	CHECK_INT(found.item[89].line, 8908);
	known_hosts_release(&found);
	buf_release(&b);
	free(key);
	key_unref(k);
}

TEST(a_line_without_end_is_an_error_not_a_flood)
{
	struct known_hosts found = { 0 };
	struct error e = { 0 };
	const char *path = path_of("endless");
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	CHECK(fd >= 0 && ftruncate(fd, 8 << 20) == 0);
	close(fd);
	CHECK_INT(known_hosts_lookup(path, "host", &found, &e), ERR_LIMIT);
	CHECK(strstr(e.text, "line too long") != NULL);
}

/* ---- verdicts ---- */

static void
add(const char *path, const char *before, const struct key *k)
{
	char *key = key_public_line(k, NULL), line[4096];
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);

	snprintf(line, sizeof(line), "%s %s\n", before, key);
	CHECK(fd >= 0);
	CHECK_INT(fd_write_all(fd, line, strlen(line)), 0);
	close(fd);
	free(key);
}

static enum known_hosts_verdict
verdict(const char *path, const struct key *k, unsigned long *ret_line)
{
	struct known_hosts found = { 0 };
	const struct known_host *line;
	enum known_hosts_verdict v;

	CHECK_INT(known_hosts_lookup(path, "host", &found, NULL), 0);
	v = known_hosts_check(&found, k, &line);
	*ret_line = line == NULL ? 0 : line->line;
	known_hosts_release(&found);
	return v;
}

TEST(verdicts_weigh_revoked_over_known_over_changed_over_other_types)
{
	struct key *k = make_key("ed25519"), *other = make_key("ed25519");
	struct key *ec = make_key("ecdsa");
	const char *path = path_of("verdicts");
	unsigned long line;

	CHECK_INT(verdict(path, k, &line), KNOWN_HOSTS_NEW);
	CHECK_INT(line, 0);
	add(path, "@cert-authority host", k);
	CHECK_INT(verdict(path, k, &line), KNOWN_HOSTS_NEW);
	add(path, "@revoked host", ec);
	CHECK_INT(verdict(path, k, &line), KNOWN_HOSTS_NEW);
	CHECK_INT(verdict(path, ec, &line), KNOWN_HOSTS_REVOKED);
	CHECK_INT(line, 2);
	add(path, "host", ec);
	CHECK_INT(verdict(path, k, &line), KNOWN_HOSTS_NEW_TYPE);
	CHECK_INT(verdict(path, ec, &line), KNOWN_HOSTS_REVOKED);
	add(path, "host", other);
	CHECK_INT(verdict(path, k, &line), KNOWN_HOSTS_CHANGED);
	CHECK_INT(line, 4);
	add(path, "host", k);
	CHECK_INT(verdict(path, k, &line), KNOWN_HOSTS_OK);
	CHECK_INT(line, 5);
	CHECK_INT(verdict(path, other, &line), KNOWN_HOSTS_OK);
	CHECK_INT(line, 4);
	add(path, "@revoked *", k);
	CHECK_INT(verdict(path, k, &line), KNOWN_HOSTS_REVOKED);
	CHECK_INT(line, 6);
	key_unref(k);
	key_unref(other);
	key_unref(ec);
}

/* ---- adding ---- */

TEST(adding_makes_the_folder_and_ends_an_open_line)
{
	struct key *k = make_key("ed25519");
	char *key = key_public_line(k, NULL), want[2048], *text;
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/.ssh/known", unit_scratch());
	CHECK_INT(known_hosts_add(path, "host", k, false, NULL), 0);
	snprintf(want, sizeof(want), "host %s\n", key);
	text = read_file(path);
	CHECK_TEXT(text, want);
	free(text);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	*strrchr(path, '/') = '\0';
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0700);

	write_file(path_of("open"), "# no newline");
	CHECK_INT(known_hosts_add(path_of("open"), "host", k, false, NULL), 0);
	snprintf(want, sizeof(want), "# no newline\nhost %s\n", key);
	text = read_file(path_of("open"));
	CHECK_TEXT(text, want);
	free(text);
	free(key);
	key_unref(k);
}

TEST(added_hashed_names_are_found_and_not_readable)
{
	struct known_hosts found = { 0 };
	struct key *k = make_key("ed25519");
	const char *path = path_of("hashed");
	char *text;

	CHECK_INT(known_hosts_add(path, "[host]:2222", k, true, NULL), 0);
	text = read_file(path);
	CHECK(strncmp(text, "|1|", 3) == 0);
	CHECK(strstr(text, "host") == NULL);
	free(text);
	CHECK_INT(known_hosts_lookup(path, "[host]:2222", &found, NULL), 0);
	CHECK_INT(found.count, 1);
	CHECK(found.item[0].is_hashed);
	CHECK_INT(known_hosts_check(&found, k, NULL), KNOWN_HOSTS_OK);
	known_hosts_release(&found);
	key_unref(k);
}

TEST(adding_to_what_cannot_be_written_says_which_file)
{
	struct key *k = make_key("ed25519");
	struct error e = { 0 };

	CHECK(
	    known_hosts_add("/proc/version/known", "host", k, false, &e) != 0);
	CHECK(strstr(e.text, "/proc/version") != NULL);
	key_unref(k);
}

TEST(other_names_of_a_key_are_listed)
{
	struct key *k = make_key("ed25519"), *other = make_key("ed25519");
	struct strings names = STRINGS_INIT;
	char path[512], want[600];

	snprintf(path, sizeof(path), "%s", path_of("names"));
	add(path, "one,two", k);
	add(path, "three", other);
	add(path, "@revoked four", k);
	CHECK_INT(known_hosts_add(path, "five", k, true, NULL), 0);
	add(path, "s\x1bx", k);
	CHECK_INT(known_hosts_names_of_key(path, k, &names), 0);
	CHECK_INT(names.count, 3);
	snprintf(want, sizeof(want), "%s:1: one,two", path);
	CHECK_TEXT(names.item[0], want);
	snprintf(want, sizeof(want), "%s:4: [hashed name]", path);
	CHECK_TEXT(names.item[1], want);
	CHECK(strchr(names.item[2], '\x1b') == NULL);
	strings_release(&names);
	key_unref(k);
	key_unref(other);
}

TEST(algorithms_of_known_types_go_first)
{
	struct known_hosts found = { 0 };
	struct key *ec = make_key("ecdsa");
	const char *path = path_of("order");
	char *list;

	add(path, "@revoked host", ec);
	CHECK_INT(known_hosts_lookup(path, "host", &found, NULL), 0);
	list = known_hosts_order_algorithms(&found, "ssh-ed25519,"
						    "ecdsa-sha2-nistp256");
	CHECK_TEXT(list, "ssh-ed25519,ecdsa-sha2-nistp256");
	free(list);
	known_hosts_release(&found);
	add(path, "host", ec);
	CHECK_INT(known_hosts_lookup(path, "host", &found, NULL), 0);
	list = known_hosts_order_algorithms(
	    &found, "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512");
	CHECK_TEXT(list, "ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-512");
	free(list);
	known_hosts_release(&found);
	key_unref(ec);
}

/* A host certificate of k by ca. */
static struct key *
certify(const struct key *k, const struct key *ca)
{
	struct strings principals = STRINGS_INIT;
	struct certificate_request q = { .kind = CERTIFICATE_HOST,
		.key_id = "x",
		.principals = &principals,
		.valid_before = CERTIFICATE_FOREVER };
	struct key *certificate;

	CHECK_INT(certificate_sign(k, &q, ca,
		      key_choose_signature(ca, span_of(NULL, 0)), &certificate),
	    0);
	return certificate;
}

static enum known_hosts_verdict
authority(const char *path, const struct key *certificate)
{
	const struct known_host *line = NULL;
	struct known_hosts found = { 0 };
	enum known_hosts_verdict v;

	CHECK_INT(known_hosts_lookup(path, "host", &found, NULL), 0);
	v = known_hosts_check_authority(&found, certificate, &line);
	CHECK((line == NULL) == (v == KNOWN_HOSTS_NEW));
	known_hosts_release(&found);
	return v;
}

TEST(authorities_count_where_they_are_marked_and_not_revoked)
{
	struct key *k = make_key("ed25519"), *ca = make_key("ecdsa");
	struct key *certificate = certify(k, ca);
	const char *path = path_of("authority");

	CHECK_INT(authority(path, certificate), KNOWN_HOSTS_NEW);
	add(path, "host", ca);
	add(path, "@cert-authority other", ca);
	add(path, "@cert-authority host", k);
	CHECK_INT(authority(path, certificate), KNOWN_HOSTS_NEW);
	add(path, "@cert-authority *", ca);
	CHECK_INT(authority(path, certificate), KNOWN_HOSTS_OK);
	add(path, "@revoked host", ca);
	CHECK_INT(authority(path, certificate), KNOWN_HOSTS_REVOKED);
	CHECK_INT(unlink(path), 0);
	add(path, "@cert-authority *", ca);
	add(path, "@revoked host", k);
	CHECK_INT(authority(path, certificate), KNOWN_HOSTS_REVOKED);
	key_unref(certificate);
	key_unref(k);
	key_unref(ca);
}

TEST(a_known_authority_puts_certificates_first)
{
	struct known_hosts found = { 0 };
	struct key *ec = make_key("ecdsa"), *ca = make_key("ed25519");
	const char *path = path_of("order");
	char *list;

	add(path, "host", ec);
	add(path, "@cert-authority host", ca);
	CHECK_INT(known_hosts_lookup(path, "host", &found, NULL), 0);
	list = known_hosts_order_algorithms(&found,
	    "ssh-ed25519,ecdsa-sha2-nistp256,"
	    "rsa-sha2-512-cert-v01@openssh.com,"
	    "ssh-ed25519-cert-v01@openssh.com");
	CHECK_TEXT(list, "rsa-sha2-512-cert-v01@openssh.com,"
			 "ssh-ed25519-cert-v01@openssh.com,"
			 "ecdsa-sha2-nistp256,ssh-ed25519");
	free(list);
	known_hosts_release(&found);
	key_unref(ec);
	key_unref(ca);
}

/* Any damage of a file gives fewer lines, never a crash. */
TEST(known_hosts_with_changed_bytes_do_no_harm)
{
	struct key *k = make_key("ed25519");
	char *key = key_public_line(k, NULL),
	     *hashed = known_hosts_hash("host");
	const char *path = path_of("mutated");
	struct buf b = BUF_INIT;

	buf_printf(&b, "host %s c\n@revoked %s %s\n", key, hashed, key);
	for (size_t at = 0; at < b.len; at++) {
		struct known_hosts found = { 0 };
		uint8_t was = b.data[at];

		b.data[at] = (uint8_t)(was ^ (1 + at % 255));
		CHECK_INT(
		    file_write_atomic(path, buf_span(&b), 0600, false, NULL),
		    0);
		CHECK_INT(known_hosts_lookup(path, "host", &found, NULL), 0);
		CHECK(found.count <= 2);
		known_hosts_release(&found);
		b.data[at] = was;
	}
	buf_release(&b);
	free(hashed);
	free(key);
	key_unref(k);
}

TEST(a_hashed_name_that_is_no_base64_matches_nothing)
{
	struct key *k = make_key("ed25519");

	CHECK_INT(count_matches(k,
		      "|1|AAAAAAAAAAAAAAAAAAAAAAAA??A=|"
		      "????????????????????????????",
		      "host"),
	    0);
	key_unref(k);
}
