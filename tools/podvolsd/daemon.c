/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - bringing the daemon's parts up and down, in order */
#include "tools/podvolsd/daemon.h"

#include "fuse/fs.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/helper.h"
#include "store/base/log.h"
#include "store/localfs/localfs.h"
#include "store/node.h"
#include "store/users.h"
#include "tools/podvolsd/background.h"
#include "tools/podvolsd/config.h"
#include "tools/podvolsd/control.h"
#include "tools/podvolsd/holder.h"
#include "tools/podvolsd/http.h"
#include "tools/podvolsd/options.h"
#include "tools/podvolsd/paths.h"
#include "tools/podvolsd/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <systemd/sd-daemon.h>

#define DRAIN_MS 10000 /* for the requests that run at the end */

void daemon_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
}

void daemon_block_signals(void)
{
	sigset_t set;

	daemon_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Who opens a file while it has a lease of ours need not say so. */
	signal(SIGIO, SIG_IGN);
}

static int open_signals(struct daemon *d, struct error *err)
{
	sigset_t set;

	daemon_signals(&set);
	d->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signal_fd < 0)
		return error_set(err, -errno, "cannot make a signalfd: %m");
	return 0;
}

static int prepare_mountpoint(struct daemon *d, struct error *err)
{
	const char *path = d->options->mountpoint;
	int r;

	if (d->is_successor)
		return fs_served_at(d->holding->state, &d->mountpoint);
	r = fs_detach_stale(path, err);
	if (r < 0)
		return r;
	if (r > 0)
		log_notice("detached the mount of a dead daemon at '%s'", path);
	r = paths_make(path, 0755, err);
	if (r < 0)
		return error_prefix(err, r, "cannot use the mountpoint");
	d->mountpoint = realpath(path, NULL);
	if (!d->mountpoint)
		return error_set(err, -errno, "cannot resolve '%s': %m", path);
	return 0;
}

/* Is the mountpoint the root of a FUSE mount?  That of a live one, then. */
static int refuse_live_mount(const char *mountpoint, struct error *err)
{
	struct statfs fs;
	struct statx st;

	if (statx(AT_FDCWD, mountpoint, AT_NO_AUTOMOUNT, 0, &st) < 0 ||
	    statfs(mountpoint, &fs) < 0)
		return error_set(err, -errno, "cannot look at '%s': %m",
				 mountpoint);
	if ((st.stx_attributes & STATX_ATTR_MOUNT_ROOT) &&
	    fs.f_type == FUSE_SUPER_MAGIC)
		return error_set(
			err, -EBUSY,
			"'%s' is a FUSE mount already: stop the daemon that serves it, or give this one another --mountpoint",
			mountpoint);
	return 0;
}

static int open_node(struct daemon *d, struct error *err)
{
	const struct options *options = d->options;
	struct localfs_options localfs_options = {
		.state = d->holding->state,
	};
	struct node_options node_options;
	int r;

	r = localfs_new(&localfs_options, &d->localfs, err);
	if (r < 0)
		return r;
	node_options = (struct node_options){
		.state_dir = options->state_dir,
		.mountpoint = d->mountpoint,
		.host_path_allow = options->host_path_allow.items,
		.n_host_path_allow = options->host_path_allow.n,
		.localfs = d->localfs,
		.helper = d->helper,
		.mount_is_kept = d->is_successor,
	};
	return node_open(&node_options, &d->node, err);
}

static int find_own_device(struct daemon *d, struct error *err)
{
	struct statx st;

	/* Without a request: nobody here waits for our own answer. */
	if (statx(AT_FDCWD, d->mountpoint, AT_STATX_DONT_SYNC, 0, &st) < 0)
		return error_set(err, -errno, "'%s': %m", d->mountpoint);
	localfs_set_own_device(d->localfs,
			       makedev(st.stx_dev_major, st.stx_dev_minor));
	return 0;
}

/*
 * What is open is known now: volumes can be counted.  In a take-over before any
 * request comes: as many as there are threads may wait for a count.
 */
static int start_node(void *arg, struct error *err)
{
	struct daemon *d = arg;

	localfs_adopted(d->localfs);
	return node_start(d->node, err);
}

static int open_mount(struct daemon *d, struct error *err)
{
	const struct options *options = d->options;
	struct fs_options fs_options = {
		.mountpoint = d->mountpoint,
		.fsname = "podvols",
		.transport = options->transport,
		.threads = options->threads,
		.share_locks = options->share_locks,
		.allow_suid = options->suid,
		.allow_dev = options->dev,
		.disable_features = options->disable_features,
		.tree = node_tree(d->node),
		.helper = d->helper,
		.state = d->holding->state,
		.dev_fd = d->holding->dev_fd,
		.ring_fd = d->holding->ring_fd,
		.names_are_in_doubt = node_has_withdrawn(d->node),
		.attached = start_node,
		.attached_arg = d,
		.control = control_text,
		.control_arg = d,
	};
	struct fs *fs;
	int r;

	/* Before anything is looked for on other mounts. */
	r = d->is_successor ? find_own_device(d, err)
			    : refuse_live_mount(d->mountpoint, err);
	if (r < 0)
		return r;
	r = fs_open(&fs_options, &fs, err);
	if (r < 0)
		return r;
	atomic_store(&d->fs, fs);
	r = find_own_device(d, err);
	if (r < 0)
		return r;
	return d->is_successor ? 0 : start_node(d, err);
}

static int open_api(struct daemon *d, struct error *err)
{
	int fd;

	fd = control_socket_listen(d->socket, err);
	if (fd < 0)
		return fd;
	return http_open(d, fd, d->options->max_connections, &d->http, err);
}

