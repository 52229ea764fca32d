/* SPDX-License-Identifier: Apache-2.0 */
/* ops.c - which handler serves which request */
#include <errno.h>

#include "fuse/internal.h"

static void op_init(void *arg, struct fuse_conn_info *conn)
{
	(void)arg;
	/* Features are negotiated in kernel.c; here are the sizes. */
	conn->max_write = FS_MAX_WRITE;
	conn->max_background = 256;
	conn->congestion_threshold = 192;
	conn->time_gran = 1;
}

const struct fuse_lowlevel_ops fs_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.create = op_create,
	.getlk = op_getlk,
	.setlk = op_setlk,
	.flock = op_flock,
	.ioctl = op_ioctl,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
	.copy_file_range = op_copy_file_range,
};

bool op_raw(struct fs *fs, const struct fuse_in_header *in)
{
	switch (in->opcode) {
	case FUSE_SETXATTR:
		op_setxattr(fs, in->nodeid);
		return true;
	case ABI_TMPFILE:
		op_tmpfile(fs, in->nodeid);
		return true;
	case ABI_STATX:
		/* Newer than what this kernel is to be taken for. */
		if (fs->kernel.minor < ABI_STATX_MINOR)
			return false;
		op_statx(fs, in->nodeid);
		return true;
	default:
		return false;
	}
}
