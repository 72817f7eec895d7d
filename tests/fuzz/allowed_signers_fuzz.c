/*
 * allowed_signers_fuzz.c - lines that say whose signatures count.
 *
 * Input: the file's text.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/key/allowed_signers.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1700000000

static void
judge(const struct allowed_signer *s)
{
	struct strings who = STRINGS_INIT;
	struct error e = { 0 };
	int r = allowed_signer_check(
	    s, engine_host_key(), "someone", NOW, NULL, &e);

	if (r == 0) {
		REQUIRE(!s->is_ca && key_equal(s->key, engine_host_key()));
		REQUIRE(allowed_signer_names(s, "someone"));
		REQUIRE(s->valid_after <= NOW && NOW <= s->valid_before);
	}
	REQUIRE((r == ERR_PERMISSION) == (e.text[0] != '\0'));
	error_clear(&e);
	r = allowed_signer_check(s, engine_host_key(), NULL, NOW, &who, &e);
	REQUIRE(r == 0 || who.count == 0);
	for (size_t i = 0; i < who.count; i++)
		REQUIRE(strstr(s->principals, who.item[i]) != NULL);
	r = allowed_signer_check_namespace(s, "git", &e);
	REQUIRE(r == 0 || s->namespaces != NULL);
	strings_release(&who);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size), line;

	while (size > 0 && line_next(&text, &line)) {
		struct allowed_signer s;
		struct error e = { 0 };
		int r = allowed_signer_parse(line, &s, &e);

		REQUIRE((r == ERR_FORMAT) == (e.text[0] != '\0'));
		if (r != 0)
			continue;
		REQUIRE(s.key != NULL && s.principals[0] != '\0');
		REQUIRE(s.valid_after <= s.valid_before);
		judge(&s);
		allowed_signer_release(&s);
	}
	return 0;
}

void
fuzz_seeds(void)
{
	char *line = key_public_line(engine_host_key(), "comment");
	struct buf seed = BUF_INIT;

	REQUIRE(line != NULL);
	buf_printf(
	    &seed, "# c\n\nsome*,!x %s\n\"a b,someone\" %s\r\n", line, line);
	fuzz_seed("plain", buf_span(&seed));
	buf_clear(&seed);
	buf_printf(&seed,
	    "* cert-authority,namespaces=\"a\\\"b,git\" %s\n"
	    "* valid-after=\"20200101\",valid-before=\"203001010000Z\" %s\n",
	    line, line);
	fuzz_seed("options", buf_span(&seed));
	free(line);
	buf_release(&seed);
}
