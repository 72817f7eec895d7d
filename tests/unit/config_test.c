/*
 * config_test.c - the engine of configuration, with a table of its own.
 */
#include "common/config/config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

struct fruit {
	uint64_t set[CONFIG_SET_WORDS];
	bool ripe;
	int count;
	int mask;
	int64_t time;
	char *name;
	char *text;
	char *ciphers;
	struct strings tags;
	struct strings files;
	struct config_rekey_limit limit;
	struct config_ipqos qos;
	struct config_timeouts timeouts;
	struct config_integers ports;
	char *ignore;
};

#define FIELD(f) offsetof(struct fruit, f)

static const struct config_range to_ten = { 0, 10 };
static const enum config_family ciphers = CONFIG_CIPHERS;

static const struct config_row rows[] = {
	{ "Ripe", &config_kind_flag, FIELD(ripe), "yes", CONFIG_MATCH, "", NULL,
	    NULL },
	{ "Count", &config_kind_integer, FIELD(count), "3", CONFIG_MATCH, "",
	    &to_ten, NULL },
	{ "Mask", &config_kind_octal, FIELD(mask), "022", 0, "", NULL, NULL },
	{ "Time", &config_kind_time, FIELD(time), "1m", CONFIG_NONE, "", NULL,
	    "time travel" },
	{ "Name", &config_kind_string, FIELD(name), NULL, CONFIG_NONE, "n",
	    NULL, NULL },
	{ "Text", &config_kind_rest, FIELD(text), NULL, CONFIG_NONE, "", NULL,
	    NULL },
	{ "Ciphers", &config_kind_algorithms, FIELD(ciphers), "", 0, "",
	    &ciphers, NULL },
	{ "Tags", &config_kind_words, FIELD(tags), "a b",
	    CONFIG_ADDS | CONFIG_ONE_A_LINE | CONFIG_MATCH, "", NULL, NULL },
	{ "Files", &config_kind_words, FIELD(files), NULL,
	    CONFIG_NONE | CONFIG_EMPTY_NONE, "", NULL, NULL },
	{ "Limit", &config_kind_rekey_limit, FIELD(limit), "default none", 0,
	    "", NULL, NULL },
	{ "QoS", &config_kind_ipqos, FIELD(qos), "ef cs0", 0, "", NULL, NULL },
	{ "Timeouts", &config_kind_timeouts, FIELD(timeouts), NULL,
	    CONFIG_EMPTY_NONE, "", NULL, NULL },
	{ "Ports", &config_kind_ports, FIELD(ports), "22",
	    CONFIG_ADDS | CONFIG_ONE_A_LINE, "", NULL, NULL },
	{ "IgnoreUnknown", &config_kind_string, FIELD(ignore), NULL, 0, "",
	    NULL, NULL },
};

static const struct config_name names[] = {
	{ "Label", CONFIG_ALIAS, "Name" },
	{ "Worm", CONFIG_DEPRECATED, "" },
	{ "Skin", CONFIG_IGNORED, "" },
	{ NULL, CONFIG_IGNORED, NULL },
};

static const struct config_criterion criteria[] = {
	{ "all", false, false },
	{ "is", true, true },
	{ NULL, false, false },
};

static const struct config_algorithms families[CONFIG_FAMILIES] = {
	[CONFIG_CIPHERS] = { "one,two,three,four", "one,two,three", "cipher",
	    true },
};

static const struct config_table client = {
	.rows = rows,
	.count = ARRAY_COUNT(rows),
	.size = sizeof(struct fruit),
	.set_offset = FIELD(set),
	.names = names,
	.criteria = criteria,
	.algorithms = families,
};

struct run {
	struct config_table table;
	struct fruit fruit;
	struct config_host host;
	struct buf messages;
	struct error e;
};

static bool
on_host(void *context, const struct strings *patterns, char **ret_why)
{
	return strings_has(patterns, "apple");
}

