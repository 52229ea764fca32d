/* SPDX-License-Identifier: Apache-2.0 */
/* transport.c - which transport, and what all have in common */
#include "fuse/transport.h"

#include <stdio.h>
#include <unistd.h>

#include "fuse/readers.h"
#include "store/base/error.h"
#include "store/base/log.h"

int transport_take_one(struct transport *t)
{
	return readers_take_one(t->dev);
}

/*
 * Measured on two CPUs: with one client rings are a few percent slower; with
 * eight they answer up to 1.8 times as much, for a client and its server share
 * a CPU whichever it is.  On a single CPU there is no choice to make by that.
 */
static bool rings_are_better(char *reason, size_t size)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus < 2) {
		snprintf(reason, size, "best on a single CPU");
		return false;
	}
	snprintf(reason, size, "best for several clients on %ld CPUs", cpus);
	return true;
}

bool transport_choose(enum fs_transport asked, char *reason, size_t size)
{
	struct error why = { 0 };
	bool uring = false;

	if (asked == FS_TRANSPORT_DEV) {
		snprintf(reason, size, "asked for");
	} else if (transport_probe_uring(&why) < 0) {
		if (asked == FS_TRANSPORT_URING)
			log_notice("io_uring is not used: %s", why.text);
		snprintf(reason, size, "io_uring: %.140s", why.text);
	} else if (asked == FS_TRANSPORT_URING) {
		snprintf(reason, size, "asked for");
		uring = true;
	} else {
		uring = rings_are_better(reason, size);
	}
	return uring;
}

bool transport_prefers_uring(enum fs_transport asked)
{
	char reason[160];

	return asked != FS_TRANSPORT_DEV && transport_probe_uring(NULL) == 0 &&
	       (asked == FS_TRANSPORT_URING ||
		rings_are_better(reason, sizeof(reason)));
}
