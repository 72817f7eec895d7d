/*
 * port.h - what the platform decides: pseudo terminals, login records,
 * dropping privileges, confinement, closing descriptors.
 *
 * Linux implementation in port/linux_*.c. Codes: ERR_SYSTEM (errno is set).
 */
#ifndef COMMON_PORT_PORT_H
#define COMMON_PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/address.h"
#include "common/base/attributes.h"
#include "common/base/error.h"

/* ---- descriptors, process ---- */

/* Closes every descriptor from `lowest` up. */
void port_close_from(int lowest);

/* No core dump, no ptrace by others of our uid. */
void port_no_dump(void);

/* The same until the process executes another program, whose limits stay as
 * they are. Nor can the process write to its own /proc/self/mem then, unless
 * it is root. */
void port_no_trace(void);

/* PR_SET_NO_NEW_PRIVS. */
int port_no_new_privileges(void) MUST_CHECK;

/* Ends this process when its parent ends. */
void port_die_with_parent(int signal_number);

/*
 * fork() of a child of our parent's: the parent reaps it. 0 in the child, its
 * pid here, or -1. Handlers of pthread_atfork() do not run; see
 * random_forked().
 */
pid_t port_fork_sibling(void) MUST_CHECK;

/* What `ps` shows; needs port_title_init(argc, argv) at the start of main. */
void port_title_init(int argc, char **argv);
void port_title(const char *format, ...) PRINTF_LIKE(1, 2);

/* A pipe's capacity made larger, as far as is of use and allowed
 * (F_SETPIPE_SZ), quietly. */
void port_pipe_enlarge(int fd);

/* ---- sockets ---- */

void port_socket_interactive(int fd); /* TCP_NODELAY, short unsent queue */

/* For a connected socket: where both ends are on this machine, congestion
 * control that paces what is sent (BBR) is replaced by one that does not: there
 * is no path to be fair on, and its timers cost a fifth of the rate. */
void port_socket_local(int fd);

/* The class of service of what is sent (IPQoS): the byte of RFC 2474, in the
 * header of either IP. Quietly nothing on what is no such socket. */
void port_socket_class(int fd, int class);

/* What was read is acknowledged now, not up to 40 ms later: a peer with
 * Nagle's algorithm on holds back its next small packet until then. Holds for
 * this moment only. */
void port_socket_acknowledge(int fd);

/* Uid of the peer of a Unix socket. */
int port_peer_uid(int fd, uid_t *ret_uid) MUST_CHECK;

/* What this machine is called on a connection: the name of the socket's own
 * address, else (also with fd -1) the host's name; fresh, NULL on failure. */
char *port_local_name(int fd);

/* ---- pseudo terminals ---- */

#define PORT_TTY_NAME_MAX 64

struct port_pty {
	int master;                   /* owned */
	int slave;                    /* owned; -1 once closed */
	char name[PORT_TTY_NAME_MAX]; /* /dev/pts/N */
};

int port_pty_open(struct port_pty *ret) MUST_CHECK;
/* Gives the slave to uid, group tty, mode 0620 / back to root, 0666. */
int port_pty_give(const struct port_pty *pty, uid_t uid, gid_t gid) MUST_CHECK;
void port_pty_take_back(const struct port_pty *pty);
void port_pty_close(struct port_pty *pty);
/* In a child after setsid(): makes fd the controlling terminal. */
int port_pty_make_controlling(int fd) MUST_CHECK;

/* ---- login records: utmp, wtmp, lastlog, btmp ---- */

struct port_login {
	pid_t pid;
	uid_t uid;
	const char *user;
	const char *tty;               /* /dev/pts/N */
	const char *host;              /* name or address, "" if unknown */
	const struct address *address; /* may be NULL */
};

void port_login_record(const struct port_login *l);
void port_logout_record(const struct port_login *l);
void port_login_failed_record(const struct port_login *l); /* btmp */
/* The last login before this one; false if there was none. */
bool port_last_login(uid_t uid, uint64_t *ret_time_s, char *ret_tty,
    size_t tty_size, char *ret_host, size_t host_size);

/* ---- privileges ---- */

/* Groups, gid, uid of the account, for good; verified afterwards. */
int port_become_user(
    const char *name, uid_t uid, gid_t gid, struct error *e) MUST_CHECK;

/* The same with the groups given (getgrouplist), where the account database
 * is not to be asked again, or not to be had (in a chroot). */
int port_become_user_with_groups(uid_t uid, gid_t gid, const gid_t *groups,
    size_t count, struct error *e) MUST_CHECK;

/* For the unprivileged child: chroot to an empty directory, only that gid,
 * that uid. */
int port_become_confined(
    const char *chroot_dir, uid_t uid, gid_t gid, struct error *e) MUST_CHECK;

/* ---- confinement ---- */

/*
 * The system call filter of the process that reads hostile bytes before
 * authentication: read, write, readv, writev, recvmsg, sendmsg, poll/epoll,
 * memory, clock, getrandom, exit. Opening files, making sockets, ioctl and
 * fcntl fail with EACCES, since libraries try them in passing; all else
 * kills the process. Make everything that blocks or is watched ready before.
 * Sets no_new_privileges first. ERR_UNSUPPORTED where the kernel has no
 * seccomp.
 */
int port_sandbox_authentication(struct error *e) MUST_CHECK;

/*
 * openat2(2) that never leaves the directory: no `..` out of it, no symbolic
 * link or magic link of /proc that leads out, however it races. -1 and errno
 * (EXDEV for a way out, ENOSYS where the kernel has it not).
 */
int port_open_beneath(
    int directory_fd, const char *path, int flags, mode_t mode) MUST_CHECK;

/* open(2) of a path in which no part is a symbolic link, now. -1 and errno
 * (ELOOP for a link, ENOSYS where the kernel has no openat2). */
int port_open_straight(const char *path, int flags) MUST_CHECK;

/* chmod(2) of what an O_PATH descriptor stands for. -1 and errno. */
int port_chmod_path_fd(int fd, mode_t mode) MUST_CHECK;

struct port_tree {
	int fd; /* O_PATH of a directory */
	bool writable;
};

/*
 * From here on, for good, this process and its children open, make, move and
 * remove files only in these trees (Landlock); what is open stays so. Sets
 * no_new_privileges. ERR_UNSUPPORTED, with the reason, where the kernel
 * cannot.
 */
int port_confine_files(
    const struct port_tree *trees, size_t count, struct error *e) MUST_CHECK;

/* ---- accounts ---- */

/*
 * Compares a password with the account's hash from shadow (or passwd), by
 * crypt(3). ret_ok false for locked and for empty hashes unless
 * permit_empty. name NULL: an unknown user: spends the same time on a hash
 * of the kind and cost of the machine's real ones; ret_ok false.
 * ret_expired: the password must be changed first (aging), may be NULL.
 */
int port_password_check(const char *name, const char *password,
    bool permit_empty, bool *ret_ok, bool *ret_expired) MUST_CHECK;

/* Is the account locked ("!" prefix and the like) or expired by shadow? */
bool port_account_locked(const char *name);
bool port_account_expired(const char *name);

/* ---- service manager ---- */

/* Sockets passed by LISTEN_FDS/LISTEN_PID: their number, from fd 3 on. The
 * variables are taken out of the environment. */
int port_listen_fds(void);
/* sd_notify by hand: "READY=1" to $NOTIFY_SOCKET; nothing without one. */
void port_notify(const char *state);

#endif
