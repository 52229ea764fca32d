/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abi.h - the kernel's FUSE protocol beyond what Debian 12's headers (7.38) say
 *
 * Facts of include/uapi/linux/fuse.h up to 7.45, under names of our own so that
 * newer system headers do not clash.
 */
#ifndef FUSE_ABI_H
#define FUSE_ABI_H

#include <linux/fuse.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define ABI_MINOR 45

/* INIT flags as one word: low half `flags`, high half `flags2`. */
#define ABI_FEATURE(bit) (UINT64_C(1) << (bit))

/* Bits of struct fuse_open_out.open_flags. */
#define ABI_FOPEN_NOFLUSH		 (1u << 5)
#define ABI_FOPEN_PARALLEL_DIRECT_WRITES (1u << 6)
#define ABI_FOPEN_PASSTHROUGH		 (1u << 7)

/* in_header.unique of a request that the kernel sends again. */
#define ABI_UNIQUE_RESEND (UINT64_C(1) << 63)

/* Notifications, by the error of their header. */
#define ABI_NOTIFY_RESEND    7
#define ABI_NOTIFY_INC_EPOCH 8

/* The protocol from which on the kernel knows the last of these. */
#define ABI_INC_EPOCH_MINOR 44

enum abi_opcode {
	ABI_TMPFILE = 51,
	ABI_STATX = 52,
	ABI_COPY_FILE_RANGE_64 = 53,
};

#define ABI_STATX_MINOR 39

struct abi_open_out {
	uint64_t fh;
	uint32_t open_flags;
	int32_t backing_id;
};

struct abi_create_out {
	struct fuse_entry_out entry;
	struct abi_open_out open;
};

struct abi_init_out {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background;
	uint16_t congestion_threshold;
	uint32_t max_write;
	uint32_t time_gran;
	uint16_t max_pages;
	uint16_t map_alignment;
	uint32_t flags2;
	uint32_t max_stack_depth;
	uint16_t request_timeout;
	uint16_t unused[11];
};

struct abi_statx_in {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t sx_flags;
	uint32_t sx_mask;
};

/* The rest of the reply has the layout of struct statx. */
struct abi_statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t flags;
	uint64_t spare[2];
};

struct abi_copy_out {
	uint64_t bytes_copied;
};

struct abi_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};

#define ABI_DEV_BACKING_OPEN  _IOW(229, 1, struct abi_backing_map)
#define ABI_DEV_BACKING_CLOSE _IOW(229, 2, uint32_t)

/* Requests through io_uring: what an entry of a ring is made of. */
struct abi_ring_entry {
	uint64_t flags;
	uint64_t commit_id;
	uint32_t payload_size; /* without any header */
	uint32_t padding;
	uint64_t reserved;
};

struct abi_ring_header {
	char in_out[128]; /* fuse_in_header, then fuse_out_header */
	char op_in[128];  /* the first argument of the request */
	struct abi_ring_entry entry;
};

/* In the second half of the SQE. */
struct abi_ring_command {
	uint64_t flags;
	uint64_t commit_id;
	uint16_t queue;
	uint8_t padding[6];
};

enum abi_ring_op {
	ABI_RING_REGISTER = 1,
	ABI_RING_COMMIT_AND_FETCH = 2,
};

_Static_assert(sizeof(struct abi_ring_header) == 288, "ring header");
_Static_assert(sizeof(struct abi_ring_command) == 24, "ring command");
_Static_assert(sizeof(struct abi_init_out) == 64, "init reply");
_Static_assert(sizeof(struct abi_open_out) == 16, "open reply");
_Static_assert(sizeof(struct abi_create_out) == 144, "create reply");
_Static_assert(sizeof(struct abi_statx_out) == 32, "statx reply");

#endif
