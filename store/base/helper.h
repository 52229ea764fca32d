/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper.h - a process of our own that may use our own mount
 *
 * A thread that waits for an answer of the mount its own process serves cannot
 * be killed: the process would have to end for the wait to end, and its
 * descriptor of the mount's connection would have to be closed first.  Whatever
 * goes through the mount, or may wait for somebody who does, is therefore run
 * in a process that holds no such descriptor: the helper is forked before the
 * mount is opened, and forks again for each errand, so that errands do not
 * wait for each other.
 *
 * There are two of it: one serves, and the other waits for its end.  If one is
 * killed the one that is left makes a new one, so that nobody has to fork out
 * of a process with threads.
 */
#ifndef BASE_HELPER_H
#define BASE_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;
struct helper;

/* More does not fit into an errand's argument. */
#define HELPER_ARG_MAX 16384

/*
 * What to do: in a child of a process without threads, with nothing open but
 * fd (-1 if none was given).  Returns 0 or -errno with err.
 */
typedef int helper_fn(int fd, const char *arg, size_t len, struct error *err);

/*
 * Fork the helper: before there are threads, and before anything is opened
 * that it must not hold.  It ends by itself when this process does.
 */
int helper_new(struct helper **ret, struct error *err);
void helper_free(struct helper *helper);

/* Is that process the helper (NULL: no), or does it run one of its errands? */
bool helper_has_process(const struct helper *helper, pid_t pid);

/*
 * Run fn in a process of its own and wait for its end, at most timeout_s
 * seconds (then it is killed: -ETIMEDOUT).  arg is copied, fd borrowed.
 * Returns what fn returns, with its err; -EPIPE if there is no helper any more.
 * Thread-safe.  Without a helper (NULL) fn runs here: for tests without a
 * mount.
 */
int helper_run(struct helper *helper, unsigned timeout_s, helper_fn *fn, int fd,
	       const char *arg, size_t len, struct error *err);

#endif
