/* SPDX-License-Identifier: Apache-2.0 */
/* transport_dev.c - requests through /dev/fuse alone */
#include <errno.h>
#include <stdlib.h>

#include "fuse/readers.h"
#include "fuse/transport.h"

static int dev_start(struct transport *t)
{
	return readers_start(t->dev);
}

static void dev_stop(struct transport *t)
{
	readers_stop(t->dev);
}

static void dev_close(struct transport *t)
{
	readers_close(t->dev);
	free(t);
}

static ssize_t dev_send(struct transport *t, const struct iovec *iov, int n)
{
	return readers_send(t->dev, iov, n);
}

static void dev_may_wait(struct transport *t)
{
	readers_may_wait(t->dev);
}

static unsigned dev_threads(const struct transport *t)
{
	return readers_threads(t->dev);
}

static const struct transport_ops dev_ops = {
	.name = "dev",
	.start = dev_start,
	.stop = dev_stop,
	.close = dev_close,
	.send = dev_send,
	.may_wait = dev_may_wait,
	.threads = dev_threads,
};

int transport_open_dev(const struct transport_options *options,
		       struct transport **ret)
{
	struct transport *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->ops = &dev_ops;
	r = readers_open(options, &t->dev);
	if (r < 0) {
		free(t);
		return r;
	}
	*ret = t;
	return 0;
}
