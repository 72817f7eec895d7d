/*
 * attributes.h - compiler attributes, by names that say what they promise.
 */
#ifndef COMMON_BASE_ATTRIBUTES_H
#define COMMON_BASE_ATTRIBUTES_H

/* The result reports a failure: ignoring it is a compiler warning. */
#define MUST_CHECK __attribute__((warn_unused_result))
/* Arguments are checked as by printf: format is argument f, values from a. */
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))

/*
 * Ignores a result marked MUST_CHECK. Only where failing is as good as
 * succeeding, and with the reason beside it in a comment.
 */
#define IGNORE_RESULT(expression)                                              \
	do {                                                                   \
		if (expression) {                                              \
		}                                                              \
	} while (0)

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
