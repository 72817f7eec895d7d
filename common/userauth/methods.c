/*
 * methods.c - AuthenticationMethods. RFC 4252 s5.1; sshd_config(5).
 *
 * Every list keeps its remaining steps; a success takes the first step off
 * each list that begins with it.
 */
#include "common/userauth/methods.h"

#include <stdlib.h>
#include <string.h>

#define LISTS_MAX 256
#define STEPS_MAX 64

struct method_list {
	struct strings step;
	size_t done; /* steps that are behind us */
};

struct auth_methods {
	char *enabled;
	struct method_list *list;
	size_t count;
	struct buf text; /* what auth_methods_continue gave last */
};

static struct span
step_method(const char *step)
{
	const char *colon = strchr(step, ':');

	return span_of(
	    step, colon != NULL ? (size_t)(colon - step) : strlen(step));
}

/* A step that names a device wants that device; one without takes any. */
static bool
step_matches(const char *step, const char *method, const char *device)
{
	const char *colon = strchr(step, ':');

	if (!span_is(step_method(step), method))
		return false;
	if (colon == NULL)
		return true;
	return device != NULL && strcmp(colon + 1, device) == 0;
}

/* The next step of a list, NULL when it is complete. */
static const char *
list_front(const struct method_list *l)
{
	return l->done < l->step.count ? l->step.item[l->done] : NULL;
}

/* Are all methods of the list enabled? */
static bool
list_is_possible(const struct strings *steps, struct span enabled)
{
	for (size_t i = 0; i < steps->count; i++)
		if (!list_has(enabled, step_method(steps->item[i])))
			return false;
	return true;
}

static int
add_list(struct auth_methods *m, const char *text, struct error *e)
{
	struct strings steps = STRINGS_INIT;
	int r;

	if ((r = strings_split(&steps, text, ',')) != 0)
		goto out;
	for (size_t i = 0; i < steps.count; i++)
		if (step_method(steps.item[i]).len == 0) {
			r = error_set(e, ERR_CONFIG,
			    "authentication methods \"%s\": empty method name",
			    text);
			goto out;
		}
	if (steps.count == 0 || steps.count > STEPS_MAX) {
		r = error_set(e, ERR_CONFIG,
		    "authentication methods \"%s\": %zu steps", text,
		    steps.count);
		goto out;
	}
	if (!list_is_possible(&steps, span_text(m->enabled)))
		goto out;
	m->list[m->count].step = steps;
	m->list[m->count].done = 0;
	m->count++;
	return 0;
out:
	strings_release(&steps);
	return r;
}

/* "any": a list of one step for each enabled method. */
static int
add_any(struct auth_methods *m, struct error *e)
{
	struct strings names = STRINGS_INIT;
	int r;

	r = strings_split(&names, m->enabled, ',');
	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (names.item[i][0] != '\0')
			r = add_list(m, names.item[i], e);
	strings_release(&names);
	return r;
}

static size_t
count_names(const char *list)
{
	size_t n = 1;

	for (; *list != '\0'; list++)
		n += *list == ',';
	return n;
}

static int
fill(struct auth_methods *m, const struct strings *words, struct error *e)
{
	bool any = words->count == 0 ||
		   (words->count == 1 && strcmp(words->item[0], "any") == 0);
	size_t max = any ? count_names(m->enabled) : words->count;
	int r;

	if (max > LISTS_MAX)
		return error_set(
		    e, ERR_CONFIG, "too many lists of authentication methods");
	if ((m->list = calloc(max, sizeof(*m->list))) == NULL)
		return ERR_MEMORY;
	if (any) {
		if ((r = add_any(m, e)) != 0)
			return r;
	} else if (strings_has(words, "any")) {
		return error_set(e, ERR_CONFIG,
		    "authentication methods: \"any\" must be alone");
	} else {
		for (size_t i = 0; i < words->count; i++)
			if ((r = add_list(m, words->item[i], e)) != 0)
				return r;
	}
	if (m->count == 0)
		return error_set(e, ERR_CONFIG,
		    "no list of authentication methods can be completed with "
		    "the methods that are enabled (%s)",
		    m->enabled);
	return 0;
}

int
auth_methods_new(const struct strings *words, const char *enabled,
    struct auth_methods **ret, struct error *e)
{
	struct auth_methods *m = calloc(1, sizeof(*m));
	int r = ERR_MEMORY;

	if (m == NULL || (m->enabled = strdup(enabled)) == NULL ||
	    (r = fill(m, words, e)) != 0) {
		auth_methods_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

void
auth_methods_free(struct auth_methods *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->count; i++)
		strings_release(&m->list[i].step);
	free(m->list);
	free(m->enabled);
	buf_release(&m->text);
	free(m);
}

bool
auth_methods_allows(
    const struct auth_methods *m, const char *method, const char *device)
{
	for (size_t i = 0; i < m->count; i++) {
		const char *front = list_front(&m->list[i]);

		if (front != NULL && step_matches(front, method, device))
			return true;
	}
	return false;
}

bool
auth_methods_succeeded(
    struct auth_methods *m, const char *method, const char *device)
{
	bool complete = false;

	for (size_t i = 0; i < m->count; i++) {
		const char *front = list_front(&m->list[i]);

		if (front == NULL || !step_matches(front, method, device))
			continue;
		m->list[i].done++;
		if (list_front(&m->list[i]) == NULL)
			complete = true;
	}
	return complete;
}

static bool
is_a_front(const struct auth_methods *m, struct span method)
{
	for (size_t i = 0; i < m->count; i++) {
		const char *front = list_front(&m->list[i]);

		if (front != NULL && span_equal(step_method(front), method))
			return true;
	}
	return false;
}

const char *
auth_methods_continue(const struct auth_methods *m)
{
	/* The text is a cache: what the lists say is not changed. */
	struct buf *out = &((struct auth_methods *)m)->text;
	struct span rest = span_text(m->enabled), name;
	const char *text;

	buf_clear(out);
	while (list_next(&rest, &name)) {
		/* RFC 4252 s5.2: "none" must not be listed. */
		if (!is_a_front(m, name) || span_is(name, "none"))
			continue;
		if (out->len > 0)
			write_byte(out, ',');
		write_span(out, name);
	}
	text = buf_text(out);
	return text != NULL ? text : "";
}
