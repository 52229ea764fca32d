/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - what was done last, and the end at the first difference */
#include "tests/model/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LAST = 24,
	LINE_BYTES = 400,
	RETRIES = 3,
};

static char lines[LAST][LINE_BYTES];
static uint64_t steps[LAST];
static unsigned next;

void doing(const char *format, ...)
{
	va_list args;

	me.touched = (struct touched){ .n_places = 0 };
	va_start(args, format);
	vsnprintf(lines[next], LINE_BYTES, format, args);
	va_end(args);
	steps[next] = me.step;
	if (me.told)
		fprintf(stderr, "%8ju %s\n", (uintmax_t)me.step, lines[next]);
	next = (next + 1) % LAST;
}

static const char *now(void)
{
	return lines[(next + LAST - 1) % LAST];
}

_Noreturn void differ(const char *format, ...)
{
	char what[1024];
	va_list args;

	/* Between two daemons nothing is there.  What is lost stays lost. */
	if (me.survive && me.retries++ < RETRIES)
		siglongjmp(me.gone, 1);
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	/* One write, so that the words of two processes do not mix. */
	flockfile(stderr);
	fprintf(stderr, "process %u of %u, seed %ju, step %ju: %s: %s\n",
		me.number, me.n_actors, (uintmax_t)me.seed, (uintmax_t)me.step,
		now(), what);
	fprintf(stderr, "  before that:\n");
	for (unsigned i = 0; i < LAST; i++) {
		unsigned k = (next + i) % LAST;

		if (lines[k][0])
			fprintf(stderr, "  %8ju %s\n", (uintmax_t)steps[k],
				lines[k]);
	}
	funlockfile(stderr);
	_exit(1);
}

const char *errno_text(long negative)
{
	if (negative >= 0)
		return "success";
	return strerrorname_np((int)-negative) ?: "an unknown errno";
}

void perhaps_gone(int error)
{
	if (!me.survive)
		return;
	if (error == ENOTCONN || error == ECONNABORTED || error == EIO ||
	    error == ESTALE)
		siglongjmp(me.gone, 1);
}

void expect(long got, long wanted)
{
	if (got < 0)
		got = -errno;
	else
		got = 0;
	if (got == wanted)
		return;
	perhaps_gone((int)-got);
	differ("the result is %s, expected %s", errno_text(got),
	       errno_text(wanted));
}

void touch_place(struct place p)
{
	me.touched.places[me.touched.n_places++] = p;
}

void touch_node(struct node *n)
{
	me.touched.nodes[me.touched.n_nodes++] = n;
}