static int
on_match(void *context, size_t criterion, bool negated, const char *argument,
    bool decide, struct error *e)
{
	if (strcmp(argument, "bad") == 0)
		return error_set(e, ERR_CONFIG, "bad argument");
	return decide && strcmp(argument, "true") == 0;
}

static void
on_message(void *context, enum config_message kind, const char *text)
{
	struct run *run = context;

	buf_printf(&run->messages, "%s\n", text);
}

static void
begin(struct run *run)
{
	memset(run, 0, sizeof(*run));
	run->table = client;
	run->host = (struct config_host){ .host = on_host,
		.match = on_match,
		.message = on_message,
		.context = run };
}

static int
apply(struct run *run, struct span contents)
{
	static const struct config_include include = { .directory =
							   "/nowhere" };
	struct config_text *text = config_text_new();
	int r;

	CHECK(text != NULL);
	r = config_text_add(text, "f", contents, &include, &run->e);
	if (r == 0)
		r = config_apply(
		    &run->table, &run->fruit, text, &run->host, &run->e);
	config_text_free(text);
	return r;
}

static int
read_config(struct run *run, const char *text)
{
	return apply(run, span_text(text));
}

static void
end(struct run *run)
{
	config_release(&run->table, &run->fruit);
	buf_release(&run->messages);
}

TEST(words_are_quoted_escaped_and_commented)
{
	struct run run;

	begin(&run);
	CHECK_INT(
	    read_config(&run,
		"\t Files=\"a b\" 'c \"d' e\\ f \\\"g h\\\\i j\\k l#m #n\r\n"
		"  # comment\n\nText  =  raw \"text\" # stays  \n"
		"label \"\\\"x'\"\n"),
	    0);
	CHECK_INT(run.fruit.files.count, 7);
	CHECK_TEXT(run.fruit.files.item[0], "a b");
	CHECK_TEXT(run.fruit.files.item[1], "c \"d");
	CHECK_TEXT(run.fruit.files.item[2], "e f");
	CHECK_TEXT(run.fruit.files.item[3], "\"g");
	CHECK_TEXT(run.fruit.files.item[4], "h\\i");
	CHECK_TEXT(run.fruit.files.item[5], "j\\k");
	CHECK_TEXT(run.fruit.files.item[6], "l#m");
	CHECK_TEXT(run.fruit.text, "raw \"text\" # stays");
	CHECK_TEXT(run.fruit.name, "\"x'");
	end(&run);
}

TEST(written_words_are_read_back)
{
	static const char *const words[] = { "plain", "a b", "a\"b", "a'b",
		"a\\b", "a\\\\", "#x", "x#y", "tab\there", "\\ ", "'\"\\" };

	for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
		struct buf line = BUF_INIT;
		struct run run;

		begin(&run);
		buf_printf(&line, "Name ");
		config_write_word(&line, words[i]);
		CHECK_INT(read_config(&run, buf_text(&line)), 0);
		CHECK_TEXT(run.fruit.name, words[i]);
		buf_release(&line);
		end(&run);
	}
}

TEST(the_first_value_wins_unless_the_row_adds)
{
	struct run run;

	begin(&run);
	CHECK_INT(
	    read_config(&run, "Count 1\nCount 2\nTags x y\nTags z\n"
			      "NAME none\nName later\nPorts 1\nPorts 2\n"),
	    0);
	CHECK_INT(run.fruit.count, 1);
	CHECK_INT(run.fruit.tags.count, 3);
	CHECK(run.fruit.name == NULL);
	CHECK(config_is_set(&run.table, &run.fruit, 4));
	CHECK_INT(run.fruit.ports.count, 2);
	end(&run);
}

