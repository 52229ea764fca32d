/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - the transcript of a case, in memory that its processes share
 *
 * Memory rather than a file or a pipe, so that limits, descriptors and
 * signals that a case plays with do not touch it.
 */
#ifndef POSIX_RECORD_H
#define POSIX_RECORD_H

#include <stdatomic.h>

enum {
	TRANSCRIPT_MAX = 1 << 20
};

struct transcript {
	_Atomic unsigned int len;
	_Atomic int wrong;
	_Atomic int skipped;
	char text[TRANSCRIPT_MAX];
};

struct transcript *transcript_new(void);
/* Begin anew; what is recorded from now on goes here. */
void transcript_begin(struct transcript *t);
/* End the text with a NUL and return it. */
const char *transcript_text(struct transcript *t);

#endif
