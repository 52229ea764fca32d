/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unixsock.c - a unix socket from the shell
 *
 *   unixsock listen PATH   answer each connection with "hello" until stdin ends
 *   unixsock connect PATH  print what the other side says
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int serve(int fd)
{
	struct pollfd pfds[2] = { { .fd = fd, .events = POLLIN },
				  { .fd = STDIN_FILENO, .events = POLLIN } };

	if (listen(fd, 8) < 0)
		return -1;
	puts("ready");
	fflush(stdout);
	while (poll(pfds, 2, -1) > 0 && !pfds[1].revents) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0)
			return -1;
		(void)!write(client, "hello\n", 6);
		close(client);
	}
	return 0;
}

static int hear(int fd)
{
	char buf[256];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	return n < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const struct sockaddr *sa = (const struct sockaddr *)&addr;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = -1;

	if (argc != 3 || fd < 0) {
		fprintf(stderr, "usage: unixsock listen|connect PATH\n");
		return 2;
	}
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", argv[2]);
	if (strcmp(argv[1], "listen") == 0)
		r = bind(fd, sa, sizeof(addr)) < 0 ? -1 : serve(fd);
	else
		r = connect(fd, sa, sizeof(addr)) < 0 ? -1 : hear(fd);
	if (r < 0)
		perror(argv[2]);
	close(fd);
	return r < 0 ? 1 : 0;
}
