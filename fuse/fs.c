/* SPDX-License-Identifier: Apache-2.0 */
/* fs.c - the mount: what the daemon starts, watches and ends */
#include "fuse/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fuse/attach.h"
#include "fuse/gate.h"
#include "fuse/internal.h"
#include "fuse/journal.h"
#include "fuse/locks.h"
#include "fuse/notify.h"
#include "fuse/stats.h"
#include "fuse/transport.h"
#include "fuse/watch.h"
#include "store/account.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/helper.h"
#include "store/base/log.h"
#include "store/tree.h"
#include "store/volume.h"

/* The largest request: a write and its headers. */
#define MAX_REQUEST (FS_MAX_WRITE + 4096u)

/* inode_gone_fn */
static void inode_gone(void *arg, const struct inode *inode)
{
	struct volume *vol = inode->volume;

	watch_forget(arg, inode);
	if (vol->usage)
		account_gone(vol->usage, &inode->handle);
	store_forget(vol->store, &inode->handle);
}

/* inode_unback_fn */
static void inode_unback(void *arg, int32_t backing_id)
{
	struct fs *fs = arg;
	uint32_t id = (uint32_t)backing_id;

	if (ioctl(fs->dev_fd, ABI_DEV_BACKING_CLOSE, &id) < 0)
		log_debug("cannot close backing id %u: %m", id);
}

/* transport_ended_fn */
static void fs_ended(void *arg)
{
	struct fs *fs = arg;
	uint64_t one = 1;

	if (write(fs->ended_fd, &one, sizeof(one)) < 0)
		log_err("cannot tell that the mount ended: %m");
}

static int fs_mount(struct fs *fs, struct error *err)
{
	char data[128];
	unsigned long flags = 0;

	if (!fs->options.allow_suid)
		flags |= MS_NOSUID;
	if (!fs->options.allow_dev)
		flags |= MS_NODEV;
	snprintf(
		data, sizeof(data),
		"fd=%d,rootmode=40555,user_id=0,group_id=0,allow_other,default_permissions",
		fs->dev_fd);
	if (mount(fs->options.fsname, fs->mountpoint, "fuse.podvols", flags,
		  data) < 0)
		return error_set(err, -errno, "cannot mount on '%s': %m",
				 fs->mountpoint);
	fs->mounted = true;
	/* So that binds of it may be slaves: what we mount reaches them. */
	if (mount(NULL, fs->mountpoint, NULL, MS_SHARED, NULL) < 0)
		log_debug("cannot share the mount '%s': %m", fs->mountpoint);
	return 0;
}

/* The kernel sends INIT at the mount: answer it before anything else. */
static int fs_greet(struct fs *fs, struct error *err)
{
	int r;

	do {
		r = transport_take_one(fs->transport);
	} while (r == -EAGAIN || (r == 0 && !fs->init_done));
	if (r < 0)
		return error_set(err, r, "the kernel ended the new mount '%s'",
				 fs->mountpoint);
	kernel_list(&fs->kernel, fs->features);
	return 0;
}

static int fs_transport_open(struct fs *fs, bool uring)
{
	struct transport_options options = {
		.dev_fd = fs->dev_fd,
		.threads = fs->options.threads,
		.max_request = MAX_REQUEST,
		.state = fs->options.state,
		.request = session_request,
		.ended = fs_ended,
		.arg = fs,
	};

	if (uring)
		return transport_open_uring(&options, fs->mountpoint,
					    &fs->transport);
	return transport_open_dev(&options, &fs->transport);
}

/* Longer than a fresh mount takes on any machine. */
#define FS_HELPER_TIMEOUT_S 60

/* Does the mount answer?  Asked by a process that may wait for it. */
static int look_errand(int fd, const char *arg, size_t len, struct error *err)
{
	struct stat st;

	(void)fd;
	(void)len;
	if (stat(arg, &st) < 0)
		return error_set(err, -errno, "'%s' does not answer: %m", arg);
	return 0;
}

/* As the kernel knows it: nothing is mounted, INIT was answered. */
static int fs_take_over(struct fs *fs, struct error *err)
{
	int r = session_greet_again(fs);

	fs->mounted = true;
	fs->names_are_in_doubt = fs->options.names_are_in_doubt;
	if (r == 0)
		r = attach_tables(fs);
	if (r < 0)
		return error_set(err, r, "cannot take over the mount '%s'",
				 fs->mountpoint);
	if (fs->options.attached)
		r = fs->options.attached(fs->options.attached_arg, err);
	if (r < 0)
		return r;
	r = session_resend(fs);
	if (r < 0)
		return error_set(err, r, "cannot have requests repeated");
	kernel_list(&fs->kernel, fs->features);
	return 0;
}

