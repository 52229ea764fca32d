/* SPDX-License-Identifier: Apache-2.0 */
/* locks.c - fcntl() locks: of processes, and of open file descriptions */

#include "tests/posix/posix.h"

#include <signal.h>

static int lock(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock l = { .l_type = type,
			   .l_whence = SEEK_SET,
			   .l_start = start,
			   .l_len = len };

	return fcntl(fd, cmd, &l);
}

static const char *type_name(short type)
{
	return type == F_RDLCK	 ? "shared"
	       : type == F_WRLCK ? "exclusive"
				 : "none";
}

/* What stands in the way of an exclusive lock; holder: whose pid it is, or 0.
 */
static void rec_lock(const char *label, int fd, int cmd, off_t start, off_t len,
		     pid_t holder)
{
	struct flock l = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = start,
			   .l_len = len };

	if (fcntl(fd, cmd, &l) < 0)
		rec("%s: getlk = %s", label, errname(errno));
	else if (l.l_type == F_UNLCK)
		rec("%s: %lld+%lld is free", label, (long long)start,
		    (long long)len);
	else
		rec("%s: %s %lld+%lld of %s", label, type_name(l.l_type),
		    (long long)l.l_start, (long long)l.l_len,
		    !holder		? "anybody"
		    : l.l_pid == holder ? "the holder"
		    : l.l_pid == -1	? "a description"
					: "somebody else");
}

static int open_it(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	PREP(fd);
	return fd;
}

static char letter(short type)
{
	switch (type) {
	case F_UNLCK:
		return '.';
	case F_RDLCK:
		return 'r';
	default:
		return 'w';
	}
}

