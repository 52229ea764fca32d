/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs.h - the mount: what the daemon starts, watches and ends
 *
 * Serves a published tree (store/tree.h) at a mount point.  Knows no kind of
 * volume and no manifest: the texts of the files under .podvols come from the
 * daemon through fs_control.
 */
#ifndef FUSE_FS_H
#define FUSE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct fs;
struct helper;
struct state;
struct tree;

enum fs_control_file {
	FS_CONTROL_VERSION, /* .podvols/version */
	FS_CONTROL_STATS,   /* .podvols/stats.json */
	FS_CONTROL_METRICS, /* .podvols/metrics */
	FS_CONTROL_POD,	    /* .podvols/pods/<uid>/pod.yaml */
};

enum fs_transport {
	FS_TRANSPORT_AUTO,
	FS_TRANSPORT_DEV,   /* /dev/fuse */
	FS_TRANSPORT_URING, /* io_uring, where the kernel has it */
};

struct fs_options {
	const char *mountpoint; /* an existing directory */
	const char *fsname;	/* first field of the mount table */
	unsigned threads;	/* transport threads; 0: one per CPU */
	enum fs_transport transport;
	/* Locks of shared volumes conflict with those that others take. */
	bool share_locks;
	bool allow_suid;	      /* honour set-user-id bits on the mount */
	bool allow_dev;		      /* honour device nodes on the mount */
	const char *disable_features; /* kernel features not to take, by name,
					 comma separated, or "oldest"; for
					 tests */
	struct tree *tree;
	struct helper *helper; /* may use the mount; borrowed */
	/*
	 * For whoever takes over if this process is killed, and from whom this
	 * one takes over; borrowed.  NULL: the mount ends with the process.
	 */
	struct state *state;
	int dev_fd; /* the connection that belongs to state; borrowed */
	/* The same, of a process that has its rings; -1: there is none. */
	int ring_fd;
	/* The tree may lack what the process before has shown in it. */
	bool names_are_in_doubt;
	/*
	 * What is known and open is known here too, and no request has come yet
	 * that may depend on what this starts.  Called in a take-over only.
	 */
	int (*attached)(void *arg, struct error *err);
	void *attached_arg;
	/*
	 * The text of a control file (malloc'd, *ret_len bytes); uid is that
	 * of the pod for FS_CONTROL_POD.  May be called from any thread.
	 */
	int (*control)(void *arg, enum fs_control_file file, const char *uid,
		       char **ret, size_t *ret_len);
	void *control_arg;
};

/*
 * Mount, or take over the mount of state, and start serving; returns when the
 * mount answers.
 */
int fs_open(const struct fs_options *options, struct fs **ret,
	    struct error *err);

/*
 * Was there a process that served the mount of this state?  NULL is fine. Where
 * that is (malloc'd) has to be asked here: a path that ends at the mount itself
 * cannot be resolved while nobody serves it.
 */
bool fs_is_served(struct state *state);
int fs_served_at(struct state *state, char **ret);

/*
 * With a state, rings must be another process's, which outlives those that
 * serve: is it wanted, and be it.  Does not return, unless it cannot begin.
 */
bool fs_wants_rings(enum fs_transport asked, const char *disable_features);
int fs_serve_rings(struct state *state, int dev_fd);

/*
 * Take the mount away, lazily if it is busy, and stop serving.  After a lazy
 * unmount whoever still uses it gets ENOTCONN once the daemon ends.
 * Returns 0, or -EBUSY if the unmount was lazy.
 */
int fs_unmount(struct fs *fs);
/* Wait for the transport to end, then free everything. */
void fs_close(struct fs *fs);

/* A descriptor that becomes readable when the mount went away by itself. */
int fs_ended_fd(struct fs *fs);

/* Is there a mount of a dead daemon at path?  Detach it.  1 if one was. */
int fs_detach_stale(const char *mountpoint, struct error *err);

#define FS_OP_MAX	   64
#define FS_LATENCY_BUCKETS 24 /* bucket i: below 2^i microseconds */

struct fs_op_stats {
	const char *name; /* NULL: no such operation */
	uint64_t requests;
	uint64_t errors;
	uint64_t latency[FS_LATENCY_BUCKETS];
	uint64_t latency_sum_ns;
};

struct fs_stats {
	uint64_t inodes; /* known to the kernel */
	uint64_t open_files;
	uint64_t backing_ids; /* files open with passthrough */
	uint64_t table_bytes; /* memory of the inode table */
	unsigned threads;
	const char *transport;
	const char *transport_reason; /* why this one; valid with fs */
	struct fs_op_stats ops[FS_OP_MAX];
};
void fs_stats(struct fs *fs, struct fs_stats *ret);

struct fs_feature {
	const char *name;
	bool offered; /* by the kernel */
	bool wanted;
	bool taken;
};
/* The features negotiated with the kernel; *ret_n entries, valid with fs. */
const struct fs_feature *fs_features(struct fs *fs, size_t *ret_n);

#endif
