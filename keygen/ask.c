/*
 * ask.c - ssh-keygen's questions.
 *
 * Names and yes-or-no answers come from standard input, so that scripts can
 * give them; passphrases from the terminal or an ask-pass program, and from
 * standard input only where there is neither.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/secret.h"
#include "common/port/prompt.h"
#include "keygen/keygen.h"

char *
ask_line(const char *question)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	printf("%s", question);
	fflush(stdout);
	if ((len = getline(&line, &size, stdin)) < 0) {
		free(line);
		return NULL;
	}
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		line[--len] = '\0';
	return line;
}

char *
ask_path(const struct options *o, const char *question, const char *type)
{
	char *path, *answer;

	if (o->file != NULL)
		return strdup(o->file);
	if ((path = default_path(type)) == NULL)
		return NULL;
	printf("%s (%s): ", question, path);
	answer = ask_line("");
	if (answer != NULL && answer[0] != '\0') {
		free(path);
		return answer;
	}
	if (answer == NULL) {
		free(path);
		path = NULL;
	}
	free(answer);
	return path;
}

bool
may_overwrite(const char *path)
{
	char *answer;
	bool yes;

	if (access(path, F_OK) != 0)
		return true;
	printf("%s already exists.\n", path);
	answer = ask_line("Overwrite (y/n)? ");
	yes = answer != NULL && (answer[0] == 'y' || answer[0] == 'Y');
	free(answer);
	return yes;
}

char *
ask_passphrase(const char *question)
{
	struct error e = { 0 };
	char *answer = NULL;
	int r;

	fflush(stdout);
	r = prompt_secret(question, &answer, &e);
	if (r == ERR_UNSUPPORTED)
		answer = ask_line(question);
	if (answer == NULL)
		complain(0, "no passphrase: %s",
		    r == ERR_UNSUPPORTED ? "end of input"
					 : error_message(&e, r));
	return answer;
}

char *
ask_new_passphrase(const char *question)
{
	for (;;) {
		char *first = ask_passphrase(question), *again;

		if (first == NULL)
			return NULL;
		again = ask_passphrase("Enter same passphrase again: ");
		if (again != NULL && strcmp(first, again) == 0) {
			secret_free_text(again);
			return first;
		}
		secret_free_text(first);
		if (again == NULL)
			return NULL;
		secret_free_text(again);
		printf("Passphrases do not match.  Try again.\n");
	}
}
