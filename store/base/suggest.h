/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h - the known word that is nearest to a mistyped one */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

/*
 * The word of a NULL-terminated list that word (len bytes of it) was most
 * likely meant to be; NULL if none is near.
 */
const char *suggest_nearest(const char *word, size_t len,
			    const char *const *known);

#endif
