/* SPDX-License-Identifier: Apache-2.0 */
/* input.c - the documents of files, directories and standard input */
#include "tools/podvolctl/input.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/manifest/manifest.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define READ_STEP (64u << 10)

struct text {
	char *data;
	size_t len;
};

/* Not more than what manifest_parse() takes, and one byte for it to notice. */
static int read_all(int fd, struct text *ret)
{
	cleanup_free char *data = NULL;
	size_t len = 0, allocated = 0;

	while (len <= MANIFEST_SIZE_MAX) {
		ssize_t n;

		if (len == allocated) {
			char *grown;

			allocated = 2 * allocated + READ_STEP;
			grown = realloc(data, allocated);
			if (!grown)
				return -ENOMEM;
			data = grown;
		}
		n = read(fd, data + len, allocated - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			len += n;
	}
	ret->data = steal_pointer(&data);
	ret->len = len;
	return 0;
}

static int worse(int a, int b)
{
	return a > b ? a : b;
}

static bool is_list(const json_t *value)
{
	const char *kind = json_string_value(json_object_get(value, "kind"));

	return kind && json_is_array(json_object_get(value, "items")) &&
	       (strcmp(kind, "List") == 0 || strcmp(kind, "PodList") == 0);
}

static int each_item(const struct input_document *list, input_fn fn, void *arg)
{
	const json_t *item;
	int worst = STATUS_DONE;
	size_t i;

	json_array_foreach(json_object_get(list->value, "items"), i, item)
	{
		struct input_document document = *list;

		document.value = item;
		document.lines = NULL;
		worst = worse(worst, fn(arg, &document));
		if (worst == STATUS_UNREACHABLE)
			break;
	}
	return worst;
}

static int each_document(const char *source, const struct text *text,
			 input_fn fn, void *arg)
{
	struct manifest manifest = { 0 };
	int worst = STATUS_DONE;
	struct error err;

	if (manifest_parse(text->data, text->len, &manifest, &err) < 0)
		return report_error("%s: %s", source, err.text);
	if (manifest.n_documents == 0)
		worst = report_error("%s: no document in it", source);
	for (size_t i = 0; i < manifest.n_documents; i++) {
		const struct manifest_document *d = &manifest.documents[i];
		struct input_document document = { source, d->value, d->lines,
						   d->line };

		if (is_list(d->value))
			worst = worse(worst, each_item(&document, fn, arg));
		else
			worst = worse(worst, fn(arg, &document));
		if (worst == STATUS_UNREACHABLE)
			break;
	}
	manifest_done(&manifest);
	return worst;
}

static int each_of_fd(const char *source, int fd, input_fn fn, void *arg)
{
	struct text text = { 0 };
	int r, status;

	r = read_all(fd, &text);
	if (r < 0) {
		errno = -r;
		return report_error("cannot read '%s': %m", source);
	}
	status = each_document(source, &text, fn, arg);
	free(text.data);
	return status;
}

static int is_manifest(const struct dirent *entry)
{
	static const char *const suffixes[] = { ".yaml", ".yml", ".json" };
	size_t len = strlen(entry->d_name);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (len > n &&
		    strcmp(entry->d_name + len - n, suffixes[i]) == 0)
			return entry->d_name[0] != '.';
	}
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int each_of_file(const char *path, input_fn fn, void *arg)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return report_error("cannot open '%s': %m", path);
	return each_of_fd(path, fd, fn, arg);
}

/* In a directory, what is no file under its name (a folder.yaml) is left out.
 */
static int each_of_directory(const char *path, input_fn fn, void *arg)
{
	struct dirent **entries = NULL;
	int worst = STATUS_DONE;
	int n, found = 0;

	n = scandir(path, &entries, is_manifest, by_name);
	if (n < 0)
		return report_error("cannot read directory '%s': %m", path);
	for (int i = 0; i < n; i++) {
		cleanup_free char *file = NULL;
		struct stat st;

		if (worst == STATUS_UNREACHABLE)
			break;
		if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0) {
			file = NULL;
			worst = report_error("out of memory");
			break;
		}
		if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
			continue;
		found++;
		worst = worse(worst, each_of_file(file, fn, arg));
	}
	if (found == 0 && worst == STATUS_DONE)
		worst = report_error(
			"no manifest in directory '%s': looked for *.yaml, *.yml and *.json",
			path);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return worst;
}

static int each_of_path(const char *path, input_fn fn, void *arg)
{
	struct stat st;

	if (strcmp(path, "-") == 0)
		return each_of_fd("stdin", STDIN_FILENO, fn, arg);
	if (stat(path, &st) < 0)
		return report_error("cannot open '%s': %m", path);
	if (S_ISDIR(st.st_mode))
		return each_of_directory(path, fn, arg);
	return each_of_file(path, fn, arg);
}

int input_each(char **files, size_t n, input_fn fn, void *arg)
{
	int worst = STATUS_DONE;

	for (size_t i = 0; i < n && worst != STATUS_UNREACHABLE; i++)
		worst = worse(worst, each_of_path(files[i], fn, arg));
	return worst;
}
