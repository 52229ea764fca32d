/* SPDX-License-Identifier: Apache-2.0 */
/* pidfile.h - a file that names the daemon's process, locked while it lives */
#ifndef PODVOLSD_PIDFILE_H
#define PODVOLSD_PIDFILE_H

struct error;

/*
 * Make and lock it, write the pid of this process.  -EADDRINUSE, with the
 * other process in err, if that lives.
 */
int pidfile_open(const char *path, int *ret_fd, struct error *err);

#endif
