/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - end a helper program of a case that finds something wrong */
#ifndef LIB_CHECK_H
#define LIB_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(cond, ...)                                                       \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);        \
			fprintf(stderr, __VA_ARGS__);                          \
			fprintf(stderr, " (errno %m)\n");                      \
			exit(1);                                               \
		}                                                              \
	} while (0)

#endif
