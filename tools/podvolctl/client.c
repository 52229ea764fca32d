/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - requests to the daemon: HTTP and JSON over its unix socket */
#include "tools/podvolctl/client.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

struct client {
	CURL *curl;
	struct curl_slist *headers;
	char *socket;
	long timeout_ms;
};

struct buffer {
	char *data;
	size_t len;
	size_t allocated;
};

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct buffer *buf = arg;
	size_t len = size * n;

	if (len > CLIENT_REPLY_MAX - buf->len)
		return 0;
	if (buf->len + len > buf->allocated) {
		size_t wanted = 2 * buf->allocated + len;
		char *grown = realloc(buf->data, wanted);

		if (!grown)
			return 0;
		buf->data = grown;
		buf->allocated = wanted;
	}
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return len;
}

int client_open(const char *socket, long timeout_ms, struct client **ret,
		struct error *err)
{
	size_t path_max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	struct client *client;

	if (strlen(socket) > path_max)
		return error_set(
			err, -ENAMETOOLONG,
			"path of socket '%s' is too long: at most %zu bytes",
			socket, path_max);
	client = calloc(1, sizeof(*client));
	if (!client)
		return error_set(err, -ENOMEM, "out of memory");
	client->timeout_ms = timeout_ms;
	client->socket = strdup(socket);
	client->curl = curl_easy_init();
	client->headers =
		curl_slist_append(NULL, "Content-Type: application/json");
	if (!client->socket || !client->curl || !client->headers) {
		client_close(client);
		return error_set(err, -ENOMEM, "out of memory");
	}
	*ret = client;
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	curl_slist_free_all(client->headers);
	curl_easy_cleanup(client->curl);
	free(client->socket);
	free(client);
}

static int unreachable(const struct client *client, CURLcode code,
		       struct error *err)
{
	long os_errno = 0;

	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return error_set(
			err, -ENOTCONN,
			"podvolsd at '%s' did not answer within %ld ms",
			client->socket, client->timeout_ms);
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &os_errno);
		errno = (int)os_errno;
		return error_set(err, -ENOTCONN,
				 "cannot reach podvolsd at '%s': %m; %s",
				 client->socket,
				 os_errno == EACCES || os_errno == EPERM
					 ? "only root may"
					 : "is it running?");
	case CURLE_WRITE_ERROR:
		return error_set(err, -EFBIG, "the answer of '%s' is too large",
				 client->socket);
	default:
		return error_set(err, -ENOTCONN,
				 "podvolsd at '%s' gave no answer: %s",
				 client->socket, curl_easy_strerror(code));
	}
}

/* What a write came to, as a header says it; by the code if none does. */
static void read_outcome(CURL *curl, struct reply *reply)
{
	struct curl_header *header;
	const char *outcome = reply->code == 201 ? "created" : "configured";

	if (curl_easy_header(curl, "Podvols-Outcome", 0, CURLH_HEADER, -1,
			     &header) == CURLHE_OK)
		outcome = header->value;
	snprintf(reply->outcome, sizeof(reply->outcome), "%s", outcome);
}

static CURLcode perform(struct client *client, const char *method,
			const char *path, const char *body, struct buffer *buf)
{
	cleanup_free char *url = NULL;
	CURL *curl = client->curl;

	if (asprintf(&url, "http://localhost%s", path) < 0) {
		url = NULL;
		return CURLE_OUT_OF_MEMORY;
	}
	curl_easy_reset(curl); /* keeps the connection */
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, client->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "podvolctl/" PODVOLS_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, buf);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)strlen(body));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	return curl_easy_perform(curl);
}

int client_request(struct client *client, const char *method, const char *path,
		   const json_t *body, struct reply *ret, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_free char *data = NULL;
	struct buffer buf = { 0 };
	struct reply reply = { 0 };
	CURLcode code;

	if (body) {
		text = json_dumps(body, JSON_COMPACT);
		if (!text)
			return error_set(err, -ENOMEM, "out of memory");
	}
	code = perform(client, method, path, text, &buf);
	data = buf.data;
	if (code != CURLE_OK)
		return unreachable(client, code, err);
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply.code);
	reply.body = json_loadb(data ? data : "", buf.len, 0, NULL);
	if (!json_is_object(reply.body)) {
		json_decref(reply.body);
		return error_set(
			err, -EPROTO,
			"what answers at '%s' does not speak JSON (code %ld): is it podvolsd's socket?",
			client->socket, reply.code);
	}
	read_outcome(client->curl, &reply);
	*ret = reply;
	return 0;
}

void reply_done(struct reply *reply)
{
	json_decref(reply->body);
	reply->body = NULL;
}

/* Everything but RFC 3986's unreserved characters as %XX. */
static char *escape(const char *text)
{
	static const char unreserved[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-._~";
	char *escaped = malloc(3 * strlen(text) + 1);
	char *p = escaped;

	if (!escaped)
		return NULL;
	for (; *text; text++) {
		if (strchr(unreserved, *text))
			*p++ = *text;
		else
			p += sprintf(p, "%%%02X", (unsigned char)*text);
	}
	*p = '\0';
	return escaped;
}

char *client_pods_path(const char *namespace, const char *name,
		       const char *suffix)
{
	cleanup_free char *ns = escape(namespace ? namespace : "");
	cleanup_free char *pod = escape(name ? name : "");
	char *path;
	int n;

	if (!ns || !pod)
		return NULL;
	n = asprintf(&path, "/api/v1%s%s/pods%s%s%s",
		     namespace ? "/namespaces/" : "", ns, name ? "/" : "", pod,
		     suffix);
	return n < 0 ? NULL : path;
}

char *client_query(const char *key, const char *value)
{
	cleanup_free char *escaped = escape(value);
	char *query;
	int n;

	if (!escaped)
		return NULL;
	n = asprintf(&query, "%s=%s", key, escaped);
	return n < 0 ? NULL : query;
}
