/* SPDX-License-Identifier: Apache-2.0 */
/* label_selector.c - label selectors: app=web,tier in (front, back),!canary */
#include "tools/podvolsd/label_selector.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/manifest/names.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_COMMA,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_NOT,
	/* Between a key and its values. */
	TOKEN_EQUAL,
	TOKEN_NOT_EQUAL,
	TOKEN_IN,
	TOKEN_NOT_IN,
	TOKEN_GREATER,
	TOKEN_LESS,
};

struct token {
	enum token_kind kind;
	const char *text;
	int len;
};

struct parser {
	struct token next; /* not taken yet */
	const char *rest;  /* behind it */
};

/* Longer ones first. */
static const struct {
	const char *text;
	enum token_kind kind;
} symbols[] = {
	{ "==", TOKEN_EQUAL }, { "!=", TOKEN_NOT_EQUAL }, { "=", TOKEN_EQUAL },
	{ "!", TOKEN_NOT },    { ">", TOKEN_GREATER },	  { "<", TOKEN_LESS },
	{ "(", TOKEN_OPEN },   { ")", TOKEN_CLOSE },	  { ",", TOKEN_COMMA },
};

static struct token scan(const char *text)
{
	struct token token = { TOKEN_WORD, text, 0 };

	if (*text == '\0')
		return (struct token){ TOKEN_END, text, 0 };
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		int len = (int)strlen(symbols[i].text);

		if (strncmp(text, symbols[i].text, len) == 0)
			return (struct token){ symbols[i].kind, text, len };
	}
	token.len = (int)strcspn(text, "=!<>(), \t\r\n");
	if (token.len == 2 && memcmp(text, "in", 2) == 0)
		token.kind = TOKEN_IN;
	if (token.len == 5 && memcmp(text, "notin", 5) == 0)
		token.kind = TOKEN_NOT_IN;
	return token;
}

static struct token take(struct parser *p)
{
	struct token taken = p->next;

	p->rest += strspn(p->rest, " \t\r\n");
	p->next = scan(p->rest);
	p->rest += p->next.len;
	return taken;
}

/* "in" and "notin" are keys and values, too. */
static bool is_word(const struct token *token)
{
	return token->kind == TOKEN_WORD || token->kind == TOKEN_IN ||
	       token->kind == TOKEN_NOT_IN;
}

static bool at_end_of_term(const struct parser *p)
{
	return p->next.kind == TOKEN_END || p->next.kind == TOKEN_COMMA;
}

static int unexpected(const struct token *found, const char *expected,
		      struct error *err)
{
	return error_set(err, -EINVAL, "found '%.*s', expected: %s", found->len,
			 found->text, expected);
}

static bool parse_number(const char *text, int64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoll(text, &end, 10);
	return end != text && !*end && !errno;
}

/* What is no word is the empty value. */
static int add_value(struct label_term *term, const struct token *token,
		     struct error *err)
{
	cleanup_free char *text =
		strndup(token->text, is_word(token) ? token->len : 0);
	int64_t number;

	if (!text)
		return -ENOMEM;
	if ((term->op == LABEL_GREATER || term->op == LABEL_LESS) &&
	    !parse_number(text, &number))
		return error_set(err, -EINVAL,
				 "for 'Gt', 'Lt' operators, the value must be "
				 "an integer");
	if (!name_is_label_value(text))
		return error_set(err, -EINVAL,
				 "invalid label value: \"%.80s\": at key: "
				 "\"%s\": " NAME_LABEL_VALUE_TEXT,
				 text, term->key);
	return json_array_append_new(term->values, json_string(text)) < 0
		       ? -ENOMEM
		       : 0;
}

/* Also an empty one, which the token behind it ends. */
static bool may_be_value(const struct token *token)
{
	return is_word(token) || token->kind == TOKEN_COMMA ||
	       token->kind == TOKEN_CLOSE;
}

/* "(a, b)"; nothing between commas or parentheses is the empty value. */
static int parse_values(struct parser *p, struct label_term *term,
			struct error *err)
{
	struct token token = take(p);
	int r;

	if (token.kind != TOKEN_OPEN)
		return error_set(err, -EINVAL, "found '%.*s' expected: '('",
				 token.len, token.text);
	if (!may_be_value(&p->next))
		return unexpected(&p->next, "',', ')' or identifier", err);
	for (;;) {
		r = add_value(term, &p->next, err);
		if (r < 0)
			return r;
		if (is_word(&p->next))
			take(p);
		token = take(p);
		if (token.kind == TOKEN_CLOSE)
			return 0;
		if (token.kind != TOKEN_COMMA)
			return unexpected(&token, "',' or ')'", err);
		if (!may_be_value(&p->next))
			return unexpected(&p->next, "',', or identifier", err);
	}
}

static int parse_value(struct parser *p, struct label_term *term,
		       struct error *err)
{
	struct token token;

