/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h - the known word that is nearest to a mistyped one */
#ifndef PODVOLSD_SUGGEST_H
#define PODVOLSD_SUGGEST_H

#include <stddef.h>

/* The nearest of n known words within two edits of word, or NULL. */
const char *suggest_nearest(const char *word, const char *const *known,
			    size_t n);

#endif
