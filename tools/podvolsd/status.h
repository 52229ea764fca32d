/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - the state of the daemon in numbers: JSON, and Prometheus' text
 */
#ifndef PODVOLSD_STATUS_H
#define PODVOLSD_STATUS_H

#include <jansson.h>
#include <stddef.h>

struct daemon;

/* All there is to know; new, or NULL for want of memory. */
json_t *status_json(struct daemon *d);

/* The part that changes while the daemon runs, for .podvols/stats.json. */
json_t *status_stats_json(struct daemon *d);

/* The text of .podvols/metrics, malloc'd; 0 or -ENOMEM. */
int status_metrics(struct daemon *d, char **ret, size_t *ret_len);

#endif
