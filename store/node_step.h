/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_step.h - tell the test that a named step is done
 *
 * For all of the engine, the parts without a struct node too; node.h lists the
 * names, and tests/crash kills at each.
 */
#ifndef STORE_NODE_STEP_H
#define STORE_NODE_STEP_H

void node_step(const char *step);

#endif