static int open_all(struct daemon *d, struct error *err)
{
	int r;

	/* First: it must hold nothing of what follows. */
	r = helper_new(&d->helper, err);
	if (r == 0)
		r = open_signals(d, err);
	if (r < 0)
		return r;
	r = prepare_mountpoint(d, err);
	if (r < 0)
		return r;
	r = open_node(d, err);
	if (r < 0)
		return r;
	/* Whoever serves the socket already is found before the mount. */
	r = control_socket_open(d->options->socket, &d->socket, err);
	if (r < 0)
		return r;
	r = open_mount(d, err);
	if (r < 0)
		return r;
	return open_api(d, err);
}

static void close_mount(struct daemon *d, bool unmount)
{
	struct fs *fs = atomic_load(&d->fs);

	if (!fs)
		return;
	if (unmount && fs_unmount(fs) == -EBUSY)
		log_warning(
			"'%s' was busy: detached, its users will see errors",
			d->mountpoint);
	atomic_store(&d->fs, NULL);
	fs_close(fs);
}

/* Everything but the mount, which closes first. */
static void close_rest(struct daemon *d)
{
	control_socket_close(d->socket);
	node_close(d->node);
	localfs_free(d->localfs);
	free(d->mountpoint);
	helper_free(d->helper);
	if (d->signal_fd >= 0)
		close(d->signal_fd);
}

int daemon_start(struct daemon *d, const struct options *options,
		 const struct holding *holding, struct error *err)
{
	struct node_stats stats;
	int r;

	*d = (struct daemon){ .options = options,
			      .holding = holding,
			      .is_successor = fs_is_served(holding->state),
			      .signal_fd = -1 };
	clock_gettime(CLOCK_REALTIME, &d->started);
	clock_gettime(CLOCK_MONOTONIC, &d->started_monotonic);
	r = open_all(d, err);
	if (r < 0) {
		http_close(d->http);
		close_mount(d, true);
		close_rest(d);
		return r;
	}
	node_stats(d->node, &stats);
	log_info("serving %llu pods at '%s', API at '%s'",
		 (unsigned long long)stats.pods, d->mountpoint,
		 options->socket);
	sd_notifyf(0, "READY=1\nSTATUS=serving %llu pods at %s",
		   (unsigned long long)stats.pods, d->mountpoint);
	return 0;
}

static void log_users(struct daemon *d)
{
	struct users users = { 0 };

	/* The binds of subPaths below the state directory are our own. */
	if (users_find(d->mountpoint, d->mountpoint, d->options->state_dir,
		       d->helper, &users) == 0 &&
	    users.n > 0)
		log_warning("'%s' goes away though it is in use by %s",
			    d->mountpoint, users.text);
}

static int stop(struct daemon *d, bool unmount)
{
	sd_notify(0, "STOPPING=1\nSTATUS=stopping");
	if (http_drain(d->http, DRAIN_MS) < 0) {
		/* Their threads use what we would free; the disk is in order */
		log_err("API requests did not end within %d s: leaving them",
			DRAIN_MS / 1000);
		fs_unmount(atomic_load(&d->fs));
		control_socket_close(d->socket);
		_exit(EXIT_FAILURE);
	}
	http_close(d->http);
	if (unmount)
		log_users(d);
	node_unbind_all(d->node);
	close_mount(d, unmount);
	close_rest(d);
	log_info("stopped");
	return unmount ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* config_wrong_fn */
static void log_wrong(void *arg, const struct error *err)
{
	(void)arg;
	log_err("%s", err->text);
}

/* What a running daemon can take over from its configuration: the log level. */
static void reload(struct daemon *d)
{
	struct options fresh;
	char *config = strdup(d->options->config);

	if (!config || options_init(&fresh) < 0) {
		free(config);
		return;
	}
	free(fresh.config);
	fresh.config = config;
	sd_notify(0, "RELOADING=1");
	if (config_load(&fresh, log_wrong, NULL) < 0) {
		log_err("configuration not reloaded");
	} else if (!options_is_from(d->options, "log-level",
				    OPTIONS_COMMAND_LINE)) {
		log_set_level(fresh.log_level);
		log_notice(
			"configuration reloaded: log level set, other changes need a restart");
	}
	sd_notify(0, "READY=1");
	options_done(&fresh);
}

static void reopen_log(struct daemon *d)
{
	struct error err = { 0 };

	if (d->options->log_file &&
	    log_file_open(d->options->log_file, &err) < 0)
		log_err("%s", err.text);
}

/* The signal that ends the daemon, or 0 when those that came do not. */
static int handle_signals(struct daemon *d)
{
	struct signalfd_siginfo info;

	while (read(d->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGHUP:
			reload(d);
			break;
		case SIGUSR1:
			reopen_log(d);
			break;
		default:
			return (int)info.ssi_signo;
		}
	}
	return 0;
}

int daemon_run(struct daemon *d)
{
	struct pollfd pfds[] = {
		{ .fd = d->signal_fd, .events = POLLIN },
		{ .fd = fs_ended_fd(atomic_load(&d->fs)), .events = POLLIN },
	};
	int signal_number;

	for (;;) {
		if (poll(pfds, 2, -1) < 0)
			continue;
		if (pfds[1].revents) {
			log_err("the mount at '%s' went away: stopping",
				d->mountpoint);
			return stop(d, false);
		}
		signal_number = handle_signals(d);
		if (signal_number) {
			log_info("stopping on signal %d", signal_number);
			return stop(d, true);
		}
	}
}
