/*
 * option_kinds.h - kinds of values that only sshd_config has.
 */
#ifndef SSHD_OPTION_KINDS_H
#define SSHD_OPTION_KINDS_H

#include "common/config/config.h"

/* option_listen.c: where connections come from, and how many */
extern const struct config_kind config_kind_listen_addresses;
extern const struct config_kind config_kind_max_startups;
extern const struct config_kind config_kind_net_block_size;
extern const struct config_kind config_kind_penalties;
extern const struct config_kind config_kind_address_list;

/* option_confine.c */
extern const struct config_kind config_kind_trees;

/* option_kinds.c: the rest */
extern const struct config_kind config_kind_unbuilt_flag;
extern const struct config_kind config_kind_user_patterns;
extern const struct config_kind config_kind_accept_env;
extern const struct config_kind config_kind_authentication_methods;
extern const struct config_kind config_kind_subsystems;
extern const struct config_kind config_kind_permit_open;
extern const struct config_kind config_kind_permit_listen;
extern const struct config_kind config_kind_user_environment;
extern const struct config_kind config_kind_pubkey_auth_options;
extern const struct config_kind config_kind_absolute_command;

#endif
