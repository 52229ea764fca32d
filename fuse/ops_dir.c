/* SPDX-License-Identifier: Apache-2.0 */
/* ops_dir.c - names: look up, make, link, move and remove */
#include <errno.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fuse/attr.h"
#include "fuse/charge.h"
#include "fuse/internal.h"
#include "fuse/watch.h"
#include "store/account.h"
#include "store/volume.h"

int fs_inode(struct fs *fs, uint64_t nodeid, struct inode *ret)
{
	if (vnode_is_virtual(nodeid))
		return -EPERM;
	return inode_get(fs->inodes, nodeid, ret);
}

struct store_cred fs_cred(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct store_cred){ .uid = ctx->uid,
				    .gid = ctx->gid,
				    .umask = ctx->umask };
}

bool is_fresh_of(const struct statx *st, const struct store_cred *cred)
{
	return st->stx_uid == cred->uid &&
	       (S_ISDIR(st->stx_mode) || st->stx_nlink == 1);
}

int fs_lookup(struct fs *fs, const struct inode *dir, const char *name,
	      struct inode *ret, struct statx *ret_st)
{
	struct store_handle h;
	int r;

	r = store_lookup(dir->volume->store, &dir->handle, name, &h, ret_st);
	if (r < 0)
		return r;
	return inode_remember(fs->inodes, dir->volume, &h, ret);
}

int fs_volume_root(struct fs *fs, struct volume *vol, struct inode *ret,
		   struct statx *ret_st)
{
	struct store_handle h;
	int r = store_root(vol->store, &h, ret_st);

	if (r < 0)
		return r;
	attr_keep_root(vol, &h, ret_st);
	r = inode_remember(fs->inodes, vol, &h, ret);
	if (r == 0 && !(ret->flags & INODE_VOLUME_ROOT))
		inode_set_flag(fs->inodes, ret->nodeid, INODE_VOLUME_ROOT);
	return r;
}

