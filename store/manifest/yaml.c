/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.c - YAML text to JSON values, bounded
 *
 * libyaml's events drive a stack of open mappings and sequences.  Nothing is
 * expanded before its size is known: an anchored value carries how many nodes,
 * how much text and how many levels it has, so an alias that would pass a limit
 * is refused before it is copied.
 */
#include "store/manifest/yaml.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/manifest/lines.h"
#include "store/manifest/manifest.h"
#include "store/manifest/scalar.h"
#include "store/manifest/text.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

#define TEXT_MAX (4ul * MANIFEST_SIZE_MAX) /* after aliases are expanded */

/* What a value weighs. */
struct weight {
	size_t nodes;
	size_t text;
	unsigned levels;
};

/* A mapping or sequence that is being read. */
struct frame {
	json_t *value;
	json_t *merges; /* values of "<<", in order */
	char *key;	/* of the member to come */
	bool merging;	/* the member to come is that of "<<" */
	size_t index;	/* of the item to come */
	uint64_t path;
	uint64_t child_path;
	ssize_t anchor; /* index, -1: none */
	struct weight weight;
};

struct anchor {
	json_t *value; /* NULL: still being read */
	struct weight weight;
};

struct reader {
	yaml_parser_t parser;
	const char *text;
	size_t len;
	struct manifest *manifest;
	struct error *err;
	bool syntax;

	struct weight total; /* of all documents; levels unused */
	struct frame stack[MANIFEST_DEPTH_MAX];
	unsigned depth;
	json_t *anchor_by_name; /* index into anchors */
	struct anchor *anchors;
	size_t n_anchors;
	size_t n_anchors_allocated;

	/* The document that is being read. */
	json_t *root;
	struct manifest_lines *lines;
	unsigned line;
};

static int fail(struct reader *rd, const yaml_mark_t *mark, int r)
{
	return error_prefix(rd->err, r, "line %zu, column %zu", mark->line + 1,
			    mark->column + 1);
}

#define refuse(rd, mark, r, ...)                                               \
	(error_set((rd)->err, r, __VA_ARGS__), fail(rd, mark, r))

static const char *shown(const char *text, char *buf)
{
	return text_quote(text, strlen(text), buf, TEXT_QUOTE_MAX);
}

static struct frame *top(struct reader *rd)
{
	return rd->depth ? &rd->stack[rd->depth - 1] : NULL;
}

/* Is there room for a value of this weight where we are? */
static int weigh(struct reader *rd, const yaml_mark_t *mark,
		 const struct weight *w)
{
	if (rd->depth + w->levels > MANIFEST_DEPTH_MAX)
		return refuse(
			rd, mark, -E2BIG,
			"nested too deeply: at most %d levels are allowed",
			MANIFEST_DEPTH_MAX);
	rd->total.nodes += w->nodes;
	rd->total.text += w->text;
	if (rd->total.nodes > MANIFEST_NODES_MAX)
		return refuse(
			rd, mark, -E2BIG,
			"too many values: at most %d are allowed, aliases "
			"expanded",
			MANIFEST_NODES_MAX);
	if (rd->total.text > TEXT_MAX)
		return refuse(rd, mark, -E2BIG,
			      "too much text: at most %lu bytes are allowed, "
			      "aliases expanded",
			      TEXT_MAX);
	return 0;
}

/* Remember a name for the value that begins here. */
static int anchor_add(struct reader *rd, const yaml_char_t *name, ssize_t *ret)
{
	json_t *index;

	*ret = -1;
	if (!name)
		return 0;
	if (rd->n_anchors == rd->n_anchors_allocated) {
		size_t n = rd->n_anchors ? rd->n_anchors * 2 : 16;
		struct anchor *list;

		list = reallocarray(rd->anchors, n, sizeof(*list));
		if (!list)
			return -ENOMEM;
		rd->anchors = list;
		rd->n_anchors_allocated = n;
	}
	index = json_integer((json_int_t)rd->n_anchors);
	if (json_object_set_new(rd->anchor_by_name, (const char *)name, index))
		return -ENOMEM;
	rd->anchors[rd->n_anchors] = (struct anchor){ 0 };
	*ret = (ssize_t)rd->n_anchors++;
	return 0;
}

