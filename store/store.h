/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - what holds the bytes of a volume: file operations by handle
 *
 * A family of filesystems (localfs; later nfs, cephfs, glusterfs) is one
 * `const struct store_ops`; an open volume is one `struct store`, which a
 * family embeds first.  Callers use the store_*() wrappers below, never
 * st->ops: the wrappers supply the answer for an operation that a family
 * leaves NULL.
 *
 * A file is named by its handle: opaque, persistent, plain bytes, the same for
 * as long as the file exists and never given to another one (on a local
 * filesystem: inode number and generation).  No operation needs a descriptor
 * to stay open between two calls.
 *
 * Every operation returns 0 or a count on success and -errno on failure, may
 * be called from several threads at once, follows no symbolic link, and never
 * logs above debug.  Outputs are untouched on failure.
 *
 * Permissions were checked by the kernel (default_permissions).  A creation
 * carries the identity that the new object gets.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#define STORE_HANDLE_MAX 20

/*
 * Offset of a write that lands wherever the file ends at that moment, as
 * O_APPEND does: for files that others append to as well, where the kernel's
 * idea of the end may be old.
 */
#define STORE_APPEND UINT64_MAX

/* Compared as bytes: whoever makes one zeroes what it does not use. */
struct store_handle {
	uint16_t realm; /* filesystem within the family, where it has several */
	uint8_t type;
	uint8_t len;
	uint8_t bytes[STORE_HANDLE_MAX];
};

/* Who creates: the caller's filesystem uid and gid, and its umask. */
struct store_cred {
	uint32_t uid;
	uint32_t gid;
	uint32_t umask;
};

enum store_set {
	STORE_SET_MODE = 1 << 0,
	STORE_SET_UID = 1 << 1,
	STORE_SET_GID = 1 << 2,
	STORE_SET_SIZE = 1 << 3,
	STORE_SET_ATIME = 1 << 4, /* atime.tv_nsec may be UTIME_NOW */
	STORE_SET_MTIME = 1 << 5,
};

struct store_setattr {
	unsigned set; /* enum store_set */
	mode_t mode;  /* permission bits only */
	uid_t uid;
	gid_t gid;
	uint64_t size;
	struct timespec atime;
	struct timespec mtime;
};

/* One name of a directory.  off resumes the listing behind this entry. */
struct store_dirent {
	uint64_t ino; /* as struct statx's stx_ino of that file */
	uint64_t off;
	const char *name;
	size_t name_len;
	uint8_t type; /* DT_* of <dirent.h> */
};

/* Return 0 to go on, anything else to end the listing before this entry. */
typedef int store_dirent_fn(void *arg, const struct store_dirent *entry);

/* fd is the caller's, and closed afterwards. */
typedef int store_path_fn(void *arg, int fd);

/* What became of something that is watched. */
enum store_change {
	STORE_CHANGED,	    /* its attributes or bytes are others */
	STORE_CHANGED_NAME, /* a name in the directory leads elsewhere */
	STORE_CHANGED_ALL,  /* something was missed: it may be anything */
};

/*
 * Who is told, of one change at a time, by a thread of the store that holds a
 * lock of the store: changed() neither calls the store nor waits.
 */
struct store_watcher {
	void (*changed)(struct store_watcher *watcher, enum store_change change,
			uint64_t id, const char *name);
};

struct store;
struct store_file; /* a family's own open file */

struct store_ops {
	/* The family, such as "localfs". */
	const char *family;

	/*
	 * Operations may wait for a network or a server: the caller runs them
	 * where waiting harms only this volume.
	 */
	bool may_block;

	void (*close)(struct store *st);

	/* The root of the volume, looked up anew: it may have been replaced. */
	int (*root)(struct store *st, struct store_handle *ret_handle,
		    struct statx *ret_attr);

	/*
	 * A new O_PATH descriptor of the root, for who looks at the tree beside
	 * us; the caller closes it.  May wait as long as its filesystem does.
	 * NULL: it is not in a local filesystem.
	 */
	int (*root_fd)(struct store *st);

	int (*lookup)(struct store *st, const struct store_handle *dir,
		      const char *name, struct store_handle *ret_handle,
		      struct statx *ret_attr);

	/*
	 * The handle was given out by this store in an earlier process: from
	 * now on it is good again.  -ESTALE if it cannot be, because its
	 * filesystem is not there any more or because a handle was no more
	 * than a descriptor: the caller never uses it again.  Does not ask
	 * whether the file exists.  May wait as root may, once for each
	 * filesystem.  NULL: handles are as good as ever.
	 */
	int (*adopt)(struct store *st, const struct store_handle *h);

