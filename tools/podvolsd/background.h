/* SPDX-License-Identifier: Apache-2.0 */
/*
 * background.h - leaving the terminal, and the log file
 */
#ifndef PODVOLSD_BACKGROUND_H
#define PODVOLSD_BACKGROUND_H

struct error;

/*
 * Go on in a child without a terminal.  The parent waits for what the child
 * says and never returns: it exits with 0 when that is ready, and with 1 and
 * its error text otherwise.  *ret_fd is for the two calls below.
 */
int background_enter(int *ret_fd, struct error *err);
void background_ready(int fd);
void background_failed(int fd, const char *text);

/* Let standard error go to the end of this file; again, after it was moved. */
int log_file_open(const char *path, struct error *err);

#endif
