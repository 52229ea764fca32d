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

/* No more wrong lines are told one by one. */
#define CONFIG_WRONG_MAX 20u

/* Is told what is wrong, thing by thing. */
typedef void config_wrong_fn(void *arg, const struct error *err);

/*
 * Apply a text (not NUL-terminated); name and line open each message.  A line
 * that is wrong stops none of the others.  0, or the first of the failures.
 */
int config_parse(const char *name, const char *text, size_t len,
		 struct options *options, config_wrong_fn *wrong, void *arg);

/*
 * Apply the file options->config, then FILE.d/ *.conf in the order of their
 * names.  A missing file is an error only if the command line named it; one
 * that is wrong stops none of the others.
 */
int config_load(struct options *options, config_wrong_fn *wrong, void *arg);

#endif
