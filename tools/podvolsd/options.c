/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - the daemon's options: one table for command line, file and help
 */
#include "tools/podvolsd/options.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/path.h"
#include "store/base/suggest.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define AT(field) offsetof(struct options, field)

static const struct option_def table[] = {
	{ "mountpoint", 'm', OPTION_PATH, OPTION_ANYWHERE, AT(mountpoint),
	  "DIR", 0, 0, "where the volumes appear (/mnt/podvols)" },
	{ "state-dir", 's', OPTION_PATH, OPTION_ANYWHERE, AT(state_dir), "DIR",
	  0, 0, "catalog and data of the volumes (/var/lib/podvols)" },
	{ "socket", 'S', OPTION_PATH, OPTION_ANYWHERE, AT(socket), "PATH", 0, 0,
	  "socket of the API (/run/podvols/podvolsd.sock)" },
	{ "config", 'c', OPTION_PATH, OPTION_COMMAND_LINE_ONLY, AT(config),
	  "FILE", 0, 0, "configuration (/etc/podvols/podvols.conf)" },
	{ "check-config", 0, OPTION_BOOL, OPTION_COMMAND_LINE_ONLY,
	  AT(check_config), NULL, 0, 0, "check the configuration and exit" },
	{ "foreground", 'f', OPTION_BOOL, OPTION_ANYWHERE, AT(foreground), NULL,
	  0, 0, "stay in the foreground, log to standard error" },
	{ "log-level", 'l', OPTION_LOG_LEVEL, OPTION_ANYWHERE, AT(log_level),
	  "LEVEL", 0, 0, "err, warning, notice, info or debug (info)" },
	{ "log-file", 0, OPTION_PATH, OPTION_ANYWHERE, AT(log_file), "FILE", 0,
	  0, "log there (in the background: STATE-DIR/podvolsd.log)" },
	{ "transport", 0, OPTION_TRANSPORT, OPTION_ANYWHERE, AT(transport),
	  "NAME", 0, 0, "how requests come: auto, dev or uring (auto)" },
	{ "threads", 't', OPTION_UNSIGNED, OPTION_ANYWHERE, AT(threads), "N", 0,
	  1024, "threads that serve the mount, 0 for one per CPU (0)" },
	{ "max-connections", 0, OPTION_UNSIGNED, OPTION_ANYWHERE,
	  AT(max_connections), "N", 1, 4096,
	  "API connections at once, further ones wait (256)" },
	{ "host-path-allow", 0, OPTION_PATH_LIST, OPTION_ANYWHERE,
	  AT(host_path_allow), "PREFIX", 0, 0,
	  "allow hostPath below PREFIX only; repeatable (anywhere)" },
	{ "holder", 0, OPTION_BOOL, OPTION_ANYWHERE, AT(holder), NULL, 0, 0,
	  "the mount survives when the daemon is killed (yes)" },
	{ "share-locks", 0, OPTION_BOOL, OPTION_ANYWHERE, AT(share_locks), NULL,
	  0, 0, "hostPath: file locks conflict with the host's (yes)" },
	{ "suid", 0, OPTION_BOOL, OPTION_ANYWHERE, AT(suid), NULL, 0, 0,
	  "honour set-user-ID bits of files in volumes" },
	{ "dev", 0, OPTION_BOOL, OPTION_ANYWHERE, AT(dev), NULL, 0, 0,
	  "honour device nodes in volumes" },
	{ "disable-features", 0, OPTION_STRING, OPTION_ANYWHERE,
	  AT(disable_features), "LIST", 0, 0,
	  "kernel features not to use, comma separated; for tests" },
	{ "help", 'h', OPTION_BOOL, OPTION_COMMAND_LINE_ONLY, AT(help), NULL, 0,
	  0, "print this help and exit" },
	{ "version", 'V', OPTION_BOOL, OPTION_COMMAND_LINE_ONLY, AT(version),
	  NULL, 0, 0, "print the version and exit" },
};

#define TABLE_N (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_N <= OPTIONS_TABLE_MAX, "origin[] is too short");

const struct option_def *options_table(size_t *ret_n)
{
	*ret_n = TABLE_N;
	return table;
}

