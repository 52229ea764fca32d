/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execer - processes that execute one program after the other, each of which
 * closes files of the mount (O_CLOEXEC)
 *
 *   execer DIRECTORY PROCESSES TIMES
 *
 * The kernel closes them while it keeps others from looking at the process: a
 * server that does so waits for a client that waits for it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES 8

static int again(char **argv, const char *dir, long times)
{
	char path[4096];
	char text[32];
	struct stat st;

	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%d.%d", dir, (int)getpid(), i);
		if (open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600) < 0 ||
		    stat(path, &st) < 0)
			return 1;
	}
	if (times == 0)
		return 0;
	snprintf(text, sizeof(text), "%ld", times - 1);
	execl("/proc/self/exe", argv[0], dir, "0", text, NULL);
	return 1;
}

int main(int argc, char **argv)
{
	long n = argc == 4 ? strtol(argv[2], NULL, 10) : -1;
	int failed = 0;
	int status;

	if (n < 0)
		return 2;
	if (n == 0)
		return again(argv, argv[1], strtol(argv[3], NULL, 10));
	for (long i = 0; i < n; i++) {
		if (fork() == 0)
			return again(argv, argv[1], strtol(argv[3], NULL, 10));
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	return failed;
}
