/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops_readdir.c - directory listings
 *
 * Listings have no state: each request goes on where the last name's offset
 * says.  Where only we change the directory, names come with their files'
 * attributes (readdirplus), which the kernel then keeps, as far as they are
 * wanted (listers.h).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "fuse/attr.h"
#include "fuse/internal.h"
#include "store/tree.h"
#include "store/volume.h"

/* The handle of a directory that is listed by the kernel's cache, too. */
#define DIR_WITH_CACHE 1

struct listing {
	struct fs *fs;
	struct inode inode; /* the directory, unless it is virtual */
	dev_t dev;
	bool plus;
	unsigned names_left; /* room for so many; see listers.h */
	uint64_t parent_ino; /* of ".." at a volume's root; 0 elsewhere */
	char *buf;
	size_t size;
	size_t used;
	int error;
};

/* Room for an entry; NULL if there is none left. */
static void *listing_room(struct listing *l, size_t name_len)
{
	size_t head = l->plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	size_t len = FUSE_DIRENT_ALIGN(head + name_len);
	void *p = l->buf + l->used;

	if (l->size - l->used < len)
		return NULL;
	memset(p, 0, len);
	return p;
}

/*
 * Append an entry with the mount's inode number.  entry (readdirplus) may be
 * NULL: name only.
 */
static void listing_put(struct listing *l, void *room,
			const struct store_dirent *e,
			const struct fuse_entry_out *entry)
{
	struct fuse_dirent *d = room;
	size_t head = FUSE_NAME_OFFSET;

	if (l->plus) {
		struct fuse_direntplus *plus = room;

		if (entry)
			plus->entry_out = *entry;
		d = &plus->dirent;
		head = FUSE_NAME_OFFSET_DIRENTPLUS;
	}
	d->ino = e->ino;
	d->off = e->off;
	d->namelen = (uint32_t)e->name_len;
	d->type = e->type;
	memcpy(d->name, e->name, e->name_len);
	l->used += FUSE_DIRENT_ALIGN(head + e->name_len);
}

static bool is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

static uint64_t entry_ino(const struct listing *l, const struct store_dirent *e)
{
	if (l->parent_ino && e->name_len == 2 && is_dots(e->name, 2))
		return l->parent_ino;
	return attr_ino(l->inode.volume, l->dev, e->ino);
}

static int listing_add(void *arg, const struct store_dirent *e)
{
	struct store_dirent put = *e;
	struct listing *l = arg;
	struct fuse_entry_out entry;
	struct inode inode;
	struct statx st;
	void *room = listing_room(l, e->name_len);

	if (!room || l->names_left == 0)
		return 1;
	if (l->plus && l->inode.volume->exclusive &&
	    !is_dots(e->name, e->name_len)) {
		int r = fs_lookup(l->fs, &l->inode, e->name, &inode, &st);

		if (r == 0) {
			l->names_left--;
			entry_fill(&entry, &inode, &st);
			put.ino = entry.attr.ino;
			listing_put(l, room, &put, &entry);
			return 0;
		}
		if (r == -ENOENT) /* removed meanwhile */
			return 0;
	}
	put.ino = entry_ino(l, e);
	listing_put(l, room, &put, NULL);
	return 0;
}

/* The pod directory above a volume's root. */
static uint64_t root_parent_ino(const struct volume *vol)
{
	struct vnode v = { .kind = VNODE_POD, .id = vol->pod_id };

	return vnode_ino(&v);
}

static int list_real(struct listing *l, uint64_t nodeid, uint64_t off)
{
	struct statx st;
	int r;

	r = inode_get(l->fs->inodes, nodeid, &l->inode);
	if (r < 0)
		return r;
	l->dev = atomic_load(&l->inode.volume->root_dev);
	if (l->inode.handle.realm !=
	    atomic_load(&l->inode.volume->root_realm)) {
		r = store_getattr(l->inode.volume->store, &l->inode.handle,
				  NULL, &st);
		if (r < 0)
			return r;
		l->dev = attr_dev(&st);
	}
	if (l->inode.flags & INODE_VOLUME_ROOT)
		l->parent_ino = root_parent_ino(l->inode.volume);
	return store_readdir(l->inode.volume->store, &l->inode.handle, off,
			     listing_add, l);
}

static struct store_dirent virtual_dirent(const char *name, uint64_t ino,
					  uint64_t off, mode_t mode)
{
	return (struct store_dirent){ .name = name,
				      .name_len = strlen(name),
				      .ino = ino,
				      .off = off,
				      .type = IFTODT(mode) };
}

static int volume_entry(struct listing *l, const struct vnode_dirent *e,
			void *room)
{
	struct store_dirent put;
	struct fuse_entry_out entry;
	struct inode inode;
	struct statx st;
	int r;

	r = fs_volume_root(l->fs, e->child.volume, &inode, &st);
	if (r < 0) /* a hostPath that is not there at the moment */
		return 0;
	entry_fill(&entry, &inode, &st);
	if (!l->plus)
		inode_forget(l->fs->inodes, inode.nodeid, 1);
	put = virtual_dirent(e->name, entry.attr.ino, e->off, st.stx_mode);
	listing_put(l, room, &put, &entry);
	return 0;
}

