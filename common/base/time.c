/*
 * time.c - clocks and time stamps.
 */
#include "common/base/time.h"

#include <string.h>
#include <time.h>

#include "common/base/error.h"

uint64_t
time_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
time_wall_s(void)
{
	return (uint64_t)time(NULL);
}

/* n digits at *text; moves *text behind them. Their number was checked. */
static int
take_digits(const char **text, int n)
{
	int value = 0;

	for (; n > 0; n--, (*text)++)
		value = value * 10 + (**text - '0');
	return value;
}

static int
days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool
is_valid(const struct tm *tm)
{
	int year = tm->tm_year + 1900;
	int month = tm->tm_mon + 1;

	return year >= 1970 && month >= 1 && month <= 12 && tm->tm_mday >= 1 &&
	       tm->tm_mday <= days_of_month(year, month) && tm->tm_hour <= 23 &&
	       tm->tm_min <= 59 && tm->tm_sec <= 59;
}

int
time_parse_stamp(const char *text, uint64_t *ret_s)
{
	size_t len = strspn(text, "0123456789");
	bool utc = text[len] == 'Z' || text[len] == 'z';
	struct tm tm;
	time_t t;

	if ((len != 8 && len != 12 && len != 14) || text[len + utc] != '\0')
		return ERR_FORMAT;
	memset(&tm, 0, sizeof(tm));
	tm.tm_year = take_digits(&text, 4) - 1900;
	tm.tm_mon = take_digits(&text, 2) - 1;
	tm.tm_mday = take_digits(&text, 2);
	if (len >= 12) {
		tm.tm_hour = take_digits(&text, 2);
		tm.tm_min = take_digits(&text, 2);
	}
	if (len >= 14)
		tm.tm_sec = take_digits(&text, 2);
	if (!is_valid(&tm))
		return ERR_FORMAT;
	tm.tm_isdst = -1;
	t = utc ? timegm(&tm) : mktime(&tm);
	if (t < 0)
		return ERR_FORMAT;
	*ret_s = (uint64_t)t;
	return 0;
}
