/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - failures told on standard error, once, where they stop */
#include "tools/podvolctl/report.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/manifest/causes.h"
#include "store/manifest/manifest.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/command.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *report_clean(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
	return text;
}

__attribute__((format(printf, 2, 0))) static void
vreport(const char *prefix, const char *fmt, va_list ap)
{
	cleanup_free char *text = NULL;

	fflush(stdout); /* so that both streams keep their order */
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	fprintf(stderr, "%s%s\n", prefix,
		text ? report_clean(text) : "out of memory");
}

int report_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vreport("error: ", fmt, ap);
	va_end(ap);
	return STATUS_FAILED;
}

int report_usage(const char *verb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vreport("error: ", fmt, ap);
	va_end(ap);
	fprintf(stderr, "See 'podvolctl %s%s--help'.\n", verb ? verb : "",
		verb ? " " : "");
	return STATUS_USAGE;
}

int report_transport(int r, const struct error *err)
{
	report_error("%s", err->text);
	return r == -ENOTCONN ? STATUS_UNREACHABLE : STATUS_FAILED;
}

static void report_cause(const json_t *cause, const char *source,
			 const struct manifest_lines *lines)
{
	const char *field = json_string_value(json_object_get(cause, "field"));
	const char *text = json_string_value(json_object_get(cause, "message"));
	unsigned line = field && lines ? manifest_line(lines, field) : 0;
	char place[32] = "";

	if (line)
		snprintf(place, sizeof(place), "%u:", line);
	report_error("%s%s%s%s%s%s%s", source ? source : "", source ? ":" : "",
		     place, source ? " " : "", field ? field : "",
		     field && *field ? ": " : "", text ? text : "");
}

int report_status(const struct reply *reply, const char *doing,
		  const char *source, const struct manifest_lines *lines)
{
	const char *reason = "Unknown";
	const char *message = NULL;
	json_t *causes = NULL;
	json_t *cause;
	size_t i;

	json_unpack(reply->body, "{s?s, s?s, s?{s?o}}", "reason", &reason,
		    "message", &message, "details", "causes", &causes);
	if (json_array_size(causes) > 0) {
		json_array_foreach(causes, i, cause)
			report_cause(cause, source, lines);
		return STATUS_FAILED;
	}
	fflush(stdout);
	if (message) {
		cleanup_free char *clean = strdup(message);

		fprintf(stderr, "Error from server (%s): %s%s%s\n", reason,
			doing ? doing : "", doing ? ": " : "",
			clean ? report_clean(clean) : "out of memory");
	} else {
		report_error(
			"%s%sthe daemon answered with code %ld and no message",
			doing ? doing : "", doing ? ": " : "", reply->code);
	}
	return STATUS_FAILED;
}

int report_causes(const char *source, unsigned line,
		  const struct causes *causes)
{
	for (size_t i = 0; i < causes->n; i++) {
		const struct cause *c = &causes->list[i];

		report_error("%s:%u: %s%s%s", source, c->line ? c->line : line,
			     c->field, *c->field ? ": " : "", c->message);
	}
	if (causes->n_total > causes->n)
		report_error("%s: and %zu more", source,
			     causes->n_total - causes->n);
	if (causes->n == 0)
		report_error("%s:%u: cannot check the document: out of memory",
			     source, line);
	return STATUS_FAILED;
}
