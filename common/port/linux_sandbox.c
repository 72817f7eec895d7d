/*
 * linux_sandbox.c - the system call filter of the process that reads
 * hostile bytes before authentication: seccomp(2), bare BPF.
 *
 * Three tables: calls that pass, calls that fail softly, calls that pass
 * for some arguments. Everything else ends the process.
 */
#include "common/port/port.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef OUR_ARCHITECTURE

/* Older machine's calls have no number on newer machines. */
static const int allowed[] = {
	/* the sockets and pipes it has */
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_recvfrom,
	SYS_sendto,
	SYS_close,
	SYS_shutdown,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_epoll_pwait,
	SYS_epoll_ctl,
	/* memory; more about it below */
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_brk,
	SYS_mlock,
	SYS_munlock,
	/* clocks and randomness */
	SYS_clock_gettime,
	SYS_gettimeofday,
	SYS_getrandom,
#ifdef SYS_time
	SYS_time,
#endif
	/* itself */
	SYS_getpid,
	SYS_gettid,
	SYS_futex,
	SYS_sched_yield,
	SYS_rt_sigreturn,
	SYS_rt_sigprocmask,
	SYS_sigaltstack, /* a sanitizer's way out */
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
};

/*
 * What libraries try in passing and can do without: loading a
 * configuration, looking at a file, asking for an interface's name.
 */
static const int refused_softly[] = {
	SYS_openat,
	SYS_readlinkat,
	SYS_faccessat,
	SYS_newfstatat,
	SYS_fstat,
	SYS_statx,
	SYS_ioctl,
	SYS_fcntl,
	SYS_lseek,
	SYS_socket,
	SYS_rt_sigaction,
	SYS_prlimit64,
	SYS_sysinfo,
	SYS_uname,
#ifdef SYS_open
	SYS_open,
	SYS_stat,
	SYS_lstat,
	SYS_access,
	SYS_readlink,
#endif
};

/* Memory that can be executed, or that is a file's, is not to be had; of
 * the options of a socket only one can be set. */
static const struct {
	int number;
	unsigned argument;
	unsigned mask;
	unsigned value; /* passes where argument & mask is value */
} passing_where[] = {
	{ SYS_mprotect, 2, PROT_EXEC, 0 },
	/* All rows of a call hold: see add_rows. */
	{ SYS_mmap, 2, PROT_EXEC, 0 },
	{ SYS_mmap, 3, MAP_ANONYMOUS, MAP_ANONYMOUS },
	{ SYS_setsockopt, 1, ~0u, IPPROTO_TCP },
	{ SYS_setsockopt, 2, ~0u, TCP_QUICKACK },
};

#define PROGRAM_MAX 512

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short len;
};

static void
add(struct program *p, struct sock_filter instruction)
{
	/* The tables are ours and far smaller. */
	if (p->len < PROGRAM_MAX)
		p->code[p->len++] = instruction;
}

static void
add_load(struct program *p, size_t offset)
{
	add(p, (struct sock_filter)BPF_STMT(
		   BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void
add_return(struct program *p, unsigned action)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Skips n instructions unless the loaded value is `value`. */
static void
add_unless_skip(struct program *p, unsigned value, uint8_t n)
{
	add(p, (struct sock_filter)BPF_JUMP(
		   BPF_JMP | BPF_JEQ | BPF_K, value, 0, n));
}

static void
add_calls(struct program *p, const int *calls, size_t count, unsigned action)
{
	for (size_t i = 0; i < count; i++) {
		add_unless_skip(p, (unsigned)calls[i], 1);
		add_return(p, action);
	}
}

/* The low half of an argument; both our machines are little-endian. */
static size_t
argument_offset(unsigned argument)
{
	return offsetof(struct seccomp_data, args) +
	       argument * sizeof(uint64_t);
}

/*
 * One row: for its call, a wrong argument kills and a right one falls
 * through to the next row, which a last rule for the call lets pass.
 */
static void
add_rows(struct program *p)
{
	for (size_t i = 0; i < ARRAY_COUNT(passing_where); i++) {
		add_unless_skip(p, (unsigned)passing_where[i].number, 5);
		add_load(p, argument_offset(passing_where[i].argument));
		add(p, (struct sock_filter)BPF_STMT(
			   BPF_ALU | BPF_AND | BPF_K, passing_where[i].mask));
		add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			   passing_where[i].value, 1, 0));
		add_return(p, SECCOMP_RET_KILL_PROCESS);
		add_load(p, offsetof(struct seccomp_data, nr));
	}
	for (size_t i = 0; i < ARRAY_COUNT(passing_where); i++) {
		add_unless_skip(p, (unsigned)passing_where[i].number, 1);
		add_return(p, SECCOMP_RET_ALLOW);
	}
}

static void
build(struct program *p)
{
	p->len = 0;
	/* The same number means another call on another architecture (x32
	 * shares ours, but none of its numbers are in the tables). */
	add_load(p, offsetof(struct seccomp_data, arch));
	add(p, (struct sock_filter)BPF_JUMP(
		   BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCHITECTURE, 1, 0));
	add_return(p, SECCOMP_RET_KILL_PROCESS);
	add_load(p, offsetof(struct seccomp_data, nr));
	add_calls(p, allowed, ARRAY_COUNT(allowed), SECCOMP_RET_ALLOW);
	add_rows(p);
	add_calls(p, refused_softly, ARRAY_COUNT(refused_softly),
	    SECCOMP_RET_ERRNO | EACCES);
	add_return(p, SECCOMP_RET_KILL_PROCESS);
}

int
port_sandbox_authentication(struct error *e)
{
	struct program p;
	struct sock_fprog filter;

	build(&p);
	filter.len = p.len;
	filter.filter = p.code;
	/* Without it the kernel refuses filters of ordinary users. */
	if (port_no_new_privileges() != 0)
		return error_set_errno(e, "cannot give up new privileges");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) {
		if (errno == EINVAL || errno == ENOSYS)
			return error_set(e, ERR_UNSUPPORTED,
			    "this kernel has no system call filters");
		return error_set_errno(e, "cannot set the system call filter");
	}
	return 0;
}

#else

int
port_sandbox_authentication(struct error *e)
{
	return error_set(e, ERR_UNSUPPORTED,
	    "no system call filter was written for this machine");
}

#endif
