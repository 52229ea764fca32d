/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the daemon's options: one table for command line, file and help
 *
 * A value that came from the command line is never replaced by one of the
 * configuration file, which is nevertheless checked.
 */
#ifndef PODVOLSD_OPTIONS_H
#define PODVOLSD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "fuse/fs.h"
#include "store/base/log.h"

struct error;

#define OPTIONS_TABLE_MAX 32
#define OPTIONS_LIST_MAX  256 /* values of one repeatable option */

struct string_list {
	char **items;
	size_t n;
};

enum options_origin {
	OPTIONS_DEFAULT,
	OPTIONS_FILE,
	OPTIONS_COMMAND_LINE,
};

struct options {
	char *mountpoint;
	char *state_dir;
	char *socket;
	char *config;
	char *log_file; /* NULL: none given */
	char *disable_features;
	struct string_list host_path_allow;
	enum log_level log_level;
	enum fs_transport transport;
	unsigned threads; /* 0: one per CPU */
	unsigned max_connections;
	bool foreground;
	bool check_config;
	bool holder;
	bool share_locks;
	bool suid;
	bool dev;
	bool help;
	bool version;
	unsigned char origin[OPTIONS_TABLE_MAX]; /* enum options_origin */
};

enum option_type {
	OPTION_BOOL,
	OPTION_UNSIGNED,
	OPTION_PATH,	  /* absolute */
	OPTION_PATH_LIST, /* absolute, repeatable */
	OPTION_STRING,
	OPTION_LOG_LEVEL,
	OPTION_TRANSPORT,
};

enum option_place {
	OPTION_ANYWHERE,
	OPTION_COMMAND_LINE_ONLY,
};

struct option_def {
	const char *name;
	int letter; /* 0: none */
	enum option_type type;
	enum option_place place;
	size_t offset; /* of the value in struct options */
	const char *arg;
	unsigned min; /* of OPTION_UNSIGNED */
	unsigned max;
	const char *help;
};

/* Every option there is. */
const struct option_def *options_table(size_t *ret_n);

int options_init(struct options *options);
void options_done(struct options *options);

/*
 * Set one option by name.  -EINVAL with err for a name that is none (and its
 * nearest neighbour), one that has no place in origin, or a bad value.
 */
int options_set(struct options *options, const char *name, const char *value,
		enum options_origin origin, struct error *err);

/* Read the command line.  -EINVAL with err for a misuse. */
int options_parse_args(struct options *options, int argc, char **argv,
		       struct error *err);

/* Does the value of this option come from there? */
bool options_is_from(const struct options *options, const char *name,
		     enum options_origin origin);

/* Check what concerns several options at once. */
int options_validate(const struct options *options, struct error *err);

void options_help(FILE *out);

#endif
