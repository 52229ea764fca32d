/* SPDX-License-Identifier: Apache-2.0 */
/* helper.c - a process of our own that may use our own mount */
#include "store/base/helper.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* The helper's end of the socket; all above is closed. */
#define HELPER_FD 3

struct helper {
	int fd;
	pid_t pid;
};

/* Both sides are of one image: an address means the same to both. */
struct errand {
	helper_fn *fn;
	unsigned timeout_s;
	size_t len;
};

struct result {
	int r;
	struct error err;
};

/* The descriptors of a message: where to answer, then the errand's own. */
struct passed {
	int reply_fd;
	int fd;
};

union control {
	char space[CMSG_SPACE(2 * sizeof(int))];
	struct cmsghdr align;
};

static ssize_t errand_send(int sock, const struct errand *errand,
			   const char *arg, const struct passed *passed)
{
	const int fds[] = { passed->reply_fd, passed->fd };
	const size_t size = sizeof(int) * (passed->fd < 0 ? 1 : 2);
	union control control = { 0 };
	struct iovec iov[] = {
		{ (void *)errand, sizeof(*errand) },
		{ (void *)arg, errand->len },
	};
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(size),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(cmsg), fds, size);
	return sendmsg(sock, &msg, MSG_NOSIGNAL);
}

static ssize_t errand_receive(struct errand *ret, char arg[HELPER_ARG_MAX],
			      struct passed *passed)
{
	union control control = { 0 };
	struct iovec iov[] = {
		{ ret, sizeof(*ret) },
		{ arg, HELPER_ARG_MAX },
	};
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(HELPER_FD, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *cmsg = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*passed = (struct passed){ -1, -1 };
	if (cmsg)
		memcpy(passed, CMSG_DATA(cmsg), cmsg->cmsg_len - CMSG_LEN(0));
	return n;
}

static void result_send(int fd, const struct result *result)
{
	/* Whoever gave up waiting gets no answer. */
	(void)!send(fd, result, sizeof(*result), MSG_NOSIGNAL);
}

static void errand_run(const struct errand *errand, const char *arg,
		       const struct passed *passed)
{
	struct result result = { 0 };
	sigset_t none;

	/* Even a wait for the mount ends with a signal that kills. */
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	alarm(errand->timeout_s);
	closep(&(const int){ HELPER_FD });
	result.r = errand->fn(passed->fd, arg, errand->len, &result.err);
	result_send(passed->reply_fd, &result);
	_exit(EXIT_SUCCESS);
}

static void serve_one(const struct errand *errand, const char *arg,
		      struct passed *passed, int keeper_fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		closep(&keeper_fd);
		errand_run(errand, arg, passed);
	}
	if (pid < 0) {
		struct result result = { .r = -errno };

		error_set(&result.err, -errno, "cannot fork: %m");
		result_send(passed->reply_fd, &result);
	}
	closep(&passed->reply_fd);
	closep(&passed->fd);
}

/* Hold nothing of the daemon's: its mount, its locks, its terminal. */
static void let_go(int sock)
{
	int null;

	if (dup2(sock, HELPER_FD) < 0 ||
	    close_range(HELPER_FD + 1, ~0U, 0) < 0 || chdir("/") < 0)
		_exit(EXIT_FAILURE);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		_exit(EXIT_FAILURE);
	for (int fd = 0; fd < HELPER_FD; fd++)
		dup2(null, fd);
	close(null);
}

/* An errand has come, or the end of the daemon: true; or that of the keeper. */
static bool wait_for_errand(int keeper_fd)
{
	struct pollfd pfds[] = {
		{ .fd = keeper_fd, .events = POLLIN },
		{ .fd = HELPER_FD, .events = POLLIN },
	};

	while (poll(pfds, 2, -1) < 0 && errno == EINTR)
		;
	return !pfds[0].revents;
}

