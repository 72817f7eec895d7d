/*
 * time_test.c - clocks and stamps.
 */
#include "common/base/time.h"

#include <stdlib.h>
#include <time.h>

#include "common/base/error.h"
#include "tests/unit/unit.h"

TEST(time_monotonic_does_not_go_back)
{
	uint64_t before = time_monotonic_us();

	for (int i = 0; i < 1000; i++) {
		uint64_t now = time_monotonic_us();

		CHECK(now >= before);
		before = now;
	}
	CHECK(time_wall_s() > 1600000000);
}

TEST(time_stamps_in_utc)
{
	uint64_t s = 0;

	CHECK_INT(time_parse_stamp("19700101Z", &s), 0);
	CHECK_INT(s, 0);
	CHECK_INT(time_parse_stamp("20240229123456Z", &s), 0);
	CHECK_INT(s, 1709210096);
	CHECK_INT(time_parse_stamp("202402291234Z", &s), 0);
	CHECK_INT(s, 1709210040);
	CHECK_INT(time_parse_stamp("20991231235959z", &s), 0);
	CHECK_INT(s, 4102444799);
}

TEST(time_stamps_in_local_time)
{
	uint64_t s = 0;

	setenv("TZ", "XYZ-2", 1);
	tzset();
	CHECK_INT(time_parse_stamp("19700102", &s), 0);
	CHECK_INT(s, 86400 - 7200);
	CHECK_INT(time_parse_stamp("19700102Z", &s), 0);
	CHECK_INT(s, 86400);
}

TEST(time_refuses_what_is_no_stamp)
{
	static const char *const bad[] = { "", "Z", "2024", "2024010",
		"202401011", "20240101Zx", "20240101 ", "20241301Z",
		"20240001Z", "20240100Z", "20240230Z", "20230229Z", "21000229Z",
		"202401012400Z", "202401010060Z", "20240101000060Z",
		"19691231Z", "+2024010", "2024010112345678Z", "20240101ZZ" };
	uint64_t s = 7;

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		if (time_parse_stamp(bad[i], &s) != ERR_FORMAT)
			FAIL("\"%s\" was accepted", bad[i]);
	CHECK_INT(s, 7);
}
