/* SPDX-License-Identifier: Apache-2.0 */
/* socket.c - the listening socket of the API, and the pid file beside it */
#include "tools/podvolsd/socket.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "tools/podvolsd/paths.h"
#include "tools/podvolsd/pidfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

struct control_socket {
	int fd;
	int pid_fd;
	bool handed_over; /* by the service manager, whose file it is */
	bool visible;
	char *path;
	char *temporary; /* beside path, while it is not visible */
	char *pid_path;
};

static void unix_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert(strlen(path) < sizeof(ret->sun_path));
	memcpy(ret->sun_path, path, strlen(path) + 1);
}

/* -EADDRINUSE if somebody answers at path, though not through our pid file. */
static int probe(const char *path, struct error *err)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	cleanup_fd int fd = -1;
	struct sockaddr_un address;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT
			       ? 0
			       : error_set(err, -errno,
					   "cannot look at socket '%s': %m",
					   path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(
			err, -EEXIST,
			"cannot make socket '%s': there is a file that is no socket, remove it or choose another path",
			path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(err, -errno, "cannot make a socket: %m");
	unix_address(path, &address);
	/* A full queue is somebody's, too. */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
	    errno != EAGAIN)
		return 0;
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	return error_set(
		err, -EADDRINUSE,
		"socket '%s' is served by process %d: stop it, or give this daemon another --socket",
		path, (int)peer.pid);
}

static int bind_temporary(struct control_socket *s, struct error *err)
{
	struct sockaddr_un address;

	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return error_set(err, -errno, "cannot make a socket: %m");
	/* bind() gives the file the mode of the descriptor, at once. */
	if (fchmod(s->fd, 0600) < 0)
		return error_set(err, -errno, "cannot protect a socket: %m");
	unlink(s->temporary);
	unix_address(s->temporary, &address);
	if (bind(s->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, -errno, "cannot make socket '%s': %m",
				 s->path);
	return 0;
}

/* 1 if there is a socket of the service manager, 0 if not. */
static int take_handed_over(struct control_socket *s, struct error *err)
{
	int n = sd_listen_fds(1);

	if (n <= 0)
		return 0;
	if (n > 1)
		return error_set(
			err, -EINVAL,
			"the service manager handed over %d sockets, one is wanted",
			n);
	if (sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <=
	    0)
		return error_set(
			err, -EINVAL,
			"what the service manager handed over is no listening unix stream socket");
	s->fd = SD_LISTEN_FDS_START;
	s->handed_over = true;
	fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK);
	return 1;
}

static int set_paths(struct control_socket *s, const char *path)
{
	size_t n = strlen(path);

	if (n > 5 && strcmp(path + n - 5, ".sock") == 0)
		n -= 5;
	s->path = strdup(path);
	if (asprintf(&s->temporary, "%s.%x", path, (unsigned)getpid()) < 0)
		s->temporary = NULL;
	if (asprintf(&s->pid_path, "%.*s.pid", (int)n, path) < 0)
		s->pid_path = NULL;
	return s->path && s->temporary && s->pid_path ? 0 : -ENOMEM;
}

static int prepare(struct control_socket *s, struct error *err)
{
	int r;

	r = paths_make_parent(s->path, 0755, err);
	if (r < 0)
		return error_prefix(err, r, "cannot make socket '%s'", s->path);
	r = pidfile_open(s->pid_path, &s->pid_fd, err);
	if (r < 0)
		return error_prefix(err, r, "socket '%s'", s->path);
	r = take_handed_over(s, err);
	if (r != 0)
		return r;
	r = probe(s->path, err);
	if (r < 0)
		return r;
	return bind_temporary(s, err);
}

int control_socket_open(const char *path, struct control_socket **ret,
			struct error *err)
{
	struct control_socket *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return error_set(err, -ENOMEM, "out of memory");
	s->fd = -1;
	s->pid_fd = -1;
	r = set_paths(s, path);
	if (r < 0)
		error_set(err, r, "out of memory");
	else
		r = prepare(s, err);
	if (r < 0) {
		control_socket_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

int control_socket_listen(struct control_socket *s, struct error *err)
{
	if (s->handed_over)
		return s->fd;
	if (listen(s->fd, SOMAXCONN) < 0 || rename(s->temporary, s->path) < 0)
		return error_set(err, -errno, "cannot make socket '%s': %m",
				 s->path);
	s->visible = true;
	return s->fd;
}

void control_socket_close(struct control_socket *s)
{
	if (!s)
		return;
	if (s->visible)
		unlink(s->path);
	else if (s->temporary && s->fd >= 0 && !s->handed_over)
		unlink(s->temporary);
	if (s->pid_path && s->pid_fd >= 0)
		unlink(s->pid_path);
	if (s->fd >= 0)
		close(s->fd);
	if (s->pid_fd >= 0)
		close(s->pid_fd);
	free(s->path);
	free(s->temporary);
	free(s->pid_path);
	free(s);
}
