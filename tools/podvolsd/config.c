/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - the configuration file: `key = value` lines, and its drop-ins */
#include "tools/podvolsd/config.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "tools/podvolsd/options.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_SIZE_MAX (1u << 20)
#define CONFIG_LINE_MAX 8192u

/* What goes into options, and what could not. */
struct loading {
	struct options *options;
	config_wrong_fn *wrong;
	void *arg;
	unsigned n_wrong;
	int r; /* the first failure */
};

static void tell(struct loading *l, int r, const struct error *err)
{
	if (l->n_wrong == 0)
		l->r = r;
	if (l->n_wrong++ < CONFIG_WRONG_MAX)
		l->wrong(l->arg, err);
}

static int loading_end(struct loading *l)
{
	struct error err;

	if (l->n_wrong > CONFIG_WRONG_MAX) {
		error_set(&err, l->r, "%u more are wrong",
			  l->n_wrong - CONFIG_WRONG_MAX);
		l->wrong(l->arg, &err);
	}
	return l->r;
}

/* Cut white space off both ends, in place. */
static char *strip(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

/* A '#' starts a comment at the start of a line or behind white space. */
static void cut_comment(char *line)
{
	for (char *p = line; *p; p++) {
		if (*p == '#' && (p == line || isspace((unsigned char)p[-1]))) {
			*p = '\0';
			return;
		}
	}
}

static int apply_line(char *line, struct options *options, struct error *err)
{
	char *equals;
	char *key;
	char *value;

	cut_comment(line);
	line = strip(line);
	if (!*line)
		return 0;
	equals = strchr(line, '=');
	if (!equals)
		return error_set(err, -EINVAL,
				 "'%.64s' is not of the form key = value",
				 line);
	*equals = '\0';
	key = strip(line);
	value = strip(equals + 1);
	if (!*key)
		return error_set(err, -EINVAL, "there is no key before '='");
	if (!*value)
		return error_set(err, -EINVAL, "'%.64s' has no value", key);
	return options_set(options, key, value, OPTIONS_FILE, err);
}

static int copy_line(const char *text, size_t len, char *line,
		     struct error *err)
{
	if (len >= CONFIG_LINE_MAX)
		return error_set(err, -EINVAL,
				 "the line is longer than %u bytes",
				 CONFIG_LINE_MAX - 1);
	if (memchr(text, '\0', len))
		return error_set(err, -EINVAL, "the line contains a NUL byte");
	memcpy(line, text, len);
	line[len] = '\0';
	return 0;
}

static void parse_text(struct loading *l, const char *name, const char *text,
		       size_t len)
{
	const char *end = text + len;
	char line[CONFIG_LINE_MAX] = "";

	for (unsigned n = 1; text < end; n++) {
		const char *newline = memchr(text, '\n', end - text);
		size_t line_len = (newline ? newline : end) - text;
		struct error err;
		int r;

		r = copy_line(text, line_len, line, &err);
		if (r == 0)
			r = apply_line(line, l->options, &err);
		if (r < 0)
			tell(l, error_prefix(&err, r, "%s:%u", name, n), &err);
		text += line_len + (newline ? 1 : 0);
	}
}

int config_parse(const char *name, const char *text, size_t len,
		 struct options *options, config_wrong_fn *wrong, void *arg)
{
	struct loading l = { .options = options, .wrong = wrong, .arg = arg };

	parse_text(&l, name, text, len);
	return loading_end(&l);
}

static int read_all(int fd, char **ret, size_t *ret_len)
{
	cleanup_free char *buf = malloc(CONFIG_SIZE_MAX + 1);
	size_t len = 0;

	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, buf + len, CONFIG_SIZE_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > CONFIG_SIZE_MAX)
			return -EFBIG;
	}
	*ret = steal_pointer(&buf);
	*ret_len = len;
	return 0;
}

static int read_file(const char *path, char **ret, size_t *ret_len,
		     struct error *err)
{
	cleanup_fd int fd = -1;
	struct stat st;
	int r;

	/* Not to wait for the writer of a fifo. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, -errno,
				 "cannot open configuration '%s': %m", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL,
				 "configuration '%s' is not a regular file",
				 path);
	r = read_all(fd, ret, ret_len);
	errno = -r;
	if (r < 0)
		return error_set(err, r, "cannot read configuration '%s': %m",
				 path);
	return 0;
}

static void load_file(struct loading *l, const char *path, bool must_exist)
{
	cleanup_free char *text = NULL;
	struct error err;
	size_t len = 0;
	int r;

	r = read_file(path, &text, &len, &err);
	if (r == 0)
		parse_text(l, path, text, len);
	else if (r != -ENOENT || must_exist)
		tell(l, r, &err);
}

static int is_drop_in(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 &&
	       strcmp(entry->d_name + n - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_drop_ins(struct loading *l, const char *dir)
{
	struct dirent **entries = NULL;
	char path[PATH_MAX + NAME_MAX + 4];
	struct error err;
	int n;

	n = scandir(dir, &entries, is_drop_in, by_bytes);
	if (n < 0 && errno != ENOENT && errno != ENOTDIR)
		tell(l, error_set(&err, -errno, "cannot list '%s': %m", dir),
		     &err);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%.*s/%s", PATH_MAX + 1, dir,
			 entries[i]->d_name);
		load_file(l, path, true);
		free(entries[i]);
	}
	free(entries);
}

int config_load(struct options *options, config_wrong_fn *wrong, void *arg)
{
	struct loading l = { .options = options, .wrong = wrong, .arg = arg };
	char dir[PATH_MAX + 2];

	load_file(&l, options->config,
		  options_is_from(options, "config", OPTIONS_COMMAND_LINE));
	snprintf(dir, sizeof(dir), "%s.d", options->config);
	load_drop_ins(&l, dir);
	return loading_end(&l);
}
