/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops_file.c - open files: open, create, read, write, release
 *
 * The bytes of a file in a local filesystem go past us: its open is answered
 * with a backing id and the kernel reads and writes the file itself
 * (passthrough).  Where the kernel or the filesystem has no passthrough, an
 * open file of the store does the work.  An inode has one mode for as long as
 * it is open.
 *
 * Under a limit of the volume, what is open for writing has both: writes come
 * to us, so that they are counted, and the backing id serves mappings.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuse/attr.h"
#include "fuse/charge.h"
#include "fuse/internal.h"
#include "fuse/locks.h"
#include "fuse/notify.h"
#include "fuse/privileges.h"
#include "fuse/transport.h"
#include "store/account.h"
#include "store/base/cleanup.h"
#include "store/base/log.h"
#include "store/tree.h"
#include "store/volume.h"

/* Reads and writes above this may wait: others go on meanwhile. */
#define SMALL_IO (128u << 10)

/* What open(2) does when it is called; the file has been found and emptied. */
#define OPEN_ONCE (O_CREAT | O_EXCL | O_TRUNC)

/* A descriptor to register as the backing of an inode; -1: none at hand. */
struct backing {
	struct fs *fs;
	int fd;
};

static int backing_make(void *arg)
{
	struct backing *b = arg;
	struct abi_backing_map map = { .fd = b->fd };
	int id;

	if (b->fd < 0)
		return -EAGAIN;
	id = ioctl(b->fs->dev_fd, ABI_DEV_BACKING_OPEN, &map);
	if (id <= 0)
		log_debug("no passthrough for a file: %m");
	return id;
}

static bool wants_passthrough(const struct fs *fs, const struct inode *inode)
{
	return kernel_has(&fs->kernel, KERNEL_PASSTHROUGH) &&
	       !(inode->flags & INODE_NO_PASSTHROUGH);
}

struct opening {
	struct fs *fs;
	const struct inode *inode;
	int32_t *ret_id;
};

static int open_with(void *arg, int fd)
{
	const struct opening *o = arg;
	struct backing b = { .fs = o->fs, .fd = fd };

	return inode_open(o->fs->inodes, o->inode->nodeid, backing_make, &b,
			  o->ret_id);
}

/*
 * Count the open in the inode, with a backing id if it can have one.  fd is a
 * descriptor of the file, or -1 to get one if it is needed.
 */
static int open_backing(struct fs *fs, const struct inode *inode, int fd,
			int32_t *ret_id)
{
	struct opening o = { .fs = fs, .inode = inode, .ret_id = ret_id };
	int r = -EOPNOTSUPP;

	if (wants_passthrough(fs, inode)) {
		r = -EAGAIN;
		if (fd >= 0 || inode->is_open)
			r = open_with(&o, fd);
		/* None was given, and its last open may have ended meanwhile */
		if (r == -EAGAIN)
			r = store_with_path(inode->volume->store,
					    &inode->handle, open_with, &o);
	}
	if (r == -EOPNOTSUPP)
		r = inode_open(fs->inodes, inode->nodeid, NULL, NULL, ret_id);
	return r;
}

/*
 * Is there something to do when a file is closed, and not only when the last
 * one closes it?  Locks end; and under a limit, whoever closes a removed file
 * has its room at once.
 */
static bool close_matters(const struct fs *fs, const struct inode *inode)
{
	return kernel_has(&fs->kernel, KERNEL_POSIX_LOCKS) ||
	       charge_wants_writes(inode);
}

static uint32_t open_out_flags(const struct fs *fs, const struct inode *inode,
			       bool passthrough, bool counted)
{
	if (passthrough && counted)
		return ABI_FOPEN_PASSTHROUGH | FOPEN_DIRECT_IO |
		       ABI_FOPEN_PARALLEL_DIRECT_WRITES;
	if (passthrough)
		return ABI_FOPEN_PASSTHROUGH |
		       (close_matters(fs, inode) ? 0 : ABI_FOPEN_NOFLUSH);
	if (inode->volume->exclusive)
		return FOPEN_KEEP_CACHE;
	/* Others change the file: only reading it anew shows that. */
	if (kernel_has(&fs->kernel, KERNEL_DIRECT_IO_ALLOW_MMAP))
		return FOPEN_DIRECT_IO;
	return 0;
}