TEST(defaults_fill_what_is_unset_and_give_way)
{
	struct run run;

	begin(&run);
	CHECK_INT(read_config(&run, "Count 1\n"), 0);
	CHECK_INT(config_fill_defaults(&run.table, &run.fruit, &run.e), 0);
	CHECK(run.fruit.ripe);
	CHECK_INT(run.fruit.count, 1);
	CHECK_INT(run.fruit.mask, 022);
	CHECK_INT(run.fruit.time, 60);
	CHECK_INT(run.fruit.tags.count, 2);
	CHECK_TEXT(run.fruit.ciphers, "one,two,three");
	CHECK(!config_is_set(&run.table, &run.fruit, 7));
	/* Again, and then a value: nothing is left over. */
	CHECK_INT(config_fill_defaults(&run.table, &run.fruit, &run.e), 0);
	CHECK_INT(run.fruit.tags.count, 2);
	CHECK_INT(config_set(&run.table, &run.fruit, "tags", "c", &run.e), 0);
	CHECK_INT(run.fruit.tags.count, 1);
	CHECK_INT(config_set(&run.table, &run.fruit, "nope", "c", &run.e),
	    ERR_CONFIG);
	CHECK_INT(config_set(&run.table, &run.fruit, "mask", "9", &run.e),
	    ERR_CONFIG);
	CHECK_INT(config_set(&run.table, &run.fruit, "mask", "7 7", &run.e),
	    ERR_CONFIG);
	end(&run);
}

TEST(blocks_hold_or_not)
{
	struct run run;

	begin(&run);
	CHECK_INT(read_config(&run, "Host pear\n Count 1\n"
				    "Host x apple\n Tags a\n"
				    "Match is true !is false\n Tags b\n"
				    "Match is=true is=false\n Count 2\n"
				    "Match !all\n"),
	    ERR_CONFIG);
	CHECK(!config_is_set(&run.table, &run.fruit, 1));
	CHECK_INT(run.fruit.tags.count, 2);
	end(&run);
	begin(&run);
	run.host.skip_global = true;
	CHECK_INT(read_config(&run, "Count 1\nMatch all\nTags x\n"), 0);
	CHECK(!config_is_set(&run.table, &run.fruit, 1));
	CHECK_INT(run.fruit.tags.count, 1);
	end(&run);
	begin(&run);
	run.host.never_match = true;
	CHECK_INT(read_config(&run, "Count 1\nMatch all\nTags x\n"), 0);
	CHECK_INT(run.fruit.tags.count, 0);
	CHECK_INT(run.fruit.count, 1);
	end(&run);
	begin(&run);
	CHECK_INT(read_config(&run, "Match is bad\nTags x\n"), ERR_CONFIG);
	CHECK_INT(run.fruit.tags.count, 0);
	CHECK_TEXT(buf_text(&run.messages),
	    "bad argument\nf line 1: Bad Match condition\n");
	end(&run);
	begin(&run);
	run.table.server = true;
	CHECK_INT(
	    read_config(&run, "Match all\nRipe no\nName x\n"), ERR_CONFIG);
	CHECK_TEXT(buf_text(&run.messages),
	    "f line 3: Directive 'Name' is not allowed within a Match "
	    "block\n");
	end(&run);
}

TEST(faults_have_a_column_and_a_hint)
{
	struct run run;

	begin(&run);
	CHECK_INT(read_config(&run, "Count  12\nRipe=perhaps\n  Cuont 1\n"
				    "Files a none\nWorm x\nSkin y\nZzz q\n"),
	    ERR_CONFIG);
	CHECK_TEXT(run.e.text, "f: terminating, 5 bad configuration options");
	CHECK_TEXT(buf_text(&run.messages),
	    "f line 1: integer value too large. (column 8)\n"
	    "f line 2: unsupported option \"perhaps\". (column 6)\n"
	    "f: line 3: Bad configuration option: cuont (did you mean "
	    "Count?)\n"
	    "f line 4: keyword Files \"none\" argument must appear alone. "
	    "(column 9)\n"
	    "f: line 7: Bad configuration option: zzz\n");
	end(&run);
	begin(&run);
	CHECK_INT(
	    read_config(&run, "IgnoreUnknown z*,Cuont\nZzz q\ncuont 1\n"), 0);
	CHECK_INT(run.messages.len, 0);
	end(&run);
	begin(&run);
	CHECK_INT(apply(&run, span_of("Count 1\nRi\0pe no\n", 16)), ERR_CONFIG);
	CHECK_TEXT(run.e.text, "f line 2: the line holds a NUL byte");
	end(&run);
}

