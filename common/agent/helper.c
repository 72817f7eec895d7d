/*
 * helper.c - how a person is asked by the terminal or an ask-pass program.
 */
#include "common/agent/helper.h"

#include "common/base/log.h"
#include "common/port/prompt.h"

static int notice;

static int
ask_pin(void *context, const char *question, char **ret, struct error *e)
{
	return prompt_secret(question, ret, e);
}

static void
touch_begin(void *context, const char *text)
{
	if (prompt_is_possible())
		prompt_notice(text, &notice);
	else
		log_info("%s", text);
}

static void
touch_end(void *context)
{
	prompt_notice_end(notice);
	notice = 0;
}

const struct helper_person helper_person_prompt = {
	.ask_pin = ask_pin,
	.touch_begin = touch_begin,
	.touch_end = touch_end,
};