/* Is the kernel ever told to keep attributes of files there? */
static bool may_be_kept(const struct volume *vol)
{
	return vol->exclusive ||
	       atomic_load(&vol->cache) == VOLUME_CACHE_WATCHED;
}

/*
 * The first open that can lead to a writable mapping: attributes that the
 * kernel was told to keep are good no longer.
 */
static void expect_mapping(struct fs *fs, struct inode *inode, int open_flags)
{
	if ((open_flags & O_ACCMODE) != O_RDWR ||
	    inode->flags & INODE_MAYBE_MAPPED)
		return;
	inode->flags |= INODE_MAYBE_MAPPED;
	if (inode_set_flag(fs->inodes, inode->nodeid, INODE_MAYBE_MAPPED) &&
	    may_be_kept(inode->volume))
		notify_attr(fs, inode->nodeid);
}

void fs_release(struct fs *fs, uint64_t fh, struct file *file)
{
	struct inode inode;

	free(file->text);
	if (vnode_is_virtual(file->nodeid) ||
	    inode_get(fs->inodes, file->nodeid, &inode) < 0)
		return;
	if (file->locks)
		locks_drop_file(fs->locks, &inode, fh);
	if (file->file)
		store_release(inode.volume->store, file->file);
	charge_release(&inode, file->account);
	atomic_fetch_sub(&inode.volume->opens, 1);
	/* Whoever forgets the file now may end its volume. */
	volume_ref(inode.volume);
	if (inode_close(fs->inodes, file->nodeid))
		charge_closed(&inode);
	volume_unref(inode.volume);
}

/*
 * Make an open file of an inode: sf is its open file of the store, or NULL to
 * open it here if the kernel does not pass it through.  Takes over sf.  known
 * are its attributes if it is new.
 */
static int open_file(struct fs *fs, struct inode *inode,
		     const struct statx *known, int open_flags,
		     struct store_file *sf, struct abi_open_out *ret)
{
	bool writes = (open_flags & O_ACCMODE) != O_RDONLY;
	bool counted = writes && charge_wants_writes(inode);
	struct store *st = inode->volume->store;
	struct file file = { .nodeid = inode->nodeid,
			     .open_flags = (uint32_t)open_flags };
	int fd = sf ? store_splice_fd(st, sf) : -1;
	int32_t id = 0;
	int r;

	r = open_backing(fs, inode, fd, &id);
	if (r < 0) {
		if (sf)
			store_release(st, sf);
		return r;
	}
	atomic_fetch_add(&inode->volume->opens, 1);
	if (writes)
		r = charge_open(fs, inode, known, &file.account);
	if (r == 0 && (id == 0 || counted) && !sf)
		r = store_open(st, &inode->handle, open_flags & ~OPEN_ONCE,
			       &sf);
	if (sf && (r < 0 || (id != 0 && !counted))) {
		store_release(st, sf);
		sf = NULL;
	}
	file.file = r == 0 ? sf : NULL;
	if (r == 0)
		r = file_add(fs->files, &file, &ret->fh);
	if (r < 0) {
		fs_release(fs, 0, &file);
		return r;
	}
	session_note_open(ret->fh);
	ret->open_flags = open_out_flags(fs, inode, id != 0, counted);
	ret->backing_id = id;
	expect_mapping(fs, inode, open_flags);
	return 0;
}

/*
 * With passthrough nobody opens the file itself, so nobody is refused what its
 * flags (chattr(1)) forbid: an append-only file could be written over.
 */
