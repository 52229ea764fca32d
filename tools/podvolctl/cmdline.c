/* SPDX-License-Identifier: Apache-2.0 */
/* cmdline.c - one table of options, and what a command line chose from it */
#include "tools/podvolctl/cmdline.h"

#include "store/base/error.h"
#include "store/base/suggest.h"
#include "tools/podvolctl/command.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getopt's answer for option i is BASE + i, so that no letter collides. */
#define GETOPT_BASE 1000

const struct option_def option_table[N_OPTION_IDS] = {
	[OPTION_ALL] = { "all", 0, ARGUMENT_NONE, NULL,
			 "all objects of the namespace" },
	[OPTION_ALL_NAMESPACES] = { "all-namespaces", 'A', ARGUMENT_NONE, NULL,
				    "show the objects of all namespaces" },
	[OPTION_CLIENT] = { "client", 0, ARGUMENT_NONE, NULL,
			    "show the version of this program only" },
	[OPTION_DRY_RUN] = { "dry-run", 0, ARGUMENT_OPTIONAL,
			     "server|client|none",
			     "check everything, change nothing; client: "
			     "without asking the daemon" },
	[OPTION_FIELD_SELECTOR] = { "field-selector", 0, ARGUMENT_REQUIRED,
				    "SELECTOR",
				    "those whose fields are so, such as "
				    "status.phase=Ready,metadata.name!=web" },
	[OPTION_FILENAME] = { "filename", 'f', ARGUMENT_REQUIRED, "FILE",
			      "manifest, directory of manifests, or - for "
			      "standard input; may be repeated" },
	[OPTION_FORCE] = { "force", 0, ARGUMENT_NONE, NULL,
			   "delete though something still uses the pod" },
	[OPTION_IGNORE_NOT_FOUND] = { "ignore-not-found", 0, ARGUMENT_NONE,
				      NULL,
				      "what does not exist is no failure" },
	[OPTION_NAMESPACE] = { "namespace", 'n', ARGUMENT_REQUIRED, "NAME",
			       "namespace of the objects (default: "
			       "$PODVOLS_NAMESPACE or 'default')" },
	[OPTION_NO_HEADERS] = { "no-headers", 0, ARGUMENT_NONE, NULL,
				"print tables without their first line" },
	[OPTION_OUTPUT] = { "output", 'o', ARGUMENT_REQUIRED, "FORMAT",
			    "output format" },
	[OPTION_SELECTOR] = { "selector", 'l', ARGUMENT_REQUIRED, "SELECTOR",
			      "those whose labels are so, such as 'app=web', "
			      "'tier in (a, b)', 'app,!canary'" },
	[OPTION_WAIT] = { "wait", 0, ARGUMENT_OPTIONAL, "true|false",
			  "return when the object is gone (default: true)" },
	[OPTION_SOCKET] = { "socket", 's', ARGUMENT_REQUIRED, "PATH",
			    "socket of the daemon (default: $PODVOLS_SOCKET "
			    "or " DEFAULT_SOCKET ")" },
	[OPTION_REQUEST_TIMEOUT] = { "request-timeout", 0, ARGUMENT_REQUIRED,
				     "DURATION",
				     "give up a request after so long, such as "
				     "500ms, 30s, 2m; 0: never (default: 60s)" },
	[OPTION_HELP] = { "help", 'h', ARGUMENT_NONE, NULL, "show this help" },
	[OPTION_VERSION] = { "version", 'V', ARGUMENT_NONE, NULL,
			     "show the version of this program" },
};

void cmdline_init(struct cmdline *cmdline)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
	const char *socket = getenv("PODVOLS_SOCKET");
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
	const char *namespace = getenv("PODVOLS_NAMESPACE");

	*cmdline = (struct cmdline){
		.socket = socket && *socket ? socket : DEFAULT_SOCKET,
		.namespace =
			namespace && *namespace ? namespace : DEFAULT_NAMESPACE,
		.wait = true,
		.timeout_ms = DEFAULT_TIMEOUT_MS,
	};
}

void cmdline_done(struct cmdline *cmdline)
{
	free(cmdline->files);
	cmdline->files = NULL;
	cmdline->n_files = 0;
}

