/* SPDX-License-Identifier: Apache-2.0 */
/* charge.c - what a request adds to the usage of its volume */
#include "fuse/charge.h"

#include <errno.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>

#include "fuse/internal.h"
#include "fuse/transport.h"
#include "store/account.h"
#include "store/usage.h"
#include "store/volume.h"

/*
 * How many blocks a directory may grow by one name: a split of the last leaf
 * and one of the index above; and the new object may need one.
 */
#define GROWTH_DIR 2
#define GROWTH_NEW 1

/* Others may take again and again what was given back. */
#define TRIES_MAX 100

static int begin(struct fs *fs, const struct inode *inode, bool grows,
		 struct charge *c)
{
	struct usage *u = inode->volume->usage;
	int r;

	*c = (struct charge){ .fs = fs };
	if (!u)
		return 0;
	if (usage_begin_waits(u))
		transport_may_wait(fs->transport);
	r = usage_begin(u, grows);
	if (r == 0)
		c->usage = u;
	return r;
}

static void end(struct charge *c)
{
	if (c->reserved || c->has_inode)
		quota_charge(&c->usage->quota, -c->reserved,
			     c->has_inode ? -1 : 0);
	if (c->removes)
		usage_remove_end(c->usage);
	usage_end(c->usage);
}

static int dir_allocated(const struct inode *dir, int64_t *ret,
			 uint32_t *ret_block)
{
	struct statx st;
	int r = store_getattr(dir->volume->store, &dir->handle, NULL, &st);

	if (r < 0)
		return r;
	*ret = usage_allocated_of(&st);
	if (ret_block)
		*ret_block = usage_block_size(&st);
	return 0;
}

static int watch_dir(struct charge *c, const struct inode *dir,
		     uint32_t *ret_block)
{
	int r = dir_allocated(dir, &c->dir_before[c->n_dirs], ret_block);

	if (r == 0)
		c->dirs[c->n_dirs++] = dir;
	return r;
}

static void settle_dirs(struct charge *c)
{
	for (unsigned i = 0; i < c->n_dirs; i++) {
		int64_t now;

		if (dir_allocated(c->dirs[i], &now, NULL) < 0 ||
		    now == c->dir_before[i])
			continue;
		now -= c->dir_before[i];
		quota_charge(&c->usage->quota, now, 0);
		atomic_fetch_add(&c->usage->allocated, now);
	}
}

static int reserve(struct charge *c, int64_t bytes)
{
	struct quota *q = &c->usage->quota;
	int64_t n;

	if (!quota_is_limited(q))
		return 0;
	n = quota_reserve(q, bytes, bytes);
	if (n < 0) {
		transport_may_wait(c->fs->transport);
		usage_make_room(c->usage, NULL, bytes);
		n = quota_reserve(q, bytes, bytes);
	}
	if (n < 0)
		return (int)n;
	c->reserved = n;
	return 0;
}

static int reserve_inode(struct charge *c)
{
	int r = quota_reserve_inode(&c->usage->quota);

	if (r < 0) {
		transport_may_wait(c->fs->transport);
		usage_make_room(c->usage, NULL, INT64_MAX);
		r = quota_reserve_inode(&c->usage->quota);
	}
	if (r == 0)
		c->has_inode = true;
	return r;
}

int charge_make(struct fs *fs, const struct inode *dir, enum charge_made made,
		struct charge *c)
{
	bool is_new = made != CHARGE_LINK;
	uint32_t block = 0;
	int r = begin(fs, dir, true, c);

	if (r < 0 || !c->usage)
		return r;
	r = watch_dir(c, dir, &block);
	if (r == 0 && is_new)
		r = reserve_inode(c);
	if (r == 0)
		r = reserve(c, (GROWTH_DIR + (is_new ? GROWTH_NEW : 0)) *
				       (int64_t)block);
	/* Nobody keeps others from changing the directory meanwhile. */
	if (made == CHARGE_TMPFILE)
		c->n_dirs = 0;
	if (r < 0)
		end(c);
	return r;
}

bool charge_again(struct charge *c, int r)
{
	if (r != -EDQUOT || !c->usage || ++c->tries > TRIES_MAX)
		return false;
	transport_may_wait(c->fs->transport);
	return usage_settle_kept(c->usage, &c->dirs[0]->handle);
}

