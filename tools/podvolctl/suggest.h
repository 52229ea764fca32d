/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h - the known word that is nearest to a mistyped one */
#ifndef PODVOLCTL_SUGGEST_H
#define PODVOLCTL_SUGGEST_H

#include <stddef.h>

/*
 * The candidate with the fewest edits from word (len bytes of it), or NULL if
 * none is near enough to be what was meant.
 */
const char *suggest(const char *word, size_t len, const char *const *candidates,
		    size_t n);

#endif
