/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - struct fs, and what its parts ask of one another */
#ifndef FUSE_INTERNAL_H
#define FUSE_INTERNAL_H

#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 14)

#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fuse/abi.h"
#include "fuse/file.h"
#include "fuse/fs.h"
#include "fuse/inode.h"
#include "fuse/kernel.h"
#include "fuse/listers.h"
#include "fuse/vnode.h"
#include "store/store.h"

struct greeting;
struct journal;
struct locks;
struct notify;
struct pending;
struct state;
struct stats;
struct transport;
struct volume;
struct watch;

#define FS_MAX_WRITE (1u << 20)
#define FS_NAME_MAX  255

/* Directories, by the low bits of their node ids. */
#define FS_LISTINGS 4096u

struct fs {
	struct fs_options options;
	char *mountpoint;
	struct tree *tree;
	int dev_fd;
	int ended_fd;
	bool mounted;
	struct fuse_session *session;
	struct transport *transport;
	char transport_reason[160]; /* why this one, for whoever looks */
	struct kernel kernel;
	struct fs_feature features[KERNEL_N_FEATURES];
	bool init_done;
	bool names_are_in_doubt; /* the kernel may have old ones */
	bool is_greeting_again;	 /* INIT is done for nobody */
	/* What comes of it: maybe the kernel has not had it from before. */
	char greeted[128];
	size_t greeted_len;
	struct greeting *greeting; /* of the kernel, for who takes over */
	struct journal *journal;   /* NULL: nobody will */
	struct inode_table *inodes;
	struct file_table *files;
	struct locks *locks;
	struct notify *notify;
	struct watch *watch;
	struct gate *gate;
	struct stats *stats;
	pthread_mutex_t pending_lock; /* pending */
	struct pending *pending;      /* requests that wait for a lock */
	/*
	 * A bit for each directory that one open handle lists by the cache; in
	 * the state, as the handle stays open.
	 */
	_Atomic uint64_t *listings;
	struct listers listers;
};

/* --- session.c: one request at a time in each thread ---------------------- */

int session_open(struct fs *fs, struct error *err);
void session_close(struct fs *fs);
/*
 * Where a process with this state was mounted when it answered INIT, malloc'd,
 * and whether through rings; -ENOENT if none did.  NULL is fine.
 */
int session_greeted_at(struct state *state, char **ret, bool *ret_uring);
/* The mount ends: nobody is to take it over. */
void session_ungreet(struct fs *fs);
/* Do what INIT does, by what the kernel once sent, and answer nobody. */
int session_greet_again(struct fs *fs);
/* Have the kernel repeat what it has no answer to; before the start. */
int session_resend(struct fs *fs);
/* Serve one request (transport_request_fn). */
void session_request(void *arg, void *mem, size_t len);

/* The request that this thread serves: its header, and its body behind it. */
const struct fuse_in_header *session_header(void);
const void *session_body(void);
size_t session_body_len(void);

/*
 * May a process that was killed have done the request already?  Then what it
 * would make is there, what it would take away is gone; and the handle is what
 * session_note_handle() was told, or NULL; the same goes for the size.
 */
bool session_is_repeated(void);
const struct store_handle *session_noted_handle(void);
bool session_noted_size(uint64_t *ret);
/*
 * For whoever takes over: what is open now, what is about to be moved or to
 * lose a name, the size of what is about to be appended to.
 */
void session_note_open(uint64_t fh);
void session_note_handle(const struct store_handle *h);
void session_note_size(uint64_t size);

/*
 * Answer the request of this thread past libfuse: opcodes it does not know.
 * -ENOENT if the kernel no longer waits for it.
 */
int session_reply(struct fs *fs, int error, const void *data, size_t len);

/* A buffer of this thread for replies, FS_MAX_WRITE bytes; NULL: no memory. */
void *session_buffer(void);

/* --- reply.c: answers in the kernel's form ----------------------------------
 */

void reply_err(fuse_req_t req, int r);
void reply_entry(fuse_req_t req, struct fs *fs, const struct inode *inode,
		 const struct statx *st);
/* The same, and the kernel may believe the name so long, in seconds. */
void reply_entry_for(fuse_req_t req, struct fs *fs, const struct inode *inode,
		     const struct statx *st, uint64_t validity);
void reply_attr(fuse_req_t req, const struct inode *inode,
		const struct statx *st);
void reply_attr_for(fuse_req_t req, const struct inode *inode,
		    const struct statx *st, uint64_t validity);
void entry_fill(struct fuse_entry_out *out, const struct inode *inode,
		const struct statx *st);
void vnode_entry_fill(struct fuse_entry_out *out, const struct vnode *v,
		      const struct statx *st);
/* How long the kernel may believe the attributes of a file, in seconds. */
uint64_t attr_validity(const struct inode *inode);
/* As above, and of a name. */
uint64_t entry_validity(const struct volume *vol);

/* --- ops_*.c
 * ------------------------------------------------------------------ */

/* The operations that libfuse dispatches, and those past it. */
extern const struct fuse_lowlevel_ops fs_ops;
/* True if the request was one that libfuse does not know, and is answered. */
bool op_raw(struct fs *fs, const struct fuse_in_header *in);

/* Handlers, by file. */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup);
void op_forget_multi(fuse_req_t req, size_t count,
		     struct fuse_forget_data *forgets);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	      dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
	     const char *name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	       fuse_ino_t newparent, const char *newname, unsigned flags);

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
void op_statx(struct fs *fs, uint64_t nodeid);

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi);
void op_tmpfile(struct fs *fs, uint64_t nodeid);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	     struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size,
	      off_t off, struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
	      struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off,
		  off_t len, struct fuse_file_info *fi);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
	      struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			struct fuse_file_info *fi_in, fuse_ino_t ino_out,
			off_t off_out, struct fuse_file_info *fi_out,
			size_t len, int flags);
void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
	      struct fuse_file_info *fi, unsigned flags, const void *in_buf,
	      size_t in_size, size_t out_size);

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
		 struct fuse_file_info *fi);

void op_setxattr(struct fs *fs, uint64_t nodeid);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

void op_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	      struct flock *lock);
void op_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	      struct flock *lock, int sleep);
void op_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	      int op);

/*
 * The file that a node id stands for, for an operation that changes or needs a
 * real file: -EPERM for a virtual node.
 */
int fs_inode(struct fs *fs, uint64_t nodeid, struct inode *ret);

/* The open file of a request, if it has one that the store knows. */
struct store_file *fs_store_file(struct fs *fs,
				 const struct fuse_file_info *fi);

/* Look a name up in a directory of a volume and remember it. */
int fs_lookup(struct fs *fs, const struct inode *dir, const char *name,
	      struct inode *ret, struct statx *ret_st);
/* The root of a volume, remembered. */
int fs_volume_root(struct fs *fs, struct volume *vol, struct inode *ret,
		   struct statx *ret_st);

/* Who makes something: identity of the request, and its umask. */
struct store_cred fs_cred(fuse_req_t req);
/*
 * Is it as whoever has cred makes it?  Where others make files, too, what has
 * the name now may be theirs.
 */
bool is_fresh_of(const struct statx *st, const struct store_cred *cred);

/* Open again what a process before had open (file_attach_fn, of struct fs). */
int fs_reopen(void *arg, uint64_t fh, struct file *file);
/* End an open file: its store file, backing, locks and counts. */
void fs_release(struct fs *fs, uint64_t fh, struct file *file);

#endif
