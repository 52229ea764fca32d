/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_usage.h - what the volumes of a node hold: recorded, counted, limited
 *
 * Private to the node engine.  A thread of low priority counts what a crash
 * has left uncounted, and settles files that nobody writes any more.
 */
#ifndef STORE_NODE_USAGE_H
#define STORE_NODE_USAGE_H

#include "store/node_private.h"

struct node_usage;
struct usage_group;
struct volume;

/*
 * Give a volume that was just opened its usage, if its driver says that we
 * count it.  *group is that of its pod, made when the first volume needs it;
 * the caller ends it.
 */
int node_usage_attach(struct node *node, struct volume *vol,
		      const struct node_volume *v, struct usage_group **group);
/* The limits of a live volume are those of v now. */
void node_usage_resized(struct node *node, const char *pod_uid,
			const struct node_volume *v);

/* The calling thread works for nobody in a hurry: others go first. */
void node_usage_low_priority(void);
int node_usage_start(struct node *node);
/* Stop counting, and record what all volumes hold: nothing changes any more. */
void node_usage_stop(struct node *node);

/* Who keeps its limits: "podvols", "kernel", or "none" if it has none. */
const char *node_usage_keeper(const struct volume *vol);
/* Add what is known of vol to its status. */
int node_usage_status(struct volume *vol, json_t *status);

#endif
