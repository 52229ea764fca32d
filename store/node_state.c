/* SPDX-License-Identifier: Apache-2.0 */
/* node_state.c - the state directory: made, checked and held by a lock */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/node_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int state_make(const char *path, struct error *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	if (errno == ENOENT)
		return error_set(err, -ENOENT,
				 "cannot make state directory '%s': its parent "
				 "does not exist; make that first, or give "
				 "another state directory",
				 path);
	return error_set(err, -errno, "cannot make state directory '%s': %m",
			 path);
}

/* Who holds the lock wrote its pid there. */
static int refuse_second(int fd, const char *path, struct error *err)
{
	char pid[32] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	return error_set(err, -EBUSY,
			 "state directory '%s' is in use by another podvolsd "
			 "(pid %s); stop that one, or give this one another "
			 "state directory",
			 path, *pid ? pid : "unknown");
}

static int state_lock(struct node *node, struct error *err)
{
	cleanup_fd int fd = -1;

	fd = openat(node->env.state_fd, "lock",
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(err, -errno,
				 "cannot write state directory '%s': %m",
				 node->state_dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return refuse_second(fd, node->state_dir, err);
		return error_set(err, -errno,
				 "cannot lock state directory '%s': %m",
				 node->state_dir);
	}
	/* For humans: that it is not written does not matter. */
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		errno = 0;
	node->lock_fd = steal_fd(&fd);
	return 0;
}

static int state_subdir(struct node *node, const char *name, int *ret_fd,
			struct error *err)
{
	int fd;

	if (mkdirat(node->env.state_fd, name, 0700) < 0 && errno != EEXIST)
		return error_set(err, -errno, "cannot make '%s/%s': %m",
				 node->state_dir, name);
	fd = openat(node->env.state_fd, name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s/%s': %m",
				 node->state_dir, name);
	*ret_fd = fd;
	return 0;
}

int node_state_open(struct node *node, const char *path, struct error *err)
{
	int r;

	r = state_make(path, err);
	if (r < 0)
		return r;
	node->env.state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (node->env.state_fd < 0)
		return error_set(err, -errno,
				 "cannot open state directory '%s': %m", path);
	node->state_dir = realpath(path, NULL);
	if (!node->state_dir)
		return error_set(err, -errno,
				 "cannot resolve state directory '%s': %m",
				 path);
	node->env.state_dir = node->state_dir;
	r = state_lock(node, err);
	if (r < 0)
		return r;
	return state_subdir(node, "pods", &node->env.pods_fd, err);
}

void node_state_close(struct node *node)
{
	closep(&node->env.pods_fd);
	closep(&node->env.state_fd);
	closep(&node->lock_fd);
	free(node->state_dir);
}
