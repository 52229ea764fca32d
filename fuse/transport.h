/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport.h - how requests come from the kernel and answers go back
 *
 * A transport owns the threads that take requests.  Handlers run on them; one
 * that is about to wait for a disk says so with transport_may_wait(), so that
 * others are still served.
 *
 * /dev/fuse (readers.h) is always there: INIT, FORGET, INTERRUPT and all
 * notifications go through it.  The `uring` transport takes every other
 * request through rings beside it.
 */
#ifndef FUSE_TRANSPORT_H
#define FUSE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "fuse/fs.h"

struct error;
struct readers;
struct state;
struct transport;

/* Called for each request, in a transport thread; mem may be written to. */
typedef void transport_request_fn(void *arg, void *mem, size_t len);
/* The connection ended: the mount is gone. */
typedef void transport_ended_fn(void *arg);

struct transport_options {
	int dev_fd;	     /* /dev/fuse, borrowed */
	unsigned threads;    /* 0: one for each CPU */
	size_t max_request;  /* bytes, header included */
	struct state *state; /* rings are another's: transport_serve_rings() */
	transport_request_fn *request;
	transport_ended_fn *ended;
	void *arg;
};

struct transport_ops {
	const char *name;
	/* Begin to take requests; INIT was answered. */
	int (*start)(struct transport *t);
	/* Take no more, and wait for the handlers that run. */
	void (*stop)(struct transport *t);
	/* The end, after stop; whatever was pending is answered. */
	void (*close)(struct transport *t);
	ssize_t (*send)(struct transport *t, const struct iovec *iov, int n);
	void (*may_wait)(struct transport *t);
	int (*may_pend)(struct transport *t);	    /* NULL: no limit */
	bool (*repeats)(const struct transport *t); /* NULL: never */
	unsigned (*threads)(const struct transport *t);
};

/* Embedded first in what implements it. */
struct transport {
	const struct transport_ops *ops;
	struct readers *dev;
};

/* mountpoint: a path that outlives the transport. */
int transport_open_dev(const struct transport_options *options,
		       struct transport **ret);
int transport_open_uring(const struct transport_options *options,
			 const char *mountpoint, struct transport **ret);

/* Would the kernel and this process have rings?  err says why not. */
int transport_probe_uring(struct error *err);

/*
 * Have the rings for transports with this state, in a process that goes on when
 * theirs is killed.  Does not return, unless it cannot begin.
 */
int transport_serve_rings(struct state *state, int dev_fd, size_t max_request);

/*
 * The choice, and why in words; is_relayed: rings would be another process's.
 * Logs where it is not what was asked for.
 */
bool transport_choose(enum fs_transport asked, bool is_relayed, char *reason,
		      size_t size);
/* If they have to be, will it be rings?  For whoever starts that process. */
bool transport_needs_relay(enum fs_transport asked);

/* Take up to one request in the calling thread: for INIT, before the start. */
int transport_take_one(struct transport *t);

static inline int transport_start(struct transport *t)
{
	return t->ops->start(t);
}

static inline void transport_stop(struct transport *t)
{
	if (t)
		t->ops->stop(t);
}

static inline void transport_close(struct transport *t)
{
	if (t)
		t->ops->close(t);
}

/* Send an answer or a notification; the bytes sent or -errno. */
static inline ssize_t transport_send(struct transport *t,
				     const struct iovec *iov, int n)
{
	return t->ops->send(t, iov, n);
}

/* The handler of this thread may now wait: let another thread take over. */
static inline void transport_may_wait(struct transport *t)
{
	t->ops->may_wait(t);
}

/*
 * The request of this thread may be answered after its handler returned, by
 * any thread.  -EAGAIN if too many are already: it must be answered at once.
 */
static inline int transport_may_pend(struct transport *t)
{
	return t->ops->may_pend ? t->ops->may_pend(t) : 0;
}

/* Does a request that is answered later hold no thread? */
static inline bool transport_pends_freely(const struct transport *t)
{
	return !t->ops->may_pend;
}

/*
 * Was the request of this thread given to a process before, too?  (Where the
 * kernel itself repeats one it says so in its header.)
 */
static inline bool transport_is_repeated(const struct transport *t)
{
	return t->ops->repeats && t->ops->repeats(t);
}

/* Those that are there for requests, now. */
static inline unsigned transport_threads(const struct transport *t)
{
	return t->ops->threads(t);
}

#endif
