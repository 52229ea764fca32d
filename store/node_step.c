/* SPDX-License-Identifier: Apache-2.0 */
/* node_step.c - tell the test that a named step is done */
#include "store/node_step.h"

#include "store/node.h"

#include <stdatomic.h>

static _Atomic(node_step_fn *) step_hook;

void node_set_step_hook(node_step_fn *fn)
{
	atomic_store(&step_hook, fn);
}

void node_step(const char *step)
{
	node_step_fn *fn = atomic_load(&step_hook);

	if (fn)
		fn(step);
}
