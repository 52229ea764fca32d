/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - runs one case in a directory, in processes that can be killed */

#include "tests/posix/run.h"

#include "tests/posix/posix.h"
#include "tests/posix/record.h"

#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum {
	GRACE_MS = 3000,
	REMOVE_ROUNDS = 4
};

/* Cases set immutable and append-only flags and may die before clearing. */
static void clear_flags(int dir, const char *name)
{
	int fd = openat(dir, name,
			O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	int none = 0;

	if (fd < 0)
		return;
	ioctl(fd, FS_IOC_SETFLAGS, &none);
	close(fd);
}

static void for_each_name(int dir, void (*visit)(int dir, const char *name))
{
	_Alignas(struct dirent64) char buf[16384];
	ssize_t got;

	while ((got = getdents64(dir, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + got;) {
			struct dirent64 *d = (struct dirent64 *)p;

			p += d->d_reclen;
			if (strcmp(d->d_name, ".") != 0 &&
			    strcmp(d->d_name, "..") != 0)
				visit(dir, d->d_name);
		}
	}
}

/* Recursion is as deep as the cases make directories. */
static void remove_tree(int dir, const char *name)
{
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(dir, name, 0) < 0 && errno == EPERM &&
		    S_ISREG(st.st_mode)) {
			clear_flags(dir, name);
			unlinkat(dir, name, 0);
		}
		return;
	}
	for (int i = 0; i < REMOVE_ROUNDS; i++) {
		if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
			return;
		if (errno == EPERM)
			clear_flags(dir, name);
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return;
		for_each_name(fd, remove_tree);
		close(fd);
	}
}

static void be_the_case(const struct posix_case *c, unsigned int nth)
{
	struct rlimit no_core = { 0, 0 };

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	umask(0);
	c->run(nth);
	_exit(0);
}

static int await_end(pid_t pid, int ms)
{
	struct pollfd p = { .events = POLLIN };
	int r;

	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p.fd < 0)
		return -errno;
	do
		r = poll(&p, 1, ms);
	while (r < 0 && errno == EINTR);
	close(p.fd);
	return r == 1 ? 0 : -ETIMEDOUT;
}

/* Everything a case started is ours to reap: we are its subreaper. */
static void reap_all(pid_t group)
{
	for (int i = 0; i < GRACE_MS; i++) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return;
		if (pid > 0)
			continue;
		kill(-group, SIGKILL);
		nap(1);
	}
	wrong("processes of the case cannot be killed");
}

static void finish(pid_t pid, unsigned int seconds)
{
	siginfo_t info = { .si_code = 0 };

	if (await_end(pid, (int)seconds * 1000) < 0) {
		kill(-pid, SIGKILL);
		wrong("killed: it hung for %u seconds", seconds);
		await_end(pid, GRACE_MS);
	}
	/* Not reaped yet, so that its number still names its group. */
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
	    info.si_pid == pid) {
		if (info.si_code != CLD_EXITED)
			wrong("the case died of SIG%s",
			      sigabbrev_np(info.si_status));
		else if (info.si_status != 0)
			wrong("the case ended with %d", info.si_status);
	}
	kill(-pid, SIGKILL);
	reap_all(pid);
}

int run_case(const struct posix_case *c, unsigned int nth, const char *dir,
	     unsigned int seconds, struct transcript *t)
{
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[64];
	pid_t pid;
	int r = 0;

	if (dirfd < 0)
		return -errno;
	snprintf(name, sizeof(name), "posix-suite.%d", getpid());
	remove_tree(dirfd, name);
	if (mkdirat(dirfd, name, 0777) < 0) {
		r = -errno;
		close(dirfd);
		return r;
	}
	transcript_begin(t);
	pid = fork();
	if (pid == 0) {
		if (fchdir(dirfd) < 0 || chdir(name) < 0 ||
		    chmod(".", 0777) < 0)
			wrong("cannot enter %s: %s", name, errname(errno));
		close(dirfd);
		be_the_case(c, nth);
	}
	if (pid < 0)
		wrong("cannot fork: %s", errname(errno));
	else
		finish(pid, seconds);
	remove_tree(dirfd, name);
	close(dirfd);
	return r;
}
