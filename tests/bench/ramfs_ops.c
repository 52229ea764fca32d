/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ramfs_ops.c - the requests of the kernel, answered from memory
 *
 * The kernel is trusted: it has what it asks for, and has looked whether a name
 * is there.  It gets answers that are good for ever.
 */
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 14)

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuse/abi.h"
#include "fuse/attr.h"
#include "tests/bench/ramfs.h"

#define REPLY_MAX 65536u /* a listing, an extended attribute */

static void reply(fuse_req_t req, const void *out, size_t len)
{
	ramfs_unlock(fuse_req_userdata(req));
	fuse_reply_buf(req, out, len);
}

static void reply_err(fuse_req_t req, int error)
{
	ramfs_unlock(fuse_req_userdata(req));
	fuse_reply_err(req, error);
}

static struct inode *inode_of(fuse_req_t req, fuse_ino_t ino)
{
	struct inode *inode = inode_get(fuse_req_userdata(req), ino);

	if (!inode)
		abort();
	return inode;
}

static struct inode **name_of(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	return name_find(fuse_req_userdata(req), inode_of(req, dir), name);
}

/* --- names --- */

/* The kernel has it once more. */
static struct fuse_entry_out entry_of(struct inode *inode)
{
	inode->lookups++;
	return (struct fuse_entry_out){ .nodeid = inode->attr.ino,
					.entry_valid = ATTR_FOREVER,
					.attr_valid = ATTR_FOREVER,
					.attr = inode->attr };
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode *inode = *name_of(req, parent, name);
	struct fuse_entry_out out = { .entry_valid = ATTR_FOREVER };

	if (inode)
		out = entry_of(inode);
	reply(req, &out, sizeof(out));
}

/* mode has the type. */
static struct inode *make(fuse_req_t req, fuse_ino_t parent, const char *name,
			  mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct ramfs *fs = fuse_req_userdata(req);
	struct inode *inode = inode_new(fs, mode & ~ctx->umask);

	inode->attr.uid = ctx->uid;
	inode->attr.gid = ctx->gid;
	name_add(fs, inode_of(req, parent), name, inode);
	return inode;
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode)
{
	struct inode *inode = make(req, parent, name, S_IFDIR | mode);
	struct fuse_entry_out out = entry_of(inode);

	reply(req, &out, sizeof(out));
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		       const char *name)
{
	struct inode *inode = make(req, parent, name, S_IFLNK | 0777);
	struct fuse_entry_out out;

	inode->target = strdup(target);
	inode->attr.size = strlen(target);
	out = entry_of(inode);
	reply(req, &out, sizeof(out));
}

/* The target stays while the kernel has its link. */
static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	const char *target = inode_of(req, ino)->target;

	reply(req, target, strlen(target));
}

static void drop(fuse_req_t req, struct inode **found)
{
	struct inode *inode = *found;

	name_remove(found);
	inode->attr.nlink = 0;
	inode_put(fuse_req_userdata(req), inode);
}

static void op_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode **found = name_of(req, parent, name);
	bool full = (*found)->n_names;

	if (!full)
		drop(req, found);
	reply_err(req, full ? ENOTEMPTY : 0);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
		      fuse_ino_t newparent, const char *newname, unsigned flags)
{
	struct inode *inode = *name_of(req, parent, name);
	struct inode **victim = name_of(req, newparent, newname);

	if (flags || (*victim && (*victim)->n_names)) {
		reply_err(req, flags ? EINVAL : ENOTEMPTY);
		return;
	}
	if (*victim)
		drop(req, victim);
	name_remove(name_of(req, parent, name));
	name_add(fuse_req_userdata(req), inode_of(req, newparent), newname,
		 inode);
	reply_err(req, 0);
}

