/*
 * helper_protocol.h - what a program and its helper process say to each
 * other (ipc/ipc.h), and what all helpers do at their start.
 *
 * The program asks, the helper answers each request with one message: OK with
 * what was wanted, or FAILED. The helper ends when the program hangs up.
 *
 * Fields of the bodies; secret ones are marked with *:
 *     SK_ENROLL     text provider, text device, boolean has_pin, text pin*,
 *                   text type, text application, text user, byte flags,
 *                   string challenge
 *       OK          string public_key, byte flags, string handle,
 *                   string certificate, string signature, string authdata
 *     SK_SIGN       text provider, text device, boolean has_pin, text pin*,
 *                   text type, text application, string handle, byte flags,
 *                   string data
 *       OK          string signature_blob
 *     SK_RESIDENTS  text provider, text device, boolean has_pin, text pin*
 *       OK          uint32 count, each: text type, string public_key,
 *                   text application, byte flags, string handle,
 *                   string user_id
 *     TOKEN_OPEN    text path, text pin*
 *       OK          uint32 count, each: string blob, text label
 *     TOKEN_SIGN    uint32 index, text algorithm, string data
 *       OK          string signature_blob
 *       NEED_PIN    text label
 *     TOKEN_LOGIN   uint32 index, text pin*
 *       OK
 *     FAILED        uint32 code (-ERR_*), text sentence
 */
#ifndef COMMON_AGENT_HELPER_PROTOCOL_H
#define COMMON_AGENT_HELPER_PROTOCOL_H

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/ipc/ipc.h"

#define HELPER_MESSAGE_MAX (1024u * 1024)

/* Of what a device tells. */
#define HELPER_FIELD_MAX (64u * 1024)

enum helper_message {
	HELPER_OK = 1,
	HELPER_FAILED,
	HELPER_NEED_PIN,
	HELPER_SK_ENROLL,
	HELPER_SK_SIGN,
	HELPER_SK_RESIDENTS,
	HELPER_TOKEN_OPEN,
	HELPER_TOKEN_SIGN,
	HELPER_TOKEN_LOGIN
};

/* ---- for helpers ---- */

/*
 * Answers one request: writes the body of OK to out. A code with its sentence
 * in e is sent as FAILED.
 */
typedef int helper_handler(void *context, enum helper_message type,
    struct reader *body, struct buf *out, struct error *e);

/*
 * The life of a helper: gives away what it does not need (descriptors,
 * dumps, new privileges), then answers what comes on standard input until
 * the program hangs up. Libraries that write to standard output write
 * nowhere. Returns the exit status; what went wrong was said on stderr.
 */
int helper_serve(const char *name, helper_handler *handler, void *context);

/* A handler's answer NEED_PIN in the place of OK: returned by it, with the
 * body in out. */
#define HELPER_ANSWER_NEED_PIN 1

#endif
