/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - is a request as long as what its handler reads of it? */
#include "fuse/request.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "fuse/abi.h"

/* What stands behind the header: a fixed part, then names. */
static const struct shape {
	uint16_t fixed;
	uint16_t names; /* NUL-terminated, one after the other */
} shapes[] = {
	[FUSE_LOOKUP] = { 0, 1 },
	[FUSE_FORGET] = { sizeof(struct fuse_forget_in), 0 },
	[FUSE_GETATTR] = { sizeof(struct fuse_getattr_in), 0 },
	[FUSE_SETATTR] = { sizeof(struct fuse_setattr_in), 0 },
	[FUSE_SYMLINK] = { 0, 2 },
	[FUSE_MKNOD] = { sizeof(struct fuse_mknod_in), 1 },
	[FUSE_MKDIR] = { sizeof(struct fuse_mkdir_in), 1 },
	[FUSE_UNLINK] = { 0, 1 },
	[FUSE_RMDIR] = { 0, 1 },
	[FUSE_RENAME] = { sizeof(struct fuse_rename_in), 2 },
	[FUSE_LINK] = { sizeof(struct fuse_link_in), 1 },
	[FUSE_OPEN] = { sizeof(struct fuse_open_in), 0 },
	[FUSE_READ] = { sizeof(struct fuse_read_in), 0 },
	[FUSE_WRITE] = { sizeof(struct fuse_write_in), 0 },
	[FUSE_RELEASE] = { sizeof(struct fuse_release_in), 0 },
	[FUSE_FSYNC] = { sizeof(struct fuse_fsync_in), 0 },
	[FUSE_GETXATTR] = { sizeof(struct fuse_getxattr_in), 1 },
	[FUSE_LISTXATTR] = { sizeof(struct fuse_getxattr_in), 0 },
	[FUSE_REMOVEXATTR] = { 0, 1 },
	[FUSE_FLUSH] = { sizeof(struct fuse_flush_in), 0 },
	[FUSE_INIT] = { offsetof(struct fuse_init_in, flags2), 0 },
	[FUSE_OPENDIR] = { sizeof(struct fuse_open_in), 0 },
	[FUSE_READDIR] = { sizeof(struct fuse_read_in), 0 },
	[FUSE_RELEASEDIR] = { sizeof(struct fuse_release_in), 0 },
	[FUSE_FSYNCDIR] = { sizeof(struct fuse_fsync_in), 0 },
	[FUSE_GETLK] = { sizeof(struct fuse_lk_in), 0 },
	[FUSE_SETLK] = { sizeof(struct fuse_lk_in), 0 },
	[FUSE_SETLKW] = { sizeof(struct fuse_lk_in), 0 },
	[FUSE_CREATE] = { sizeof(struct fuse_create_in), 1 },
	[FUSE_INTERRUPT] = { sizeof(struct fuse_interrupt_in), 0 },
	[FUSE_IOCTL] = { sizeof(struct fuse_ioctl_in), 0 },
	[FUSE_BATCH_FORGET] = { sizeof(struct fuse_batch_forget_in), 0 },
	[FUSE_FALLOCATE] = { sizeof(struct fuse_fallocate_in), 0 },
	[FUSE_READDIRPLUS] = { sizeof(struct fuse_read_in), 0 },
	[FUSE_RENAME2] = { sizeof(struct fuse_rename2_in), 2 },
	[FUSE_LSEEK] = { sizeof(struct fuse_lseek_in), 0 },
	[FUSE_COPY_FILE_RANGE] = { sizeof(struct fuse_copy_file_range_in), 0 },
	[ABI_TMPFILE] = { sizeof(struct fuse_create_in), 0 },
	[ABI_STATX] = { sizeof(struct abi_statx_in), 0 },
};

#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* The bytes that the fixed part announces behind itself. */
static uint64_t announced(uint32_t opcode, const void *body)
{
	switch (opcode) {
	case FUSE_WRITE:
		return ((const struct fuse_write_in *)body)->size;
	case FUSE_IOCTL:
		return ((const struct fuse_ioctl_in *)body)->in_size;
	case FUSE_BATCH_FORGET:
		return ((const struct fuse_batch_forget_in *)body)->count *
		       (uint64_t)sizeof(struct fuse_forget_one);
	default:
		return 0;
	}
}

bool request_is_whole(const struct fuse_in_header *in)
{
	const char *body = (const char *)(in + 1);
	size_t len = in->len - sizeof(*in);
	const struct shape *shape;

	if (in->opcode >= N_SHAPES)
		return true;
	shape = &shapes[in->opcode];
	if (len < shape->fixed ||
	    len - shape->fixed < announced(in->opcode, body))
		return false;
	body += shape->fixed;
	len -= shape->fixed;
	for (unsigned i = 0; i < shape->names; i++) {
		size_t n = strnlen(body, len);

		if (n == len)
			return false;
		body += n + 1;
		len -= n + 1;
	}
	return true;
}

bool request_has_answer(uint32_t opcode)
{
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET &&
	       opcode != FUSE_INTERRUPT;
}

bool request_is_gated(const struct fuse_in_header *in)
{
	return request_has_answer(in->opcode) && request_is_whole(in) &&
	       in->opcode != FUSE_INIT && in->opcode != FUSE_DESTROY &&
	       in->opcode != FUSE_READLINK;
}

bool request_must_be_handled(uint32_t opcode)
{
	return opcode == FUSE_RELEASE || opcode == FUSE_RELEASEDIR ||
	       opcode == FUSE_FLUSH;
}

bool request_is_once_only(const struct fuse_in_header *in)
{
	const struct fuse_write_in *write = (const void *)(in + 1);

	switch (in->opcode) {
	case FUSE_WRITE:
		return write->flags & O_APPEND &&
		       !(write->write_flags & FUSE_WRITE_CACHE);
	case FUSE_SYMLINK:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_LINK:
	case FUSE_OPEN:
	case FUSE_CREATE:
	case ABI_TMPFILE:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
	/* One handle at a time has the cache of a directory. */
	case FUSE_OPENDIR:
	case FUSE_RELEASEDIR:
		return true;
	default:
		return false;
	}
}
