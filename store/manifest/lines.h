/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - on which line each field of a document stands
 *
 * A field is known by a hash of its path, so that a path costs 16 bytes however
 * long it is.  Two paths with the same hash would merely share a line number.
 */
#ifndef MANIFEST_LINES_H
#define MANIFEST_LINES_H

#include <stddef.h>
#include <stdint.h>

struct manifest_lines;

struct manifest_lines *lines_new(unsigned first_line);
void lines_free(struct manifest_lines *lines);

/* Hash of the path of the root, of a member, and of an item. */
uint64_t lines_root(void);
uint64_t lines_member(uint64_t parent, const char *key);
uint64_t lines_item(uint64_t parent, size_t index);

int lines_add(struct manifest_lines *lines, uint64_t path, unsigned line);

/* To be called once, when all are added. */
void lines_sort(struct manifest_lines *lines);

#endif