static void forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	struct inode *inode = inode_of(req, ino);

	inode->lookups -= n;
	inode_put(fuse_req_userdata(req), inode);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	forget(req, ino, n);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count,
			    struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(req, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* --- listings --- */

/* One entry at the front of buf; its length, 0 if there is no room. */
static size_t put(char *buf, size_t room, struct inode *inode, const char *name,
		  uint64_t next, bool plus)
{
	struct fuse_direntplus *p = (void *)buf;
	struct fuse_dirent *d = plus ? &p->dirent : (void *)buf;
	size_t name_len = strlen(name);
	size_t len = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;

	len = FUSE_DIRENT_ALIGN(len + name_len);
	if (len > room)
		return 0;
	memset(buf, 0, len);
	if (plus && inode->name == name)
		p->entry_out = entry_of(inode);
	d->ino = inode->attr.ino;
	d->off = next;
	d->namelen = (uint32_t)name_len;
	d->type = IFTODT(inode->attr.mode);
	memcpy(d->name, name, name_len);
	return len;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		 bool plus)
{
	static const char *const dots[] = { ".", ".." };
	_Alignas(struct fuse_direntplus) char buf[REPLY_MAX];
	struct inode *dir = inode_of(req, ino);
	size_t used = 0;
	size_t len = 1;

	if (size > sizeof(buf))
		size = sizeof(buf);
	for (size_t i = (size_t)off; len && i < dir->n_slots + 2; i++) {
		struct inode *inode = i && dir->parent ? dir->parent : dir;

		if (i >= 2)
			inode = dir->slots[i - 2];
		if (!inode)
			continue;
		len = put(buf + used, size - used, inode,
			  i < 2 ? dots[i] : inode->name, i + 1, plus);
		used += len;
	}
	reply(req, buf, used);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size,
			   off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, true);
}

/* As in fuse/ops_readdir.c: whoever lists it may use the kernel's cache. */
static void op_opendir(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	struct abi_open_out out = { 0 };

	(void)ino;
	if (fi->flags & O_NONBLOCK)
		out.open_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR;
	reply(req, &out, sizeof(out));
}

/* --- attributes --- */

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st,
		       int to_set, struct fuse_file_info *fi)
{
	struct fuse_attr_out out = { .attr_valid = ATTR_FOREVER };
	struct fuse_attr *attr = &inode_of(req, ino)->attr;

	(void)fi;
	if (to_set & FUSE_SET_ATTR_MODE)
		attr->mode = (attr->mode & S_IFMT) | (st->st_mode & 07777);
	if (to_set & FUSE_SET_ATTR_UID)
		attr->uid = st->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		attr->gid = st->st_gid;
	out.attr = *attr;
	reply(req, &out, sizeof(out));
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	op_setattr(req, ino, NULL, 0, fi);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			const char *value, size_t size, int flags)
{
	(void)flags;
	xattr_set(inode_of(req, ino), name, value, size);
	reply_err(req, 0);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			size_t size)
{
	const struct xattr *x = *xattr_find(inode_of(req, ino), name);
	struct fuse_getxattr_out out = { 0 };
	char value[REPLY_MAX];

	if (!x) {
		reply_err(req, ENODATA);
	} else if (size == 0) {
		out.size = (uint32_t)x->len;
		reply(req, &out, sizeof(out));
	} else if (x->len > size) {
		reply_err(req, ERANGE);
	} else {
		memcpy(value, x->value, x->len);
		reply(req, value, x->len);
	}
}

/* --- open files --- */

static struct abi_open_out open_out(fuse_req_t req)
{
	const struct ramfs *fs = fuse_req_userdata(req);

	return (struct abi_open_out){ .open_flags = ABI_FOPEN_PASSTHROUGH,
				      .backing_id = fs->backing_id };
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct abi_open_out out = open_out(req);

	(void)ino;
	(void)fi;
	reply(req, &out, sizeof(out));
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		      mode_t mode, struct fuse_file_info *fi)
{
	struct abi_create_out out = { .open = open_out(req) };

	(void)fi;
	out.entry = entry_of(make(req, parent, name, S_IFREG | mode));
	reply(req, &out, sizeof(out));
}

/* FLUSH, RELEASE and RELEASEDIR */
static void op_close(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	reply_err(req, 0);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		     struct fuse_file_info *fi)
{
	(void)datasync;
	op_close(req, ino, fi);
}

static void op_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		     struct flock *lock, int sleep)
{
	(void)lock;
	(void)sleep;
	op_close(req, ino, fi);
}

static void op_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		     int op)
{
	(void)op;
	op_close(req, ino, fi);
}

/* --- which --- */

static void op_init(void *arg, struct fuse_conn_info *conn)
{
	(void)arg;
	/* As fuse/ops.c. */
	conn->max_write = RAMFS_MAX_WRITE;
	conn->max_background = 256;
	conn->congestion_threshold = 192;
	conn->time_gran = 1;
}

const struct fuse_lowlevel_ops ramfs_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mkdir = op_mkdir,
	.unlink = op_remove,
	.rmdir = op_remove,
	.symlink = op_symlink,
	.rename = op_rename,
	.open = op_open,
	.flush = op_close,
	.release = op_close,
	.fsync = op_fsync,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_close,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.create = op_create,
	.setlk = op_setlk,
	.flock = op_flock,
};
