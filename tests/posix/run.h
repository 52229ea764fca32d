/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - runs one case in a directory, in processes that can be killed */
#ifndef POSIX_RUN_H
#define POSIX_RUN_H

struct posix_case;
struct transcript;

/*
 * Run the nth of a case in a fresh directory beneath dir, for so many seconds
 * at most, and fill t.  Returns -errno when that directory cannot be made;
 * whatever else happens is told by the transcript.
 */
int run_case(const struct posix_case *c, unsigned int nth, const char *dir,
	     unsigned int seconds, struct transcript *t);

#endif
