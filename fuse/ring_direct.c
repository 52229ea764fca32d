/* SPDX-License-Identifier: Apache-2.0 */
/* ring_direct.c - a ring whose io_uring is that of this thread */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fuse/abi.h"
#include "fuse/ring.h"
#include "store/base/error.h"

/* One in flight, and room for the next while the kernel ends it. */
#define SQ_ENTRIES 4u
/* Where the second half of a big SQE begins. */
#define SQE_COMMAND 48u

/* Requests are copied when we ask for them, never in the midst of a handler. */
#define RING_FLAGS                                                             \
	(IORING_SETUP_SQE128 | IORING_SETUP_SINGLE_ISSUER |                    \
	 IORING_SETUP_DEFER_TASKRUN)

int ring_probe(struct error *err)
{
	struct io_uring io;
	int r = io_uring_queue_init(SQ_ENTRIES, &io, RING_FLAGS);

	if (r < 0) {
		errno = -r;
		return error_set(err, r, "cannot make an io_uring: %m");
	}
	io_uring_queue_exit(&io);
	return 0;
}

static void direct_stage(struct ring *r, enum abi_ring_op op,
			 uint64_t commit_id)
{
	struct abi_ring_command command = { .commit_id = commit_id,
					    .queue = r->queue };
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->io);

	/* There is one entry, and so one command at a time. */
	assert(sqe);
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->fd = 0;
	sqe->off = op;
	if (op == ABI_RING_REGISTER) {
		sqe->addr = (uintptr_t)r->iov;
		sqe->len = 2;
	}
	memcpy((char *)sqe + SQE_COMMAND, &command, sizeof(command));
}

/* The result of the command that ended; -EAGAIN: none did. */
static int direct_reap(struct ring *r)
{
	struct io_uring_cqe *cqe;
	int ret;

	if (io_uring_peek_cqe(&r->io, &cqe) < 0)
		return -EAGAIN;
	ret = cqe->res;
	io_uring_cqe_seen(&r->io, cqe);
	return ret;
}

static int direct_offer(struct ring *r)
{
	int ret;

	direct_stage(r, ABI_RING_REGISTER, 0);
	ret = io_uring_submit(&r->io);
	if (ret < 0)
		return ret;
	/* It ends at once only if it fails. */
	ret = direct_reap(r);
	return ret == -EAGAIN ? 0 : ret;
}

static int direct_wait(struct ring *r)
{
	int ret = io_uring_submit_and_wait(&r->io, 1);

	if (ret < 0 && ret != -EINTR && ret != -EAGAIN)
		return ret;
	return direct_reap(r);
}

static void direct_flush(struct ring *r)
{
	io_uring_submit(&r->io);
}

static void direct_commit(struct ring *r, uint64_t unique)
{
	direct_stage(r, ABI_RING_COMMIT_AND_FETCH, unique);
}

static void direct_close(struct ring *r)
{
	io_uring_queue_exit(&r->io);
	if (r->mapped)
		munmap(r->header, r->mapped);
}

static const struct ring_ops direct_ops = {
	.offer = direct_offer,
	.wait = direct_wait,
	.flush = direct_flush,
	.commit = direct_commit,
	.close = direct_close,
};

static int map_own(struct ring *r, size_t size, void **ret)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 /* cppcheck-suppress invalidFunctionArg ; no file */
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	/* Most requests touch two pages of it. */
	madvise(map, size, MADV_NOHUGEPAGE);
	r->mapped = size;
	*ret = map;
	return 0;
}

static int io_open(struct ring *r, int dev_fd)
{
	int ret = io_uring_queue_init(SQ_ENTRIES, &r->io, RING_FLAGS);

	if (ret < 0)
		return ret;
	ret = io_uring_register_files(&r->io, &dev_fd, 1);
	if (ret < 0)
		io_uring_queue_exit(&r->io);
	else
		/* Only saves time. */
		io_uring_register_ring_fd(&r->io);
	return ret < 0 ? ret : 0;
}

int ring_open(struct ring *r, int dev_fd, unsigned queue, void *memory,
	      size_t payload_size)
{
	int ret = 0;

	*r = (struct ring){ .ops = &direct_ops, .queue = (uint16_t)queue };
	if (!memory)
		ret = map_own(r, ring_room(payload_size), &memory);
	if (ret < 0)
		return ret;
	r->header = memory;
	r->payload = (char *)memory + RING_HEADROOM;
	r->size = ring_payload_room(payload_size);
	r->answer_header = r->header->in_out;
	r->answer_payload = r->payload;
	r->answer_len = &r->header->entry.payload_size;
	r->iov[0] = (struct iovec){ r->header, sizeof(*r->header) };
	r->iov[1] = (struct iovec){ r->payload, r->size };
	ret = io_open(r, dev_fd);
	if (ret < 0 && r->mapped)
		munmap(memory, r->mapped);
	return ret;
}