static void anchors_clear(struct reader *rd)
{
	for (size_t i = 0; i < rd->n_anchors; i++)
		json_decref(rd->anchors[i].value);
	rd->n_anchors = 0;
	json_object_clear(rd->anchor_by_name);
}

static int merge_add(struct reader *rd, struct frame *frame,
		     const yaml_mark_t *mark, json_t *value)
{
	bool good = json_is_object(value) || json_is_array(value);
	json_t *item;
	size_t i;

	json_array_foreach(value, i, item) good = good && json_is_object(item);
	frame->merging = false;
	if (!good) {
		json_decref(value);
		return refuse(rd, mark, -EINVAL,
			      "'<<' needs a mapping or a list of mappings");
	}
	if (!frame->merges)
		frame->merges = json_array();
	if (json_is_object(value))
		return json_array_append_new(frame->merges, value) ? -ENOMEM
								   : 0;
	i = (size_t)json_array_extend(frame->merges, value);
	json_decref(value);
	return i ? -ENOMEM : 0;
}

/* Put a finished value, which is consumed, where it belongs. */
static int place(struct reader *rd, const yaml_mark_t *mark, json_t *value,
		 const struct weight *w)
{
	struct frame *frame = top(rd);
	int r;

	if (!value)
		return -ENOMEM;
	if (!frame) {
		rd->root = value;
		return 0;
	}
	frame->weight.nodes += w->nodes;
	frame->weight.text += w->text;
	if (w->levels >= frame->weight.levels)
		frame->weight.levels = w->levels + 1;
	if (frame->merging)
		return merge_add(rd, frame, mark, value);
	if (json_is_array(frame->value)) {
		frame->index++;
		return json_array_append_new(frame->value, value) ? -ENOMEM : 0;
	}
	r = json_object_set_new(frame->value, frame->key, value);
	free(steal_pointer(&frame->key));
	return r ? -ENOMEM : 0;
}

/* A key of the mapping on top.  plain: it may be "<<". */
static int key_begin(struct reader *rd, const yaml_mark_t *mark,
		     const json_t *value, bool plain)
{
	struct frame *frame = top(rd);
	char buf[TEXT_QUOTE_MAX];
	const char *text = json_string_value(value);

	if (plain && text && strcmp(text, "<<") == 0) {
		frame->merging = true;
		frame->child_path = lines_member(frame->path, "<<");
		return 0;
	}
	error_set(rd->err, -ENOMEM, "out of memory");
	frame->key = scalar_to_key(value, rd->err);
	if (!frame->key)
		return fail(rd, mark, -EINVAL);
	if (json_object_get(frame->value, frame->key))
		return refuse(rd, mark, -EINVAL, "duplicate key '%s'",
			      shown(frame->key, buf));
	frame->weight.text += strlen(frame->key);
	rd->total.text += strlen(frame->key);
	frame->child_path = lines_member(frame->path, frame->key);
	return lines_add(rd->lines, frame->child_path,
			 (unsigned)mark->line + 1);
}

static bool expects_key(struct reader *rd)
{
	const struct frame *frame = top(rd);

	return frame && json_is_object(frame->value) && !frame->key &&
	       !frame->merging;
}

/* Path of the value that begins here; notes the line of an item. */
static int child_begin(struct reader *rd, const yaml_mark_t *mark,
		       uint64_t *ret)
{
	struct frame *frame = top(rd);

	if (!frame) {
		rd->line = (unsigned)mark->line + 1;
		*ret = lines_root();
		return 0;
	}
	if (!json_is_array(frame->value)) {
		*ret = frame->child_path;
		return 0;
	}
	*ret = lines_item(frame->path, frame->index);
	return lines_add(rd->lines, *ret, (unsigned)mark->line + 1);
}

static json_t *scalar_value(struct reader *rd, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;

	if (strlen(text) != event->data.scalar.length) {
		error_set(rd->err, -EINVAL, "a NUL character is not allowed");
		return NULL;
	}
	if (tag)
		return scalar_resolve_tagged(text, tag, rd->err);
	if (event->data.scalar.plain_implicit)
		return scalar_resolve(text, rd->err);
	return json_string(text);
}