int cmdline_duration(const char *text, long *ret_ms)
{
	static const struct {
		const char *suffix;
		long ms;
	} units[] = { { "ms", 1 },
		      { "s", 1000 },
		      { "", 1000 },
		      { "m", 60000 },
		      { "h", 3600000 } };
	char *end;
	long n;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (n > INT_MAX / units[i].ms)
			return -EINVAL;
		*ret_ms = n * units[i].ms;
		return 0;
	}
	return -EINVAL;
}

static int parse_bool(const char *text, bool *ret)
{
	if (!text || strcmp(text, "true") == 0)
		*ret = true;
	else if (strcmp(text, "false") == 0)
		*ret = false;
	else
		return -EINVAL;
	return 0;
}

static int parse_dry_run(const char *text, enum dry_run *ret)
{
	if (!text || strcmp(text, "server") == 0)
		*ret = DRY_RUN_SERVER;
	else if (strcmp(text, "client") == 0)
		*ret = DRY_RUN_CLIENT;
	else if (strcmp(text, "none") == 0)
		*ret = DRY_RUN_NONE;
	else
		return -EINVAL;
	return 0;
}

/* Is one of the words of "wide|json|yaml" text? */
static bool is_one_of(const char *words, const char *text)
{
	size_t len = strlen(text);

	for (const char *p = words; *p; p += *p == '|') {
		size_t n = strcspn(p, "|");

		if (n == len && strncmp(p, text, n) == 0)
			return true;
		p += n;
	}
	return false;
}

static int set_output(struct cmdline *cmdline, const struct command *command,
		      const char *value, struct error *err)
{
	if (!command || !is_one_of(command->outputs, value))
		return error_set(err, -EINVAL,
				 "invalid output format '%s' for '%s': must "
				 "be one of %s",
				 value, command ? command->name : "podvolctl",
				 command ? command->outputs : "none");
	cmdline->output = value;
	return 0;
}

static int add_file(struct cmdline *cmdline, char *file, struct error *err)
{
	size_t n = cmdline->n_files + 1;
	char **files = realloc(cmdline->files, n * sizeof(*files));

	if (!files)
		return error_set(err, -ENOMEM, "out of memory");
	files[n - 1] = file;
	cmdline->files = files;
	cmdline->n_files = n;
	return 0;
}

static int bad_value(enum option_id id, const char *value, struct error *err)
{
	return error_set(err, -EINVAL,
			 "invalid value '%s' of option '--%s': must be %s",
			 value, option_table[id].name,
			 id == OPTION_REQUEST_TIMEOUT
				 ? "a duration such as 500ms, 30s or 2m"
			 : option_table[id].argument == ARGUMENT_OPTIONAL
				 ? option_table[id].placeholder
				 : "not empty");
}

/* The options that carry a value; those without are set_flag()'s. */
static int set_value(struct cmdline *cmdline, const struct command *command,
		     enum option_id id, char *value, struct error *err)
{
	int r = 0;

	assert(value || option_table[id].argument == ARGUMENT_OPTIONAL);
	if (value && !*value)
		return bad_value(id, value, err);
	switch (id) {
	case OPTION_DRY_RUN:
		r = parse_dry_run(value, &cmdline->dry_run);
		break;
	case OPTION_WAIT:
		r = parse_bool(value, &cmdline->wait);
		break;
	case OPTION_REQUEST_TIMEOUT:
		r = cmdline_duration(value, &cmdline->timeout_ms);
		break;
	case OPTION_NAMESPACE:
		cmdline->namespace = value;
		cmdline->namespace_given = true;
		break;
	case OPTION_SOCKET:
		cmdline->socket = value;
		break;
	case OPTION_SELECTOR:
		cmdline->selector = value;
		break;
	case OPTION_FIELD_SELECTOR:
		cmdline->field_selector = value;
		break;
	case OPTION_FILENAME:
		return add_file(cmdline, value, err);
	case OPTION_OUTPUT:
		return set_output(cmdline, command, value, err);
	default:
		break;
	}
	return r < 0 ? bad_value(id, value, err) : 0;
}

/* Is id an option without a value?  Then it is set. */
static bool set_flag(struct cmdline *cmdline, enum option_id id)
{
	switch (id) {
	case OPTION_ALL:
		cmdline->all = true;
		return true;
	case OPTION_ALL_NAMESPACES:
		cmdline->all_namespaces = true;
		return true;
	case OPTION_CLIENT:
		cmdline->client_only = true;
		return true;
	case OPTION_FORCE:
		cmdline->force = true;
		return true;
	case OPTION_IGNORE_NOT_FOUND:
		cmdline->ignore_not_found = true;
		return true;
	case OPTION_NO_HEADERS:
		cmdline->no_headers = true;
		return true;
	case OPTION_HELP:
		cmdline->help = true;
		return true;
	case OPTION_VERSION:
		cmdline->version = true;
		return true;
	default:
		return false;
	}
}

