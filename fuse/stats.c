/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - counters of requests: always on, written by each thread for itself
 */
#include "fuse/stats.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuse/abi.h"
#include "fuse/fs.h"

/* Threads beyond this many share a set of counters, which is as correct. */
#define N_SETS 16u

static const char *const names[FS_OP_MAX] = {
	[FUSE_LOOKUP] = "lookup",
	[FUSE_FORGET] = "forget",
	[FUSE_GETATTR] = "getattr",
	[FUSE_SETATTR] = "setattr",
	[FUSE_READLINK] = "readlink",
	[FUSE_SYMLINK] = "symlink",
	[FUSE_MKNOD] = "mknod",
	[FUSE_MKDIR] = "mkdir",
	[FUSE_UNLINK] = "unlink",
	[FUSE_RMDIR] = "rmdir",
	[FUSE_RENAME] = "rename",
	[FUSE_LINK] = "link",
	[FUSE_OPEN] = "open",
	[FUSE_READ] = "read",
	[FUSE_WRITE] = "write",
	[FUSE_STATFS] = "statfs",
	[FUSE_RELEASE] = "release",
	[FUSE_FSYNC] = "fsync",
	[FUSE_SETXATTR] = "setxattr",
	[FUSE_GETXATTR] = "getxattr",
	[FUSE_LISTXATTR] = "listxattr",
	[FUSE_REMOVEXATTR] = "removexattr",
	[FUSE_FLUSH] = "flush",
	[FUSE_INIT] = "init",
	[FUSE_OPENDIR] = "opendir",
	[FUSE_READDIR] = "readdir",
	[FUSE_RELEASEDIR] = "releasedir",
	[FUSE_FSYNCDIR] = "fsyncdir",
	[FUSE_GETLK] = "getlk",
	[FUSE_SETLK] = "setlk",
	[FUSE_SETLKW] = "setlkw",
	[FUSE_ACCESS] = "access",
	[FUSE_CREATE] = "create",
	[FUSE_INTERRUPT] = "interrupt",
	[FUSE_BMAP] = "bmap",
	[FUSE_DESTROY] = "destroy",
	[FUSE_IOCTL] = "ioctl",
	[FUSE_POLL] = "poll",
	[FUSE_NOTIFY_REPLY] = "notify_reply",
	[FUSE_BATCH_FORGET] = "batch_forget",
	[FUSE_FALLOCATE] = "fallocate",
	[FUSE_READDIRPLUS] = "readdirplus",
	[FUSE_RENAME2] = "rename2",
	[FUSE_LSEEK] = "lseek",
	[FUSE_COPY_FILE_RANGE] = "copy_file_range",
	[ABI_TMPFILE] = "tmpfile",
	[ABI_STATX] = "statx",
	[ABI_COPY_FILE_RANGE_64] = "copy_file_range_64",
};

struct counter {
	atomic_uint_fast64_t requests;
	atomic_uint_fast64_t errors;
	atomic_uint_fast64_t sum_ns;
	atomic_uint_fast64_t latency[FS_LATENCY_BUCKETS];
};

struct set {
	struct counter ops[FS_OP_MAX];
} __attribute__((aligned(64)));

struct stats {
	struct set sets[N_SETS];
};

int stats_new(struct stats **ret)
{
	struct stats *s = aligned_alloc(64, sizeof(*s));

	if (!s)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	*ret = s;
	return 0;
}

void stats_free(struct stats *s)
{
	free(s);
}

uint64_t stats_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void bump(atomic_uint_fast64_t *p, uint64_t n)
{
	atomic_fetch_add_explicit(p, n, memory_order_relaxed);
}

/* Bucket i holds what took less than 2^i microseconds. */
static unsigned bucket_of(uint64_t ns)
{
	uint64_t us = ns / 1000;
	unsigned i = us ? 64 - (unsigned)__builtin_clzll(us) : 0;

	return i < FS_LATENCY_BUCKETS ? i : FS_LATENCY_BUCKETS - 1;
}

void stats_count(struct stats *s, uint32_t opcode, int error, uint64_t ns)
{
	static atomic_uint turn;
	static _Thread_local unsigned mine;
	struct counter *c;

	if (opcode >= FS_OP_MAX)
		return;
	if (mine == 0)
		mine = 1 + atomic_fetch_add(&turn, 1) % N_SETS;
	c = &s->sets[mine - 1].ops[opcode];
	bump(&c->requests, 1);
	bump(&c->errors, error != 0);
	bump(&c->sum_ns, ns);
	bump(&c->latency[bucket_of(ns)], 1);
}

static void op_sum(struct stats *s, unsigned op, struct fs_op_stats *ret)
{
	for (unsigned i = 0; i < N_SETS; i++) {
		struct counter *c = &s->sets[i].ops[op];

		ret->requests += atomic_load(&c->requests);
		ret->errors += atomic_load(&c->errors);
		ret->latency_sum_ns += atomic_load(&c->sum_ns);
		for (unsigned b = 0; b < FS_LATENCY_BUCKETS; b++)
			ret->latency[b] += atomic_load(&c->latency[b]);
	}
}

void stats_sum(struct stats *s, struct fs_stats *ret)
{
	for (unsigned op = 0; op < FS_OP_MAX; op++) {
		ret->ops[op] = (struct fs_op_stats){ .name = names[op] };
		if (names[op])
			op_sum(s, op, &ret->ops[op]);
	}
}
