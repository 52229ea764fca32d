/* SPDX-License-Identifier: Apache-2.0 */
/* background.c - leaving the terminal, and the log file */
#include "tools/podvolsd/background.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static const char ready_word[] = "ready";

/* What the child said before it closed its end. */
static int wait_for_child(int fd)
{
	char text[2048];
	size_t len = 0;

	while (len < sizeof(text) - 1) {
		ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	if (strcmp(text, ready_word) == 0)
		return EXIT_SUCCESS;
	if (len == 0)
		snprintf(text, sizeof(text),
			 "the daemon died while it was starting, see its log");
	fprintf(stderr, "podvolsd: %s\n", text);
	return EXIT_FAILURE;
}

static void leave_terminal(void)
{
	cleanup_fd int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (chdir("/") < 0)
		errno = 0; /* it then keeps a directory busy, no more */
	if (null_fd < 0)
		return;
	dup2(null_fd, STDIN_FILENO);
	dup2(null_fd, STDOUT_FILENO);
}

int background_enter(int *ret_fd, struct error *err)
{
	cleanup_fd int read_fd = -1;
	cleanup_fd int write_fd = -1;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set(err, -errno, "cannot make a pipe: %m");
	read_fd = fds[0];
	write_fd = fds[1];
	pid = fork();
	if (pid < 0)
		return error_set(err, -errno, "cannot fork: %m");
	if (pid > 0) {
		close(write_fd);
		/* Nothing of ours is to be flushed or undone twice. */
		_exit(wait_for_child(read_fd));
	}
	leave_terminal();
	*ret_fd = steal_fd(&write_fd);
	return 0;
}

static void say(int fd, const char *text)
{
	size_t len = strlen(text);

	if (fd < 0)
		return;
	/* Nobody may be waiting any more; then there is nobody to tell. */
	if (write(fd, text, len) < 0)
		errno = 0;
	close(fd);
}

void background_ready(int fd)
{
	say(fd, ready_word);
}

void background_failed(int fd, const char *text)
{
	say(fd, text);
}

int log_file_open(const char *path, struct error *err)
{
	cleanup_fd int fd = -1;

	fd = open(path,
		  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
			  O_NOFOLLOW,
		  0640);
	if (fd < 0)
		return error_set(err, -errno, "cannot open log file '%s': %m",
				 path);
	if (dup2(fd, STDERR_FILENO) < 0)
		return error_set(err, -errno, "cannot use log file '%s': %m",
				 path);
	log_set_dated(true);
	return 0;
}