struct getopt_table {
	char letters[4 * N_OPTION_IDS];
	struct option options[N_OPTION_IDS + 1];
};

/* prefix: "+:" stops at the first word that is no option. */
static void getopt_table_fill(struct getopt_table *table, uint32_t mask,
			      const char *prefix)
{
	static const int has_arg[] = { no_argument, required_argument,
				       optional_argument };
	char *p = table->letters;
	size_t n = 0;

	p = stpcpy(p, prefix);
	for (int i = 0; i < N_OPTION_IDS; i++) {
		const struct option_def *def = &option_table[i];

		if (!(mask & (UINT32_C(1) << i)))
			continue;
		table->options[n++] = (struct option){
			.name = def->name,
			.has_arg = has_arg[def->argument],
			.val = GETOPT_BASE + i,
		};
		if (!def->letter)
			continue;
		*p++ = def->letter;
		if (def->argument == ARGUMENT_REQUIRED)
			*p++ = ':';
	}
}

static enum option_id id_of(int answer)
{
	if (answer >= GETOPT_BASE)
		return answer - GETOPT_BASE;
	for (int i = 0; i < N_OPTION_IDS; i++)
		if (option_table[i].letter == answer)
			return i;
	return N_OPTION_IDS;
}

static int unknown_option(const char *word, int letter, uint32_t mask,
			  struct error *err)
{
	const char *names[N_OPTION_IDS + 1];
	const char *nearest;
	size_t n = 0;

	if (letter && letter < GETOPT_BASE)
		return error_set(err, -EINVAL, "unknown option '-%c'", letter);
	for (int i = 0; i < N_OPTION_IDS; i++)
		if (mask & (UINT32_C(1) << i))
			names[n++] = option_table[i].name;
	names[n] = NULL;
	word += strspn(word, "-");
	nearest = suggest_nearest(word, strcspn(word, "="), names);
	if (nearest)
		return error_set(err, -EINVAL,
				 "unknown option '--%s'; did you mean '--%s'?",
				 word, nearest);
	return error_set(err, -EINVAL, "unknown option '--%s'", word);
}

/* An option that exists was used wrongly: no value, or one too many. */
static int misused_option(int answer, struct error *err)
{
	const struct option_def *def = &option_table[id_of(answer)];

	if (def->argument == ARGUMENT_NONE)
		return error_set(err, -EINVAL, "option '--%s' takes no value",
				 def->name);
	return error_set(err, -EINVAL, "option '--%s' wants a value: %s",
			 def->name, def->placeholder);
}

static int parse(struct cmdline *cmdline, const struct command *command,
		 uint32_t mask, int argc, char **argv, struct error *err)
{
	struct getopt_table table = { 0 };
	int answer, r;

	getopt_table_fill(&table, mask, command ? ":" : "+:");
	opterr = 0;
	optind = 0; /* start anew: this runs twice */
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
	while ((answer = getopt_long(argc, argv, table.letters, table.options,
				     NULL)) != -1) {
		enum option_id id;

		if (answer == ':' || (answer == '?' && optopt >= GETOPT_BASE))
			return misused_option(optopt, err);
		if (answer == '?')
			return unknown_option(argv[optind - 1], optopt, mask,
					      err);
		id = id_of(answer);
		if (set_flag(cmdline, id))
			continue;
		r = set_value(cmdline, command, id, optarg, err);
		if (r < 0)
			return r;
	}
	cmdline->args = argv + optind;
	cmdline->n_args = argc - optind;
	return 0;
}

int cmdline_parse_common(struct cmdline *cmdline, int argc, char **argv,
			 struct error *err)
{
	return parse(cmdline, NULL, OPTIONS_COMMON | OPTION_BIT(NAMESPACE),
		     argc, argv, err);
}

int cmdline_parse(struct cmdline *cmdline, const struct command *command,
		  int argc, char **argv, struct error *err)
{
	return parse(cmdline, command, command->options | OPTIONS_COMMON, argc,
		     argv, err);
}
