/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood.c - many clients, or rude ones, on a unix socket that speaks HTTP
 *
 *   flood SOCKET get N PATH    N connections at once, all open before any
 *                              asks; prints "<answered 200> <refused>"
 *   flood SOCKET idle N SECS   N connections that never say anything
 *   flood SOCKET deaf N PATH   N clients that ask again and again and never
 *                              read; they stay until stdin ends
 *   flood SOCKET half N PATH   N clients that stop in the middle of a header
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX  1024
#define TIMEOUT_MSEC 30000

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static void ask(int fd, const char *path, const char *end)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
			 "GET %s HTTP/1.1\r\nHost: podvols\r\n%s", path, end);

	/* A refused client finds out when it reads. */
	(void)!send(fd, text, (size_t)n, MSG_NOSIGNAL);
}

/* The status of an answer: 0 if the connection ended, -1 if none came. */
static int answer(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char buf[4096];
	ssize_t n;
	int status = 0;

	if (poll(&pfd, 1, TIMEOUT_MSEC) <= 0)
		return -1;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	sscanf(buf, "HTTP/1.%*d %d", &status);
	return status;
}

static int get_all(const int *fds, int n, const char *path)
{
	int good = 0, refused = 0;

	for (int i = 0; i < n; i++)
		ask(fds[i], path, "Connection: close\r\n\r\n");
	for (int i = 0; i < n; i++) {
		int status = answer(fds[i]);

		if (status < 0) {
			fprintf(stderr, "client %d hangs\n", i);
			return 1;
		}
		good += status == 200;
		refused += status != 200;
	}
	printf("%d %d\n", good, refused);
	return 0;
}

static void until_stdin_ends(void)
{
	char c;

	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

/* Fill the pipe to the server: it can answer no more, as nobody reads. */
static void be_deaf(const int *fds, int n, const char *path)
{
	char text[512];
	int len = snprintf(text, sizeof(text),
			   "GET %s HTTP/1.1\r\nHost: podvols\r\n\r\n", path);

	for (int i = 0; i < n; i++) {
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
		for (int k = 0; k < 2000; k++)
			if (send(fds[i], text, (size_t)len, MSG_NOSIGNAL) < 0)
				break;
	}
	until_stdin_ends();
}

int main(int argc, char **argv)
{
	static int fds[CLIENTS_MAX];
	int n = argc == 5 ? (int)strtol(argv[3], NULL, 10) : 0;

	if (n < 1 || n > CLIENTS_MAX) {
		fprintf(stderr, "usage: flood SOCKET get|idle|deaf|half N X\n");
		return 2;
	}
	for (int i = 0; i < n; i++)
		fds[i] = connect_to(argv[1]);
	if (strcmp(argv[2], "get") == 0)
		return get_all(fds, n, argv[4]);
	if (strcmp(argv[2], "deaf") == 0)
		be_deaf(fds, n, argv[4]);
	if (strcmp(argv[2], "idle") == 0)
		until_stdin_ends();
	if (strcmp(argv[2], "half") == 0) {
		for (int i = 0; i < n; i++)
			ask(fds[i], argv[4], "X-Half: ");
		until_stdin_ends();
	}
	return 0;
}