static int open_check_flags(const struct fs *fs, const struct inode *inode,
			    int open_flags)
{
	struct statx st;
	int r;

	if ((open_flags & O_ACCMODE) == O_RDONLY ||
	    !wants_passthrough(fs, inode))
		return 0;
	r = store_getattr(inode->volume->store, &inode->handle, NULL, &st);
	if (r < 0)
		return r;
	if (st.stx_attributes & STATX_ATTR_IMMUTABLE)
		return -EPERM;
	if (st.stx_attributes & STATX_ATTR_APPEND &&
	    (!(open_flags & O_APPEND) || open_flags & O_TRUNC))
		return -EPERM;
	return 0;
}

static int open_truncate(struct fs *fs, struct inode *inode)
{
	const struct fuse_open_in *in = session_body();
	/* O_TRUNC is a change even if the file is empty already. */
	struct store_setattr set = { .set = STORE_SET_SIZE | STORE_SET_MTIME,
				     .mtime = { .tv_nsec = UTIME_NOW } };
	struct charge c;
	struct statx st;
	int r;

	r = charge_file(fs, inode, 0, 0, &c);
	if (r < 0)
		return r;
	r = store_setattr(inode->volume->store, &inode->handle, NULL, &set,
			  &st);
	charge_file_done(&c);
	if (r == 0 && in->open_flags & FUSE_OPEN_KILL_SUIDGID)
		r = privileges_kill(inode, NULL, privileges_lost(&st), &st);
	return r;
}

static int control_text(struct fs *fs, const struct vnode *v, struct file *file)
{
	static const enum fs_control_file control[VNODE_N_KINDS] = {
		[VNODE_VERSION] = FS_CONTROL_VERSION,
		[VNODE_STATS] = FS_CONTROL_STATS,
		[VNODE_METRICS] = FS_CONTROL_METRICS,
		[VNODE_POD_YAML] = FS_CONTROL_POD,
	};
	struct tree_pod *pod = NULL;
	int r;

	if (v->kind == VNODE_POD_YAML) {
		pod = tree_pod_by_id(fs->tree, v->id);
		if (!pod)
			return -ENOENT;
	}
	r = fs->options.control(fs->options.control_arg, control[v->kind],
				pod ? pod->uid : NULL, &file->text,
				&file->text_len);
	tree_pod_unref(pod);
	return r;
}

static int reopen_virtual(struct fs *fs, struct file *file)
{
	struct vnode v;
	int r = vnode_decode(file->nodeid, &v);

	return r < 0 ? r : control_text(fs, &v, file);
}

/*
 * An open file that a process before has left: open it as it was.  What is not
 * there any more, as nothing held it, goes.
 */
int fs_reopen(void *arg, uint64_t fh, struct file *file)
{
	bool writes = (file->open_flags & O_ACCMODE) != O_RDONLY;
	struct fs *fs = arg;
	struct store *store;
	struct inode inode;
	int32_t id = 0;
	int r;

	if (vnode_is_virtual(file->nodeid))
		return reopen_virtual(fs, file);
	r = inode_open(fs->inodes, file->nodeid, NULL, NULL, &id);
	if (r == 0)
		r = inode_get(fs->inodes, file->nodeid, &inode);
	if (r != 0)
		return r;
	store = inode.volume->store;
	atomic_fetch_add(&inode.volume->opens, 1);
	r = charge_reopen(&inode, writes, &file->account);
	if (r == 0 && (id == 0 || (writes && charge_wants_writes(&inode))))
		r = store_open(store, &inode.handle,
			       (int)file->open_flags & ~OPEN_ONCE, &file->file);
	if (r < 0)
		fs_release(fs, fh, file);
	return r;
}

