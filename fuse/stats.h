/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h - counters of requests: always on, written by each thread for itself
 */
#ifndef FUSE_STATS_H
#define FUSE_STATS_H

#include <stdint.h>

struct fs_stats;
struct stats;

int stats_new(struct stats **ret);
void stats_free(struct stats *s);

/* Nanoseconds on the clock that latencies are measured with. */
uint64_t stats_now(void);

/* One request of this opcode ended with this errno (0: well) after ns. */
void stats_count(struct stats *s, uint32_t opcode, int error, uint64_t ns);

/* Sum up all threads into ret->ops. */
void stats_sum(struct stats *s, struct fs_stats *ret);

#endif
