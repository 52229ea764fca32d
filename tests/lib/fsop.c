/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsop.c - one filesystem call from the shell: prints "ok" or the errno's name
 *
 * What mv(1), ln(1) and their kind hide: they fall back to copying where the
 * question is which errno the one call gives.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

struct fsop {
	const char *name;
	int n_args;
	int (*run)(char **args);
};

static int run_rename(char **args)
{
	return rename(args[0], args[1]);
}

static int run_exchange(char **args)
{
	return renameat2(AT_FDCWD, args[0], AT_FDCWD, args[1], RENAME_EXCHANGE);
}

static int run_noreplace(char **args)
{
	return renameat2(AT_FDCWD, args[0], AT_FDCWD, args[1],
			 RENAME_NOREPLACE);
}

static int run_link(char **args)
{
	return link(args[0], args[1]);
}

static int run_symlink(char **args)
{
	return symlink(args[0], args[1]);
}

static int run_mkdir(char **args)
{
	return mkdir(args[0], 0777);
}

static int run_rmdir(char **args)
{
	return rmdir(args[0]);
}

static int run_unlink(char **args)
{
	return unlink(args[0]);
}

static int run_create(char **args)
{
	return open(args[0], O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
}

static int run_write(char **args)
{
	int fd = open(args[0], O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return write(fd, args[1], strlen(args[1])) < 0 ? -1 : 0;
}

static int run_read(char **args)
{
	char buf[4096];
	int fd = open(args[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	return read(fd, buf, sizeof(buf)) < 0 ? -1 : 0;
}

static int run_fsync(char **args)
{
	int fd = open(args[0], O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

static int run_fifo(char **args)
{
	return mkfifo(args[0], 0644);
}

static int run_chmod(char **args)
{
	return chmod(args[0], (mode_t)strtoul(args[1], NULL, 8));
}

static int run_chown(char **args)
{
	return lchown(args[0], (uid_t)strtoul(args[1], NULL, 10),
		      (gid_t)strtoul(args[1], NULL, 10));
}

static int run_utimes(char **args)
{
	return utimensat(AT_FDCWD, args[0], NULL, AT_SYMLINK_NOFOLLOW);
}

static int run_truncate(char **args)
{
	return truncate(args[0], strtoll(args[1], NULL, 10));
}

static int run_setxattr(char **args)
{
	return setxattr(args[0], args[1], args[2], strlen(args[2]), 0);
}

static int run_stat(char **args)
{
	struct stat st;

	return lstat(args[0], &st);
}

static int run_tmpfile(char **args)
{
	return open(args[0], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int run_copy_range(char **args)
{
	int in = open(args[0], O_RDONLY | O_CLOEXEC);
	int out = open(args[1], O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	if (in < 0 || out < 0)
		return -1;
	return copy_file_range(in, NULL, out, NULL, 1 << 20, 0) < 0 ? -1 : 0;
}

static const struct fsop ops[] = {
	{ "chmod", 2, run_chmod },
	{ "chown", 2, run_chown },
	{ "copy_range", 2, run_copy_range },
	{ "create", 1, run_create },
	{ "exchange", 2, run_exchange },
	{ "fsync", 1, run_fsync },
	{ "link", 2, run_link },
	{ "mkdir", 1, run_mkdir },
	{ "mkfifo", 1, run_fifo },
	{ "noreplace", 2, run_noreplace },
	{ "read", 1, run_read },
	{ "rename", 2, run_rename },
	{ "rmdir", 1, run_rmdir },
	{ "setxattr", 3, run_setxattr },
	{ "stat", 1, run_stat },
	{ "symlink", 2, run_symlink },
	{ "tmpfile", 1, run_tmpfile },
	{ "truncate", 2, run_truncate },
	{ "unlink", 1, run_unlink },
	{ "utimes", 1, run_utimes },
	{ "write", 2, run_write },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(ops) / sizeof(*ops); i++) {
		if (strcmp(ops[i].name, argv[1]) != 0)
			continue;
		if (argc - 2 != ops[i].n_args)
			break;
		puts(ops[i].run(argv + 2) < 0 ? strerrorname_np(errno) : "ok");
		return 0;
	}
	fprintf(stderr, "usage: fsop OPERATION ARGUMENTS...\n");
	return 2;
}