/* A control file is read as it was when it was opened. */
static void open_virtual(fuse_req_t req, struct fs *fs, fuse_ino_t ino,
			 int flags)
{
	struct abi_open_out out = { .open_flags = FOPEN_DIRECT_IO };
	struct file file = { .nodeid = ino };
	struct vnode v;
	int r;

	r = vnode_decode(ino, &v);
	if (r == 0 && (flags & O_ACCMODE) != O_RDONLY)
		r = -EPERM;
	/* It may be asked of the catalog, which may be busy. */
	if (r == 0) {
		transport_may_wait(fs->transport);
		r = control_text(fs, &v, &file);
	}
	if (r == 0)
		r = file_add(fs->files, &file, &out.fh);
	if (r < 0) {
		free(file.text);
		reply_err(req, r);
		return;
	}
	fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct abi_open_out out = { 0 };
	struct inode inode;
	int r;

	if (vnode_is_virtual(ino)) {
		open_virtual(req, fs, ino, fi->flags);
		return;
	}
	r = inode_get(fs->inodes, ino, &inode);
	if (r == 0)
		r = open_check_flags(fs, &inode, fi->flags);
	if (r == 0 && fi->flags & O_TRUNC) {
		transport_may_wait(fs->transport);
		r = open_truncate(fs, &inode);
	}
	if (r == 0)
		r = open_file(fs, &inode, NULL, fi->flags, NULL, &out);
	if (r < 0) {
		reply_err(req, r);
		return;
	}
	if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) == -ENOENT) {
		struct file file;

		if (file_remove(fs->files, out.fh, &file) == 0)
			fs_release(fs, out.fh, &file);
	}
}

/*
 * Remember and open what was created, and make the answer.  sf: as it was
 * created; NULL if that was done before.
 */
static int create_finish(struct fs *fs, const struct inode *dir,
			 const struct store_handle *h, const struct statx *st,
			 int flags, struct store_file *sf,
			 struct abi_create_out *out)
{
	struct inode inode;
	int r;

	r = inode_remember(fs->inodes, dir->volume, h, &inode);
	if (r < 0) {
		if (sf)
			store_release(dir->volume->store, sf);
		return r;
	}
	/* The kernel asks for them before the first write. */
	if (sf && dir->volume->exclusive)
		inode_set_flag(fs->inodes, inode.nodeid, INODE_NO_CAPABILITY);
	r = open_file(fs, &inode, sf ? st : NULL, flags, sf, &out->open);
	if (r < 0) {
		inode_forget(fs->inodes, inode.nodeid, 1);
		return r;
	}
	entry_fill(&out->entry, &inode, st);
	return 0;
}

/* The kernel has gone on without the answer: take everything back. */
static void create_undo(struct fs *fs, const struct abi_create_out *out)
{
	struct file file;

	if (file_remove(fs->files, out->open.fh, &file) == 0)
		fs_release(fs, out->open.fh, &file);
	inode_forget(fs->inodes, out->entry.nodeid, 1);
}

/* Created already by a process that was killed before it could answer? */
static bool created_before(const struct inode *dir, const char *name,
			   const struct store_cred *cred,
			   struct store_handle *h, struct statx *st)
{
	return session_is_repeated() &&
	       store_lookup(dir->volume->store, &dir->handle, name, h, st) ==
		       0 &&
	       S_ISREG(st->stx_mode) && st->stx_size == 0 &&
	       is_fresh_of(st, cred);
}

/* What CREATE asks for. */
struct creating {
	const char *name;
	mode_t mode;
	int flags;
	struct store_cred cred;
};

static int create(struct fs *fs, const struct inode *dir,
		  const struct creating *what, struct store_handle *h,
		  struct statx *st, struct store_file **ret)
{
	int flags = what->flags;
	struct charge c;
	int r;

	if (created_before(dir, what->name, &what->cred, h, st))
		return 0;
	r = charge_make(fs, dir, CHARGE_OBJECT, &c);
	if (r < 0)
		return r;
	do {
		r = store_create(dir->volume->store, &dir->handle, what->name,
				 what->mode, flags | O_EXCL, &what->cred, h, st,
				 ret);
	} while (charge_again(&c, r));
	charge_made(&c, r, st);
	/*
	 * Somebody else made it since the kernel looked: let it look again, so
	 * that it checks whether the caller may open what is there now.
	 */
	return r == -EEXIST && !(flags & O_EXCL) ? -ESTALE : r;
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	const struct creating what = { .name = name,
				       .mode = mode,
				       .flags = fi->flags,
				       .cred = fs_cred(req) };
	struct abi_create_out out = { 0 };
	struct store_file *sf = NULL;
	struct store_handle h;
	struct inode dir;
	struct statx st;
	int r;

