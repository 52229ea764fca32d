/* SPDX-License-Identifier: Apache-2.0 */
/*
 * killat.c - kill a process at a system call
 *
 *   killat PID before|after renameat2|...
 *
 * Prints "ready" once it watches all threads of the process.  The first of them
 * that is about to do the call, or has done it with success, ends there, and
 * the whole process with it.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define THREADS_MAX 4096

/* How a thread stops at a call. */
#define CALL_STOP (SIGTRAP | 0x80)

static const struct {
	const char *name;
	unsigned nr;
} calls[] = {
	{ "fremovexattr", SYS_fremovexattr },
	{ "fsetxattr", SYS_fsetxattr },
	{ "linkat", SYS_linkat },
	{ "mkdirat", SYS_mkdirat },
	{ "mknodat", SYS_mknodat },
	{ "pwrite64", SYS_pwrite64 },
	{ "pwritev2", SYS_pwritev2 },
	{ "removexattr", SYS_removexattr },
	{ "renameat2", SYS_renameat2 },
	{ "setxattr", SYS_setxattr },
	{ "symlinkat", SYS_symlinkat },
	{ "unlinkat", SYS_unlinkat },
	{ "writev", SYS_writev },
};

/* The call that each thread is in. */
static struct {
	pid_t tid;
	unsigned nr;
} threads[THREADS_MAX];

static unsigned *call_of(pid_t tid)
{
	unsigned i = 0;

	while (threads[i].tid && threads[i].tid != tid)
		if (++i == THREADS_MAX)
			errx(1, "too many threads");
	threads[i].tid = tid;
	return &threads[i].nr;
}

static unsigned number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(name, calls[i].name) == 0)
			return calls[i].nr;
	errx(2, "unknown call '%s'", name);
}

static void watch(pid_t pid)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
	char path[64];
	const struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		err(1, "%s", path);
	while ((e = readdir(dir))) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		if (ptrace(PTRACE_SEIZE, tid, NULL, options) < 0 ||
		    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
			err(1, "cannot watch %d", (int)tid);
	}
	closedir(dir);
}

/* Is this stop the one that is waited for? */
static bool is_it(pid_t tid, unsigned nr, bool before)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return false;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		*call_of(tid) = (unsigned)info.entry.nr;
		return before && info.entry.nr == nr;
	}
	return !before && *call_of(tid) == nr && !info.exit.is_error;
}

/* Let it go on; the signals that it was sent reach it. */
static void let_go_on(pid_t tid, int status)
{
	int sig = WSTOPSIG(status);

	if (sig == CALL_STOP || status >> 16)
		sig = 0;
	ptrace(PTRACE_SYSCALL, tid, NULL, (long)sig);
}

int main(int argc, char **argv)
{
	bool before;
	unsigned nr;
	pid_t pid;
	pid_t tid;
	int status;

	if (argc != 4)
		errx(2, "usage: killat PID before|after CALL");
	pid = (pid_t)strtol(argv[1], NULL, 10);
	before = strcmp(argv[2], "before") == 0;
	nr = number_of(argv[3]);
	watch(pid);
	puts("ready");
	fflush(stdout);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status))
			continue;
		if (WSTOPSIG(status) == CALL_STOP && is_it(tid, nr, before)) {
			kill(pid, SIGKILL);
			return 0;
		}
		let_go_on(tid, status);
	}
	errx(1, "it ended by itself");
}
