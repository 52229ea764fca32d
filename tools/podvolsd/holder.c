/* SPDX-License-Identifier: Apache-2.0 */
/* holder.c - the process that keeps the mount while the daemon is replaced */
#include "tools/podvolsd/holder.h"

#include "fuse/fs.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/base/state.h"
#include "tools/podvolsd/background.h"
#include "tools/podvolsd/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Workers that die so fast die of what they find: whoever waits for them is
 * better off with an error.
 */
#define DEATHS_MAX     30
#define DEATHS_SECONDS 15

/* A worker that was told to stop has so long, and then to die. */
#define STOP_SECONDS 30
#define DIE_SECONDS  5

/* A fork that failed may have done so for want of what comes back. */
#define FORK_TRIES    50
#define FORK_PAUSE_NS 100000000L

struct holder {
	struct holding holding;
	const struct holder_options *options;
	pid_t worker;
	pid_t rings; /* who has them; 0: nobody */
	bool rings_ended;
	time_t since;	 /* when deaths began to be counted, monotonic */
	unsigned deaths; /* since then */
	int signal_fd;
	bool was_reloaded; /* the configuration changed since the start */
	bool is_stopping;  /* told to: no worker follows this one */
	time_t stop_by;	   /* monotonic */
};

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static int holder_open(struct holder *h, struct error *err)
{
	sigset_t set;
	int r;

	h->signal_fd = -1;
	h->holding.dev_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	/* Another, as each can be mounted once, and rings may not be had. */
	if (h->options->has_rings)
		h->holding.ring_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (h->holding.dev_fd < 0 ||
	    (h->options->has_rings && h->holding.ring_fd < 0))
		return error_set(err, -errno, "cannot open '/dev/fuse': %m");
	r = state_new(&h->holding.state);
	if (r < 0)
		return error_set(err, r, "cannot make the state memory");
	daemon_signals(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	h->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (h->signal_fd < 0)
		return error_set(err, -errno, "cannot make a signalfd: %m");
	return 0;
}

static void holder_close(struct holder *h)
{
	if (h->rings > 0) {
		kill(h->rings, SIGKILL);
		waitpid(h->rings, NULL, 0);
	}
	closep(&h->signal_fd);
	closep(&h->holding.dev_fd);
	closep(&h->holding.ring_fd);
	state_free(h->holding.state);
}

/* In the child: its own signals, and an end if the holder has one. */
static void become_worker(struct holder *h, pid_t holder)
{
	sigset_t set;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "podvolsd");
	if (getppid() != holder)
		_exit(EXIT_FAILURE);
	closep(&h->signal_fd);
	h->signal_fd = -1;
	h->rings = 0; /* the holder's to end */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static pid_t fork_patiently(void)
{
	const struct timespec pause = { .tv_nsec = FORK_PAUSE_NS };
	pid_t pid = fork();

	for (int i = 1; pid < 0 && i < FORK_TRIES; i++) {
		nanosleep(&pause, NULL);
		pid = fork();
	}
	return pid;
}

/* 0 in the worker, its process id in the holder. */
static pid_t fork_worker(struct holder *h)
{
	pid_t holder = getpid();
	pid_t pid = fork_patiently();

	if (pid == 0) {
		become_worker(h, holder);
		return 0;
	}
	h->worker = pid;
	if (pid > 0 && h->was_reloaded)
		kill(pid, SIGHUP);
	return pid;
}

/* In the child: no signal but SIGKILL is for it. */
static void become_rings(struct holder *h, pid_t holder, int *starter_fd)
{
	sigset_t all;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != holder)
		_exit(EXIT_FAILURE);
	prctl(PR_SET_NAME, "podvolsd-rings");
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	closep(&h->signal_fd);
	closep(&h->holding.dev_fd);
	closep(starter_fd);
	fs_serve_rings(h->holding.state, h->holding.ring_fd);
	_exit(EXIT_FAILURE);
}

static void fork_rings(struct holder *h, int *starter_fd)
{
	pid_t holder = getpid();

	if (!h->options->has_rings)
		return;
	h->rings = fork();
	if (h->rings == 0)
		become_rings(h, holder, starter_fd);
	if (h->rings > 0)
		return;
	log_warning("cannot fork a process for rings: %m");
	closep(&h->holding.ring_fd);
	h->holding.ring_fd = -1;
}

/* There are none any more, and no worker can do without. */
static bool rings_ended(struct holder *h)
{
	int status;

	if (h->rings <= 0 || waitpid(h->rings, &status, WNOHANG) != h->rings)
		return h->rings_ended;
	log_err("the process of the rings ended (status %#x): so does the mount",
		(unsigned)status);
	h->rings = 0;
	h->rings_ended = true;
	return true;
}

