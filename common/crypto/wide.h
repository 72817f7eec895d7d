/*
 * wide.h - compiles a loop twice: for every CPU, and for those with AVX2.
 *
 * The compiler vectorises plain loops over arrays; how wide it may go is
 * decided by the target of the function that they are inlined into. This
 * takes an ALWAYS_INLINE function name##_loop and makes the function `name`
 * of it, which picks a width when it is called:
 *
 *     static ALWAYS_INLINE void add_loop(int16_t *a, const int16_t *b) {...}
 *     WIDE(add, (int16_t *a, const int16_t *b), (a, b))
 *
 * (target_clones does the same by itself, but clang 14 has none.) Built with
 * SHEETBEND_NARROW there is the plain one only, so that it can be tested.
 */
#ifndef COMMON_CRYPTO_WIDE_H
#define COMMON_CRYPTO_WIDE_H

#define ALWAYS_INLINE inline __attribute__((always_inline))

#if defined(__x86_64__) && !defined(SHEETBEND_NARROW)
#define WIDE(name, parameters, arguments)                                      \
	__attribute__((target("avx2"))) static void name##_avx2 parameters     \
	{                                                                      \
		name##_loop arguments;                                         \
	}                                                                      \
	static void name parameters                                            \
	{                                                                      \
		if (__builtin_cpu_supports("avx2"))                            \
			name##_avx2 arguments;                                 \
		else                                                           \
			name##_loop arguments;                                 \
	}
#else
#define WIDE(name, parameters, arguments)                                      \
	static void name parameters                                            \
	{                                                                      \
		name##_loop arguments;                                         \
	}
#endif

#endif