static int virtual_add(void *arg, const struct vnode_dirent *e)
{
	struct store_dirent put;
	struct listing *l = arg;
	const struct vnode *v = &e->child.vnode;
	struct fuse_entry_out entry;
	struct statx st;
	void *room = listing_room(l, strlen(e->name));

	if (!room)
		return 1;
	if (e->child.volume)
		return volume_entry(l, e, room);
	if (l->plus) {
		if (vnode_getattr(l->fs->tree, v, &st) < 0)
			return 0;
		vnode_entry_fill(&entry, v, &st);
	}
	put = virtual_dirent(e->name, vnode_ino(v), e->off, vnode_type(v));
	listing_put(l, room, &put, l->plus ? &entry : NULL);
	return 0;
}

static int list_virtual(struct listing *l, uint64_t nodeid, uint64_t off)
{
	struct store_dirent put;
	struct vnode parent;
	struct vnode dir;
	void *room;
	int r;

	r = vnode_decode(nodeid, &dir);
	if (r < 0)
		return r;
	vnode_parent(l->fs->tree, &dir, &parent);
	if (off < 1) {
		room = listing_room(l, 1);
		if (!room)
			return 0;
		put = virtual_dirent(".", vnode_ino(&dir), 1, S_IFDIR);
		listing_put(l, room, &put, NULL);
	}
	if (off < 2) {
		room = listing_room(l, 2);
		if (!room)
			return 0;
		put = virtual_dirent("..", vnode_ino(&parent), 2, S_IFDIR);
		listing_put(l, room, &put, NULL);
	}
	return vnode_readdir(l->fs->tree, &dir, off, virtual_add, l);
}

/* The kernel has gone on without the listing: take its look-ups back. */
static void list_undo(const struct listing *l)
{
	size_t at = 0;

	while (l->plus && at < l->used) {
		const struct fuse_direntplus *e = (void *)(l->buf + at);

		if (e->entry_out.nodeid &&
		    !vnode_is_virtual(e->entry_out.nodeid))
			inode_forget(l->fs->inodes, e->entry_out.nodeid, 1);
		at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS +
					e->dirent.namelen);
	}
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		 bool plus)
{
	struct fs *fs = fuse_req_userdata(req);
	struct listing l = { .fs = fs,
			     .plus = plus,
			     .names_left = UINT_MAX,
			     .buf = session_buffer() };
	int r;

	l.size = size < FS_MAX_WRITE ? size : FS_MAX_WRITE;
	if (plus && off == 0 &&
	    !listers_list(&fs->listers, session_header()->pid))
		l.names_left = LISTERS_FIRST_NAMES;
	if (!l.buf)
		r = -ENOMEM;
	else if (vnode_is_virtual(ino))
		r = list_virtual(&l, ino, (uint64_t)off);
	else
		r = list_real(&l, ino, (uint64_t)off);
	/* What was listed before an error is not lost. */
	if (r < 0 && l.used == 0)
		reply_err(req, r);
	else if (fuse_reply_buf(req, l.buf, l.used) == -ENOENT)
		list_undo(&l);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, true);
}

/*
 * The kernel goes on in its cache of a directory where the last name's offset
 * is, and takes it for the end if it finds that nowhere: if another handle
 * filled the cache anew after the name behind was removed.  So one handle at a
 * time has the cache; it fills it alone, and others ask us.  Two directories
 * that share a bit only ask more often.
 *
 * Whoever opens a directory to list it does so as opendir(3) does, with
 * O_NONBLOCK.  One that is held open for openat(2) only may be so for ever.
 */
static bool cache_claim(struct fs *fs, uint64_t nodeid)
{
	uint64_t bit = 1ULL << (nodeid % 64);

	return !(atomic_fetch_or(
			 &fs->listings[nodeid / 64 % (FS_LISTINGS / 64)], bit) &
		 bit);
}

static void cache_release(struct fs *fs, uint64_t nodeid)
{
	uint64_t bit = 1ULL << (nodeid % 64);

	atomic_fetch_and(&fs->listings[nodeid / 64 % (FS_LISTINGS / 64)], ~bit);
}

static bool is_ours_alone(struct fs *fs, uint64_t nodeid)
{
	struct inode inode;
	struct vnode v;

	/* Virtual directories too: notify_tree() drops their listings. */
	if (vnode_is_virtual(nodeid))
		return vnode_decode(nodeid, &v) == 0 &&
		       vnode_is_steady(fs->tree, &v);
	return inode_get(fs->inodes, nodeid, &inode) == 0 &&
	       inode.volume->exclusive;
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct abi_open_out out = { 0 };

	if (fi->flags & O_NONBLOCK && is_ours_alone(fs, ino) &&
	    cache_claim(fs, ino)) {
		out.open_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR;
		out.fh = DIR_WITH_CACHE;
	}
	if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) == -ENOENT &&
	    out.fh)
		cache_release(fs, ino);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (fi->fh == DIR_WITH_CACHE)
		cache_release(fuse_req_userdata(req), ino);
	reply_err(req, 0);
}
