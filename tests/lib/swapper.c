/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swapper.c - exchange two names for ever: swapper A B
 *
 * What a hostile container does while a subPath is resolved.  Prints "ready"
 * after the first exchange; ends when it is killed.
 */
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: swapper A B\n");
		return 2;
	}
	for (unsigned long n = 0;; n++) {
		if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2],
			      RENAME_EXCHANGE) < 0) {
			perror("cannot exchange");
			return 1;
		}
		if (n == 0) {
			puts("ready");
			fflush(stdout);
		}
	}
}