static int fs_start(struct fs *fs, bool uring, struct error *err)
{
	bool is_served = fs_is_served(fs->options.state);
	int r;

	fs->kernel.wanted[KERNEL_OVER_URING] = uring;
	r = session_open(fs, err);
	if (r < 0)
		return r;
	r = fs_transport_open(fs, uring);
	if (r < 0)
		return error_set(err, r, "cannot make a transport");
	if (is_served) {
		r = fs_take_over(fs, err);
	} else {
		r = fs_mount(fs, err);
		if (r == 0)
			r = fs_greet(fs, err);
	}
	if (r < 0)
		return r;
	if (uring && !kernel_has(&fs->kernel, KERNEL_OVER_URING))
		return error_set(err, -EOPNOTSUPP,
				 "the kernel does not offer io_uring");
	r = transport_start(fs->transport);
	if (r < 0)
		return error_set(err, r, "cannot start transport threads");
	if (is_served)
		notify_all(fs);
	return helper_run(fs->options.helper, FS_HELPER_TIMEOUT_S, look_errand,
			  -1, fs->mountpoint, strlen(fs->mountpoint) + 1, err);
}

/*
 * By dup(2), which ThreadSanitizer knows: what is written to a descriptor comes
 * before what is read from it.
 */
static int dev_again(int fd)
{
	int copy = dup(fd);

	if (copy >= 0)
		fcntl(copy, F_SETFD, FD_CLOEXEC);
	return copy;
}

static int fs_parts(struct fs *fs, struct error *err)
{
	int r;

	fs->dev_fd = fs->options.state ? dev_again(fs->options.dev_fd)
				       : open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fs->dev_fd < 0)
		return error_set(err, -errno, "cannot open '/dev/fuse': %m");
	fs->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fs->ended_fd < 0)
		return error_set(err, -errno, "cannot make an eventfd: %m");
	r = stats_new(&fs->stats);
	if (r == 0)
		r = inode_table_new(fs->options.state, inode_gone, inode_unback,
				    fs, &fs->inodes);
	if (r == 0)
		r = file_table_new(fs->options.state, &fs->files);
	if (r == 0)
		r = locks_new(fs->options.state, &fs->locks);
	if (r == 0 && fs->options.state)
		r = journal_new(fs->options.state, &fs->journal);
	if (r == 0)
		r = notify_new(fs, &fs->notify);
	if (r == 0)
		r = watch_new(fs, &fs->watch);
	if (r == 0)
		r = gate_new(&fs->gate);
	if (r < 0)
		return error_set(err, r, "cannot make the tables of the mount");
	return 0;
}

/* Mount through the one transport or the other. */
static int fs_try(const struct fs_options *options, bool uring,
		  const char *reason, struct fs **ret, struct error *err)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	int r;

	if (!fs)
		return error_set(err, -ENOMEM, "out of memory");
	fs->options = *options;
	if (uring)
		fs->options.dev_fd = options->ring_fd;
	snprintf(fs->transport_reason, sizeof(fs->transport_reason), "%s",
		 reason);
	fs->tree = options->tree;
	fs->dev_fd = -1;
	fs->ended_fd = -1;
	pthread_mutex_init(&fs->pending_lock, NULL);
	if (fs_served_at(fs->options.state, &fs->mountpoint) < 0)
		fs->mountpoint = realpath(options->mountpoint, NULL);
	if (!fs->mountpoint)
		r = error_set(err, -errno, "mount point '%s': %m",
			      options->mountpoint);
	else
		r = kernel_init(&fs->kernel, options, err);
	if (r == 0)
		r = fs_parts(fs, err);
	if (r == 0)
		r = fs_start(fs, uring, err);
	if (r < 0) {
		fs_unmount(fs);
		session_ungreet(fs);
		fs_close(fs);
		return r;
	}
	tree_listen(fs->tree, notify_tree, fs);
	*ret = fs;
	return 0;
}

/* Rings or not, and why in words. */
static int fs_choose(const struct fs_options *options, bool *ret_uring,
		     char *reason, size_t size, struct error *err)
{
	bool has_rings = !options->state || options->ring_fd >= 0;
	struct kernel kernel;
	int r;

	r = kernel_init(&kernel, options, err);
	if (r < 0)
		return r;
	*ret_uring = false;
	if (!kernel.wanted[KERNEL_OVER_URING])
		snprintf(reason, size, "over-io-uring is disabled");
	else
		*ret_uring =
			transport_choose(options->transport,
					 options->state != NULL, reason, size);
	/* The kernel has changed its mind since that was asked. */
	if (*ret_uring && !has_rings) {
		snprintf(reason, size, "io_uring: no process has rings");
		*ret_uring = false;
	}
	return 0;
}

