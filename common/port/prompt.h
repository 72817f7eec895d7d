/*
 * prompt.h - asking a person: passphrases, questions, confirmations.
 *
 * Where a question goes:
 *   SSH_ASKPASS_REQUIRE=never   the terminal only
 *   SSH_ASKPASS_REQUIRE=prefer  the program of SSH_ASKPASS, if DISPLAY or
 *                               WAYLAND_DISPLAY is set, else the terminal
 *   SSH_ASKPASS_REQUIRE=force   the program, terminal or not
 *   else                        the terminal (/dev/tty); without one, the
 *                               program, if DISPLAY or WAYLAND_DISPLAY is set
 * The program gets the question as its only argument, and answers on its
 * standard output; SSH_ASKPASS_PROMPT tells it "confirm" or "none".
 *
 * While a secret is typed the terminal does not echo; its settings come back on
 * every way out: answer, end of file, error, and signals that end or stop
 * the process (these are delivered after the settings are back).
 * Questions are written as they are: a caller escapes what a peer sent
 * (text_escape_lines).
 *
 * Holds secrets: answers are wiped everywhere but in the result.
 * Knows: no SSH. Blocks; not for engines or event loops.
 */
#ifndef COMMON_PORT_PROMPT_H
#define COMMON_PORT_PROMPT_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/error.h"

/* An answer is cut off at this many bytes: ERR_LIMIT. */
#define PROMPT_ANSWER_MAX 4096

/* May anybody be asked (a terminal, or a usable ask-pass program)? */
bool prompt_is_possible(void);

/*
 * A secret, read without echo. ret: fresh text, the caller's, to be given
 * to secret_free_text(). An empty answer is "".
 * ERR_UNSUPPORTED: nobody can be asked. ERR_CANCELLED: end of file, an
 * ask-pass program that failed or was closed. ERR_LIMIT, ERR_SYSTEM.
 */
int prompt_secret(const char *text, char **ret, struct error *e) MUST_CHECK;

/* As prompt_secret; what is typed is shown. */
int prompt_line(const char *text, char **ret, struct error *e) MUST_CHECK;

/*
 * A yes-or-no question: by the terminal with "text" as it is (so it says
 * "(yes/no)" itself) and yes only for "yes" (any case); the ask-pass
 * program runs with SSH_ASKPASS_PROMPT=confirm, where success and an empty
 * answer or "yes" is yes.
 */
int prompt_confirm(const char *text, bool *ret_yes, struct error *e) MUST_CHECK;

/*
 * Shows text by the ask-pass program (SSH_ASKPASS_PROMPT=none) if that is
 * where questions go, else writes it on the terminal; does not wait. ret_handle
 * is given to prompt_notice_end(), which ends the program; handle 0 is none.
 */
void prompt_notice(const char *text, int *ret_handle);
void prompt_notice_end(int handle);

#endif
