/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - memory that outlives the process that uses it */
#include "store/base/state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/base/cleanup.h"

struct state {
	int fds[STATE_N_PARTS];
};

int state_new(struct state **ret)
{
	struct state *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	for (int i = 0; i < STATE_N_PARTS; i++)
		s->fds[i] = -1;
	for (int i = 0; i < STATE_N_PARTS; i++) {
		s->fds[i] = memfd_create("podvols-state", MFD_CLOEXEC);
		if (s->fds[i] < 0) {
			int r = -errno;

			state_free(s);
			return r;
		}
	}
	*ret = s;
	return 0;
}

void state_free(struct state *s)
{
	if (!s)
		return;
	for (int i = 0; i < STATE_N_PARTS; i++)
		closep(&s->fds[i]);
	free(s);
}

int state_map(struct state *s, enum state_part part, size_t size, void **ret)
{
	int flags = MAP_SHARED | MAP_NORESERVE;
	int fd = -1;
	void *p;

	if (s) {
		fd = s->fds[part];
		if (ftruncate(fd, (off_t)size) < 0)
			return -errno;
	} else {
		flags |= MAP_ANONYMOUS;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	/*
	 * A dump would take memory for all of it, most of which was never used,
	 * and the next process wait for that.
	 */
	madvise(p, size, MADV_DONTDUMP);
	*ret = p;
	return 0;
}