/* In another process, which has no locks: the locks on bytes 0 to 29. */
static void survey(const char *label)
{
	pid_t holder = getpid(), pid = start();

	if (!pid) {
		char text[40] = "";
		int fd = open_it();

		for (off_t at = 0; at < 30; at++) {
			struct flock l = { .l_type = F_WRLCK,
					   .l_start = at,
					   .l_len = 1 };

			fcntl(fd, F_GETLK, &l);
			text[at] = letter(l.l_type);
			if (l.l_type != F_UNLCK && l.l_pid != holder)
				text[at] = '?';
		}
		rec("%s: %s", label, text);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

CASE(locks, ranges_split_and_merge)
{
	int fd = open_it();

	survey("none");
	OK(lock(fd, F_SETLK, F_WRLCK, 5, 20));
	survey("5+20");
	OK(lock(fd, F_SETLK, F_UNLCK, 10, 5));
	survey("hole at 10+5");
	OK(lock(fd, F_SETLK, F_RDLCK, 8, 10));
	survey("shared at 8+10");
	OK(lock(fd, F_SETLK, F_WRLCK, 0, 3));
	survey("another");
	OK(lock(fd, F_SETLK, F_RDLCK, 3, 2));
	survey("adjacent");
	OK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	survey("to the end");
	OK(lock(fd, F_SETLK, F_UNLCK, 7, 0));
	survey("cut");
	OK(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	survey("all gone");
	OK(lseek(fd, 12, SEEK_SET));
	struct flock l = { .l_type = F_WRLCK,
			   .l_whence = SEEK_CUR,
			   .l_start = -2,
			   .l_len = 3 };
	OK(fcntl(fd, F_SETLK, &l));
	survey("relative");
	PREP(ftruncate(fd, 20));
	l = (struct flock){ .l_type = F_RDLCK,
			    .l_whence = SEEK_END,
			    .l_start = 0,
			    .l_len = -4 };
	OK(fcntl(fd, F_SETLK, &l));
	survey("negative length");
}

CASE(locks, conflicts_between_processes)
{
	static const short types[] = { F_RDLCK, F_WRLCK };
	int fd = open_it();

	for (int held = 0; held < 2; held++) {
		PREP(lock(fd, F_SETLK, types[held], 0, 10));
		for (int want = 0; want < 2; want++) {
			pid_t pid = start();

			if (!pid) {
				int mine = open_it();

				rec("%s held, %s wanted",
				    type_name(types[held]),
				    type_name(types[want]));
				DO(lock(mine, F_SETLK, types[want], 5, 1));
				DO(lock(mine, F_SETLK, types[want], 9, 5));
				DO(lock(mine, F_SETLK, types[want], 10, 5));
				DO(lock(mine, F_SETLK, F_UNLCK, 0, 0));
				rec_lock("asks", mine, F_GETLK, 0, 0,
					 getppid());
				_exit(0);
			}
			ended("child", pid);
		}
	}
	survey("still");
}

CASE(locks, any_close_releases_all)
{
	int fd = open_it(), other = open_it(), third = dup(fd);

	OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	survey("held");
	OK(close(other));
	survey("after closing another descriptor");
	OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	OK(close(third));
	survey("after closing a duplicate");
	OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	OK(close(open("f", O_PATH)));
	survey("after closing a path descriptor");
}

CASE(locks, are_not_inherited)
{
	struct gate g;
	int fd = open_it();
	pid_t pid;

	gate_open(&g);
	OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	pid = start();
	if (!pid) {
		FAILS(EAGAIN, lock(fd, F_SETLK, F_WRLCK, 0, 1));
		rec_lock("child asks", fd, F_GETLK, 0, 1, getppid());
		OK(lock(fd, F_SETLK, F_WRLCK, 20, 5));
		gate_signal(&g);
		gate_enter(&g);
		_exit(0);
	}
	gate_await(&g);
	rec_lock("parent asks", fd, F_GETLK, 20, 5, pid);
	FAILS(EAGAIN, lock(fd, F_SETLK, F_RDLCK, 24, 5));
	gate_go(&g);
	ended("child", pid);
	rec_lock("after its exit", fd, F_GETLK, 20, 5, pid);
	OK(lock(fd, F_SETLK, F_RDLCK, 24, 5));
	survey("parent's own");
}

CASE(locks, waiting_is_woken_by_release)
{
	struct gate g;
	int fd = open_it();
	pid_t pid;

	gate_open(&g);
	PREP(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	pid = start();
	if (!pid) {
		int mine = open_it();

		gate_signal(&g);
		OK(lock(mine, F_SETLKW, F_WRLCK, 5, 10));
		rec("child has it");
		gate_signal(&g);
		gate_enter(&g);
		_exit(0);
	}
	gate_await(&g);
	await_blocked(pid);
	rec("parent lets go");
	PREP(lock(fd, F_SETLK, F_UNLCK, 5, 5));
	gate_await(&g);
	rec_lock("child's", fd, F_GETLK, 0, 0, pid);
	gate_go(&g);
	ended("child", pid);
}

CASE(locks, waiting_is_woken_by_death)
{
	struct gate g;
	pid_t holder, waiter;

	gate_open(&g);
	holder = start();
	if (!holder) {
		PREP(lock(open_it(), F_SETLK, F_WRLCK, 0, 0));
		gate_signal(&g);
		pause();
	}
	gate_await(&g);
	waiter = start();
	if (!waiter) {
		gate_signal(&g);
		OK(lock(open_it(), F_SETLKW, F_RDLCK, 3, 1));
		_exit(0);
	}
	gate_await(&g);
	await_blocked(waiter);
	PREP(kill(holder, SIGKILL));
	ended("waiter", waiter);
	ended("holder", holder);
}

static void on_alarm(int sig __attribute__((unused)))
{
}

CASE(locks, waiting_is_interrupted_by_a_signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int fd = open_it();
	pid_t pid;

	PREP(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	pid = start();
	if (!pid) {
		int mine = open_it();
		struct itimerspec t = { .it_value.tv_nsec = 50000000 };
		timer_t timer;

		sigaction(SIGALRM, &sa, NULL);
		PREP(timer_create(CLOCK_MONOTONIC, NULL, &timer));
		PREP(timer_settime(timer, 0, &t, NULL));
		FAILS(EINTR, lock(mine, F_SETLKW, F_WRLCK, 0, 1));
		FAILS(EAGAIN, lock(mine, F_SETLK, F_WRLCK, 0, 1));
		_exit(0);
	}
	ended("waiter", pid);
	survey("only the parent's");
}

CASE(locks, a_killed_waiter_leaves_nothing)
{
	struct gate g;
	int fd = open_it();
	pid_t pid;

	gate_open(&g);
	PREP(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	pid = start();
	if (!pid) {
		gate_signal(&g);
		lock(open_it(), F_SETLKW, F_WRLCK, 0, 30);
		_exit(0);
	}
	gate_await(&g);
	await_blocked(pid);
	PREP(kill(pid, SIGKILL));
	ended("waiter", pid);
	PREP(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	survey("none");
}

CASE(locks, deadlock_is_refused)
{
	struct gate g;
	int fd = open_it();
	pid_t pid;

	gate_open(&g);
	PREP(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	pid = start();
	if (!pid) {
		int mine = open_it();

		PREP(lock(mine, F_SETLK, F_WRLCK, 1, 1));
		gate_signal(&g);
		_exit(lock(mine, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 0 : 1);
	}
	gate_await(&g);
	await_blocked(pid);
	FAILS(EDEADLK, lock(fd, F_SETLKW, F_WRLCK, 1, 1));
	PREP(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	ended("child", pid);
}

CASE(locks, need_a_matching_descriptor)
{
	int ro, wo, path, rw = open_it();

	ro = FD(open("f", O_RDONLY));
	wo = FD(open("f", O_WRONLY));
	path = FD(open("f", O_PATH));
	OK(lock(ro, F_SETLK, F_RDLCK, 0, 1));
	FAILS(EBADF, lock(ro, F_SETLK, F_WRLCK, 0, 1));
	FAILS(EBADF, lock(wo, F_SETLK, F_RDLCK, 0, 1));
	OK(lock(wo, F_SETLK, F_WRLCK, 0, 1));
	FAILS(EBADF, lock(path, F_SETLK, F_RDLCK, 0, 1));
	FAILS(EINVAL, lock(rw, F_SETLK, 77, 0, 1));
	FAILS(EINVAL, lock(rw, F_SETLK, F_WRLCK, -1, 1));
	FAILS(EINVAL, lock(rw, F_SETLK, F_WRLCK, 5, -6));
	FAILS(EOVERFLOW, lock(rw, F_SETLK, F_WRLCK, INT64_MAX, 2));
	OK(lock(rw, F_SETLK, F_WRLCK, INT64_MAX, 1));
	FAILS(EINVAL, lock(rw, F_GETLK, F_UNLCK, 0, 1));
	DO(lock(open(".", O_RDONLY), F_SETLK, F_RDLCK, 0, 1));
}

CASE(locks, descriptions_own_theirs)
{
	int a = open_it(), b = open_it(), c = dup(a);

	OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	FAILS(EAGAIN, lock(b, F_OFD_SETLK, F_WRLCK, 5, 1));
	FAILS(EAGAIN, lock(b, F_SETLK, F_WRLCK, 5, 1));
	OK(lock(c, F_OFD_SETLK, F_WRLCK, 0, 5));
	rec_lock("b asks", b, F_OFD_GETLK, 0, 20, getpid());
	rec_lock("a asks", a, F_OFD_GETLK, 0, 20, getpid());
	rec_lock("b asks classically", b, F_GETLK, 0, 20, 0);
	OK(close(a));
	FAILS(EAGAIN, lock(b, F_OFD_SETLK, F_RDLCK, 9, 1));
	OK(close(c));
	OK(lock(b, F_OFD_SETLK, F_RDLCK, 9, 1));
	a = open_it();
	OK(lock(a, F_OFD_SETLK, F_RDLCK, 0, 0));
	FAILS(EAGAIN, lock(a, F_OFD_SETLK, F_WRLCK, 9, 1));
	OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 9));
	struct flock l = { .l_type = F_WRLCK, .l_pid = 1 };
	FAILS(EINVAL, fcntl(a, F_OFD_SETLK, &l));
}

CASE(locks, descriptions_are_inherited)
{
	int a = open_it(), b;
	pid_t pid;

	OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	pid = start();
	if (!pid) {
		OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 20));
		close(a);
		_exit(0);
	}
	ended("child", pid);
	b = open_it();
	FAILS(EAGAIN, lock(b, F_OFD_SETLK, F_WRLCK, 15, 1));
	OK(close(a));
	OK(lock(b, F_OFD_SETLK, F_WRLCK, 15, 1));
}

CASE(locks, description_waits)
{
	struct gate g;
	int a = open_it();
	pid_t pid;

	gate_open(&g);
	OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 0));
	pid = start();
	if (!pid) {
		int b = open_it();

		gate_signal(&g);
		OK(lock(b, F_OFD_SETLKW, F_RDLCK, 0, 0));
		_exit(0);
	}
	gate_await(&g);
	await_blocked(pid);
	rec("let go");
	PREP(lock(a, F_OFD_SETLK, F_UNLCK, 0, 0));
	ended("child", pid);
}

CASE(locks, lockf_works)
{
	int fd = open_it();
	pid_t pid;

	OK(lockf(fd, F_LOCK, 10));
	OK(lockf(fd, F_TEST, 10));
	pid = start();
	if (!pid) {
		int mine = open_it();

		FAILS(EACCES, lockf(mine, F_TEST, 5));
		FAILS(EAGAIN, lockf(mine, F_TLOCK, 5));
		OK(lseek(mine, 10, SEEK_SET));
		OK(lockf(mine, F_TLOCK, 5));
		_exit(0);
	}
	ended("child", pid);
	OK(lockf(fd, F_ULOCK, 10));
}

CASE(locks, follow_the_inode)
{
	int fd = open_it();
	pid_t pid;

	PREP(link("f", "g"));
	OK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	PREP(rename("f", "h"));
	pid = start();
	if (!pid) {
		int mine = FD(open("g", O_RDWR));

		FAILS(EAGAIN, lock(mine, F_SETLK, F_WRLCK, 0, 1));
		PREP(unlink("g"));
		PREP(unlink("h"));
		FAILS(EAGAIN, lock(mine, F_SETLK, F_WRLCK, 0, 1));
		mine = FD(open("g", O_RDWR | O_CREAT, 0600));
		OK(lock(mine, F_SETLK, F_WRLCK, 0, 1));
		_exit(0);
	}
	ended("child", pid);
}

CASE(locks, many_small_ones)
{
	int fd = open_it(), free_ones = 0;
	pid_t pid;

	for (off_t i = 0; i < 400; i++)
		PREP(lock(fd, F_SETLK, i % 3 ? F_WRLCK : F_RDLCK, i * 2, 1));
	pid = start();
	if (!pid) {
		int mine = open_it();

		for (off_t i = 0; i < 400; i++) {
			free_ones +=
				lock(mine, F_SETLK, F_RDLCK, i * 2, 1) == 0;
			free_ones +=
				lock(mine, F_SETLK, F_WRLCK, i * 2 + 1, 1) == 0;
		}
		rec("%d could be had", free_ones);
		_exit(0);
	}
	ended("child", pid);
}

CASE(locks, counter_under_a_lock_is_exact)
{
	enum {
		PROCESSES = 4,
		ROUNDS = 50
	};
	int n = 0, fd;

	put("f", "");
	fd = open_it();
	PREP(pwrite(fd, &n, sizeof(n), 0));
	for (int i = 0; i < PROCESSES; i++) {
		if (start() != 0)
			continue;
		int mine = open_it();

		for (int k = 0; k < ROUNDS; k++) {
			PREP(lock(mine, F_SETLKW, F_WRLCK, 0, 0));
			PREP(pread(mine, &n, sizeof(n), 0));
			n++;
			PREP(pwrite(mine, &n, sizeof(n), 0));
			PREP(lock(mine, F_SETLK, F_UNLCK, 0, 0));
		}
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	PREP(pread(fd, &n, sizeof(n), 0));
	EXPECT(n == PROCESSES * ROUNDS);
}
