/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - preparation, identities and processes for the cases */

#include "tests/posix/posix.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		wrong("cannot prepare file %s: %s", path, errname(errno));
	if (fd >= 0)
		close(fd);
}

static void own(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	/* The owner first: changing it clears setuid bits. */
	PREP(lchown(path, uid, gid));
	PREP(chmod(path, mode));
}

void put_as(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	put(path, "data\n");
	own(path, mode, uid, gid);
}

void put_size(const char *path, size_t size)
{
	char *buf = malloc(size ? size : 1);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	for (size_t i = 0; buf && i < size; i++)
		buf[i] = (char)(i * 7 + i / 251);
	if (fd < 0 || !buf || write(fd, buf, size) != (ssize_t)size)
		wrong("cannot prepare file %s: %s", path, errname(errno));
	if (fd >= 0)
		close(fd);
	free(buf);
}

void dir_as(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	PREP(mkdir(path, 0700));
	own(path, mode, uid, gid);
}

static const char *const kind_names[N_KINDS] = {
	[KIND_NONE] = "nothing",
	[KIND_FILE] = "file",
	[KIND_DIR] = "empty directory",
	[KIND_FULL_DIR] = "full directory",
	[KIND_LINK_TO_FILE] = "symlink to a file",
	[KIND_LINK_TO_DIR] = "symlink to a directory",
	[KIND_DANGLING] = "dangling symlink",
	[KIND_FIFO] = "fifo",
	[KIND_SOCKET] = "socket",
	[KIND_CHAR] = "char device",
	[KIND_BLOCK] = "block device",
};

const char *kind_name(unsigned int kind)
{
	return kind_names[kind];
}

static void put_full_dir(const char *path)
{
	int dir;

	PREP(mkdir(path, 0755));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	PREP(dir);
	PREP(mkdirat(dir, "inside", 0755));
	close(dir);
}

void put_kind(const char *path, unsigned int kind)
{
	switch (kind) {
	case KIND_FILE:
		put(path, "content\n");
		break;
	case KIND_DIR:
		PREP(mkdir(path, 0755));
		break;
	case KIND_FULL_DIR:
		put_full_dir(path);
		break;
	case KIND_LINK_TO_FILE:
		put("its_file", "target\n");
		PREP(symlink("its_file", path));
		break;
	case KIND_LINK_TO_DIR:
		PREP(mkdir("its_dir", 0755));
		PREP(symlink("its_dir", path));
		break;
	case KIND_DANGLING:
		PREP(symlink("no_such", path));
		break;
	case KIND_FIFO:
		PREP(mkfifo(path, 0644));
		break;
	case KIND_SOCKET:
		PREP(mknod(path, S_IFSOCK | 0644, 0));
		break;
	case KIND_CHAR:
		PREP(mknod(path, S_IFCHR | 0644, makedev(1, 3)));
		break;
	case KIND_BLOCK:
		PREP(mknod(path, S_IFBLK | 0644, makedev(7, 77)));
		break;
	default:
		break;
	}
}

static void identify(uid_t uid, gid_t gid, size_t n, const gid_t *groups)
{
	back();
	PREP(setgroups(n, groups));
	PREP(setresgid(gid, gid, 0));
	/* The saved uid stays 0: the way back. */
	PREP(setresuid(uid, uid, 0));
}

void become(uid_t uid, gid_t gid)
{
	identify(uid, gid, 0, NULL);
}

void become_in(uid_t uid, gid_t gid, gid_t group)
{
	identify(uid, gid, 1, &group);
}

void back(void)
{
	PREP(setresuid(0, 0, 0));
	PREP(setresgid(0, 0, 0));
	PREP(setgroups(0, NULL));
}

pid_t start(void)
{
	pid_t pid = fork();

	if (pid < 0) {
		wrong("cannot fork: %s", errname(errno));
		_exit(1);
	}
	return pid;
}

void ended(const char *label, pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) < 0)
		wrong("%s: waitpid = %s", label, errname(errno));
	else if (WIFSIGNALED(status))
		rec("%s: killed by SIG%s", label,
		    sigabbrev_np(WTERMSIG(status)));
	else
		rec("%s: exit %d", label, WEXITSTATUS(status));
}

void gate_open(struct gate *g)
{
	PREP(pipe2(g->to, O_CLOEXEC));
	PREP(pipe2(g->from, O_CLOEXEC));
}

static void send_byte(int fd)
{
	if (write(fd, "!", 1) != 1)
		wrong("gate: %s", errname(errno));
}

static void await_byte(int fd)
{
	char c;

	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
}

void gate_go(struct gate *g)
{
	send_byte(g->to[1]);
}

void gate_await(struct gate *g)
{
	await_byte(g->from[0]);
}

void gate_enter(struct gate *g)
{
	await_byte(g->to[0]);
}

void gate_signal(struct gate *g)
{
	send_byte(g->from[1]);
}

void nap(unsigned int ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
			      .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static bool sleeps(const char *stat_path)
{
	char text[512] = "";
	int fd = open(stat_path, O_RDONLY | O_CLOEXEC);
	const char *state;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	state = strrchr(text, ')');
	return state && (state[2] == 'S' || state[2] == 'D');
}

void await_blocked(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	/* Seen asleep several times in a row: not by chance on its way. */
	for (int i = 0, seen = 0; i < 2000 && seen < 8; i++) {
		seen = sleeps(path) ? seen + 1 : 0;
		nap(3);
	}
}

/* Cases send themselves SIGBUS and look at how they die. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
	return "handle_segv=0:handle_sigbus=0";
}

const char *__tsan_default_options(void)
{
	return "handle_segv=0:handle_sigbus=0";
}

void *nowhere(void)
{
	return (void *)1;
}
