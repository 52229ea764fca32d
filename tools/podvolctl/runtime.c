/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.c - mounts in the words of each container runtime */
#include "tools/podvolctl/runtime.h"

#include "store/base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct mount {
	const char *source;
	const char *destination;
	const char *propagation; /* "rslave", "rshared"; NULL: private */
	bool read_only;
	bool all_read_only; /* what is mounted below the source as well */
};

static int mount_init(struct mount *m, const json_t *object)
{
	const char *propagation = "None";
	const char *recursive = "Disabled";
	int read_only = 0;

	*m = (struct mount){ 0 };
	if (json_unpack((json_t *)object, "{s:s, s:s, s?b, s?s, s?s}", "source",
			&m->source, "destination", &m->destination, "readOnly",
			&read_only, "propagation", &propagation,
			"recursiveReadOnly", &recursive) < 0)
		return -EINVAL;
	m->read_only = read_only;
	/* IfPossible is a wish that these runtimes cannot be asked for. */
	m->all_read_only = read_only && strcmp(recursive, "Enabled") == 0;
	if (strcmp(propagation, "HostToContainer") == 0)
		m->propagation = "rslave";
	else if (strcmp(propagation, "Bidirectional") == 0)
		m->propagation = "rshared";
	return 0;
}

/* One word for a POSIX shell; ordinary paths stay as they are. */
static void put_word(FILE *out, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-._/=:,@%+";

	if (*word && word[strspn(word, plain)] == '\0') {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

/* --mount is one record of CSV: a comma or quote in a path is quoted. */
static void put_csv(FILE *out, const char *key, const char *value)
{
	bool quoted = strpbrk(value, ",\"\n\r") != NULL;

	fprintf(out, ",%s%s=", quoted ? "\"" : "", key);
	for (; *value; value++) {
		if (*value == '"')
			fputc('"', out);
		fputc(*value, out);
	}
	if (quoted)
		fputc('"', out);
}

/* The value of --mount (malloc'd). */
static char *mount_value(const struct mount *m, const char *all_read_only)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs("type=bind", out);
	put_csv(out, "src", m->source);
	put_csv(out, "dst", m->destination);
	if (m->read_only)
		fputs(",readonly", out);
	if (m->all_read_only)
		fputs(all_read_only, out);
	if (m->propagation)
		fprintf(out, ",bind-propagation=%s", m->propagation);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* The value of -v (malloc'd); paths hold no colon. */
static char *volume_value(const struct mount *m)
{
	const char *mode = m->all_read_only ? "rro" : "ro";
	char *text;

	if (asprintf(&text, "%s:%s%s%s%s%s", m->source, m->destination,
		     m->read_only || m->propagation ? ":" : "",
		     m->read_only ? mode : "",
		     m->read_only && m->propagation ? "," : "",
		     m->propagation ? m->propagation : "") < 0)
		return NULL;
	return text;
}

static int put_option(FILE *out, bool *first, const char *option, char *owned)
{
	cleanup_free char *value = owned;

	if (!value)
		return -ENOMEM;
	fprintf(out, "%s%s ", *first ? "" : " ", option);
	put_word(out, value);
	*first = false;
	return 0;
}

int runtime_docker(FILE *out, const json_t *mounts)
{
	const json_t *object;
	bool first = true;
	size_t i;

	json_array_foreach(mounts, i, object)
	{
		struct mount m;
		char *value;
		int r;

		r = mount_init(&m, object);
		if (r < 0)
			return r;
		/* docker wants rprivate (its default) for a recursive one. */
		value = mount_value(&m, ",bind-recursive=readonly");
		r = put_option(out, &first, "--mount", value);
		if (r < 0)
			return r;
	}
	fputc('\n', out);
	return 0;
}

int runtime_podman(FILE *out, const json_t *mounts)
{
	const json_t *object;
	bool first = true;
	size_t i;

	json_array_foreach(mounts, i, object)
	{
		struct mount m;
		bool colon;
		int r;

		r = mount_init(&m, object);
		if (r < 0)
			return r;
		colon = strchr(m.source, ':') || strchr(m.destination, ':');
		if (colon)
			r = put_option(out, &first, "--mount",
				       mount_value(&m, ",rro"));
		else
			r = put_option(out, &first, "-v", volume_value(&m));
		if (r < 0)
			return r;
	}
	fputc('\n', out);
	return 0;
}

static json_t *oci_mount(const struct mount *m)
{
	const char *mode = m->all_read_only ? "rro" : "ro";

	return json_pack("{s:s, s:s, s:s, s:[s,s,s]}", "destination",
			 m->destination, "type", "bind", "source", m->source,
			 "options", "rbind",
			 m->propagation ? m->propagation : "rprivate",
			 m->read_only ? mode : "rw");
}

json_t *runtime_oci(const json_t *mounts)
{
	json_auto_t *array = json_array();
	const json_t *object;
	size_t i;

	json_array_foreach(mounts, i, object)
	{
		struct mount m;

		if (mount_init(&m, object) < 0 ||
		    json_array_append_new(array, oci_mount(&m)) < 0)
			return NULL;
	}
	return steal_pointer(&array);
}