void charge_made(struct charge *c, int r, const struct statx *st)
{
	if (!c->usage)
		return;
	/* Before the reserved room is given back: it is never both. */
	if (r == 0 && st)
		usage_changed(c->usage, NULL, st);
	settle_dirs(c);
	end(c);
}

/* What the name stands for, which is about to lose it. */
static int watch_victim(struct charge *c, const struct inode *dir,
			const char *name)
{
	int r;

	usage_remove_begin(c->usage);
	c->removes = true;
	r = store_lookup(dir->volume->store, &dir->handle, name,
			 &c->victim_handle, &c->victim);
	if (r == 0)
		c->has_victim = true;
	return r == -ENOENT ? 0 : r;
}

/* It is charged for as long as somebody knows it: it may be open. */
static void settle_victim(struct charge *c)
{
	struct usage *u = c->usage;
	bool is_open = false;
	bool is_known;

	usage_freed(u);
	if (!c->has_victim ||
	    (!S_ISDIR(c->victim.stx_mode) && c->victim.stx_nlink > 1))
		return;
	is_known = inode_is_known(c->fs->inodes, u->volume_id,
				  &c->victim_handle, &is_open);
	if (account_orphan(u, &c->victim_handle, &c->victim, is_open) < 0)
		usage_changed(u, &c->victim, NULL);
	else if (!is_known)
		account_gone(u, &c->victim_handle);
}

int charge_remove(struct fs *fs, const struct inode *dir, const char *name,
		  struct charge *c)
{
	int r = begin(fs, dir, false, c);

	if (r < 0 || !c->usage)
		return r;
	r = watch_dir(c, dir, NULL);
	if (r == 0)
		r = watch_victim(c, dir, name);
	if (r < 0)
		end(c);
	return r;
}

void charge_removed(struct charge *c, int r)
{
	if (!c->usage)
		return;
	if (r == 0)
		settle_victim(c);
	settle_dirs(c);
	end(c);
}

int charge_rename(struct fs *fs, const struct inode *dir,
		  const struct inode *newdir, const char *newname,
		  unsigned flags, struct charge *c)
{
	uint32_t block = 0;
	int r = begin(fs, dir, true, c);

	if (r < 0 || !c->usage)
		return r;
	r = watch_dir(c, newdir, &block);
	if (r == 0 && dir->nodeid != newdir->nodeid)
		r = watch_dir(c, dir, NULL);
	if (r == 0 && !(flags & (RENAME_EXCHANGE | RENAME_NOREPLACE)))
		r = watch_victim(c, newdir, newname);
	if (r == 0 && flags & RENAME_WHITEOUT)
		r = reserve_inode(c);
	if (r == 0 && !c->has_victim && !(flags & RENAME_EXCHANGE))
		r = reserve(c, GROWTH_DIR * (int64_t)block);
	if (r < 0)
		end(c);
	return r;
}

void charge_renamed(struct charge *c, int r, const char *name, unsigned flags)
{
	const struct inode *dir;
	struct store_handle h;
	struct statx st;

	if (!c->usage)
		return;
	if (r == 0)
		settle_victim(c);
	dir = c->dirs[c->n_dirs - 1];
	if (r == 0 && flags & RENAME_WHITEOUT &&
	    store_lookup(dir->volume->store, &dir->handle, name, &h, &st) == 0)
		usage_changed(c->usage, NULL, &st);
	settle_dirs(c);
	end(c);
}

/* --- files --- */

static int file_reserve(struct charge *c, int64_t bytes)
{
	int r;

	if (!quota_is_limited(&c->usage->quota))
		return 0;
	r = account_reserve(c->usage, c->account, bytes);
	if (r == -ENOSPC) {
		transport_may_wait(c->fs->transport);
		usage_make_room(c->usage, c->account,
				bytes - atomic_load(&c->account->charged));
		r = account_reserve(c->usage, c->account, bytes);
	}
	return r;
}

/* The account of the file, locked.  Every request for it is of one volume, and
 * the kernel sends no other change of the size meanwhile: nobody waits long. */
static int file_begin(struct fs *fs, const struct inode *inode, bool grows,
		      struct charge *c)
{
	int r = begin(fs, inode, grows, c);