	/*
	 * The caller will not use this handle again unless it gets it anew.
	 * For families whose handles cost something while known; may be NULL.
	 */
	void (*forget)(struct store *st, const struct store_handle *h);

	/* A removed file answers until it is forgotten, even if it is gone. */
	int (*getattr)(struct store *st, const struct store_handle *h,
		       struct store_file *file, struct statx *ret_attr);
	/*
	 * With file, STORE_SET_SIZE is ftruncate(2) and always sets mtime;
	 * without, it is truncate(2), which may leave it if nothing changed.
	 */
	int (*setattr)(struct store *st, const struct store_handle *h,
		       struct store_file *file, const struct store_setattr *set,
		       struct statx *ret_attr);
	ssize_t (*readlink)(struct store *st, const struct store_handle *h,
			    char *buf, size_t size);

	/*
	 * Make a file of any type but directory and link.  mode has the type
	 * bits and is not yet masked: the umask of cred applies, unless a
	 * default ACL of the directory replaces it.  -EEXIST if there is one.
	 */
	int (*mknod)(struct store *st, const struct store_handle *dir,
		     const char *name, mode_t mode, dev_t rdev,
		     const struct store_cred *cred,
		     struct store_handle *ret_handle, struct statx *ret_attr);
	int (*mkdir)(struct store *st, const struct store_handle *dir,
		     const char *name, mode_t mode,
		     const struct store_cred *cred,
		     struct store_handle *ret_handle, struct statx *ret_attr);
	int (*symlink)(struct store *st, const struct store_handle *dir,
		       const char *name, const char *target,
		       const struct store_cred *cred,
		       struct store_handle *ret_handle, struct statx *ret_attr);
	int (*link)(struct store *st, const struct store_handle *h,
		    const struct store_handle *dir, const char *name,
		    struct statx *ret_attr);
	int (*unlink)(struct store *st, const struct store_handle *dir,
		      const char *name);
	int (*rmdir)(struct store *st, const struct store_handle *dir,
		     const char *name);
	/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT. */
	int (*rename)(struct store *st, const struct store_handle *dir,
		      const char *name, const struct store_handle *newdir,
		      const char *newname, unsigned flags);

	/*
	 * open_flags are those of open(2).  Open an existing regular file
	 * (O_TRUNC is obeyed); the caller ends it with release.
	 */
	int (*open)(struct store *st, const struct store_handle *h,
		    int open_flags, struct store_file **ret);
	/*
	 * Create a regular file and open it.  Without O_EXCL an existing
	 * regular file is opened; -ESTALE if there is something else by that
	 * name, so that the kernel looks again.  ret_file may be NULL where
	 * the caller needs no open file (passthrough).
	 */
	int (*create)(struct store *st, const struct store_handle *dir,
		      const char *name, mode_t mode, int open_flags,
		      const struct store_cred *cred,
		      struct store_handle *ret_handle, struct statx *ret_attr,
		      struct store_file **ret_file);
	/*
	 * An unnamed regular file in dir, as O_TMPFILE makes.  It exists as
	 * long as ret_file (or a link) does.
	 */
	int (*tmpfile)(struct store *st, const struct store_handle *dir,
		       mode_t mode, int open_flags,
		       const struct store_cred *cred,
		       struct store_handle *ret_handle, struct statx *ret_attr,
		       struct store_file **ret_file);
	void (*release)(struct store *st, struct store_file *file);

	/*
	 * Plain positioned I/O on an open file; reads are short at end of
	 * file, writes where space ends.  O_APPEND and O_DIRECT of the open
	 * flags do not concern these: the offset counts, or STORE_APPEND.
	 */
	ssize_t (*pread)(struct store *st, struct store_file *file, void *buf,
			 size_t len, uint64_t off);
	ssize_t (*pwrite)(struct store *st, struct store_file *file,
			  const void *buf, size_t len, uint64_t off);
	/* A descriptor for splice(2), borrowed from file; -EOPNOTSUPP if none.
	 */
	int (*splice_fd)(struct store *st, struct store_file *file);

