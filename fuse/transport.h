/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport.h - how requests come from the kernel and answers go back
 *
 * A transport owns the threads that take requests.  Handlers run on them; one
 * that is about to wait for a disk says so with transport_may_wait(), so that
 * others are still served.
 */
#ifndef FUSE_TRANSPORT_H
#define FUSE_TRANSPORT_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct transport;

/* Called for each request, in a transport thread; mem may be written to. */
typedef void transport_request_fn(void *arg, void *mem, size_t len);
/* The connection ended: the mount is gone. */
typedef void transport_ended_fn(void *arg);

struct transport_options {
	int dev_fd;	    /* /dev/fuse, borrowed */
	unsigned threads;   /* 0: one for each CPU */
	size_t max_request; /* bytes, header included */
	transport_request_fn *request;
	transport_ended_fn *ended;
	void *arg;
};

/* The `dev` transport: readers on the one /dev/fuse descriptor. */
int transport_open_dev(const struct transport_options *options,
		       struct transport **ret);
/* Take up to one request in the calling thread: for INIT, before the start. */
int transport_take_one(struct transport *t);
int transport_start(struct transport *t);
/* Stop taking requests and wait for the handlers that run. */
void transport_stop(struct transport *t);
/* The end; it was stopped before. */
void transport_close(struct transport *t);

/* Send an answer or a notification; the bytes sent or -errno. */
ssize_t transport_send(struct transport *t, const struct iovec *iov, int n);

/* The handler of this thread may now wait: let another thread take over. */
void transport_may_wait(struct transport *t);

const char *transport_name(const struct transport *t);
unsigned transport_threads(const struct transport *t);

#endif