	if (r < 0 || !c->usage)
		return r;
	r = account_get(c->usage, &inode->handle, NULL, &c->account);
	if (r < 0) {
		end(c);
		return r;
	}
	pthread_mutex_lock(&c->account->lock);
	return 0;
}

int charge_file(struct fs *fs, const struct inode *inode, int64_t size,
		int64_t more, struct charge *c)
{
	int64_t want;
	int r = file_begin(fs, inode, more > 0 || size > 0, c);

	if (r < 0 || !c->usage)
		return r;
	want = usage_round(c->account->block_size, size);
	if (more > 0)
		want = atomic_load(&c->account->charged) +
		       usage_round(c->account->block_size, more);
	r = file_reserve(c, want);
	if (r < 0)
		charge_file_done(c);
	return r;
}

void charge_file_done(struct charge *c)
{
	if (!c->usage)
		return;
	pthread_mutex_unlock(&c->account->lock);
	account_put(c->usage, c->account);
	usage_freed(c->usage);
	end(c);
}

/*
 * Under a limit a file never has both holes and blocks behind its end: a
 * mapping could fill the holes, and nobody would notice that it has more than
 * the charge for either.
 */
static int drop_excess(const struct inode *inode, struct charge *c)
{
	struct store_setattr set = { .set = STORE_SET_SIZE };
	struct store *store = inode->volume->store;
	struct statx st;
	int r = store_getattr(store, &inode->handle, NULL, &st);

	if (r < 0 ||
	    usage_allocated_of(&st) <=
		    usage_round(c->account->block_size, (int64_t)st.stx_size))
		return r;
	set.size = st.stx_size;
	return store_setattr(store, &inode->handle, NULL, &set, &st);
}

static bool ends_behind(const struct inode *inode, int64_t at)
{
	struct statx st;

	return store_getattr(inode->volume->store, &inode->handle, NULL, &st) ==
		       0 &&
	       at > (int64_t)st.stx_size;
}

static int limited_fallocate(const struct inode *inode, struct charge *c,
			     struct store_file *file, int mode, uint64_t off,
			     uint64_t len)
{
	struct store *store = inode->volume->store;
	int64_t need = (int64_t)(off + len);
	int r = 0;

	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE)) {
		need = 0;
		r = drop_excess(inode, c);
	} else if (mode & FALLOC_FL_INSERT_RANGE) {
		r = drop_excess(inode, c);
		need = atomic_load(&c->account->charged) + (int64_t)len;
	}
	if (r == 0)
		r = file_reserve(c, usage_round(c->account->block_size, need));
	if (r == 0)
		r = store_fallocate(store, &inode->handle, file, mode, off,
				    len);
	if (r == 0 && mode & FALLOC_FL_KEEP_SIZE && need > 0 &&
	    ends_behind(inode, need))
		r = store_fallocate(store, &inode->handle, file,
				    FALLOC_FL_KEEP_SIZE, 0, off + len);
	return r;
}

int charge_fallocate(struct fs *fs, const struct inode *inode,
		     struct store_file *file, int mode, uint64_t off,
		     uint64_t len)
{
	struct charge c;
	int r;

	if (off > INT64_MAX || len > INT64_MAX || off + len > INT64_MAX)
		return store_fallocate(inode->volume->store, &inode->handle,
				       file, mode, off, len);
	r = file_begin(fs, inode, !(mode & FALLOC_FL_PUNCH_HOLE), &c);
	if (r < 0)
		return r;
	if (c.usage && quota_is_limited(&c.usage->quota))
		r = limited_fallocate(inode, &c, file, mode, off, len);
	else
		r = store_fallocate(inode->volume->store, &inode->handle, file,
				    mode, off, len);
	charge_file_done(&c);
	return r;
}

/* --- open files and writes --- */

int charge_open(struct fs *fs, const struct inode *inode,
		const struct statx *known, struct account **ret)
{
	struct charge c;
	int r = begin(fs, inode, true, &c);

	if (r < 0 || !c.usage)
		return r;
	r = account_get(c.usage, &inode->handle, known, ret);
	usage_end(c.usage);
	return r;
}

void charge_release(const struct inode *inode, struct account *account)
{
	struct usage *u = inode->volume->usage;

	if (u)
		account_put(u, account);
}

