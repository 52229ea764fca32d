/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - writes the transcript of a case */

#include "tests/posix/record.h"

#include "tests/posix/posix.h"

#include <ctype.h>
#include <stdarg.h>
#include <sys/mman.h>

enum {
	LINE_MAX_BYTES = 2048,
	BYTES_SHOWN = 64
};

static struct transcript *current;

struct transcript *transcript_new(void)
{
	void *p = mmap(NULL, sizeof(struct transcript), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void transcript_begin(struct transcript *t)
{
	atomic_store(&t->len, 0);
	atomic_store(&t->wrong, 0);
	atomic_store(&t->skipped, 0);
	memset(t->text, 0, sizeof(t->text));
	current = t;
}

const char *transcript_text(struct transcript *t)
{
	unsigned int len = atomic_load(&t->len);

	if (len >= sizeof(t->text))
		len = sizeof(t->text) - 1;
	t->text[len] = '\0';
	return t->text;
}

/* A line is claimed whole, so lines of several processes do not mix. */
__attribute__((format(printf, 2, 0))) static void
append(const char *prefix, const char *fmt, va_list args, const char *suffix)
{
	char line[LINE_MAX_BYTES];
	size_t n = 0, tail = strlen(suffix);
	unsigned int at;
	int saved = errno;

	n += (size_t)snprintf(line, sizeof(line), "%s", prefix);
	n += (size_t)vsnprintf(line + n, sizeof(line) - n, fmt, args);
	if (n > sizeof(line) - tail - 2)
		n = sizeof(line) - tail - 2;
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%s\n", suffix);

	at = atomic_fetch_add(&current->len, (unsigned int)n);
	if (at + n < sizeof(current->text))
		memcpy(current->text + at, line, n);
	else
		atomic_fetch_add(&current->wrong, 1);
	errno = saved;
}

void about(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	append("# ", fmt, args, "");
	va_end(args);
}

void rec(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	append("", fmt, args, "");
	va_end(args);
}

void wrong(const char *fmt, ...)
{
	va_list args;

	atomic_fetch_add(&current->wrong, 1);
	va_start(args, fmt);
	append("", fmt, args, "  <-- wrong");
	va_end(args);
}

void skip(const char *fmt, ...)
{
	va_list args;

	atomic_store(&current->skipped, 1);
	va_start(args, fmt);
	append("skipped: ", fmt, args, "");
	va_end(args);
	_exit(0);
}

static unsigned long checksum(const unsigned char *p, size_t len)
{
	unsigned long h = 5381;

	for (size_t i = 0; i < len; i++)
		h = h * 33 + p[i];
	return h;
}

void rec_bytes(const char *label, const void *buf, size_t len)
{
	const unsigned char *p = buf;
	char out[4 * BYTES_SHOWN + 1];
	size_t n = 0;

	if (len > BYTES_SHOWN) {
		rec("%s: %zu bytes, sum %lx", label, len, checksum(p, len));
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (isprint(p[i]))
			out[n++] = (char)p[i];
		else
			n += (size_t)sprintf(out + n, "\\x%02x", p[i]);
	}
	out[n] = '\0';
	rec("%s: %zu bytes '%s'", label, len, out);
}

const char *errname(int e)
{
	const char *name = e ? strerrorname_np(e) : "no error";

	return name ? name : "unknown error";
}

long did(const char *what, long r)
{
	if (r == -1)
		rec("%s = %s", what, errname(errno));
	else
		rec("%s = %ld", what, r);
	return r;
}

int did_fd(const char *what, long r)
{
	if (r < 0)
		rec("%s = %s", what, errname(errno));
	else
		rec("%s = fd", what);
	return (int)r;
}

long did_well(const char *what, long r)
{
	if (r < 0)
		wrong("%s = %s, should succeed", what, errname(errno));
	else
		rec("%s = %ld", what, r);
	return r;
}

long did_fail(const char *what, long r, int want)
{
	if (r >= 0)
		wrong("%s = %ld, should fail with %s", what, r, errname(want));
	else if (errno != want)
		wrong("%s = %s, should be %s", what, errname(errno),
		      errname(want));
	else
		rec("%s = %s", what, errname(errno));
	return r;
}

void expected(const char *what, bool held)
{
	if (held)
		rec("%s: yes", what);
	else
		wrong("%s: no", what);
}

bool prepared(const char *what, long r)
{
	if (r == -1)
		wrong("cannot prepare: %s = %s", what, errname(errno));
	return r != -1;
}