static int on_scalar(struct reader *rd, const yaml_event_t *event)
{
	const yaml_mark_t *mark = &event->start_mark;
	struct weight w = { 1, event->data.scalar.length, 0 };
	json_t *value;
	ssize_t anchor;
	uint64_t path;
	int r;

	/* Keys are counted with their values, but may be aliased as values. */
	w.nodes = !expects_key(rd);
	r = weigh(rd, mark, &w);
	w.nodes = 1;
	if (r >= 0)
		r = anchor_add(rd, event->data.scalar.anchor, &anchor);
	if (r < 0)
		return r;
	error_set(rd->err, -ENOMEM, "out of memory");
	value = scalar_value(rd, event);
	if (!value)
		return fail(rd, mark, -EINVAL);
	if (anchor >= 0)
		rd->anchors[anchor] = (struct anchor){ json_incref(value), w };
	if (expects_key(rd)) {
		r = key_begin(rd, mark, value,
			      event->data.scalar.plain_implicit &&
				      !event->data.scalar.tag);
		json_decref(value);
		return r;
	}
	r = child_begin(rd, mark, &path);
	if (r < 0) {
		json_decref(value);
		return r;
	}
	return place(rd, mark, value, &w);
}

static int on_alias(struct reader *rd, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	const yaml_mark_t *mark = &event->start_mark;
	const json_t *index = json_object_get(rd->anchor_by_name, name);
	const struct anchor *anchor;
	char buf[TEXT_QUOTE_MAX];
	uint64_t path;
	int r;

	if (!index)
		return refuse(rd, mark, -EINVAL, "unknown anchor '%s'",
			      shown(name, buf));
	anchor = &rd->anchors[json_integer_value(index)];
	if (!anchor->value)
		return refuse(rd, mark, -EINVAL, "anchor '%s' contains itself",
			      shown(name, buf));
	r = weigh(rd, mark, &anchor->weight);
	if (r < 0)
		return r;
	if (expects_key(rd))
		return key_begin(rd, mark, anchor->value, false);
	r = child_begin(rd, mark, &path);
	if (r < 0)
		return r;
	return place(rd, mark, json_deep_copy(anchor->value), &anchor->weight);
}

static int on_start(struct reader *rd, const yaml_event_t *event,
		    const yaml_char_t *anchor, json_t *value)
{
	const yaml_mark_t *mark = &event->start_mark;
	const struct weight w = { 1, 0, 1 };
	struct frame *frame;
	uint64_t path;
	int r;

	if (!value)
		return -ENOMEM;
	if (expects_key(rd))
		r = refuse(rd, mark, -EINVAL,
			   "a key must be text, a number or a boolean");
	else
		r = weigh(rd, mark, &w);
	if (r >= 0)
		r = child_begin(rd, mark, &path);
	if (r < 0) {
		json_decref(value);
		return r;
	}
	frame = &rd->stack[rd->depth++];
	*frame = (struct frame){ .value = value, .path = path, .weight = w };
	return anchor_add(rd, anchor, &frame->anchor);
}

/* Members of merged mappings, the first to have one wins; own ones first. */
static int merges_apply(struct frame *frame)
{
	json_t *merged;
	size_t i;

	json_array_foreach(frame->merges, i, merged)
	{
		if (json_object_update_missing(frame->value, merged))
			return -ENOMEM;
	}
	json_decref(steal_pointer(&frame->merges));
	return 0;
}

static int on_end(struct reader *rd, const yaml_event_t *event)
{
	struct frame *frame = top(rd);
	struct weight w = frame->weight;
	json_t *value;
	int r;

	r = merges_apply(frame);
	if (r < 0)
		return r;
	value = steal_pointer(&frame->value);
	if (frame->anchor >= 0)
		rd->anchors[frame->anchor] =
			(struct anchor){ json_incref(value), w };
	rd->depth--;
	return place(rd, &event->start_mark, value, &w);
}