	/*
	 * Call fn with an O_PATH descriptor of a regular file, for kernel
	 * passthrough; it is good until fn returns.  Returns what fn returns,
	 * or -errno.  NULL: bytes are not in a local filesystem.
	 */
	int (*with_path)(struct store *st, const struct store_handle *h,
			 store_path_fn *fn, void *arg);

	/* file may be NULL below; the handle then names the file. */
	int (*fsync)(struct store *st, const struct store_handle *h,
		     struct store_file *file, bool datasync);
	int (*fallocate)(struct store *st, const struct store_handle *h,
			 struct store_file *file, int mode, uint64_t off,
			 uint64_t len);
	off_t (*lseek)(struct store *st, const struct store_handle *h,
		       struct store_file *file, off_t off, int whence);
	ssize_t (*copy_file_range)(struct store *st,
				   const struct store_handle *in,
				   struct store_file *file_in, off_t off_in,
				   const struct store_handle *out,
				   struct store_file *file_out, off_t off_out,
				   size_t len, unsigned flags);
	/*
	 * FS_IOC_{GET,SET}FLAGS, FS_IOC_FS{GET,SET}XATTR, FS_IOC_GETVERSION
	 * on a regular file or directory; anything else is -ENOTTY.  data is
	 * in and out, of the size that cmd encodes.
	 */
	int (*ioctl)(struct store *st, const struct store_handle *h,
		     struct store_file *file, unsigned long cmd, void *data);

	/*
	 * List a directory from off (0: its start), "." and ".." included.
	 * The listing has no state: a later call goes on at the off of the
	 * last entry taken, stable while entries come and go.
	 */
	int (*readdir)(struct store *st, const struct store_handle *dir,
		       uint64_t off, store_dirent_fn *fn, void *arg);
	int (*fsyncdir)(struct store *st, const struct store_handle *dir,
			bool datasync);

	int (*statfs)(struct store *st, const struct store_handle *h,
		      struct statvfs *ret);
	int (*syncfs)(struct store *st, const struct store_handle *h);

	/* size 0 asks for the size.  flags of set: XATTR_CREATE, XATTR_REPLACE.
	 */
	ssize_t (*getxattr)(struct store *st, const struct store_handle *h,
			    const char *name, void *value, size_t size);
	int (*setxattr)(struct store *st, const struct store_handle *h,
			const char *name, const void *value, size_t size,
			int flags);
	ssize_t (*listxattr)(struct store *st, const struct store_handle *h,
			     char *list, size_t size);
	int (*removexattr)(struct store *st, const struct store_handle *h,
			   const char *name);

	/*
	 * A private open file description of the file, on which the caller
	 * takes OFD and flock(2) locks that must conflict with those of others
	 * who use the same file.  open_flags: O_RDONLY, O_WRONLY or O_RDWR.
	 * The caller closes it.  NULL: nobody else can lock these files.
	 */
	int (*lock_fd)(struct store *st, const struct store_handle *h,
		       int open_flags);

	/*
	 * 1 if anybody has the regular file open for writing, or mapped so, 0
	 * if nobody.  NULL: it cannot be known.
	 */
	int (*is_written)(struct store *st, const struct store_handle *h);

	/*
	 * Have the watcher told, by this id, of what anybody does to the file
	 * after this returns: soon, but not at once.  All watches have the same
	 * watcher.  A directory is watched until unwatch(), which names that
	 * come and go in it are told of; anything else only until it was told
	 * of once.  To watch again what is watched does nothing.
	 *
	 * -EOPNOTSUPP where others can make changes unseen, -EINVAL for what is
	 * neither file, directory nor link, -ENOSPC if too much is watched.
	 * NULL: nowhere.
	 */
	int (*watch)(struct store *st, const struct store_handle *h,
		     struct store_watcher *watcher, uint64_t id);
	/* The watcher is not told by this id any more when this returns. */
	void (*unwatch)(struct store *st, const struct store_handle *h,
			uint64_t id);
};

struct store {
	const struct store_ops *ops;
};

void store_close(struct store *st);
bool store_may_block(const struct store *st);
bool store_handle_equal(const struct store_handle *a,
			const struct store_handle *b);

int store_root(struct store *st, struct store_handle *ret_handle,
	       struct statx *ret_attr);
int store_root_fd(struct store *st);
int store_lookup(struct store *st, const struct store_handle *dir,
		 const char *name, struct store_handle *ret_handle,
		 struct statx *ret_attr);
int store_adopt(struct store *st, const struct store_handle *h);
void store_forget(struct store *st, const struct store_handle *h);
int store_getattr(struct store *st, const struct store_handle *h,
		  struct store_file *file, struct statx *ret_attr);
