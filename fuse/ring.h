/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - one io_uring through which one request at a time comes
 *
 * The kernel copies a request into the buffers of an entry when the thread
 * that registered it next enters the kernel.  An entry of a thread that is
 * busy elsewhere would therefore hold up its request: each ring has a single
 * entry, and while its thread is busy so is the entry.
 *
 * The io_uring may be this thread's own (ring_direct.c), or that of a process
 * that outlives this one (ring_relay.h).
 */
#ifndef FUSE_RING_H
#define FUSE_RING_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* The header of an entry, then room in which a request is put together. */
#define RING_PAGE     4096u
#define RING_HEADROOM 8192u

struct abi_ring_header;
struct error;
struct relay;
struct ring;
struct ring_slot;

struct ring_ops {
	int (*offer)(struct ring *r);
	int (*wait)(struct ring *r);
	void (*flush)(struct ring *r);
	void (*answered)(struct ring *r);		 /* NULL: nothing */
	void (*commit)(struct ring *r, uint64_t unique); /* NULL: nothing */
	void (*close)(struct ring *r);
};

struct ring {
	const struct ring_ops *ops;
	/* A request, and where its answer goes; size: of each payload. */
	struct abi_ring_header *header;
	char *payload;
	void *answer_header;
	char *answer_payload;
	uint32_t *answer_len;
	size_t size;
	/* A process before may have handled this request. */
	bool is_repeated;
	/* ring_direct.c */
	struct io_uring io;
	struct iovec iov[2]; /* header and payload, for the kernel */
	size_t mapped;	     /* 0: the memory is another's */
	uint16_t queue;
	/* ring_relay.c */
	struct relay *relay;
	struct ring_slot *slot;
};

/* Can the kernel and this process have such rings at all? */
int ring_probe(struct error *err);

/* Bytes of memory for a payload, and with the headroom for all of a ring. */
static inline size_t ring_payload_room(size_t size)
{
	return (size + RING_PAGE - 1) & ~(size_t)(RING_PAGE - 1);
}

static inline size_t ring_room(size_t payload_size)
{
	return RING_HEADROOM + ring_payload_room(payload_size);
}

/*
 * Make the ring of this thread; requests come only once it is registered.
 * memory: ring_room() bytes, zero at first; NULL: the ring has its own.
 */
int ring_open(struct ring *r, int dev_fd, unsigned queue, void *memory,
	      size_t payload_size);
/* Have this thread run where the clients of the queue are. */
void ring_pin(unsigned queue);

static inline void ring_close(struct ring *r)
{
	r->ops->close(r);
}

/* Offer the entry to the kernel. */
static inline int ring_register(struct ring *r)
{
	return r->ops->offer(r);
}

/*
 * Send the answer that was committed, if any, and wait for a request.
 * 0, -EAGAIN to call again, or what the kernel says of the ring.
 */
static inline int ring_wait(struct ring *r)
{
	return r->ops->wait(r);
}

/* Send the answer that was committed, and do not wait. */
static inline void ring_flush(struct ring *r)
{
	r->ops->flush(r);
}

/* The request in one piece; the buffer may be reused by ring_answer(). */
void *ring_request(struct ring *r, size_t *ret_len);
/* Put an answer into the buffers; the bytes or -errno.  From any thread. */
ssize_t ring_answer(struct ring *r, const struct iovec *iov, int n);

/* The answer in the buffers is complete: send it at the next ring_wait(). */
static inline void ring_commit(struct ring *r, uint64_t unique)
{
	if (r->ops->commit)
		r->ops->commit(r, unique);
}

#endif
