/* SPDX-License-Identifier: Apache-2.0 */
/* carrier.c - requests through /dev/fuse alone */
#include "fuse/carrier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuse/transport.h"
#include "store/base/error.h"
#include "store/base/log.h"

static int dev_start(struct carrier *c)
{
	return transport_start(c->dev);
}

static void dev_stop(struct carrier *c)
{
	transport_stop(c->dev);
}

static void dev_close(struct carrier *c)
{
	transport_close(c->dev);
	free(c);
}

static ssize_t dev_send(struct carrier *c, const struct iovec *iov, int n)
{
	return transport_send(c->dev, iov, n);
}

static void dev_may_wait(struct carrier *c)
{
	transport_may_wait(c->dev);
}

static unsigned dev_threads(const struct carrier *c)
{
	return transport_threads(c->dev);
}

static const struct carrier_ops dev_ops = {
	.name = "dev",
	.start = dev_start,
	.stop = dev_stop,
	.close = dev_close,
	.send = dev_send,
	.may_wait = dev_may_wait,
	.threads = dev_threads,
};

int carrier_open_dev(const struct transport_options *options,
		     struct carrier **ret)
{
	struct carrier *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->ops = &dev_ops;
	r = transport_open_dev(options, &c->dev);
	if (r < 0) {
		free(c);
		return r;
	}
	*ret = c;
	return 0;
}

int carrier_take_one(struct carrier *c)
{
	return transport_take_one(c->dev);
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

bool carrier_choose(enum fs_transport asked, char *reason, size_t size)
{
	struct error why = { 0 };
	bool uring = false;

	if (asked == FS_TRANSPORT_DEV) {
		snprintf(reason, size, "asked for");
	} else if (carrier_probe_uring(&why) < 0) {
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
