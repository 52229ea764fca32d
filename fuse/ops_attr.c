/* SPDX-License-Identifier: Apache-2.0 */
/* ops_attr.c - attributes, symbolic links and the filesystem's numbers */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "fuse/attr.h"
#include "fuse/caller.h"
#include "fuse/charge.h"
#include "fuse/internal.h"
#include "fuse/notify.h"
#include "fuse/privileges.h"
#include "fuse/transport.h"
#include "fuse/watch.h"
#include "store/volume.h"

static void getattr_virtual(fuse_req_t req, struct fs *fs, fuse_ino_t ino)
{
	struct fuse_entry_out entry;
	struct fuse_attr_out out = { 0 };
	struct vnode v;
	struct statx st;
	int r;

	r = vnode_decode(ino, &v);
	if (r == 0)
		r = vnode_getattr(fs->tree, &v, &st);
	if (r < 0) {
		reply_err(req, r);
		return;
	}
	vnode_entry_fill(&entry, &v, &st);
	out.attr = entry.attr;
	out.attr_valid = entry.attr_valid;
	fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	uint64_t validity = 0;
	struct inode inode;
	struct statx st;
	int r;

	if (vnode_is_virtual(ino)) {
		getattr_virtual(req, fs, ino);
		return;
	}
	r = inode_get(fs->inodes, ino, &inode);
	if (r == 0) {
		validity = watch_attr(fs, &inode);
		r = store_getattr(inode.volume->store, &inode.handle,
				  fs_store_file(fs, fi), &st);
	}
	if (r < 0)
		reply_err(req, r);
	else
		reply_attr_for(req, &inode, &st, validity);
}

static struct timespec set_time(uint32_t valid, uint32_t now,
				struct timespec ts)
{
	if (valid & now)
		ts.tv_nsec = UTIME_NOW;
	return ts;
}

/* The kernel's words to ours.  libfuse drops some bits: the request has them.
 */
static struct store_setattr setattr_of(const struct stat *attr)
{
	const struct fuse_setattr_in *in = session_body();
	struct store_setattr set = {
		.mode = attr->st_mode & 07777,
		.uid = attr->st_uid,
		.gid = attr->st_gid,
		.size = (uint64_t)attr->st_size,
		.atime = set_time(in->valid, FATTR_ATIME_NOW, attr->st_atim),
		.mtime = set_time(in->valid, FATTR_MTIME_NOW, attr->st_mtim),
	};
	static const struct {
		uint32_t fattr;
		enum store_set set;
	} map[] = {
		{ FATTR_MODE, STORE_SET_MODE },
		{ FATTR_UID, STORE_SET_UID },
		{ FATTR_GID, STORE_SET_GID },
		{ FATTR_SIZE, STORE_SET_SIZE },
		{ FATTR_ATIME, STORE_SET_ATIME },
		{ FATTR_MTIME, STORE_SET_MTIME },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (in->valid & map[i].fattr)
			set.set |= map[i].set;
	}
	return set;
}

/*
 * ftruncate(2) is a change even if the size stays, and the kernel leaves the
 * time of it to us.  The store knows by its open file, if it has one.
 */
static void stamp_ftruncate(struct store_setattr *set,
			    const struct store_file *file)
{
	const struct fuse_setattr_in *in = session_body();

	if (file || !(in->valid & FATTR_FH) || !(in->valid & FATTR_SIZE) ||
	    in->valid & FATTR_MTIME)
		return;
	set->set |= STORE_SET_MTIME;
	set->mtime.tv_nsec = UTIME_NOW;
}

/*
 * A SETATTR that sets nothing: somebody is about to change a file with bits
 * that they may not keep, or it is chown(2) to nobody, which changes the ctime
 * and takes the same bits, but is only for who may change the mode.
 */
static int setattr_nothing(const struct inode *inode, struct store_file *file,
			   struct statx *st)
{
	struct store_setattr touch = { .set = STORE_SET_UID, .uid = (uid_t)-1 };
	struct caller caller;
	mode_t lost;
	int r;

	r = store_getattr(inode->volume->store, &inode->handle, file, st);
	if (r < 0)
		return r;
	lost = privileges_lost(st);
	if (!lost)
		return store_setattr(inode->volume->store, &inode->handle, file,
				     &touch, st);
	caller_get(session_header()->pid, &caller);
	if (caller.fsuid != st->stx_uid &&
	    !caller_has(&caller, CALLER_CAP_FOWNER) &&
	    caller_is_in_chown(&caller))
		return -EPERM;
	return privileges_kill(inode, file, lost, st);
}

