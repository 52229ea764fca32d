/* SPDX-License-Identifier: Apache-2.0 */
/* ipc.c - fifos and unix sockets that are met on the filesystem */

#include "tests/posix/posix.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

CASE(fifo, carries_bytes_between_processes)
{
	char buf[32] = "";
	pid_t pid;
	int fd;

	PREP(mkfifo("p", 0600));
	pid = start();
	if (!pid) {
		int w = open("p", O_WRONLY);

		_exit(write(w, "through the fifo", 16) == 16 ? 0 : 1);
	}
	fd = FD(open("p", O_RDONLY));
	OK(read(fd, buf, sizeof(buf)));
	rec("%s", buf);
	ended("writer", pid);
	OK(read(fd, buf, sizeof(buf)));
	look("p");
}

CASE(fifo, without_waiting)
{
	struct pollfd p = { .events = POLLIN };
	char c;
	int r, w;

	signal(SIGPIPE, SIG_IGN);
	PREP(mkfifo("p", 0600));
	r = p.fd = FD(open("p", O_RDONLY | O_NONBLOCK));
	OK(read(r, &c, 1));
	w = FD(open("p", O_WRONLY | O_NONBLOCK));
	FAILS(EAGAIN, read(r, &c, 1));
	OK(poll(&p, 1, 0));
	OK(write(w, "ab", 2));
	OK(poll(&p, 1, 0));
	rec("poll %x", p.revents);
	OK(read(r, &c, 1));
	FAILS(ESPIPE, lseek(r, 0, SEEK_SET));
	FAILS(ESPIPE, pread(r, &c, 1, 0));
	FAILS(EINVAL, ftruncate(w, 0));
	OK(close(w));
	OK(read(r, &c, 1));
	OK(poll(&p, 1, 0));
	rec("poll %x", p.revents);
	w = FD(open("p", O_WRONLY | O_NONBLOCK));
	OK(close(r));
	FAILS(EPIPE, write(w, "x", 1));
	/* Names of one fifo are one fifo. */
	PREP(link("p", "q"));
	r = FD(open("q", O_RDONLY | O_NONBLOCK));
	OK(write(w, "via q", 5));
	OK(read(r, &c, 1));
}

CASE(fifo, permissions)
{
	PREP(mkfifo("p", 0600));
	PREP(chown("p", ALICE, STAFF));
	PREP(chmod("p", 0640));
	become(BOB, STAFF);
	OK(open("p", O_RDONLY | O_NONBLOCK));
	FAILS(EACCES, open("p", O_WRONLY | O_NONBLOCK));
	become(BOB, GUESTS);
	FAILS(EACCES, open("p", O_RDONLY | O_NONBLOCK));
}

static struct sockaddr_un address(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strncpy(a.sun_path, name, sizeof(a.sun_path) - 1);
	return a;
}

static int bind_to(int s, const char *name)
{
	struct sockaddr_un a = address(name);

	return bind(s, (struct sockaddr *)&a, sizeof(a));
}

static int connect_to(int s, const char *name)
{
	struct sockaddr_un a = address(name);

	return connect(s, (struct sockaddr *)&a, sizeof(a));
}

static int new_socket(int type)
{
	int s = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	PREP(s);
	return s;
}

CASE(socket, listens_and_is_reached)
{
	char buf[16] = "";
	int server = new_socket(SOCK_STREAM), client, peer;

	umask(027);
	OK(bind_to(server, "s"));
	look("s");
	FAILS(ECONNREFUSED, connect_to(new_socket(SOCK_STREAM), "s"));
	OK(listen(server, 5));
	client = new_socket(SOCK_STREAM);
	OK(connect_to(client, "s"));
	peer = FD(accept(server, NULL, NULL));
	OK(write(client, "hello", 5));
	OK(read(peer, buf, sizeof(buf)));
	rec("%s", buf);
	FAILS(EADDRINUSE, bind_to(new_socket(SOCK_STREAM), "s"));
	OK(rename("s", "t"));
	OK(connect_to(new_socket(SOCK_STREAM), "t"));
	PREP(link("t", "u"));
	OK(connect_to(new_socket(SOCK_STREAM), "u"));
	PREP(symlink("u", "l"));
	OK(connect_to(new_socket(SOCK_STREAM), "l"));
	OK(close(server));
	FAILS(ECONNREFUSED, connect_to(new_socket(SOCK_STREAM), "t"));
	OK(unlink("t"));
	FAILS(ENOENT, connect_to(new_socket(SOCK_STREAM), "t"));
	list(".");
}

CASE(socket, datagrams)
{
	char buf[16] = "";
	int server = new_socket(SOCK_DGRAM), client = new_socket(SOCK_DGRAM);

	OK(bind_to(server, "s"));
	OK(connect_to(client, "s"));
	OK(send(client, "datagram", 8, 0));
	OK(recv(server, buf, sizeof(buf), 0));
	rec("%s", buf);
	FAILS(EPROTOTYPE, connect_to(new_socket(SOCK_STREAM), "s"));
}

CASE(socket, permissions_and_errors)
{
	int server = new_socket(SOCK_STREAM);

	PREP(mkdir("d", 0755));
	put("f", "");
	FAILS(EADDRINUSE, bind_to(new_socket(SOCK_STREAM), "d"));
	FAILS(ENOENT, bind_to(new_socket(SOCK_STREAM), "no/s"));
	FAILS(ENOTDIR, bind_to(new_socket(SOCK_STREAM), "f/s"));
	FAILS(ECONNREFUSED, connect_to(new_socket(SOCK_STREAM), "f"));
	PREP(bind_to(server, "s"));
	PREP(listen(server, 5));
	PREP(chmod("s", 0600));
	become(ALICE, STAFF);
	FAILS(EACCES, connect_to(new_socket(SOCK_STREAM), "s"));
	FAILS(EACCES, bind_to(new_socket(SOCK_STREAM), "d/s"));
	OK(bind_to(new_socket(SOCK_STREAM), "mine"));
	look("mine");
	back();
	PREP(chmod("s", 0602));
	become(ALICE, STAFF);
	OK(connect_to(new_socket(SOCK_STREAM), "s"));
}
