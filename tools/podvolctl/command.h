/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - the table of commands
 *
 * A command is one cmd_<verb>.c and one line here.  It returns an exit status.
 */
#ifndef PODVOLCTL_COMMAND_H
#define PODVOLCTL_COMMAND_H

#include <stdint.h>
#include <stdio.h>

struct client;
struct cmdline;

enum exit_status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_UNREACHABLE = 3,
};

/* One invocation. */
struct ctl {
	const struct cmdline *cmdline;
	struct client *client;
};

struct command {
	const char *name;
	const char *summary;
	const char *usage;	 /* without options */
	const char *description; /* paragraphs, 78 columns */
	const char *outputs;	 /* "wide|json"; NULL: no -o */
	const char *completes;	 /* what its arguments are: "types", "pods",
				    "shells", "commands"; NULL: nothing */
	uint32_t options;	 /* OPTION_BIT()s beside the common ones */
	int (*run)(struct ctl *ctl);
};

extern const struct command command_table[]; /* a nameless one ends it */

const struct command *command_find(const char *name);

/* Tell that there is no such command and which is nearest; STATUS_USAGE. */
int command_tell_unknown(const char *name);

int cmd_apply(struct ctl *ctl);
int cmd_completion(struct ctl *ctl);
int cmd_delete(struct ctl *ctl);
int cmd_describe(struct ctl *ctl);
int cmd_get(struct ctl *ctl);
int cmd_help(struct ctl *ctl);
int cmd_mounts(struct ctl *ctl);
int cmd_resize(struct ctl *ctl);
int cmd_status(struct ctl *ctl);
int cmd_version(struct ctl *ctl);

#endif
