/*
 * moduli.c - ssh-keygen -M: its options, and lines of moduli files.
 */
#include "keygen/moduli.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "common/base/text.h"

void
moduli_report(const char *format, ...)
{
	time_t now = time(NULL);
	char stamp[64] = "";
	struct tm tm;
	va_list args;

	if (localtime_r(&now, &tm) != NULL)
		strftime(stamp, sizeof(stamp), "%a %b %e %H:%M:%S %Y", &tm);
	fprintf(stderr, "%s ", stamp);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

bool
moduli_write(FILE *out, unsigned type, unsigned tests, unsigned tries,
    unsigned generator, const BIGNUM *n)
{
	time_t now = time(NULL);
	char stamp[32];
	char *hex = BN_bn2hex(n);
	struct tm tm;
	bool ok;

	ok = hex != NULL && gmtime_r(&now, &tm) != NULL &&
	     strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", &tm) > 0 &&
	     fprintf(out, "%s %u %u %u %d %x %s\n", stamp, type, tests, tries,
		 BN_num_bits(n) - 1, generator, hex) > 0;
	OPENSSL_free(hex);
	return ok;
}

unsigned
moduli_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		return 1;
	return n > MODULI_THREADS_MAX ? MODULI_THREADS_MAX : (unsigned)n;
}

/* ---- options ---- */

static int
set_number(const char *name, const char *value, long long max, uint64_t *ret)
{
	long long n;

	if (!text_to_int(value, 1, max, &n))
		return complain(EXIT_USAGE,
		    "%s has bad value \"%s\" (a number from 1 to %lld is "
		    "wanted)",
		    name, value, max);
	*ret = (uint64_t)n;
	return 0;
}

static int
set_screen_option(struct moduli_options *m, const char *name, const char *value)
{
	uint64_t n = 0;
	int status;

	if (strcmp(name, "lines") == 0)
		return set_number(name, value, LLONG_MAX, &m->lines);
	if (strcmp(name, "start-line") == 0)
		return set_number(name, value, LLONG_MAX, &m->start_line);
	if (strcmp(name, "checkpoint") == 0) {
		m->checkpoint = value;
		return 0;
	}
	if (strcmp(name, "generator") == 0) {
		status = set_number(name, value, 65535, &n);
		m->generator = (unsigned)n;
		return status;
	}
	if (strcmp(name, "prime-tests") == 0) {
		status = set_number(name, value, 100000, &n);
		m->trials = (unsigned)n;
		return status;
	}
	return complain(EXIT_USAGE,
	    "Option \"%s\" is unsupported for moduli screening (known are "
	    "lines, start-line, checkpoint, generator and prime-tests)",
	    name);
}

static int
set_generate_option(
    struct moduli_options *m, const char *name, const char *value)
{
	uint64_t n = 0;
	int status;

	if (strcmp(name, "bits") == 0) {
		status = set_number(name, value, MODULI_BITS_MAX, &n);
		m->bits = (unsigned)n;
		return status;
	}
	if (strcmp(name, "start") != 0)
		return complain(EXIT_USAGE,
		    "Option \"%s\" is unsupported for moduli generation "
		    "(known are bits and start)",
		    name);
	if (value[0] == '\0' ||
	    value[strspn(value, "0123456789abcdefABCDEF")] != '\0')
		return complain(EXIT_USAGE,
		    "start has bad value \"%s\" (hexadecimal digits are "
		    "wanted)",
		    value);
	m->start = value;
	return 0;
}

static int
read_options(const struct options *o, bool screens, struct moduli_options *m)
{
	for (size_t i = 0; i < o->extra.count; i++) {
		const char *option = o->extra.item[i];
		const char *equals = strchr(option, '=');
		char *name;
		int status;

		name = span_dup_text(span_of(
		    option, equals == NULL ? strlen(option)
					   : (size_t)(equals - option)));
		if (name == NULL)
			return complain(EXIT_FATAL, "out of memory");
		status = screens ? set_screen_option(m, name,
				       equals == NULL ? "" : equals + 1)
				 : set_generate_option(m, name,
				       equals == NULL ? "" : equals + 1);
		free(name);
		if (status != 0)
			return status;
	}
	return 0;
}

static int
run(const struct options *o, bool screens, struct moduli_options *m)
{
	const char *path = o->arguments[0];
	bool is_stdout = strcmp(path, "-") == 0;
	int status;

	/* What a screening that was broken off found is kept. */
	m->out = is_stdout ? stdout : fopen(path, screens ? "ae" : "we");
	if (m->out == NULL)
		return complain(EXIT_FATAL, "Couldn't open \"%s\": %s", path,
		    strerror(errno));
	status = screens ? moduli_screen(m) : moduli_generate(m);
	if (!is_stdout && fclose(m->out) != 0 && status == 0)
		status = complain(EXIT_FATAL, "cannot write \"%s\": %s", path,
		    strerror(errno));
	return status;
}

int
keygen_moduli(const struct options *o)
{
	bool screens = strcmp(o->operation, "screen") == 0;
	struct moduli_options m = {
		.bits = o->bits != 0 ? o->bits : MODULI_BITS_DEFAULT,
		.trials = MODULI_TRIALS,
		.is_shown = !o->is_quiet,
		.input = o->file == NULL || strcmp(o->file, "-") == 0 ? NULL
								      : o->file,
	};
	int status;

	if (!screens && strcmp(o->operation, "generate") != 0)
		return complain(EXIT_USAGE,
		    "Unsupported moduli option %s (generate and screen are "
		    "known)",
		    o->operation);
	if (o->argument_count != 1)
		return complain(EXIT_USAGE,
		    o->argument_count == 0 ? "No output file specified"
					   : "Too many output files specified");
	if ((status = read_options(o, screens, &m)) != 0)
		return status;
	if (m.bits < MODULI_BITS_MIN || m.bits > MODULI_BITS_MAX)
		return complain(EXIT_USAGE,
		    "Bits has bad value %u (from %d to %d is wanted)", m.bits,
		    MODULI_BITS_MIN, MODULI_BITS_MAX);
	return run(o, screens, &m);
}
