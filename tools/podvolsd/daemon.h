/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.h - the parts of a running daemon, and the order of their lives
 */
#ifndef PODVOLSD_DAEMON_H
#define PODVOLSD_DAEMON_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

struct control_socket;
struct error;
struct fs;
struct helper;
struct holding;
struct http;
struct localfs;
struct node;
struct options;

struct daemon {
	const struct options *options;
	const struct holding *holding; /* borrowed */
	bool is_successor;	       /* of a worker that was killed */
	char *mountpoint;	       /* without symbolic links */
	struct helper *helper;
	struct localfs *localfs;
	struct node *node;
	_Atomic(struct fs *) fs; /* NULL while the mount is not there */
	struct control_socket *socket;
	struct http *http;
	int signal_fd;
	struct timespec started; /* CLOCK_REALTIME */
	struct timespec started_monotonic;
};

/*
 * Bring all parts up in order: state, mount (that of the worker before, if one
 * was killed), API.  When it returns 0 the mount
 * and the API answer.  On failure everything is down again.  The signals that
 * daemon_run() handles must be blocked already.
 */
int daemon_start(struct daemon *d, const struct options *options,
		 const struct holding *holding, struct error *err);

/*
 * Serve until a signal or the loss of the mount ends it, then take all parts
 * down.  Returns the exit code of the process.
 */
int daemon_run(struct daemon *d);

/* The signals that daemon_run() handles. */
void daemon_signals(sigset_t *set);
/* Block the signals of the daemon, for all threads made later. */
void daemon_block_signals(void);

#endif