int fs_open(const struct fs_options *options, struct fs **ret,
	    struct error *err)
{
	cleanup_free char *mountpoint = NULL;
	char reason[sizeof((*ret)->transport_reason)];
	struct error why = { 0 };
	bool uring;
	int r;

	/* What the kernel was promised there is no choice about. */
	if (session_greeted_at(options->state, &mountpoint, &uring) == 0)
		return fs_try(options, uring, "taken over", ret, err);
	r = fs_choose(options, &uring, reason, sizeof(reason), err);
	if (r < 0)
		return r;
	r = fs_try(options, uring, reason, ret, uring ? &why : err);
	if (r < 0 && uring) {
		log_notice("io_uring is not used: %s", why.text);
		snprintf(reason, sizeof(reason), "io_uring: %.140s", why.text);
		r = fs_try(options, false, reason, ret, err);
	}
	return r;
}

bool fs_is_served(struct state *state)
{
	cleanup_free char *mountpoint = NULL;

	return fs_served_at(state, &mountpoint) == 0;
}

int fs_served_at(struct state *state, char **ret)
{
	bool uring;

	return session_greeted_at(state, ret, &uring);
}

bool fs_wants_rings(enum fs_transport asked, const char *disable_features)
{
	struct fs_options options = { .disable_features = disable_features };
	struct kernel kernel;

	return kernel_init(&kernel, &options, NULL) == 0 &&
	       kernel.wanted[KERNEL_OVER_URING] && transport_needs_relay(asked);
}

int fs_serve_rings(struct state *state, int dev_fd)
{
	return transport_serve_rings(state, dev_fd, MAX_REQUEST);
}

int fs_unmount(struct fs *fs)
{
	if (!fs->mounted)
		return 0;
	fs->mounted = false;
	if (umount2(fs->mountpoint, UMOUNT_NOFOLLOW) == 0)
		return 0;
	/* EINVAL: somebody else took it away. */
	if (errno == EINVAL)
		return 0;
	if (umount2(fs->mountpoint, UMOUNT_NOFOLLOW | MNT_DETACH) < 0)
		log_err("cannot unmount '%s': %m", fs->mountpoint);
	return -EBUSY;
}

void fs_close(struct fs *fs)
{
	struct file file;

	if (!fs)
		return;
	tree_listen(fs->tree, NULL, NULL);
	notify_free(fs->notify);
	watch_stop(fs->watch);
	transport_stop(fs->transport);
	while (fs->files && file_remove_any(fs->files, &file) == 0)
		fs_release(fs, 0, &file);
	/* Those who still wait for locks are answered. */
	locks_free(fs->locks);
	gate_free(fs->gate);
	watch_free(fs->watch);
	transport_close(fs->transport);
	journal_free(fs->journal);
	file_table_free(fs->files);
	inode_table_free(fs->inodes);
	session_close(fs);
	closep(&fs->dev_fd);
	closep(&fs->ended_fd);
	stats_free(fs->stats);
	pthread_mutex_destroy(&fs->pending_lock);
	free(fs->mountpoint);
	free(fs);
}

int fs_ended_fd(struct fs *fs)
{
	return fs->ended_fd;
}

int fs_detach_stale(const char *mountpoint, struct error *err)
{
	struct statfs st;

	/* Attributes are cached beyond a daemon's death; this is not. */
	if (statfs(mountpoint, &st) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTCONN && errno != ECONNABORTED)
		return error_set(err, -errno, "mount point '%s': %m",
				 mountpoint);
	/* The path may be a link: what it leads to is what was asked above. */
	if (umount2(mountpoint, MNT_DETACH) < 0)
		return error_set(
			err, -errno,
			"cannot detach the mount of a dead daemon from '%s': %m",
			mountpoint);
	return 1;
}

void fs_stats(struct fs *fs, struct fs_stats *ret)
{
	struct inode_stats inodes;

	inode_table_stats(fs->inodes, &inodes);
	*ret = (struct fs_stats){
		.inodes = inodes.inodes,
		.backing_ids = inodes.backing_ids,
		.table_bytes = inodes.bytes,
		.open_files = file_table_count(fs->files),
		.threads = transport_threads(fs->transport),
		.transport = fs->transport->ops->name,
		.transport_reason = fs->transport_reason,
	};
	stats_sum(fs->stats, ret);
}

const struct fs_feature *fs_features(struct fs *fs, size_t *ret_n)
{
	*ret_n = KERNEL_N_FEATURES;
	return fs->features;
}
