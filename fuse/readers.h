/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readers.h - threads that read requests from the one /dev/fuse descriptor
 *
 * Handlers run on them; one that is about to wait for a disk says so with
 * readers_may_wait(), so that others are still served.
 */
#ifndef FUSE_READERS_H
#define FUSE_READERS_H

#include <sys/types.h>
#include <sys/uio.h>

struct readers;
struct transport_options;

int readers_open(const struct transport_options *options, struct readers **ret);
/* Take up to one request in the calling thread: for INIT, before the start. */
int readers_take_one(struct readers *r);
int readers_start(struct readers *r);
/* Stop taking requests and wait for the handlers that run. */
void readers_stop(struct readers *r);
/* The end; it was stopped before. */
void readers_close(struct readers *r);

/* Send an answer or a notification; the bytes sent or -errno. */
ssize_t readers_send(struct readers *r, const struct iovec *iov, int n);

/* The handler of this thread may now wait: let another thread take over. */
void readers_may_wait(struct readers *r);

unsigned readers_threads(const struct readers *r);

#endif
