/* SPDX-License-Identifier: Apache-2.0 */
/* flock.c - flock(): locks of open file descriptions on whole files */

#include "tests/posix/posix.h"

#include <signal.h>
#include <sys/file.h>

static int open_it(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	PREP(fd);
	return fd;
}

CASE(flock, shared_and_exclusive)
{
	int a = open_it(), b = open_it(), c = open_it();

	OK(flock(a, LOCK_SH | LOCK_NB));
	OK(flock(b, LOCK_SH | LOCK_NB));
	FAILS(EAGAIN, flock(c, LOCK_EX | LOCK_NB));
	FAILS(EAGAIN, flock(a, LOCK_EX | LOCK_NB));
	OK(flock(b, LOCK_UN));
	DO(flock(a, LOCK_EX | LOCK_NB));
	FAILS(EAGAIN, flock(c, LOCK_SH | LOCK_NB));
	OK(flock(a, LOCK_SH));
	OK(flock(c, LOCK_SH | LOCK_NB));
	OK(flock(a, LOCK_UN));
	OK(flock(a, LOCK_UN));
	OK(flock(c, LOCK_EX | LOCK_NB));
	FAILS(EINVAL, flock(a, LOCK_SH | LOCK_EX));
	FAILS(EBADF, flock(-1, LOCK_SH));
	FAILS(EBADF, flock(open("f", O_PATH), LOCK_SH));
}

CASE(flock, failed_upgrade)
{
	int a = open_it(), b = open_it(), c = open_it();

	OK(flock(a, LOCK_SH));
	OK(flock(b, LOCK_SH));
	FAILS(EAGAIN, flock(a, LOCK_EX | LOCK_NB));
	OK(flock(b, LOCK_UN));
	/* Whether a kept its lock is what c learns. */
	DO(flock(c, LOCK_EX | LOCK_NB));
}

CASE(flock, belongs_to_the_description)
{
	int a = open_it(), dupped = dup(a), b = open_it();
	pid_t pid;

	OK(flock(a, LOCK_EX));
	OK(flock(dupped, LOCK_EX | LOCK_NB));
	OK(close(a));
	FAILS(EAGAIN, flock(b, LOCK_SH | LOCK_NB));
	pid = start();
	if (!pid) {
		OK(flock(dupped, LOCK_EX | LOCK_NB));
		FAILS(EAGAIN, flock(b, LOCK_SH | LOCK_NB));
		_exit(0);
	}
	ended("child", pid);
	FAILS(EAGAIN, flock(b, LOCK_SH | LOCK_NB));
	OK(close(dupped));
	OK(flock(b, LOCK_EX | LOCK_NB));
}

CASE(flock, child_can_unlock)
{
	int a = open_it(), b = open_it();
	pid_t pid;

	OK(flock(a, LOCK_EX));
	pid = start();
	if (!pid)
		_exit(flock(a, LOCK_UN) ? 1 : 0);
	ended("child", pid);
	OK(flock(b, LOCK_EX | LOCK_NB));
}

CASE(flock, waits_and_is_woken)
{
	struct gate g;
	int a = open_it();
	pid_t pid;

	gate_open(&g);
	OK(flock(a, LOCK_EX));
	pid = start();
	if (!pid) {
		int b = open_it();

		gate_signal(&g);
		OK(flock(b, LOCK_EX));
		rec("child has it");
		_exit(0);
	}
	gate_await(&g);
	await_blocked(pid);
	rec("let go");
	PREP(flock(a, LOCK_UN));
	ended("child", pid);
	OK(flock(a, LOCK_EX | LOCK_NB));
}

CASE(flock, several_wait)
{
	struct gate g;
	int a = open_it();
	pid_t pids[4];

	gate_open(&g);
	OK(flock(a, LOCK_EX));
	for (int i = 0; i < 4; i++) {
		pids[i] = start();
		if (pids[i])
			continue;
		int b = open_it();

		/* Or each of us would hold it open and locked. */
		close(a);
		gate_signal(&g);
		_exit(flock(b, i % 2 ? LOCK_EX : LOCK_SH) ? 1 : 0);
	}
	for (int i = 0; i < 4; i++)
		gate_await(&g);
	for (int i = 0; i < 4; i++)
		await_blocked(pids[i]);
	OK(close(a));
	for (int i = 0; i < 4; i++)
		ended("waiter", pids[i]);
}

static void on_alarm(int sig __attribute__((unused)))
{
}

CASE(flock, waiting_is_interrupted)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerspec t = { .it_value.tv_nsec = 50000000 };
	int a = open_it(), b = open_it();
	timer_t timer;

	OK(flock(a, LOCK_EX));
	sigaction(SIGALRM, &sa, NULL);
	PREP(timer_create(CLOCK_MONOTONIC, NULL, &timer));
	PREP(timer_settime(timer, 0, &t, NULL));
	FAILS(EINTR, flock(b, LOCK_EX));
	OK(flock(a, LOCK_UN));
	OK(flock(b, LOCK_EX | LOCK_NB));
}

CASE(flock, is_released_by_death)
{
	struct gate g;
	int a = open_it();
	pid_t pid;

	gate_open(&g);
	pid = start();
	if (!pid) {
		PREP(flock(open_it(), LOCK_EX));
		gate_signal(&g);
		pause();
	}
	gate_await(&g);
	FAILS(EAGAIN, flock(a, LOCK_SH | LOCK_NB));
	PREP(kill(pid, SIGKILL));
	ended("holder", pid);
	OK(flock(a, LOCK_EX | LOCK_NB));
}

CASE(flock, and_fcntl_do_not_meet)
{
	int a = open_it(), b = open_it();
	struct flock l = { .l_type = F_WRLCK };
	pid_t pid;

	OK(flock(a, LOCK_EX));
	OK(fcntl(b, F_SETLK, &l));
	pid = start();
	if (!pid) {
		int c = open_it();

		l = (struct flock){ .l_type = F_WRLCK };
		FAILS(EAGAIN, fcntl(c, F_SETLK, &l));
		FAILS(EAGAIN, flock(c, LOCK_SH | LOCK_NB));
		_exit(0);
	}
	ended("child", pid);
	OK(flock(a, LOCK_UN));
	OK(flock(b, LOCK_EX | LOCK_NB));
}

CASE(flock, of_types)
{
	int ro, dir, dir2, p;

	put("f", "");
	ro = FD(open("f", O_RDONLY));
	OK(flock(ro, LOCK_EX | LOCK_NB));
	PREP(mkdir("d", 0755));
	dir = FD(open("d", O_RDONLY));
	dir2 = FD(open("d", O_RDONLY));
	OK(flock(dir, LOCK_EX | LOCK_NB));
	FAILS(EAGAIN, flock(dir2, LOCK_SH | LOCK_NB));
	PREP(mkfifo("p", 0600));
	p = FD(open("p", O_RDWR | O_NONBLOCK));
	DO(flock(p, LOCK_EX | LOCK_NB));
}

CASE(flock, of_an_unlinked_file)
{
	int a = open_it(), b = open_it(), c;

	OK(flock(a, LOCK_EX));
	PREP(unlink("f"));
	FAILS(EAGAIN, flock(b, LOCK_EX | LOCK_NB));
	c = open_it();
	OK(flock(c, LOCK_EX | LOCK_NB));
	OK(close(a));
	OK(flock(b, LOCK_EX | LOCK_NB));
}