static void lookup_virtual(fuse_req_t req, struct fs *fs, fuse_ino_t parent,
			   const char *name)
{
	struct fuse_entry_out out;
	struct vnode_child child;
	struct vnode dir;
	struct inode inode;
	struct statx st;
	int r;

	r = vnode_decode(parent, &dir);
	if (r == 0 && strlen(name) > FS_NAME_MAX)
		r = -ENAMETOOLONG;
	if (r == 0)
		r = vnode_lookup(fs->tree, &dir, name, &child);
	if (r < 0) {
		reply_err(req, r);
		return;
	}
	if (child.volume) {
		r = fs_volume_root(fs, child.volume, &inode, &st);
		volume_unref(child.volume);
		if (r < 0)
			reply_err(req, r);
		else
			reply_entry(req, fs, &inode, &st);
		return;
	}
	r = vnode_getattr(fs->tree, &child.vnode, &st);
	if (r < 0) {
		reply_err(req, -ENOENT); /* it went in between */
		return;
	}
	vnode_entry_fill(&out, &child.vnode, &st);
	fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

/* Let the kernel remember that there is no such name. */
static void reply_negative(fuse_req_t req)
{
	struct fuse_entry_out out = { .entry_valid = ATTR_FOREVER };

	fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fuse_req_userdata(req);
	struct watch_look look = { 0 };
	struct inode inode;
	struct inode dir;
	struct statx st;
	int r;

	if (vnode_is_virtual(parent)) {
		lookup_virtual(req, fs, parent, name);
		return;
	}
	r = inode_get(fs->inodes, parent, &dir);
	if (r == 0) {
		watch_look_begin(fs, &dir, &look);
		r = fs_lookup(fs, &dir, name, &inode, &st);
	}
	if (r == 0 && dir.volume->exclusive)
		listers_look(&fs->listers, session_header()->pid);
	if (r == 0 && look.watched)
		reply_entry_for(req, fs, &inode, &st,
				watch_look_end(fs, &dir, &look, name, &inode));
	else if (r == 0)
		reply_entry(req, fs, &inode, &st);
	else if (r == -ENOENT && dir.volume->exclusive)
		reply_negative(req);
	else
		reply_err(req, r);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	struct fs *fs = fuse_req_userdata(req);

	if (!vnode_is_virtual(ino))
		inode_forget(fs->inodes, ino, nlookup);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count,
		     struct fuse_forget_data *forgets)
{
	struct fs *fs = fuse_req_userdata(req);

	for (size_t i = 0; i < count; i++) {
		if (!vnode_is_virtual(forgets[i].ino))
			inode_forget(fs->inodes, forgets[i].ino,
				     forgets[i].nlookup);
	}
	fuse_reply_none(req);
}

/* Answer a creation: remember what was made. */
static void reply_made(fuse_req_t req, struct fs *fs, int r,
		       const struct inode *dir, const struct store_handle *h,
		       const struct statx *st)
{
	struct inode inode;

	if (r == 0)
		r = inode_remember(fs->inodes, dir->volume, h, &inode);
	if (r < 0)
		reply_err(req, r);
	else
		reply_entry(req, fs, &inode, st);
}

/* A new object: its type is in mode. */
struct making {
	const char *name;
	mode_t mode;
	dev_t rdev;	    /* of a device */
	const char *target; /* of a link */
};

static int make_object(const struct inode *dir, const struct making *m,
		       const struct store_cred *cred, struct store_handle *h,
		       struct statx *st)
{
	struct store *store = dir->volume->store;

	switch (m->mode & S_IFMT) {
	case S_IFDIR:
		return store_mkdir(store, &dir->handle, m->name,
				   m->mode & ~S_IFMT, cred, h, st);
	case S_IFLNK:
		return store_symlink(store, &dir->handle, m->name, m->target,
				     cred, h, st);
	default:
		return store_mknod(store, &dir->handle, m->name, m->mode,
				   m->rdev, cred, h, st);
	}
}

static bool leads_to(struct store *store, const struct store_handle *h,
		     const char *target)
{
	char now[PATH_MAX];
	ssize_t n = store_readlink(store, h, now, sizeof(now));

	return n == (ssize_t)strlen(target) &&
	       memcmp(now, target, (size_t)n) == 0;
}

/*
 * Made already by a process that was killed before it could answer?  Objects
 * are made complete, in one step (store/localfs/create.c).
 */
static bool made_before(const struct inode *dir, const struct making *m,
			const struct store_cred *cred, struct store_handle *h,
			struct statx *st)
{
	struct store *store = dir->volume->store;

	if (!session_is_repeated() ||
	    store_lookup(store, &dir->handle, m->name, h, st) < 0 ||
	    (st->stx_mode & S_IFMT) != (m->mode & S_IFMT) ||
	    !is_fresh_of(st, cred))
		return false;
	if (S_ISCHR(m->mode) || S_ISBLK(m->mode))
		return makedev(st->stx_rdev_major, st->stx_rdev_minor) ==
		       m->rdev;
	return !S_ISLNK(m->mode) || leads_to(store, h, m->target);
}

static void make(fuse_req_t req, fuse_ino_t parent, const struct making *m)
{
	struct fs *fs = fuse_req_userdata(req);
	struct store_cred cred = fs_cred(req);
	struct store_handle h;
	struct charge c;
	struct inode dir;
	struct statx st;
	int r;

	r = fs_inode(fs, parent, &dir);
	if (r == 0 && made_before(&dir, m, &cred, &h, &st)) {
		reply_made(req, fs, 0, &dir, &h, &st);
		return;
	}
	if (r == 0)
		r = charge_make(fs, &dir, CHARGE_OBJECT, &c);
	if (r == 0) {
		do {
			r = make_object(&dir, m, &cred, &h, &st);
		} while (charge_again(&c, r));
		charge_made(&c, r, &st);
	}
	reply_made(req, fs, r, &dir, &h, &st);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	      dev_t rdev)
{
	make(req, parent,
	     &(struct making){ .name = name, .mode = mode, .rdev = rdev });
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make(req, parent,
	     &(struct making){ .name = name,
			       .mode = (mode & ~S_IFMT) | S_IFDIR });
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		const char *name)
{
	make(req, parent,
	     &(struct making){
		     .name = name, .mode = S_IFLNK, .target = target });
}

/* Both inodes, which must be of one volume. */
static int inode_pair(struct fs *fs, uint64_t a, uint64_t b,
		      struct inode *ret_a, struct inode *ret_b)
{
	int r = fs_inode(fs, a, ret_a);

	if (r == 0)
		r = fs_inode(fs, b, ret_b);
	if (r == 0 && ret_a->volume != ret_b->volume)
		r = -EXDEV;
	return r;
}

static bool linked_before(const struct inode *inode, const struct inode *dir,
			  const char *name, struct statx *st)
{
	struct store_handle h;

	return session_is_repeated() &&
	       store_lookup(dir->volume->store, &dir->handle, name, &h, st) ==
		       0 &&
	       store_handle_equal(&h, &inode->handle);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
	     const char *name)
{
	struct fs *fs = fuse_req_userdata(req);
	struct inode inode;
	struct charge c;
	struct inode dir;
	struct statx st;
	int r;

	r = inode_pair(fs, ino, parent, &inode, &dir);
	if (r == 0 && linked_before(&inode, &dir, name, &st)) {
		reply_made(req, fs, 0, &dir, &inode.handle, &st);
		return;
	}
	if (r == 0)
		r = charge_make(fs, &dir, CHARGE_LINK, &c);
	if (r == 0) {
		do {
			r = store_link(dir.volume->store, &inode.handle,
				       &dir.handle, name, &st);
		} while (charge_again(&c, r));
		charge_made(&c, r, NULL);
	}
	/* One of O_TMPFILE has a name now. */
	if (r == 0 && dir.volume->usage && st.stx_nlink == 1)
		account_adopt(dir.volume->usage, &inode.handle);
	reply_made(req, fs, r, &dir, &inode.handle, &st);
}

/*
 * To take away or move a name twice would take away what others have put there
 * meanwhile; and what else than moving a name away is not seen by its absence,
 * to do it twice would undo it.  So whoever takes over is told what it is
 * about.
 */
#define RENAME_LEAVES_NAME (RENAME_EXCHANGE | RENAME_WHITEOUT)

static void note_victim(struct fs *fs, const struct inode *dir,
			const char *name)
{
	struct store_handle h;
	struct statx st;

	if (fs->journal && !dir->volume->exclusive && !session_noted_handle() &&
	    store_lookup(dir->volume->store, &dir->handle, name, &h, &st) == 0)
		session_note_handle(&h);
}

static int note_moved(struct fs *fs, const struct inode *dir, const char *name,
		      unsigned flags)
{
	struct store_handle h;
	struct statx st;
	int r;

	if (!fs->journal || !(flags & RENAME_LEAVES_NAME)) {
		note_victim(fs, dir, name);
		return 0;
	}
	r = store_lookup(dir->volume->store, &dir->handle, name, &h, &st);
	if (r == 0)
		session_note_handle(&h);
	return r;
}

/* What was noted of it had the name once: does it not have it any more? */
static bool is_away(const struct inode *dir, const char *name)
{
	const struct store_handle *noted = session_noted_handle();
	struct store *store = dir->volume->store;
	struct store_handle h;
	struct statx st;
	int r;

	if (!noted || store_adopt(store, noted) < 0)
		return false;
	r = store_lookup(store, &dir->handle, name, &h, &st);
	return r == -ENOENT || (r == 0 && !store_handle_equal(&h, noted));
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name,
			bool directory)
{
	struct fs *fs = fuse_req_userdata(req);
	struct inode dir;
	struct charge c;
	int r;

	r = fs_inode(fs, parent, &dir);
	if (r == 0 && is_away(&dir, name)) {
		reply_err(req, 0);
		return;
	}
	if (r == 0)
		note_victim(fs, &dir, name);
	if (r == 0)
		r = charge_remove(fs, &dir, name, &c);
	if (r == 0) {
		struct store *store = dir.volume->store;

		r = directory ? store_rmdir(store, &dir.handle, name)
			      : store_unlink(store, &dir.handle, name);
		charge_removed(&c, r);
	}
	/* The kernel knew the name: a process before took it away. */
	if (r == -ENOENT && session_is_repeated())
		r = 0;
	if (r == 0)
		watch_removed(fs, &dir, name);
	reply_err(req, r);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, false);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, true);
}

