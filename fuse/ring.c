/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c - one io_uring through which one request at a time comes */
#include "fuse/ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fuse/abi.h"
#include "store/base/error.h"

/* One in flight, and room for the next while the kernel ends it. */
#define SQ_ENTRIES 4u
/* The header, then room in which a request is put together, each a page. */
#define PAGE	 4096u
#define HEADROOM 8192u
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

int ring_open(struct ring *r, int dev_fd, unsigned queue, size_t payload_size)
{
	char *map;
	int ret;

	*r = (struct ring){ .queue = (uint16_t)queue };
	r->mapped =
		HEADROOM + ((payload_size + PAGE - 1) & ~(size_t)(PAGE - 1));
	map = mmap(NULL, r->mapped, PROT_READ | PROT_WRITE,
		   /* cppcheck-suppress invalidFunctionArg ; no file */
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	/* Most requests touch two pages of it. */
	madvise(map, r->mapped, MADV_NOHUGEPAGE);
	r->header = (struct abi_ring_header *)(void *)map;
	r->payload = map + HEADROOM;
	r->iov[0] = (struct iovec){ r->header, sizeof(*r->header) };
	r->iov[1] = (struct iovec){ r->payload, r->mapped - HEADROOM };

	ret = io_uring_queue_init(SQ_ENTRIES, &r->io, RING_FLAGS);
	if (ret < 0) {
		munmap(map, r->mapped);
		return ret;
	}
	ret = io_uring_register_files(&r->io, &dev_fd, 1);
	if (ret < 0) {
		ring_close(r);
		return ret;
	}
	/* Only saves time. */
	io_uring_register_ring_fd(&r->io);
	return 0;
}

void ring_close(struct ring *r)
{
	io_uring_queue_exit(&r->io);
	munmap(r->header, r->mapped);
}

static void ring_stage(struct ring *r, enum abi_ring_op op, uint64_t commit_id)
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
static int ring_reap(struct ring *r)
{
	struct io_uring_cqe *cqe;
	int ret;

	if (io_uring_peek_cqe(&r->io, &cqe) < 0)
		return -EAGAIN;
	ret = cqe->res;
	io_uring_cqe_seen(&r->io, cqe);
	return ret;
}

int ring_register(struct ring *r)
{
	int ret;

	ring_stage(r, ABI_RING_REGISTER, 0);
	ret = io_uring_submit(&r->io);
	if (ret < 0)
		return ret;
	/* It ends at once only if it fails. */
	ret = ring_reap(r);
	return ret == -EAGAIN ? 0 : ret;
}

int ring_wait(struct ring *r)
{
	int ret = io_uring_submit_and_wait(&r->io, 1);

	if (ret < 0 && ret != -EINTR && ret != -EAGAIN)
		return ret;
	return ring_reap(r);
}

void ring_flush(struct ring *r)
{
	io_uring_submit(&r->io);
}

/*
 * The first argument of a request comes apart from the rest, which the
 * kernel puts at the beginning of the payload: both headers fit before it.
 */
void *ring_request(struct ring *r, size_t *ret_len)
{
	const struct fuse_in_header *in = (void *)r->header->in_out;
	uint32_t payload = r->header->entry.payload_size;
	size_t op = in->len - sizeof(*in) - payload;
	char *base;

	if (in->len < sizeof(*in) + (size_t)payload ||
	    op > sizeof(r->header->op_in))
		return NULL;
	base = r->payload - op - sizeof(*in);
	memcpy(base, in, sizeof(*in));
	memcpy(base + sizeof(*in), r->header->op_in, op);
	*ret_len = in->len;
	return base;
}

ssize_t ring_answer(struct ring *r, const struct iovec *iov, int n)
{
	size_t total = iov[0].iov_len;
	size_t used = 0;

	for (int i = 1; i < n; i++)
		used += iov[i].iov_len;
	if (used > r->iov[1].iov_len || total != sizeof(struct fuse_out_header))
		return -EINVAL;
	total += used;
	used = 0;
	for (int i = 1; i < n; i++) {
		char *to = r->payload + used;

		if (iov[i].iov_base != to)
			memmove(to, iov[i].iov_base, iov[i].iov_len);
		used += iov[i].iov_len;
	}
	memcpy(r->header->in_out, iov[0].iov_base, iov[0].iov_len);
	r->header->entry.payload_size = (uint32_t)used;
	return (ssize_t)total;
}

void ring_commit(struct ring *r, uint64_t unique)
{
	ring_stage(r, ABI_RING_COMMIT_AND_FETCH, unique);
}