static void list_clear(struct string_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct string_list){ 0 };
}

static int list_add(struct string_list *list, const char *value)
{
	char **items;
	char *copy;

	if (list->n == OPTIONS_LIST_MAX)
		return -E2BIG;
	items = realloc(list->items, (list->n + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	items[list->n++] = copy;
	return 0;
}

static int parse_bool(const char *value, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(value, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
		if (strcasecmp(value, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_unsigned(const struct option_def *def, const char *value,
			  unsigned *ret)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)value[0]))
		return -EINVAL;
	errno = 0;
	n = strtoul(value, &end, 10);
	if (*end || errno || n < def->min || n > def->max)
		return -EINVAL;
	*ret = (unsigned)n;
	return 0;
}

static bool has_dot_component(const char *path)
{
	for (const char *p = path; *p;) {
		size_t n;

		while (*p == '/')
			p++;
		n = strcspn(p, "/");
		if ((n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return true;
		p += n;
	}
	return false;
}

/* One slash between components and none at the end: paths are compared. */
static char *path_normalize(const char *path)
{
	char *copy = strdup(path);
	char *to = copy;

	if (!copy)
		return NULL;
	for (const char *from = path; *from; from++) {
		if (from[0] == '/' && (from[1] == '/' || !from[1]))
			continue;
		*to++ = *from;
	}
	if (to == copy)
		*to++ = '/';
	*to = '\0';
	return copy;
}

static int parse_path(const char *value, char **ret, struct error *err)
{
	char *path;

	if (value[0] != '/')
		return error_set(
			err, -EINVAL,
			"'%s' is not an absolute path, which starts with '/'",
			value);
	if (has_dot_component(value))
		return error_set(err, -EINVAL,
				 "'%s' must not contain '.' or '..'", value);
	if (strlen(value) >= PATH_MAX)
		return error_set(err, -EINVAL,
				 "a path must be shorter than %d bytes",
				 PATH_MAX);
	path = path_normalize(value);
	if (!path)
		return error_set(err, -ENOMEM, "out of memory");
	*ret = path;
	return 0;
}

static int store_path(const struct option_def *def, const char *value,
		      void *field, bool keep, struct error *err)
{
	cleanup_free char *path = NULL;
	char **string = field;
	int r;

	r = parse_path(value, &path, err);
	if (r < 0 || !keep)
		return r;
	assert(path);
	if (def->type == OPTION_PATH_LIST) {
		r = list_add(field, path);
		if (r == -E2BIG)
			return error_set(err, r, "more than %d values",
					 OPTIONS_LIST_MAX);
		return r;
	}
	free(*string);
	*string = steal_pointer(&path);
	return 0;
}

static int store_string(const char *value, char **field, bool keep,
			struct error *err)
{
	char *copy;

	if (!keep)
		return 0;
	copy = strdup(value);
	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	free(*field);
	*field = copy;
	return 0;
}

static int parse_transport(const char *value, enum fs_transport *ret)
{
	static const char *const names[] = {
		[FS_TRANSPORT_AUTO] = "auto",
		[FS_TRANSPORT_DEV] = "dev",
		[FS_TRANSPORT_URING] = "uring",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) == 0) {
			*ret = (enum fs_transport)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int store_word(const struct option_def *def, const char *value,
		      void *field, bool keep, struct error *err)
{
	enum fs_transport transport;
	enum log_level level;
	unsigned number;
	bool yes;

	switch (def->type) {
	case OPTION_BOOL:
		if (parse_bool(value, &yes) < 0)
			return error_set(err, -EINVAL,
					 "'%s' is neither yes nor no", value);
		if (keep)
			*(bool *)field = yes;
		return 0;
	case OPTION_UNSIGNED:
		if (parse_unsigned(def, value, &number) < 0)
			return error_set(err, -EINVAL,
					 "'%s' is not a number from %u to %u",
					 value, def->min, def->max);
		if (keep)
			*(unsigned *)field = number;
		return 0;
	case OPTION_TRANSPORT:
		if (parse_transport(value, &transport) < 0)
			return error_set(err, -EINVAL,
					 "'%s' is none of auto, dev, uring",
					 value);
		if (keep)
			*(enum fs_transport *)field = transport;
		return 0;
	default:
		assert(def->type == OPTION_LOG_LEVEL);
		if (log_level_from_name(value, &level) < 0)
			return error_set(
				err, -EINVAL,
				"'%s' is none of err, warning, notice, info, debug",
				value);
		if (keep)
			*(enum log_level *)field = level;
		return 0;
	}
}

static int set_value(struct options *options, size_t i, const char *value,
		     enum options_origin origin, struct error *err)
{
	const struct option_def *def = &table[i];
	void *field = (char *)options + def->offset;
	bool keep = origin >= options->origin[i];
	int r;

	if (def->type == OPTION_PATH_LIST && origin > options->origin[i])
		list_clear(field);
	if (def->type == OPTION_PATH || def->type == OPTION_PATH_LIST)
		r = store_path(def, value, field, keep, err);
	else if (def->type == OPTION_STRING)
		r = store_string(value, field, keep, err);
	else
		r = store_word(def, value, field, keep, err);
	if (r == 0 && keep)
		options->origin[i] = origin;
	return r;
}

/* The option that name was likely meant to be, or NULL; "=..." is no name. */
static const char *nearest_option(const char *name, bool in_file)
{
	const char *names[TABLE_N + 1];
	size_t n = 0;

	for (size_t i = 0; i < TABLE_N; i++) {
		if (!in_file || table[i].place == OPTION_ANYWHERE)
			names[n++] = table[i].name;
	}
	names[n] = NULL;
	return suggest_nearest(name, strcspn(name, "="), names);
}

static int refuse_unknown_key(const char *name, struct error *err)
{
	const char *near = nearest_option(name, true);

	if (near)
		return error_set(err, -EINVAL,
				 "unknown key '%s', did you mean '%s'?", name,
				 near);
	return error_set(err, -EINVAL, "unknown key '%s', see podvols.conf(5)",
			 name);
}

static int refuse_unknown_option(const char *word, struct error *err)
{
	const char *near = nearest_option(word + strspn(word, "-"), false);

	if (near)
		return error_set(
			err, -EINVAL,
			"unknown or ambiguous option '%s', did you mean '--%s'?",
			word, near);
	return error_set(err, -EINVAL, "unknown or ambiguous option '%s'",
			 word);
}

int options_set(struct options *options, const char *name, const char *value,
		enum options_origin origin, struct error *err)
{
	for (size_t i = 0; i < TABLE_N; i++) {
		int r;

		if (strcmp(table[i].name, name) != 0)
			continue;
		if (origin == OPTIONS_FILE &&
		    table[i].place == OPTION_COMMAND_LINE_ONLY)
			return error_set(err, -EINVAL,
					 "'%s' works on the command line only",
					 name);
		r = set_value(options, i, value, origin, err);
		return r < 0 ? error_prefix(err, r, "%s", name) : 0;
	}
	return refuse_unknown_key(name, err);
}

bool options_is_from(const struct options *options, const char *name,
		     enum options_origin origin)
{
	for (size_t i = 0; i < TABLE_N; i++) {
		if (strcmp(table[i].name, name) == 0)
			return options->origin[i] == origin;
	}
	return false;
}

int options_init(struct options *options)
{
	*options = (struct options){
		.mountpoint = strdup("/mnt/podvols"),
		.state_dir = strdup("/var/lib/podvols"),
		.socket = strdup("/run/podvols/podvolsd.sock"),
		.config = strdup("/etc/podvols/podvols.conf"),
		.log_level = LOG_LEVEL_INFO,
		.max_connections = 256,
		.holder = true,
		.share_locks = true,
	};
	if (options->mountpoint && options->state_dir && options->socket &&
	    options->config)
		return 0;
	options_done(options);
	return -ENOMEM;
}

void options_done(struct options *options)
{
	free(options->mountpoint);
	free(options->state_dir);
	free(options->socket);
	free(options->config);
	free(options->log_file);
	free(options->disable_features);
	list_clear(&options->host_path_allow);
	*options = (struct options){ 0 };
}

/* getopt's two tables from ours; the index comes back as 1000 + i. */
static void make_getopt_tables(struct option *longs, char *shorts)
{
	*shorts++ = '+';
	*shorts++ = ':';
	for (size_t i = 0; i < TABLE_N; i++) {
		bool is_bool = table[i].type == OPTION_BOOL;

		longs[i] = (struct option){
			.name = table[i].name,
			.has_arg =
				is_bool ? optional_argument : required_argument,
			.val = 1000 + (int)i,
		};
		if (!table[i].letter)
			continue;
		*shorts++ = (char)table[i].letter;
		if (!is_bool)
			*shorts++ = ':';
	}
	longs[TABLE_N] = (struct option){ 0 };
	*shorts = '\0';
}

static size_t index_of_getopt(int c)
{
	if (c >= 1000)
		return (size_t)c - 1000;
	for (size_t i = 0; i < TABLE_N; i++) {
		if (table[i].letter == c)
			return i;
	}
	assert(!"getopt returned a letter that is in no table");
	return 0;
}

int options_parse_args(struct options *options, int argc, char **argv,
		       struct error *err)
{
	struct option longs[TABLE_N + 1];
	char shorts[3 * TABLE_N + 3];
	size_t i;
	int c;
	int r;

	make_getopt_tables(longs, shorts);
	optind = 0; /* start anew, also when called again */
	opterr = 0;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): before there are threads */
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == ':')
			return error_set(err, -EINVAL,
					 "option '%s' needs a value",
					 argv[optind - 1]);
		if (c == '?' && optopt && optopt < 1000)
			return error_set(err, -EINVAL, "unknown option '-%c'",
					 optopt);
		if (c == '?')
			return refuse_unknown_option(argv[optind - 1], err);
		i = index_of_getopt(c);
		r = set_value(options, i, optarg ? optarg : "yes",
			      OPTIONS_COMMAND_LINE, err);
		if (r < 0)
			return error_prefix(err, r, "option '--%s'",
					    table[i].name);
	}
	if (optind < argc)
		return error_set(err, -EINVAL, "unexpected argument '%s'",
				 argv[optind]);
	return 0;
}

int options_validate(const struct options *options, struct error *err)
{
	const char *log_file =
		options->log_file ? options->log_file : options->state_dir;
	const struct {
		const char *name;
		const char *path;
	} ours[] = {
		{ "state-dir", options->state_dir },
		{ "socket", options->socket },
		{ "log-file", log_file },
	};
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 16;

	/* The rest is for the suffix of a temporary name beside it. */
	if (strlen(options->socket) > max)
		return error_set(err, -EINVAL,
				 "socket: '%s' is longer than %zu bytes",
				 options->socket, max);
	if (strcmp(options->mountpoint, "/") == 0)
		return error_set(err, -EINVAL, "mountpoint: '/' cannot be it");
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		/* The daemon would wait for itself. */
		if (path_beneath(ours[i].path, options->mountpoint))
			return error_set(
				err, -EINVAL,
				"%s: '%s' must not be below the mountpoint '%s'",
				ours[i].name, ours[i].path,
				options->mountpoint);
	}
	if (path_beneath(options->mountpoint, options->state_dir))
		return error_set(
			err, -EINVAL,
			"mountpoint: '%s' must not be below the state-dir '%s'",
			options->mountpoint, options->state_dir);
	return 0;
}

static void print_option(FILE *out, const struct option_def *def)
{
	char left[64];

	if (def->letter)
		snprintf(left, sizeof(left), "-%c, --%s%s%s", def->letter,
			 def->name, def->arg ? "=" : "",
			 def->arg ? def->arg : "");
	else
		snprintf(left, sizeof(left), "    --%s%s%s", def->name,
			 def->arg ? "=" : "", def->arg ? def->arg : "");
	fprintf(out, "  %-28s %s\n", left, def->help);
}

void options_help(FILE *out)
{
	fputs("Usage: podvolsd [OPTION]...\n"
	      "Serve the volumes of pods at a mount point.\n\n",
	      out);
	for (size_t i = 0; i < TABLE_N; i++)
		print_option(out, &table[i]);
	fputs("\nAn option that takes no value accepts =yes or =no.\n"
	      "See podvolsd(8) and podvols.conf(5).\n",
	      out);
}
