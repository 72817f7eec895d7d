/*
 * option_kinds.h - kinds of values that only ssh_config has.
 */
#ifndef SSH_OPTION_KINDS_H
#define SSH_OPTION_KINDS_H

#include "common/config/config.h"

extern const struct config_kind config_kind_keystroke_timing;
extern const struct config_kind config_kind_dynamic_forwards;
extern const struct config_kind config_kind_local_forwards;
extern const struct config_kind config_kind_remote_forwards;
extern const struct config_kind config_kind_send_env;
extern const struct config_kind config_kind_add_keys;
extern const struct config_kind config_kind_forward_agent;
extern const struct config_kind config_kind_tunnel_device;
extern const struct config_kind config_kind_permitted_cnames;
extern const struct config_kind config_kind_control_persist;
extern const struct config_kind config_kind_escape_char;
extern const struct config_kind config_kind_refuse_connection;
extern const struct config_kind config_kind_proxy_jump;

#endif
