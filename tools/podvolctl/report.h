/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - failures told on standard error, once, where they stop
 *
 * Each function returns the exit status that goes with what it told.
 */
#ifndef PODVOLCTL_REPORT_H
#define PODVOLCTL_REPORT_H

struct causes;
struct error;
struct manifest_lines;
struct reply;

/* "error: ..." */
int report_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same for a wrong command line; verb may be NULL. */
int report_usage(const char *verb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A request that got no answer: r of client_request(). */
int report_transport(int r, const struct error *err);

/*
 * A Status that is a failure, cause by cause.  doing ("applying 'pod.yaml'"),
 * source (a file's name) and lines may be NULL.
 */
int report_status(const struct reply *reply, const char *doing,
		  const char *source, const struct manifest_lines *lines);

/* What pod_decode() found. */
int report_causes(const char *source, unsigned line,
		  const struct causes *causes);

/* Copy text without what would play tricks with a terminal, in place. */
char *report_clean(char *text);

#endif
