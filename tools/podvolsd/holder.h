/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder.h - the process that keeps the mount while the daemon is replaced
 *
 * A FUSE connection ends with the last descriptor of it, and so does its mount.
 * The holder has one, and the memory in which the daemon notes what it promised
 * the kernel (store/base/state.h).  It does nothing with either: it forks the
 * worker, which is the daemon, and when that is killed, another one, which goes
 * on where the first stopped; requests wait meanwhile.  It parses nothing and
 * answers nobody, so that there is little it could die of.
 *
 * Where requests are to come through io_uring, a third process has the rings
 * (fs_serve_rings()), for those would end with the worker.  Nobody can replace
 * that one: if it is killed, the mount ends.
 */
#ifndef PODVOLSD_HOLDER_H
#define PODVOLSD_HOLDER_H

#include <stdbool.h>

struct error;
struct state;

/* What the holder holds; the worker borrows it. */
struct holding {
	struct state *state; /* NULL: there is no holder */
	int dev_fd;	     /* of /dev/fuse */
	int ring_fd; /* the same, of a process that has its rings; or -1 */
	unsigned restarts; /* workers that were killed before this one */
};

/* The daemon: returns the exit code of its process. */
typedef int holder_worker_fn(void *arg, const struct holding *holding);

struct holder_options {
	bool has_rings;	      /* there is to be a process for them */
	const char *log_file; /* opened again when the daemon is told to */
};

/*
 * Fork worker(arg), again whenever it is killed while it serves; signals for
 * the daemon, which are blocked already, are passed on.  Returns the exit code
 * of the process: in the worker that of worker(), in the holder that of the
 * last one.  *starter_fd is the first worker's; the others find -1 there.
 */
int holder_run(holder_worker_fn *worker, void *arg, int *starter_fd,
	       const struct holder_options *options);

#endif
