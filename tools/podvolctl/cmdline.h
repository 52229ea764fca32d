/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmdline.h - one table of options, and what a command line chose from it
 *
 * The table drives getopt, --help and the shell completion; a test holds the
 * manual page against it.
 */
#ifndef PODVOLCTL_CMDLINE_H
#define PODVOLCTL_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command;
struct error;

#define DEFAULT_SOCKET	   "/run/podvols/podvolsd.sock"
#define DEFAULT_NAMESPACE  "default"
#define DEFAULT_TIMEOUT_MS 60000

enum option_id {
	OPTION_ALL,
	OPTION_ALL_NAMESPACES,
	OPTION_CLIENT,
	OPTION_DRY_RUN,
	OPTION_FIELD_SELECTOR,
	OPTION_FILENAME,
	OPTION_FORCE,
	OPTION_IGNORE_NOT_FOUND,
	OPTION_NAMESPACE,
	OPTION_NO_HEADERS,
	OPTION_OUTPUT,
	OPTION_SELECTOR,
	OPTION_WAIT,
	/* Those below go with every command, and before it. */
	OPTION_SOCKET,
	OPTION_REQUEST_TIMEOUT,
	OPTION_HELP,
	OPTION_VERSION,
	N_OPTION_IDS,
};

#define OPTION_BIT(id) (UINT32_C(1) << OPTION_##id)
#define OPTIONS_COMMON                                                         \
	(OPTION_BIT(SOCKET) | OPTION_BIT(REQUEST_TIMEOUT) | OPTION_BIT(HELP) | \
	 OPTION_BIT(VERSION))

enum option_argument {
	ARGUMENT_NONE,
	ARGUMENT_REQUIRED,
	ARGUMENT_OPTIONAL, /* --wait, --wait=false */
};

struct option_def {
	const char *name;
	char letter; /* 0: none */
	enum option_argument argument;
	const char *placeholder; /* "FILE"; NULL: no argument */
	const char *help;
};

extern const struct option_def option_table[N_OPTION_IDS];

enum dry_run {
	DRY_RUN_NONE,
	DRY_RUN_CLIENT, /* checked here, nothing is sent */
	DRY_RUN_SERVER,
};

struct cmdline {
	const char *socket;
	const char *namespace;
	bool namespace_given; /* on the command line, not by environment */
	bool all;	      /* the objects of a namespace, by intention */
	bool all_namespaces;
	bool client_only;
	bool force;
	bool help;
	bool version;
	bool ignore_not_found;
	bool no_headers;
	bool wait;
	enum dry_run dry_run;
	const char *output; /* NULL: not given */
	const char *field_selector;
	const char *selector; /* by labels */
	long timeout_ms;      /* 0: none */
	char **files;	      /* owned array of borrowed strings */
	size_t n_files;
	char **args; /* what is no option; borrowed from argv */
	size_t n_args;
};

/* Defaults and the environment (PODVOLS_SOCKET, PODVOLS_NAMESPACE). */
void cmdline_init(struct cmdline *cmdline);
void cmdline_done(struct cmdline *cmdline);

/*
 * Options that stand before the command; args are then the command and what
 * follows.  0, or -EINVAL with err.
 */
int cmdline_parse_common(struct cmdline *cmdline, int argc, char **argv,
			 struct error *err);

/* Options of a command; argv[0] is its name. */
int cmdline_parse(struct cmdline *cmdline, const struct command *command,
		  int argc, char **argv, struct error *err);

/* "30s", "2m", "500ms", "10" (seconds), "0" (none).  -EINVAL otherwise. */
int cmdline_duration(const char *text, long *ret_ms);

#endif