	if (at_end_of_term(p))
		return add_value(term, &p->next, err);
	token = take(p);
	if (!is_word(&token))
		return unexpected(&token, "identifier", err);
	return add_value(term, &token, err);
}

static int parse_operator(struct parser *p, struct label_term *term,
			  struct error *err)
{
	static const enum label_op ops[] = {
		[TOKEN_EQUAL] = LABEL_IN,	  [TOKEN_IN] = LABEL_IN,
		[TOKEN_NOT_EQUAL] = LABEL_NOT_IN, [TOKEN_NOT_IN] = LABEL_NOT_IN,
		[TOKEN_GREATER] = LABEL_GREATER,  [TOKEN_LESS] = LABEL_LESS,
	};
	struct token token = take(p);

	if (token.kind < TOKEN_EQUAL)
		return unexpected(&token, "in, notin, =, ==, !=, gt, lt", err);
	term->op = ops[token.kind];
	if (token.kind == TOKEN_IN || token.kind == TOKEN_NOT_IN)
		return parse_values(p, term, err);
	return parse_value(p, term, err);
}

static int parse_term(struct parser *p, struct label_term *term,
		      struct error *err)
{
	bool negated = p->next.kind == TOKEN_NOT;
	struct token token = take(p);

	if (negated)
		token = take(p);
	if (!is_word(&token))
		return unexpected(&token, "identifier", err);
	term->key = strndup(token.text, token.len);
	term->values = json_array();
	if (!term->key || !term->values)
		return -ENOMEM;
	if (!name_is_qualified(term->key))
		return error_set(
			err, -EINVAL,
			"invalid label key \"%.80s\": " NAME_QUALIFIED_TEXT,
			term->key);
	term->op = negated ? LABEL_MISSING : LABEL_EXISTS;
	if (negated || at_end_of_term(p))
		return 0;
	return parse_operator(p, term, err);
}

static int parse_terms(struct parser *p, struct label_selector *ret,
		       struct error *err)
{
	struct token token = p->next;
	int r;

	if (token.kind == TOKEN_END)
		return 0;
	if (!is_word(&token) && token.kind != TOKEN_NOT)
		return unexpected(&token, "!, identifier, or 'end of string'",
				  err);
	for (;;) {
		if (ret->n == LABEL_TERMS_MAX)
			return error_set(err, -EINVAL,
					 "more than %d requirements",
					 LABEL_TERMS_MAX);
		r = parse_term(p, &ret->terms[ret->n++], err);
		if (r < 0)
			return error_prefix(err, r,
					    "unable to parse requirement");
		token = take(p);
		if (token.kind == TOKEN_END)
			return 0;
		if (token.kind != TOKEN_COMMA)
			return unexpected(&token, "',' or 'end of string'",
					  err);
		if (!is_word(&p->next) && p->next.kind != TOKEN_NOT)
			return unexpected(&p->next, "identifier after ','",
					  err);
	}
}

int label_selector_parse(const char *text, struct label_selector *ret,
			 struct error *err)
{
	struct parser p = { .rest = text };

	*ret = (struct label_selector){ 0 };
	if (!text)
		return 0;
	take(&p);
	return parse_terms(&p, ret, err);
}

void label_selector_done(struct label_selector *selector)
{
	for (size_t i = 0; i < selector->n; i++) {
		free(selector->terms[i].key);
		json_decref(selector->terms[i].values);
	}
	selector->n = 0;
}

static bool is_among(const json_t *values, const char *text)
{
	const json_t *value;
	size_t i;

	json_array_foreach(values, i, value)
	{
		if (strcmp(json_string_value(value), text) == 0)
			return true;
	}
	return false;
}

static bool is_ordered(const struct label_term *term, const char *text)
{
	const json_t *value = json_array_get(term->values, 0);
	int64_t bound;
	int64_t number;

	if (!parse_number(json_string_value(value), &bound) ||
	    !parse_number(text, &number))
		return false;
	return term->op == LABEL_GREATER ? number > bound : number < bound;
}

static bool term_matches(const struct label_term *term, const json_t *labels)
{
	const char *text =
		json_string_value(json_object_get(labels, term->key));

	switch (term->op) {
	case LABEL_EXISTS:
		return text;
	case LABEL_MISSING:
		return !text;
	case LABEL_IN:
		return text && is_among(term->values, text);
	case LABEL_NOT_IN:
		return !text || !is_among(term->values, text);
	case LABEL_GREATER:
	case LABEL_LESS:
		return text && is_ordered(term, text);
	}
	return false;
}

bool label_selector_matches(const struct label_selector *selector,
			    const json_t *labels)
{
	for (size_t i = 0; i < selector->n; i++) {
		if (!term_matches(&selector->terms[i], labels))
			return false;
	}
	return true;
}
