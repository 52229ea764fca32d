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
 * Handed over by another process, requests come slower than from /dev/fuse.
 */
static bool rings_are_better(bool is_relayed, char *reason, size_t size)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (is_relayed) {
		snprintf(reason, size, "best where the mount has a holder");
		return false;
	}
	if (cpus < 2) {
		snprintf(reason, size, "best on a single CPU");
		return false;
	}
	snprintf(reason, size, "best for several clients on %ld CPUs", cpus);
	return true;
}

bool transport_choose(enum fs_transport asked, bool is_relayed, char *reason,
		      size_t size)
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
		uring = rings_are_better(is_relayed, reason, size);
	}
	return uring;
}

bool transport_needs_relay(enum fs_transport asked)
{
	return asked == FS_TRANSPORT_URING && transport_probe_uring(NULL) == 0;
}