int store_setattr(struct store *st, const struct store_handle *h,
		  struct store_file *file, const struct store_setattr *set,
		  struct statx *ret_attr);
ssize_t store_readlink(struct store *st, const struct store_handle *h,
		       char *buf, size_t size);
int store_mknod(struct store *st, const struct store_handle *dir,
		const char *name, mode_t mode, dev_t rdev,
		const struct store_cred *cred, struct store_handle *ret_handle,
		struct statx *ret_attr);
int store_mkdir(struct store *st, const struct store_handle *dir,
		const char *name, mode_t mode, const struct store_cred *cred,
		struct store_handle *ret_handle, struct statx *ret_attr);
int store_symlink(struct store *st, const struct store_handle *dir,
		  const char *name, const char *target,
		  const struct store_cred *cred,
		  struct store_handle *ret_handle, struct statx *ret_attr);
int store_link(struct store *st, const struct store_handle *h,
	       const struct store_handle *dir, const char *name,
	       struct statx *ret_attr);
int store_unlink(struct store *st, const struct store_handle *dir,
		 const char *name);
int store_rmdir(struct store *st, const struct store_handle *dir,
		const char *name);
int store_rename(struct store *st, const struct store_handle *dir,
		 const char *name, const struct store_handle *newdir,
		 const char *newname, unsigned flags);
int store_open(struct store *st, const struct store_handle *h, int open_flags,
	       struct store_file **ret);
int store_create(struct store *st, const struct store_handle *dir,
		 const char *name, mode_t mode, int open_flags,
		 const struct store_cred *cred, struct store_handle *ret_handle,
		 struct statx *ret_attr, struct store_file **ret_file);
int store_tmpfile(struct store *st, const struct store_handle *dir, mode_t mode,
		  int open_flags, const struct store_cred *cred,
		  struct store_handle *ret_handle, struct statx *ret_attr,
		  struct store_file **ret_file);
void store_release(struct store *st, struct store_file *file);
ssize_t store_pread(struct store *st, struct store_file *file, void *buf,
		    size_t len, uint64_t off);
ssize_t store_pwrite(struct store *st, struct store_file *file, const void *buf,
		     size_t len, uint64_t off);
int store_splice_fd(struct store *st, struct store_file *file);
/* -EOPNOTSUPP: bytes are not in a local filesystem. */
int store_with_path(struct store *st, const struct store_handle *h,
		    store_path_fn *fn, void *arg);
int store_fsync(struct store *st, const struct store_handle *h,
		struct store_file *file, bool datasync);
int store_fallocate(struct store *st, const struct store_handle *h,
		    struct store_file *file, int mode, uint64_t off,
		    uint64_t len);
off_t store_lseek(struct store *st, const struct store_handle *h,
		  struct store_file *file, off_t off, int whence);
ssize_t store_copy_file_range(struct store *st, const struct store_handle *in,
			      struct store_file *file_in, off_t off_in,
			      const struct store_handle *out,
			      struct store_file *file_out, off_t off_out,
			      size_t len, unsigned flags);
int store_ioctl(struct store *st, const struct store_handle *h,
		struct store_file *file, unsigned long cmd, void *data);
int store_readdir(struct store *st, const struct store_handle *dir,
		  uint64_t off, store_dirent_fn *fn, void *arg);
int store_fsyncdir(struct store *st, const struct store_handle *dir,
		   bool datasync);
int store_statfs(struct store *st, const struct store_handle *h,
		 struct statvfs *ret);
int store_syncfs(struct store *st, const struct store_handle *h);
ssize_t store_getxattr(struct store *st, const struct store_handle *h,
		       const char *name, void *value, size_t size);
int store_setxattr(struct store *st, const struct store_handle *h,
		   const char *name, const void *value, size_t size, int flags);
ssize_t store_listxattr(struct store *st, const struct store_handle *h,
			char *list, size_t size);
int store_removexattr(struct store *st, const struct store_handle *h,
		      const char *name);
int store_lock_fd(struct store *st, const struct store_handle *h,
		  int open_flags);
int store_is_written(struct store *st, const struct store_handle *h);
int store_watch(struct store *st, const struct store_handle *h,
		struct store_watcher *watcher, uint64_t id);
void store_unwatch(struct store *st, const struct store_handle *h, uint64_t id);

#endif
