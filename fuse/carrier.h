/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carrier.h - what brings requests to the mount: /dev/fuse alone, or rings too
 *
 * /dev/fuse (transport.h) is always there: INIT, FORGET, INTERRUPT and all
 * notifications go through it.  The `uring` carrier takes every other request
 * through rings beside it.  Handlers and replies see this interface only.
 */
#ifndef FUSE_CARRIER_H
#define FUSE_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "fuse/fs.h"

struct carrier;
struct error;
struct transport;
struct transport_options;

struct carrier_ops {
	const char *name;
	/* Begin to take requests; INIT was answered. */
	int (*start)(struct carrier *c);
	/* Take no more, and wait for the handlers that run. */
	void (*stop)(struct carrier *c);
	/* The end, after stop; whatever was pending is answered. */
	void (*close)(struct carrier *c);
	ssize_t (*send)(struct carrier *c, const struct iovec *iov, int n);
	void (*may_wait)(struct carrier *c);
	int (*may_pend)(struct carrier *c); /* NULL: without limit */
	unsigned (*threads)(const struct carrier *c);
};

/* Embedded first in what implements it. */
struct carrier {
	const struct carrier_ops *ops;
	struct transport *dev;
};

/* mountpoint: a path that outlives the carrier. */
int carrier_open_dev(const struct transport_options *options,
		     struct carrier **ret);
int carrier_open_uring(const struct transport_options *options,
		       const char *mountpoint, struct carrier **ret);

/* Would the kernel and this process have rings?  err says why not. */
int carrier_probe_uring(struct error *err);

/* The choice, and why in words.  Logs where it is not what was asked for. */
bool carrier_choose(enum fs_transport asked, char *reason, size_t size);

/* Take up to one request in the calling thread: for INIT, before the start. */
int carrier_take_one(struct carrier *c);

static inline int carrier_start(struct carrier *c)
{
	return c->ops->start(c);
}

static inline void carrier_stop(struct carrier *c)
{
	if (c)
		c->ops->stop(c);
}

static inline void carrier_close(struct carrier *c)
{
	if (c)
		c->ops->close(c);
}

/* Send an answer or a notification; the bytes sent or -errno. */
static inline ssize_t carrier_send(struct carrier *c, const struct iovec *iov,
				   int n)
{
	return c->ops->send(c, iov, n);
}

/* The handler of this thread may now wait: let another thread take over. */
static inline void carrier_may_wait(struct carrier *c)
{
	c->ops->may_wait(c);
}

/*
 * The request of this thread may be answered after its handler returned, by
 * any thread.  -EAGAIN if too many are already: it must be answered at once.
 */
static inline int carrier_may_pend(struct carrier *c)
{
	return c->ops->may_pend ? c->ops->may_pend(c) : 0;
}

/* Does a request that is answered later hold no thread? */
static inline bool carrier_pends_freely(const struct carrier *c)
{
	return !c->ops->may_pend;
}

/* Those that are there for requests, now. */
static inline unsigned carrier_threads(const struct carrier *c)
{
	return c->ops->threads(c);
}

#endif