TEST(copies_are_independent_and_overlays_replace)
{
	struct fruit copy;
	struct run run, over;

	begin(&run);
	begin(&over);
	CHECK_INT(read_config(&run, "Tags a b\nName x\nTimeouts s=1 *=2\n"
				    "Ports 1\nCount 1\n"),
	    0);
	CHECK_INT(read_config(&over, "Tags c\nCount 2\nTimeouts none\n"), 0);
	CHECK_INT(config_copy(&run.table, &copy, &run.fruit), 0);
	end(&run);
	CHECK_INT(copy.tags.count, 2);
	CHECK_TEXT(copy.name, "x");
	CHECK_TEXT(copy.timeouts.item[1].type, "*");
	CHECK_INT(copy.ports.item[0], 1);
	CHECK_INT(config_overlay(&client, &copy, &over.fruit), 0);
	CHECK_INT(copy.tags.count, 1);
	CHECK_INT(copy.count, 2);
	CHECK_INT(copy.timeouts.count, 0);
	CHECK_TEXT(copy.name, "x");
	end(&over);
	config_release(&client, &copy);
}

TEST(lists_of_algorithms_are_whole_or_relative)
{
	static const char *const cases[][2] = {
		{ "", "one,two,three" },
		{ "two,one", "two,one" },
		{ "two,two", "two" },
		{ "+four", "one,two,three,four" },
		{ "+one", "one,two,three" },
		{ "^three,four", "three,four,one,two" },
		{ "-t*", "one" },
		{ "-nothing", "one,two,three" },
		{ "f*,one", "four,one" },
		{ "six", NULL },
		{ "one,six", NULL },
		{ "+s*", NULL },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		char *list = NULL, *bad = NULL;
		int r = config_algorithms_resolve(
		    &families[CONFIG_CIPHERS], cases[i][0], &list, &bad);

		CHECK_INT(r, cases[i][1] != NULL ? 0 : ERR_CONFIG);
		if (cases[i][1] != NULL)
			CHECK_TEXT(list, cases[i][1]);
		else
			CHECK(bad != NULL);
		free(list);
		free(bad);
	}
}

TEST(tokens_variables_and_tilde_are_expanded)
{
	struct config_tokens tokens = { .value = {
					    ['h'] = "host%u", ['u'] = "me" } };
	static const struct {
		const char *text;
		const char *result;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "%h-%%-%u", "host%u-%-me" },
		{ "~/x", "/home/me/x" },
		{ "a~/x", "a~/x" },
		{ "${UNIT_V}/$UNIT_V", "v%h~/$UNIT_V" },
		{ "%x", NULL },
		{ "%p", NULL },
		{ "a%", NULL },
		{ "${UNIT_NONE}", NULL },
		{ "${}", NULL },
		{ "${UNIT_V", NULL },
	};

	CHECK_INT(setenv("UNIT_V", "v%h~", 1), 0);
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct error e = { 0 };
		char *text = NULL;
		int r = config_expand(
		    cases[i].text, &tokens, "hup", true, "/home/me", &text, &e);

		CHECK_INT(r, cases[i].result != NULL ? 0 : ERR_CONFIG);
		if (r == 0)
			CHECK_TEXT(text, cases[i].result);
		else
			CHECK(e.text[0] != '\0');
		free(text);
	}
}

