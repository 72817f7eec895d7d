/*
 * sshfp_answer_fuzz.c - answers of a DNS resolver, whatever they hold.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/hosts/sshfp_answer.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sshfp_answer a;
	int r = sshfp_answer_read(span_of(data, size), &a);

	REQUIRE(a.count <= SSHFP_RECORDS_MAX);
	REQUIRE(r == 0 ? a.count > 0 : a.count == 0 || r == ERR_NOT_FOUND);
	for (size_t i = 0; i < a.count; i++)
		REQUIRE(a.item[i].len == 20 || a.item[i].len == 32);
	REQUIRE((sshfp_answer_check(&a, engine_host_key()) == SSHFP_NONE) ==
		(a.count == 0));
	return 0;
}

void
fuzz_seeds(void)
{
	static const uint8_t head[] = { 1, 2, 0x81, 0xa0, 0, 1, 0, 1, 0, 0, 0,
		0, 1, 'a', 0, 0, 44, 0, 1 };
	static const uint8_t record[] = { 0xc0, 12, 0, 44, 0, 1, 0, 0, 0, 60, 0,
		22, 4, 1 };
	struct buf b = BUF_INIT;

	write_bytes(&b, head, sizeof(head));
	write_bytes(&b, record, sizeof(record));
	for (int i = 0; i < 20; i++)
		write_byte(&b, (uint8_t)i);
	fuzz_seed("one", buf_span(&b));
	buf_release(&b);
}