static int rename_begin(struct fs *fs, const struct inode *dir,
			const char *name, const struct inode *newdir,
			const char *newname, unsigned flags, struct charge *c)
{
	int r = note_moved(fs, dir, name, flags);

	if (r == 0)
		r = charge_rename(fs, dir, newdir, newname, flags, c);
	return r;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	       fuse_ino_t newparent, const char *newname, unsigned flags)
{
	struct fs *fs = fuse_req_userdata(req);
	struct inode newdir;
	struct inode dir;
	struct charge c;
	int r;

	r = inode_pair(fs, parent, newparent, &dir, &newdir);
	if (r == 0 && is_away(&dir, name)) {
		reply_err(req, 0);
		return;
	}
	if (r == 0)
		r = rename_begin(fs, &dir, name, &newdir, newname, flags, &c);
	if (r == 0) {
		do {
			r = store_rename(dir.volume->store, &dir.handle, name,
					 &newdir.handle, newname, flags);
		} while (charge_again(&c, r));
		charge_renamed(&c, r, name, flags);
	}
	if (r == -ENOENT && session_is_repeated())
		r = 0;
	if (r == 0)
		watch_renamed(fs, &dir, name, &newdir, newname,
			      flags & RENAME_EXCHANGE);
	reply_err(req, r);
}