static void pass_on(struct holder *h, int number)
{
	struct error err = { 0 };

	if (number == SIGCHLD)
		return;
	kill(h->worker, number);
	h->was_reloaded |= number == SIGHUP;
	if ((number == SIGTERM || number == SIGINT) && !h->is_stopping) {
		h->is_stopping = true;
		h->stop_by = now() + STOP_SECONDS;
	}
	/* Ours is the same file, which may have been moved away. */
	if (number == SIGUSR1 && h->options->log_file &&
	    log_file_open(h->options->log_file, &err) < 0)
		log_err("%s", err.text);
}

/* A signal, or the end of the worker's time. */
static void wait_for_news(struct holder *h)
{
	struct pollfd pfd = { .fd = h->signal_fd, .events = POLLIN };
	struct signalfd_siginfo info;
	time_t left = h->stop_by - now();
	int ms = -1;

	if (h->is_stopping)
		ms = left > 0 ? (int)left * 1000 : 0;
	if (poll(&pfd, 1, ms) > 0 &&
	    read(h->signal_fd, &info, sizeof(info)) == sizeof(info))
		pass_on(h, (int)info.ssi_signo);
}

/*
 * Wait for the end of the worker, passing signals on; returns its status.  One
 * that hangs when it is to stop, as it may when a server does not answer, is
 * killed; one that nothing ends is left behind.
 */
static int watch_worker(struct holder *h)
{
	bool is_killed = false;
	int status;

	for (;;) {
		if (waitpid(h->worker, &status, WNOHANG) == h->worker)
			return status;
		if (rings_ended(h))
			kill(h->worker, SIGKILL);
		if (!h->is_stopping || now() < h->stop_by) {
			wait_for_news(h);
			continue;
		}
		if (is_killed)
			return SIGKILL;
		log_err("has not stopped within %d s: killed", STOP_SECONDS);
		kill(h->worker, SIGKILL);
		is_killed = true;
		h->stop_by = now() + DIE_SECONDS;
	}
}

static bool dies_too_often(struct holder *h)
{
	if (now() - h->since >= DEATHS_SECONDS) {
		h->since = now();
		h->deaths = 0;
	}
	return ++h->deaths > DEATHS_MAX;
}

/* The worker could not do it any more, and no other daemon is to come. */
static void detach_mount(struct holder *h)
{
	cleanup_free char *path = NULL;

	/* EINVAL: it is away already. */
	if (fs_served_at(h->holding.state, &path) == 0 &&
	    umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL)
		log_err("cannot unmount '%s': %m", path);
}

/* The worker ended: is there to be another one? */
static bool has_successor(struct holder *h, int status)
{
	if (!WIFSIGNALED(status))
		return false;
	if (h->is_stopping || rings_ended(h)) {
		detach_mount(h);
		return false;
	}
	if (!fs_is_served(h->holding.state)) {
		log_err("killed by signal %d (%s), and nobody can take over: the mount ends",
			WTERMSIG(status), sigabbrev_np(WTERMSIG(status)));
		return false;
	}
	if (dies_too_often(h)) {
		log_err("killed by signal %d (%s), and %d times before within %d s: the mount is given up",
			WTERMSIG(status), sigabbrev_np(WTERMSIG(status)),
			DEATHS_MAX, DEATHS_SECONDS);
		return false;
	}
	log_warning("killed by signal %d (%s): another process takes over",
		    WTERMSIG(status), sigabbrev_np(WTERMSIG(status)));
	return true;
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int holder_run(holder_worker_fn *worker, void *arg, int *starter_fd,
	       const struct holder_options *options)
{
	struct holder h = { .holding = { .dev_fd = -1, .ring_fd = -1 },
			    .options = options };
	struct error err = { 0 };
	int code = EXIT_FAILURE;
	pid_t pid;
	int status;

	if (holder_open(&h, &err) < 0) {
		log_err("%s", err.text);
		holder_close(&h);
		return code;
	}
	fork_rings(&h, starter_fd);
	for (;;) {
		pid = fork_worker(&h);
		if (pid < 0) {
			log_err("cannot fork the worker: %m");
			break;
		}
		if (pid == 0) {
			code = worker(arg, &h.holding);
			break;
		}
		prctl(PR_SET_NAME, "podvolsd-holder");
		/* The starter waits until nobody has it any more. */
		closep(starter_fd);
		*starter_fd = -1;
		status = watch_worker(&h);
		code = exit_code(status);
		if (!has_successor(&h, status))
			break;
		h.holding.restarts++;
	}
	holder_close(&h);
	return code;
}
