/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - one io_uring through which one request at a time comes
 *
 * The kernel copies a request into the buffers of an entry when the thread
 * that registered it next enters the kernel.  An entry of a thread that is
 * busy elsewhere would therefore hold up its request: each ring has a single
 * entry, and while its thread is busy so is the entry.
 */
#ifndef FUSE_RING_H
#define FUSE_RING_H

#include <liburing.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct abi_ring_header;
struct error;

struct ring {
	struct io_uring io;
	struct abi_ring_header *header;
	char *payload;
	size_t mapped;
	struct iovec iov[2]; /* header and payload, for the kernel */
	uint16_t queue;
};

/* Can the kernel and this process have such rings at all? */
int ring_probe(struct error *err);

/* Make the ring of this thread; requests come only once it is registered. */
int ring_open(struct ring *r, int dev_fd, unsigned queue, size_t payload_size);
void ring_close(struct ring *r);
/* Offer the entry to the kernel. */
int ring_register(struct ring *r);

/*
 * Send the answer that was committed, if any, and wait for a request.
 * 0, -EAGAIN to call again, or what the kernel says of the ring.
 */
int ring_wait(struct ring *r);
/* Send the answer that was committed, and do not wait. */
void ring_flush(struct ring *r);

/* The request in one piece; the buffer is reused by ring_answer(). */
void *ring_request(struct ring *r, size_t *ret_len);
/* Put an answer into the buffers; the bytes or -errno.  From any thread. */
ssize_t ring_answer(struct ring *r, const struct iovec *iov, int n);
/* The answer in the buffers is complete: send it at the next ring_wait(). */
void ring_commit(struct ring *r, uint64_t unique);

#endif
