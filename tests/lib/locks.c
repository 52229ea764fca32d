/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locks.c - hold or try a file lock from the shell
 *
 *   locks KIND hold FILE   take it, print "locked", keep it until stdin ends
 *   locks KIND try FILE    print "free" or "busy"
 *   locks KIND wait FILE   wait for it, print "locked"
 *   locks KIND holder FILE print the pid that fcntl F_GETLK names
 *
 * KIND is fcntl (a write lock on the whole file), ofd, range (bytes 100-199)
 * or flock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static struct flock lock_of(const char *kind)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (strcmp(kind, "range") == 0) {
		fl.l_start = 100;
		fl.l_len = 100;
	}
	return fl;
}

static int take(int fd, const char *kind, bool wait)
{
	struct flock fl = lock_of(kind);

	if (strcmp(kind, "flock") == 0)
		return flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
	if (strcmp(kind, "ofd") == 0)
		return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &fl);
	return fcntl(fd, wait ? F_SETLKW : F_SETLK, &fl);
}

static int print_holder(int fd, const char *kind)
{
	struct flock fl = lock_of(kind);

	if (fcntl(fd, F_GETLK, &fl) < 0)
		return -1;
	printf("%d\n", fl.l_type == F_UNLCK ? 0 : (int)fl.l_pid);
	return 0;
}

static int hold(int fd, const char *kind)
{
	char c;

	if (take(fd, kind, false) < 0)
		return -1;
	puts("locked");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}

static int try(int fd, const char *kind)
{
	if (take(fd, kind, false) == 0) {
		puts("free");
		return 0;
	}
	if (errno != EAGAIN && errno != EACCES)
		return -1;
	puts("busy");
	return 0;
}

static int wait_for(int fd, const char *kind)
{
	if (take(fd, kind, true) < 0)
		return -1;
	puts("locked");
	return 0;
}

int main(int argc, char **argv)
{
	int fd, r;

	if (argc != 4) {
		fprintf(stderr,
			"usage: locks KIND hold|try|wait|holder FILE\n");
		return 2;
	}
	fd = open(argv[3], O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		fprintf(stderr, "cannot open '%s': %m\n", argv[3]);
		return 1;
	}
	if (strcmp(argv[2], "hold") == 0)
		r = hold(fd, argv[1]);
	else if (strcmp(argv[2], "try") == 0)
		r = try(fd, argv[1]);
	else if (strcmp(argv[2], "wait") == 0)
		r = wait_for(fd, argv[1]);
	else
		r = print_holder(fd, argv[1]);
	if (r < 0)
		fprintf(stderr, "cannot lock '%s': %m\n", argv[3]);
	close(fd);
	return r < 0 ? 1 : 0;
}
