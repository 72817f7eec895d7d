/*
 * config_input.h - what the two targets of configuration files share.
 */
#ifndef TESTS_FUZZ_CONFIG_INPUT_H
#define TESTS_FUZZ_CONFIG_INPUT_H

#include <stdbool.h>

#include "common/base/buf.h"

/* Could it include a file, or ask for an account by name? Such inputs are
 * left out: what they do depends on the machine. */
bool config_input_reaches_out(struct span text);

#endif