	r = fs_inode(fs, parent, &dir);
	if (r == 0)
		r = create(fs, &dir, &what, &h, &st, &sf);
	if (r == 0)
		r = create_finish(fs, &dir, &h, &st, fi->flags, sf, &out);
	if (r < 0)
		reply_err(req, r);
	else if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) ==
		 -ENOENT)
		create_undo(fs, &out);
}

void op_tmpfile(struct fs *fs, uint64_t nodeid)
{
	const struct fuse_in_header *head = session_header();
	const struct fuse_create_in *in = session_body();
	struct store_cred cred = { .uid = head->uid,
				   .gid = head->gid,
				   .umask = in->umask };
	struct abi_create_out out = { 0 };
	struct store_file *sf = NULL;
	struct store_handle h;
	struct charge c;
	struct inode dir;
	struct statx st;
	int r;

	r = fs_inode(fs, nodeid, &dir);
	if (r == 0)
		r = charge_make(fs, &dir, CHARGE_TMPFILE, &c);
	if (r == 0) {
		do {
			r = store_tmpfile(dir.volume->store, &dir.handle,
					  in->mode, (int)in->flags, &cred, &h,
					  &st, &sf);
		} while (charge_again(&c, r));
		charge_made(&c, r, &st);
	}
	if (r == 0 && dir.volume->usage)
		account_orphan(dir.volume->usage, &h, &st, true);
	if (r == 0)
		r = create_finish(fs, &dir, &h, &st, (int)in->flags, sf, &out);
	if (r < 0)
		session_reply(fs, r, NULL, 0);
	else if (session_reply(fs, 0, &out, sizeof(out)) == -ENOENT)
		create_undo(fs, &out);
}

/*
 * Before the handle stands for nothing: whoever takes over in between would not
 * know that its locks are to go.
 */
static void release_locks(struct fs *fs, uint64_t fh)
{
	const struct file *file = file_get(fs->files, fh);
	struct inode inode;

	if (file && __atomic_load_n(&file->locks, __ATOMIC_RELAXED) &&
	    fs_inode(fs, file->nodeid, &inode) == 0)
		locks_drop_file(fs->locks, &inode, fh);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct file file;
	struct inode inode;
	int r;

	if (fi->flock_release && fs_inode(fs, ino, &inode) == 0)
		locks_drop_owner(fs->locks, &inode, LOCK_FLOCK, fi->lock_owner);
	release_locks(fs, fi->fh);
	r = file_remove(fs->files, fi->fh, &file);
	if (r == 0)
		fs_release(fs, fi->fh, &file);
	reply_err(req, r);
}

/*
 * Answered from this thread's own buffer: the reader may have closed the file,
 * and another thread ended its text, before our answer has returned.
 */
static void read_text(fuse_req_t req, const struct file *file, void *buf,
		      size_t size, off_t off)
{
	size_t at =
		(uint64_t)off < file->text_len ? (size_t)off : file->text_len;
	size_t n = file->text_len - at;

	if (n > size)
		n = size;
	if (n > FS_MAX_WRITE)
		n = FS_MAX_WRITE;
	memcpy(buf, file->text + at, n);
	fuse_reply_buf(req, buf, n);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	     struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct file *file = file_get(fs->files, fi->fh);
	void *buf = session_buffer();
	struct inode inode;
	ssize_t n;

	if (buf && file && file->text) {
		read_text(req, file, buf, size, off);
		return;
	}
	n = !buf ? -ENOMEM : fs_inode(fs, ino, &inode);
	if (n == 0 && (!file || !file->file))
		n = -EBADF;
	if (n == 0) {
		if (size > FS_MAX_WRITE)
			size = FS_MAX_WRITE;
		if (size > SMALL_IO)
			transport_may_wait(fs->transport);
		n = store_pread(inode.volume->store, file->file, buf, size,
				(uint64_t)off);
	}
	if (n < 0)
		reply_err(req, (int)n);
	else
		fuse_reply_buf(req, buf, (size_t)n);
}