/* Serve for as long as there is the keeper; without one (-1), for ever. */
static void serve(int keeper_fd)
{
	char arg[HELPER_ARG_MAX];
	struct errand errand;
	struct passed passed;

	/* Errands are reaped by nobody's wait, and so is what they leave. */
	signal(SIGCHLD, SIG_IGN);
	while (wait_for_errand(keeper_fd)) {
		if (errand_receive(&errand, arg, &passed) <= 0)
			_exit(EXIT_SUCCESS);
		serve_one(&errand, arg, &passed, keeper_fd);
	}
}

/* In the child of the keeper, until that is killed. */
static void serve_for(pid_t keeper)
{
	cleanup_fd int fd = pidfd_open(keeper, 0);

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* Else fd is of somebody else by now. */
	if (getppid() == keeper)
		serve(fd);
}

/*
 * Fork who serves, and wait for its end.  If it is killed the next one follows;
 * and returns in that process when its keeper is killed: it is the keeper now.
 */
static void keep(void)
{
	pid_t keeper = getpid();
	pid_t server;
	pid_t ended;
	int status;

	signal(SIGCHLD, SIG_DFL);
	server = fork();
	if (server == 0) {
		serve_for(keeper);
		return;
	}
	if (server < 0)
		serve(-1);
	/* With errands that lost their parent. */
	do {
		ended = waitpid(-1, &status, 0);
	} while (ended != server);
	if (WIFEXITED(status))
		_exit(EXIT_SUCCESS);
}

static void helper_main(int sock)
{
	sigset_t all;

	/* The daemon says when it is over, not a terminal. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "podvolsd-helper");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* All that it forks is known by its session; it leads no group yet. */
	setsid();
	let_go(sock);
	for (;;)
		keep();
}

int helper_new(struct helper **ret, struct error *err)
{
	struct helper *helper = calloc(1, sizeof(*helper));
	int fds[2];

	if (!helper ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		free(helper);
		return error_set(err, -errno, "cannot make a socket pair: %m");
	}
	helper->pid = fork();
	if (helper->pid == 0)
		helper_main(fds[1]);
	close(fds[1]);
	helper->fd = fds[0];
	if (helper->pid < 0) {
		error_set(err, -errno, "cannot fork the helper: %m");
		close(fds[0]);
		free(helper);
		return -EAGAIN;
	}
	*ret = helper;
	return 0;
}

void helper_free(struct helper *helper)
{
	if (!helper)
		return;
	close(helper->fd);
	/* It waits for nothing but this. */
	while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(helper);
}

bool helper_has_process(const struct helper *helper, pid_t pid)
{
	return helper && getsid(pid) == helper->pid;
}

static int result_wait(int fd, unsigned timeout_s, struct error *err)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct result result;
	ssize_t n;
	int r;

	/* A second more than the errand has, so that it ends first. */
	do {
		r = poll(&pfd, 1, (int)(timeout_s + 1) * 1000);
	} while (r < 0 && errno == EINTR);
	n = r > 0 ? recv(fd, &result, sizeof(result), 0) : 0;
	if (n != sizeof(result))
		return error_set(err, -ETIMEDOUT, "no answer within %u s",
				 timeout_s);
	if (result.r < 0 && err)
		*err = result.err;
	return result.r;
}

int helper_run(struct helper *helper, unsigned timeout_s, helper_fn *fn, int fd,
	       const char *arg, size_t len, struct error *err)
{
	const struct errand errand = { fn, timeout_s, len };
	cleanup_fd int reply = -1;
	int fds[2];
	ssize_t n;

	if (!helper)
		return fn(fd, arg, len, err);
	if (len > HELPER_ARG_MAX)
		return error_set(err, -E2BIG, "the argument is too long");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return error_set(err, -errno, "cannot make a socket pair: %m");
	reply = fds[0];
	n = errand_send(helper->fd, &errand, arg,
			&(struct passed){ fds[1], fd });
	close(fds[1]);
	if (n < 0)
		return error_set(err, -EPIPE, "the helper process is gone: %m");
	return result_wait(reply, timeout_s, err);
}
