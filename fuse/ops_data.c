/* SPDX-License-Identifier: Apache-2.0 */
/* ops_data.c - what else is done with the data of a file, and ioctl(2) */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuse/charge.h"
#include "fuse/internal.h"
#include "fuse/transport.h"
#include "store/volume.h"

/* The largest argument of the ioctls that the store knows. */
#define IOCTL_DATA_MAX 256

struct store_file *fs_store_file(struct fs *fs, const struct fuse_file_info *fi)
{
	struct file *file = fi ? file_get(fs->files, fi->fh) : NULL;

	return file ? file->file : NULL;
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
	      struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct inode inode;
	int r;

	r = fs_inode(fs, ino, &inode);
	if (r == 0) {
		transport_may_wait(fs->transport);
		r = store_fsync(inode.volume->store, &inode.handle,
				fs_store_file(fs, fi), datasync);
	}
	reply_err(req, r);
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
		 struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct inode inode;
	int r = 0;

	(void)fi;
	if (!vnode_is_virtual(ino)) {
		r = inode_get(fs->inodes, ino, &inode);
		transport_may_wait(fs->transport);
		if (r == 0)
			r = store_fsyncdir(inode.volume->store, &inode.handle,
					   datasync);
	}
	reply_err(req, r);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off,
		  off_t len, struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct inode inode;
	int r;

	r = fs_inode(fs, ino, &inode);
	if (r == 0) {
		transport_may_wait(fs->transport);
		r = charge_fallocate(fs, &inode, fs_store_file(fs, fi), mode,
				     (uint64_t)off, (uint64_t)len);
	}
	reply_err(req, r);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
	      struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct inode inode;
	off_t r;

	r = fs_inode(fs, ino, &inode);
	if (r == 0)
		r = store_lseek(inode.volume->store, &inode.handle,
				fs_store_file(fs, fi), off, whence);
	if (r < 0)
		reply_err(req, (int)r);
	else
		fuse_reply_lseek(req, r);
}

/* NOLINTNEXTLINE(readability-function-size): the library gives the list */
void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			struct fuse_file_info *fi_in, fuse_ino_t ino_out,
			off_t off_out, struct fuse_file_info *fi_out,
			size_t len, int flags)
{
	struct fs *fs = fuse_req_userdata(req);
	struct file *file = fi_out ? file_get(fs->files, fi_out->fh) : NULL;
	bool counted = false;
	struct inode out;
	struct inode in;
	ssize_t n;

	n = fs_inode(fs, ino_in, &in);
	if (n == 0)
		n = fs_inode(fs, ino_out, &out);
	/* The kernel then copies through its own read and write. */
	if (n == 0 && in.volume != out.volume)
		n = -EXDEV;
	if (n == 0 && file)
		n = charge_write(fs, &out, file->account, (uint64_t)off_out,
				 &len, &counted);
	if (n == 0) {
		transport_may_wait(fs->transport);
		n = store_copy_file_range(
			in.volume->store, &in.handle, fs_store_file(fs, fi_in),
			off_in, &out.handle, fs_store_file(fs, fi_out), off_out,
			len, (unsigned)flags);
	}
	if (counted)
		charge_wrote(&out, file->account);
	if (n < 0)
		reply_err(req, (int)n);
	else
		fuse_reply_write(req, (size_t)n);
}

/* NOLINTNEXTLINE(readability-function-size): the library gives the list */
void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
	      struct fuse_file_info *fi, unsigned flags, const void *in_buf,
	      size_t in_size, size_t out_size)
{
	struct fs *fs = fuse_req_userdata(req);
	char data[IOCTL_DATA_MAX] = { 0 };
	struct file *file = NULL;
	struct inode inode;
	int r;

	(void)arg;
	if (flags & FUSE_IOCTL_COMPAT || _IOC_SIZE(cmd) > sizeof(data) ||
	    in_size > sizeof(data) || out_size > sizeof(data)) {
		reply_err(req, -ENOTTY);
		return;
	}
	if (in_size)
		memcpy(data, in_buf, in_size);
	r = fs_inode(fs, ino, &inode);
	if (r == -EPERM)
		r = -ENOTTY;
	if (r == 0 && !(flags & FUSE_IOCTL_DIR))
		file = file_get(fs->files, fi->fh);
	if (r == 0)
		r = store_ioctl(inode.volume->store, &inode.handle,
				file ? file->file : NULL, cmd, data);
	if (r < 0)
		reply_err(req, r);
	else
		fuse_reply_ioctl(req, r, data, out_size);
}