static int write_kill_privileges(struct inode *inode, struct file *file)
{
	const struct fuse_write_in *in = session_body();
	struct statx st;
	int r;

	if (!(in->write_flags & FUSE_WRITE_KILL_SUIDGID))
		return 0;
	r = store_getattr(inode->volume->store, &inode->handle, file->file,
			  &st);
	if (r == 0)
		r = privileges_kill(inode, file->file, privileges_lost(&st),
				    &st);
	return r;
}

/*
 * Where others append too, the kernel's idea of the end may be old.  What the
 * page cache writes back has its place.
 */
static bool write_appends(const struct inode *inode)
{
	const struct fuse_write_in *in = session_body();

	return !inode->volume->exclusive && in->flags & O_APPEND &&
	       !(in->write_flags & FUSE_WRITE_CACHE);
}

/*
 * How much of what is to be appended has a process before appended to the file,
 * which had `before` bytes then?  It may have been killed half-way; and others
 * append, too.
 */
static size_t appended_before(const struct inode *inode, const char *buf,
			      size_t size, uint64_t before)
{
	struct store *store = inode->volume->store;
	char *since = session_buffer();
	struct store_file *sf;
	ssize_t n = -ENOMEM;
	size_t there;

	if (store_open(store, &inode->handle, O_RDONLY, &sf) < 0)
		return 0;
	if (since)
		n = store_pread(store, sf, since, FS_MAX_WRITE, before);
	store_release(store, sf);
	if (n <= 0)
		return 0;
	there = (size_t)n < size ? (size_t)n : size;
	if (memcmp(since, buf, there) == 0)
		return there;
	return memmem(since, (size_t)n, buf, size) ? size : 0;
}

/* Where others append, too: what was appended is not seen by its place. */
static ssize_t append(const struct fs *fs, const struct inode *inode,
		      struct file *file, const char *buf, size_t size)
{
	struct store *store = inode->volume->store;
	uint64_t before;
	size_t there = 0;
	struct statx st;
	ssize_t n = 0;

	if (session_noted_size(&before))
		there = appended_before(inode, buf, size, before);
	else if (fs->journal &&
		 store_getattr(store, &inode->handle, file->file, &st) == 0)
		session_note_size(st.stx_size);
	if (there < size)
		n = store_pwrite(store, file->file, buf + there, size - there,
				 STORE_APPEND);
	return n < 0 && there == 0 ? n : (ssize_t)there + (n > 0 ? n : 0);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size,
	      off_t off, struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct file *file = file_get(fs->files, fi->fh);
	struct inode inode;
	bool counted = false;
	ssize_t n;

	n = fs_inode(fs, ino, &inode);
	if (n == 0 && (!file || !file->file))
		n = -EBADF;
	if (n == 0)
		n = write_kill_privileges(&inode, file);
	if (n == 0)
		n = charge_write(fs, &inode, file->account, (uint64_t)off,
				 &size, &counted);
	if (n == 0) {
		if (size > SMALL_IO || file->open_flags & (O_SYNC | O_DSYNC))
			transport_may_wait(fs->transport);
		n = write_appends(&inode)
			    ? append(fs, &inode, file, buf, size)
			    : store_pwrite(inode.volume->store, file->file, buf,
					   size, (uint64_t)off);
	}
	if (counted)
		charge_wrote(&inode, file->account);
	if (n < 0)
		reply_err(req, (int)n);
	else
		fuse_reply_write(req, (size_t)n);
}

/* Sent at each close(2): the caller's record locks go. */
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fuse_req_userdata(req);
	struct inode inode;

	if (fs_inode(fs, ino, &inode) == 0) {
		locks_drop_owner(fs->locks, &inode, LOCK_POSIX, fi->lock_owner);
		charge_flushed(&inode);
	}
	reply_err(req, 0);
}
