/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the configuration file: `key = value` lines, and its drop-ins
 *
 * The keys are the long options (options.h).
 */
#ifndef PODVOLSD_CONFIG_H
#define PODVOLSD_CONFIG_H

#include <stddef.h>

struct error;
struct options;

/* Apply a text (not NUL-terminated); name and line open the message. */
int config_parse(const char *name, const char *text, size_t len,
		 struct options *options, struct error *err);

/*
 * Apply the file options->config, then FILE.d/ *.conf in the order of their
 * names.  A missing file is an error only if the command line named it.
 */
int config_load(struct options *options, struct error *err);

#endif
