/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_census.h - looking now and then what volumes hold that others change,
 * too
 *
 * Private to the node engine.  Each walk has a thread of low priority to
 * itself, so that a disk that is slow, or a server that is dead, holds up no
 * other volume.  Nobody who asks waits for one.
 */
#ifndef STORE_NODE_CENSUS_H
#define STORE_NODE_CENSUS_H

#include "store/node_private.h"

struct node_census;
struct volume;

/* Give a volume that was just opened its census, if its driver has one. */
int node_census_attach(struct volume *vol, const struct node_volume *v);
/* It is wanted of a live volume if v says so now. */
void node_census_changed(struct node *node, const char *pod_uid,
			 const struct node_volume *v);
/* The pod goes: no walk shall keep its volumes busy. */
void node_census_end(struct node *node, const char *pod_uid);

int node_census_start(struct node *node);
/* A walk that does not end is left behind. */
void node_census_stop(struct node *node);

/* Is anything to be said of vol? */
bool node_census_is_wanted(const struct volume *vol);
/* Add what is known of vol to its status, and ask for newer numbers. */
int node_census_status(struct node *node, const struct volume *vol,
		       json_t *status);

#endif