int charge_reopen(const struct inode *inode, bool writes, struct account **ret)
{
	struct usage *u = inode->volume->usage;
	struct statx st;
	int r;

	if (!u)
		return 0;
	r = store_getattr(inode->volume->store, &inode->handle, NULL, &st);
	if (r == 0 && st.stx_nlink == 0)
		r = account_orphan(u, &inode->handle, &st, true);
	if (r == 0 && writes)
		r = account_get(u, &inode->handle, &st, ret);
	return r;
}

void charge_flushed(const struct inode *inode)
{
	if (inode->volume->usage)
		account_closed(inode->volume->usage, &inode->handle, false);
}

void charge_closed(const struct inode *inode)
{
	if (inode->volume->usage)
		account_closed(inode->volume->usage, &inode->handle, true);
}

bool charge_wants_writes(const struct inode *inode)
{
	return inode->volume->usage &&
	       quota_is_limited(&inode->volume->usage->quota);
}

int charge_write(struct fs *fs, const struct inode *inode,
		 struct account *account, uint64_t off, size_t *len,
		 bool *ret_end)
{
	struct usage *u = inode->volume->usage;
	size_t n = 0;
	int r;

	*ret_end = false;
	if (!account || !quota_is_limited(&u->quota))
		return 0;
	r = account_write(u, account, off, *len, &n);
	if (r == -ENOSPC || (r == 0 && n < *len)) {
		if (r == 0)
			account_wrote(u, account);
		transport_may_wait(fs->transport);
		usage_make_room(u, NULL, (int64_t)*len + account->block_size);
		r = account_write(u, account, off, *len, &n);
	}
	if (r < 0)
		return r;
	*ret_end = true;
	*len = n;
	return 0;
}

void charge_wrote(const struct inode *inode, struct account *account)
{
	account_wrote(inode->volume->usage, account);
}

/* --- what df(1) shows --- */

static fsblkcnt_t blocks_left(int64_t room, fsblkcnt_t disk,
			      const struct statvfs *st)
{
	fsblkcnt_t n = (uint64_t)room / st->f_frsize;

	return n < disk ? n : disk;
}

static void statfs_bytes(const struct usage *u, struct statvfs *st)
{
	const struct quota *q = &u->quota;
	int64_t limit = atomic_load(&q->limit_bytes);
	int64_t room = quota_room(q);

	if (q->parent && atomic_load(&q->parent->limit_bytes) < limit)
		limit = atomic_load(&q->parent->limit_bytes);
	st->f_blocks = (uint64_t)limit / st->f_frsize;
	st->f_bfree = blocks_left(room, st->f_bfree, st);
	st->f_bavail = blocks_left(room, st->f_bavail, st);
}

static void statfs_kept(const struct volume_kept *kept, struct statvfs *st)
{
	int64_t room = kept->limit_bytes - kept->used_bytes;

	if (room < 0)
		room = 0;
	st->f_blocks = (uint64_t)kept->limit_bytes / st->f_frsize;
	st->f_bfree = blocks_left(room, st->f_bfree, st);
	st->f_bavail = blocks_left(room, st->f_bavail, st);
}

void charge_statfs(struct fs *fs, const struct inode *inode, struct statvfs *st)
{
	struct usage *u = inode->volume->usage;
	struct usage_totals totals;
	struct volume_kept kept;
	int64_t room;

	if (!u || !st->f_frsize)
		return;
	if (atomic_load(&u->keeper.is_used)) {
		transport_may_wait(fs->transport);
		if (usage_kept(u, &kept) == 0 && kept.limit_bytes > 0)
			statfs_kept(&kept, st);
	}
	room = quota_inode_room(&u->quota);
	if (!quota_is_limited(&u->quota) && room == QUOTA_NO_LIMIT)
		return;
	transport_may_wait(fs->transport);
	usage_get(u, &totals);
	room = quota_inode_room(&u->quota);
	if (quota_is_limited(&u->quota))
		statfs_bytes(u, st);
	/* btrfs has no number of inodes to tell. */
	if (st->f_files == 0 && room == QUOTA_NO_LIMIT)
		return;
	if (st->f_files == 0 || (uint64_t)room < st->f_ffree)
		st->f_ffree = (uint64_t)room;
	st->f_favail = st->f_ffree;
	st->f_files = (uint64_t)totals.inodes + st->f_ffree;
}
