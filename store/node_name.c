/* SPDX-License-Identifier: Apache-2.0 */
/* node_name.c - names for pods that come with generateName */
#include "store/node_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* As the API server: the base cut so that the whole is a label. */
#define BASE_MAX    58
#define SUFFIX_SIZE 5

/* Kubernetes' letters: no vowels, so that no words come out, nor 0, 1, 3. */
static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";

int node_generate_name(const char *base, char *buf, size_t size)
{
	char suffix[SUFFIX_SIZE + 1] = "";
	size_t n = 0;

	while (n < SUFFIX_SIZE) {
		unsigned char byte;

		if (getrandom(&byte, 1, 0) != 1)
			return -EIO;
		/* Below a multiple of the letters' number, so all are even. */
		if (byte <
		    256 / (sizeof(alphabet) - 1) * (sizeof(alphabet) - 1))
			suffix[n++] = alphabet[byte % (sizeof(alphabet) - 1)];
	}
	if (snprintf(buf, size, "%.*s%s", BASE_MAX, base, suffix) >= (int)size)
		return -ENAMETOOLONG;
	return 0;
}