static int setattr(const struct inode *inode, struct store_file *file,
		   const struct store_setattr *set, struct statx *st)
{
	const struct fuse_setattr_in *in = session_body();
	mode_t lost = 0;
	int r = 0;

	if (!set->set)
		return setattr_nothing(inode, file, st);
	if (in->valid & FATTR_KILL_SUIDGID) {
		/* By the owner and group that the file has before. */
		r = store_getattr(inode->volume->store, &inode->handle, file,
				  st);
		lost = r == 0 ? privileges_lost(st) : 0;
	}
	if (r == 0)
		r = store_setattr(inode->volume->store, &inode->handle, file,
				  set, st);
	return r < 0 ? r : privileges_kill(inode, file, lost, st);
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct store_setattr set = setattr_of(attr);
	struct inode inode;
	struct charge c;
	struct statx st;
	int r;

	(void)to_set;
	r = fs_inode(fs, ino, &inode);
	if (r == 0 && set.set & STORE_SET_SIZE)
		transport_may_wait(fs->transport);
	if (r == 0 && set.set & STORE_SET_SIZE)
		r = charge_file(fs, &inode, (int64_t)set.size, 0, &c);
	if (r == 0) {
		stamp_ftruncate(&set, fs_store_file(fs, fi));
		r = setattr(&inode, fs_store_file(fs, fi), &set, &st);
		if (set.set & STORE_SET_SIZE)
			charge_file_done(&c);
	}
	/* The kernel keeps a link's target, and so its atime, to itself. */
	if (r == 0 && S_ISLNK(st.stx_mode)) {
		transport_may_wait(fs->transport);
		notify_data(fs, ino);
	}
	if (r < 0)
		reply_err(req, r);
	else
		reply_attr(req, &inode, &st);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = fuse_req_userdata(req);
	char target[PATH_MAX + 1];
	struct inode inode;
	struct vnode v;
	ssize_t n;

	if (vnode_is_virtual(ino)) {
		n = vnode_decode(ino, &v);
		if (n == 0)
			n = vnode_readlink(fs->tree, &v, target,
					   sizeof(target));
	} else {
		n = inode_get(fs->inodes, ino, &inode);
		if (n == 0)
			n = store_readlink(inode.volume->store, &inode.handle,
					   target, PATH_MAX);
		if (n >= 0)
			target[n] = '\0';
	}
	if (n < 0)
		reply_err(req, (int)n);
	else
		fuse_reply_readlink(req, target);
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = fuse_req_userdata(req);
	struct statvfs st = { .f_bsize = 4096,
			      .f_frsize = 4096,
			      .f_namemax = FS_NAME_MAX };
	struct inode inode;
	int r = 0;

	if (!vnode_is_virtual(ino)) {
		r = inode_get(fs->inodes, ino, &inode);
		if (r == 0)
			r = store_statfs(inode.volume->store, &inode.handle,
					 &st);
		if (r == 0)
			charge_statfs(fs, &inode, &st);
	}
	if (r < 0)
		reply_err(req, r);
	else
		fuse_reply_statfs(req, &st);
}

/* statx(2) for what a GETATTR does not carry: the time of birth. */
void op_statx(struct fs *fs, uint64_t nodeid)
{
	struct {
		struct abi_statx_out head;
		struct statx st;
	} out = { 0 };
	struct inode inode;
	struct vnode v;
	int r;

	if (vnode_is_virtual(nodeid)) {
		r = vnode_decode(nodeid, &v);
		if (r == 0)
			r = vnode_getattr(fs->tree, &v, &out.st);
	} else {
		r = inode_get(fs->inodes, nodeid, &inode);
		if (r == 0)
			r = store_getattr(inode.volume->store, &inode.handle,
					  NULL, &out.st);
		if (r == 0) {
			out.st.stx_ino =
				attr_ino(inode.volume, attr_dev(&out.st),
					 out.st.stx_ino);
			out.head.attr_valid = attr_validity(&inode);
		}
	}
	session_reply(fs, r, r < 0 ? NULL : &out, r < 0 ? 0 : sizeof(out));
}