static void document_drop(struct reader *rd)
{
	while (rd->depth) {
		struct frame *frame = &rd->stack[--rd->depth];

		json_decref(frame->value);
		json_decref(frame->merges);
		free(frame->key);
	}
	json_decref(rd->root);
	rd->root = NULL;
	lines_free(rd->lines);
	rd->lines = NULL;
	anchors_clear(rd);
}

static int on_document_start(struct reader *rd, const yaml_event_t *event)
{
	rd->lines = lines_new((unsigned)event->start_mark.line + 1);
	return rd->lines ? 0 : -ENOMEM;
}

static int on_document_end(struct reader *rd)
{
	int r = 0;

	if (rd->root && !json_is_null(rd->root)) {
		lines_sort(rd->lines);
		r = manifest_append(rd->manifest, steal_pointer(&rd->root),
				    steal_pointer(&rd->lines), rd->line);
	}
	document_drop(rd);
	return r;
}

static int on_event(struct reader *rd, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document_start(rd, event);
	case YAML_DOCUMENT_END_EVENT:
		return on_document_end(rd);
	case YAML_ALIAS_EVENT:
		return on_alias(rd, event);
	case YAML_SCALAR_EVENT:
		return on_scalar(rd, event);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(rd, event, event->data.sequence_start.anchor,
				json_array());
	case YAML_MAPPING_START_EVENT:
		return on_start(rd, event, event->data.mapping_start.anchor,
				json_object());
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(rd, event);
	default:
		return 0;
	}
}

/* What libyaml found wrong, with the position in the words of an editor. */
static int syntax_error(struct reader *rd)
{
	const yaml_parser_t *p = &rd->parser;
	struct text_position pos;

	rd->syntax = true;
	if (p->error == YAML_MEMORY_ERROR)
		return error_set(rd->err, -ENOMEM, "out of memory");
	if (p->error == YAML_READER_ERROR) {
		pos = text_position(rd->text, rd->len, p->problem_offset);
		return error_set(rd->err, -EINVAL,
				 "line %u, column %u: %s (0x%02X)", pos.line,
				 pos.column, p->problem,
				 (unsigned)p->problem_value);
	}
	if (strstr(p->problem, "cannot start any token") &&
	    p->problem_mark.index < rd->len &&
	    rd->text[p->problem_mark.index] == '\t')
		return refuse(rd, &p->problem_mark, -EINVAL,
			      "a tab cannot indent YAML; use spaces");
	if (p->context && p->context_mark.line != p->problem_mark.line)
		return refuse(rd, &p->problem_mark, -EINVAL,
			      "%s, %s which began on line %zu", p->problem,
			      p->context, p->context_mark.line + 1);
	return refuse(rd, &p->problem_mark, -EINVAL, "%s%s%s", p->problem,
		      p->context ? ", " : "", p->context ? p->context : "");
}

static int read_events(struct reader *rd)
{
	yaml_event_t event;
	bool end;
	int r;

	do {
		if (!yaml_parser_parse(&rd->parser, &event))
			return syntax_error(rd);
		end = event.type == YAML_STREAM_END_EVENT;
		r = on_event(rd, &event);
		yaml_event_delete(&event);
	} while (r >= 0 && !end);
	return r;
}

int yaml_read(const char *text, size_t len, struct manifest *manifest,
	      bool *ret_syntax, struct error *err)
{
	cleanup_free struct reader *rd = calloc(1, sizeof(*rd));
	int r = -ENOMEM;

	*ret_syntax = false;
	error_set(err, r, "out of memory");
	if (!rd || !yaml_parser_initialize(&rd->parser))
		return r;
	rd->text = text;
	rd->len = len;
	rd->manifest = manifest;
	rd->err = err;
	rd->anchor_by_name = json_object();
	if (rd->anchor_by_name) {
		yaml_parser_set_encoding(&rd->parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(&rd->parser,
					     (const unsigned char *)text, len);
		r = read_events(rd);
	}
	document_drop(rd);
	*ret_syntax = rd->syntax;
	json_decref(rd->anchor_by_name);
	free(rd->anchors);
	yaml_parser_delete(&rd->parser);
	return r;
}
