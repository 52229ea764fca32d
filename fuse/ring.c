/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c - requests and answers in the buffers of a ring */
#include "fuse/ring.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "fuse/abi.h"

#define CPUS_MAX 4096u

void ring_pin(unsigned queue)
{
	size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	cpu_set_t *cpus = CPU_ALLOC(CPUS_MAX);

	if (!cpus)
		return;
	CPU_ZERO_S(size, cpus);
	CPU_SET_S(queue, size, cpus);
	/* It serves as well elsewhere, if the CPU is not to be had. */
	sched_setaffinity(0, size, cpus);
	CPU_FREE(cpus);
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
	if (used > r->size || total != sizeof(struct fuse_out_header))
		return -EINVAL;
	total += used;
	used = 0;
	for (int i = 1; i < n; i++) {
		char *to = r->answer_payload + used;

		if (iov[i].iov_base != to)
			memmove(to, iov[i].iov_base, iov[i].iov_len);
		used += iov[i].iov_len;
	}
	memcpy(r->answer_header, iov[0].iov_base, iov[0].iov_len);
	*r->answer_len = (uint32_t)used;
	if (r->ops->answered)
		r->ops->answered(r);
	return (ssize_t)total;
}