TEST(what_a_later_version_brings_is_named_when_used)
{
	struct strings later = STRINGS_INIT;
	struct run run;

	begin(&run);
	CHECK_INT(read_config(&run, "Time none\nCount 1\n"), 0);
	CHECK_INT(config_later(&run.table, &run.fruit, false, &later), 0);
	CHECK_INT(later.count, 0);
	end(&run);
	begin(&run);
	CHECK_INT(read_config(&run, "Time 5\n"), 0);
	CHECK_INT(config_later(&run.table, &run.fruit, false, &later), 0);
	CHECK_INT(later.count, 1);
	CHECK_TEXT(later.item[0], "Time: time travel");
	strings_release(&later);
	end(&run);
}

static const char sample[] =
    "# a sample\nRipe no\nCount 3\nMask 0177\nTime 1h30m\nName \"a b\"\n"
    "Text some \"text\"\nCiphers ^two,three\nTags 'x y' z\\ w\n"
    "Files /a /b\nLimit 1G 1h\nQoS af11 0x20\nTimeouts *=5m s=1\n"
    "Ports 1\nHost apple !pear\n Count 2\nMatch is true !is=\"false\"\n"
    " Include x* ${HOME}/y\n Tags q\nMatch all\nWorm 1\nZzz\n";

TEST(every_truncated_file_is_read_or_told)
{
	for (size_t n = 0; n < sizeof(sample); n++) {
		struct run run;

		begin(&run);
		IGNORE_RESULT(apply(&run, span_of(sample, n)) != 0);
		end(&run);
	}
}

/* A small generator: the same mutations in every run. */
static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

TEST(mutated_files_do_no_harm)
{
	static const char nasty[] = "\"'\\#=%\n \t*!,~$\xff";
	uint32_t state = 1;

	for (size_t i = 0; i < 4000; i++) {
		char text[sizeof(sample)];
		struct run run;

		memcpy(text, sample, sizeof(text));
		for (size_t j = 0; j < 1 + i % 8; j++) {
			size_t at = next_random(&state) % (sizeof(text) - 1);

			text[at] =
			    nasty[next_random(&state) % (sizeof(nasty) - 1)];
		}
		begin(&run);
		run.table.server = i % 2 == 0;
		IGNORE_RESULT(
		    apply(&run, span_of(text, sizeof(text) - 1)) != 0);
		end(&run);
	}
}

TEST(huge_lines_are_no_trouble)
{
	struct buf line = BUF_INIT;
	struct run run;

	buf_printf(&line, "Tags");
	for (size_t i = 0; i < 60000; i++)
		buf_printf(&line, " word%zu", i);
	buf_printf(&line, "\nTags");
	for (size_t i = 0; i < 60000; i++)
		buf_printf(&line, " more%zu", i);
	begin(&run);
	/* Together more than a list may hold. */
	CHECK_INT(read_config(&run, buf_text(&line)), ERR_LIMIT);
	end(&run);
	buf_release(&line);
}

TEST(words_of_a_command_are_expanded_each_by_itself)
{
	struct config_tokens tokens = { { NULL } };
	struct strings argv = STRINGS_INIT;
	struct error e = { 0 };
	char *all;

	tokens.value['u'] = "an \"na";
	CHECK_INT(config_expand_command("/bin/x %u '%u y'  a\\ b %%", &tokens,
		      "u", false, NULL, &argv, &e),
	    0);
	all = strings_join(&argv, "|");
	CHECK_TEXT(all, "/bin/x|an \"na|an \"na y|a b|%");
	free(all);
	strings_release(&argv);
	CHECK_INT(
	    config_expand_command("x %k", &tokens, "u", false, NULL, &argv, &e),
	    ERR_CONFIG);
	CHECK_INT(
	    config_expand_command("x 'y", &tokens, "u", false, NULL, &argv, &e),
	    ERR_CONFIG);
	CHECK_INT(
	    config_expand_command("  ", &tokens, "u", false, NULL, &argv, &e),
	    ERR_CONFIG);
}
