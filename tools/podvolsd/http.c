/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - HTTP on the API's listening socket: connections and their limits */
#include "tools/podvolsd/http.h"

#include "store/base/cleanup.h"
#include "store/base/cond.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "tools/podvolsd/daemon.h"
#include "tools/podvolsd/http_request.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#define HTTP_IDLE_SECONDS 30 /* without a byte in either direction */
#define HTTP_DEADLINE_SECONDS                                                  \
	120 /* to send a request, and to read its answer */
#define HTTP_SWEEP_MS	  1000
#define HTTP_MEMORY_LIMIT (64u << 10) /* of a request's header */
/* Out of the way: the library (0.9.75) locks up when it meets its own limit. */
#define HTTP_LIBRARY_LIMIT (1u << 20)

struct http {
	struct daemon *daemon;
	struct MHD_Daemon *mhd;
	int listen_fd;
	int stop_fd; /* eventfd: the accepting thread must end */
	pthread_t acceptor;
	bool accepting;
	unsigned max_connections;

	pthread_mutex_t lock;
	pthread_cond_t changed;	       /* a connection or a request ended */
	struct http_connection *first; /* lock */
	unsigned n_connections;	       /* lock; accepted, not closed */
	unsigned n_requests;	       /* lock; handled or being answered */
};

struct http_connection {
	struct http_connection *next; /* http->lock */
	struct http *http;
	int fd;
	struct timespec since; /* http->lock; when it began to owe us bytes */
	bool handling;	       /* http->lock; the time is ours, not its */
};

static struct http_connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void connection_started(struct http *http,
			       struct MHD_Connection *connection,
			       void **socket_context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_connection *c = calloc(1, sizeof(*c));

	if (!c)
		return; /* it then has no limit but the idle time */
	c->http = http;
	c->fd = info->connect_fd;
	clock_gettime(CLOCK_MONOTONIC, &c->since);
	*socket_context = c;
	pthread_mutex_lock(&http->lock);
	c->next = http->first;
	http->first = c;
	pthread_mutex_unlock(&http->lock);
}

static void forget_connection(struct http *http, struct http_connection *c)
{
	struct http_connection **link;

	pthread_mutex_lock(&http->lock);
	for (link = &http->first; *link && *link != c; link = &(*link)->next)
		continue;
	if (*link)
		*link = c->next;
	http->n_connections--;
	pthread_cond_broadcast(&http->changed);
	pthread_mutex_unlock(&http->lock);
	free(c);
}

static void notify_connection(void *arg, struct MHD_Connection *connection,
			      void **socket_context,
			      enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection_started(arg, connection, socket_context);
	else
		forget_connection(arg, steal_pointer(socket_context));
}

static void set_handling(struct http_connection *c, bool handling)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->http->lock);
	c->handling = handling;
	clock_gettime(CLOCK_MONOTONIC, &c->since);
	pthread_mutex_unlock(&c->http->lock);
}

static void count_request(struct http *http, int change)
{
	pthread_mutex_lock(&http->lock);
	http->n_requests += change;
	pthread_cond_broadcast(&http->changed);
	pthread_mutex_unlock(&http->lock);
}

/* First without, then with the body, in pieces; last with none of it left. */
/* NOLINTNEXTLINE(readability-function-size): the library gives the list */
static enum MHD_Result access_handler(void *arg,
				      struct MHD_Connection *connection,
				      const char *url, const char *method,
				      const char *version, const char *data,
				      size_t *data_len, void **request_context)
{
	struct http *http = arg;
	struct http_request *request = *request_context;
	enum MHD_Result result;

	(void)version;
	if (!request) {
		request = http_request_new(connection);
		if (!request)
			return MHD_NO;
		*request_context = request;
		if (!http_request_is_hopeless(request))
			return MHD_YES;
	}
	if (*data_len > 0) {
		result = http_request_append(request, data, *data_len);
		*data_len = 0;
		return result;
	}
	count_request(http, 1);
	set_handling(connection_of(connection), true);
	result = http_request_answer(request, http->daemon, connection, method,
				     url);
	set_handling(connection_of(connection), false);
	return result;
}

static void notify_completed(void *arg, struct MHD_Connection *connection,
			     void **request_context,
			     enum MHD_RequestTerminationCode code)
{
	struct http_request *request = steal_pointer(request_context);

	(void)code;
	if (!request)
		return;
	set_handling(connection_of(connection), false);
	if (http_request_is_answered(request))
		count_request(arg, -1);
	http_request_free(request);
}

/* End those that take too long; their threads then see the end of file. */
static void sweep_connections(struct http *http)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&http->lock);
	for (struct http_connection *c = http->first; c; c = c->next) {
		if (c->handling ||
		    now.tv_sec - c->since.tv_sec < HTTP_DEADLINE_SECONDS)
			continue;
		log_debug("http: client took longer than %d s, hung up",
			  HTTP_DEADLINE_SECONDS);
		shutdown(c->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&http->lock);
}

/* Root, or who runs the daemon; the socket's mode says so already. */
static bool is_peer_allowed(int fd)
{
	static const char refusal[] =
		"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"
		"Content-Type: text/plain\r\n\r\n"
		"only root and the daemon's user may connect\n";
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	log_warning("refused process %d of user %u on the API's socket",
		    (int)peer.pid, (unsigned)peer.uid);
	send(fd, refusal, sizeof(refusal) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return false;
}

static void accept_one(struct http *http)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);
	cleanup_fd int fd = -1;

	fd = accept4(http->listen_fd, (struct sockaddr *)&address, &len,
		     SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
			log_warning("cannot accept a connection: %m");
			poll(NULL, 0, HTTP_SWEEP_MS);
		}
		return;
	}
	if (!is_peer_allowed(fd))
		return;
	pthread_mutex_lock(&http->lock);
	http->n_connections++;
	pthread_mutex_unlock(&http->lock);
	/* It closes the descriptor, on failure too. */
	if (MHD_add_connection(http->mhd, steal_fd(&fd),
			       (struct sockaddr *)&address, len) != MHD_YES) {
		log_warning("cannot serve a connection: %m");
		forget_connection(http, NULL);
	}
}

/* Wait for a free place, but not past the next sweep. */
static bool has_place(struct http *http)
{
	struct timespec until = cond_deadline_ms(HTTP_SWEEP_MS);
	bool free_place;

	pthread_mutex_lock(&http->lock);
	if (http->n_connections >= http->max_connections)
		pthread_cond_timedwait(&http->changed, &http->lock, &until);
	free_place = http->n_connections < http->max_connections;
	pthread_mutex_unlock(&http->lock);
	return free_place;
}

static void *accept_main(void *arg)
{
	struct http *http = arg;
	struct pollfd pfds[] = {
		{ .fd = http->stop_fd, .events = POLLIN },
		{ .fd = http->listen_fd, .events = POLLIN },
	};
	time_t swept = 0;

	for (;;) {
		bool place = has_place(http);
		struct timespec now;

		pfds[1].revents = 0;
		poll(pfds, place ? 2 : 1, place ? HTTP_SWEEP_MS : 0);
		if (pfds[0].revents)
			return NULL;
		if (place && pfds[1].revents)
			accept_one(http);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec != swept)
			sweep_connections(http);
		swept = now.tv_sec;
	}
}

/*
 * A NUL would end the text early, and a name would be that of another pod: %00
 * stays as it is written, which no name is.
 */
static size_t unescape(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

static int start_server(struct http *http, struct error *err)
{
	/* poll, because a descriptor may be beyond what select can name. */
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD |
			 MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
			 MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;

	http->mhd = MHD_start_daemon(
		flags, 0, NULL, NULL, access_handler, http,
		MHD_OPTION_CONNECTION_LIMIT, HTTP_LIBRARY_LIMIT,
		MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_LIMIT,
		MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, notify_connection, http,
		MHD_OPTION_NOTIFY_COMPLETED, notify_completed, http,
		MHD_OPTION_END);
	if (!http->mhd)
		return error_set(err, errno ? -errno : -EIO,
				 "cannot start the API's server: %m");
	return 0;
}

static int start_acceptor(struct http *http, struct error *err)
{
	int r;

	r = pthread_create(&http->acceptor, NULL, accept_main, http);
	if (r != 0) {
		errno = r;
		return error_set(err, -r, "cannot start a thread: %m");
	}
	http->accepting = true;
	return 0;
}

static struct http *http_new(struct daemon *d, int listen_fd,
			     unsigned max_connections)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	http->daemon = d;
	http->listen_fd = listen_fd;
	http->max_connections = max_connections;
	pthread_mutex_init(&http->lock, NULL);
	cond_init(&http->changed);
	http->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return http;
}

int http_open(struct daemon *d, int listen_fd, unsigned max_connections,
	      struct http **ret, struct error *err)
{
	struct http *http = http_new(d, listen_fd, max_connections);
	int r;

	if (!http)
		return error_set(err, -ENOMEM, "out of memory");
	if (http->stop_fd < 0)
		r = error_set(err, -errno, "cannot make an eventfd: %m");
	else
		r = start_server(http, err);
	if (r == 0)
		r = start_acceptor(http, err);
	if (r < 0) {
		http_close(http);
		return r;
	}
	*ret = http;
	return 0;
}

static void stop_accepting(struct http *http)
{
	if (!http->accepting)
		return;
	eventfd_write(http->stop_fd, 1);
	pthread_mutex_lock(&http->lock);
	pthread_cond_broadcast(&http->changed);
	pthread_mutex_unlock(&http->lock);
	pthread_join(http->acceptor, NULL);
	http->accepting = false;
}

int http_drain(struct http *http, unsigned timeout_ms)
{
	struct timespec until = cond_deadline_ms(timeout_ms);
	int r = 0;

	stop_accepting(http);
	pthread_mutex_lock(&http->lock);
	while (http->n_requests > 0 && r == 0)
		r = pthread_cond_timedwait(&http->changed, &http->lock, &until);
	r = http->n_requests > 0 ? -EBUSY : 0;
	/* Whoever is not being handled has had its time. */
	if (r < 0) {
		unsigned handling = 0;

		for (struct http_connection *c = http->first; c; c = c->next)
			handling += c->handling;
		r = handling > 0 ? -EBUSY : 0;
	}
	pthread_mutex_unlock(&http->lock);
	return r;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	stop_accepting(http);
	if (http->mhd)
		MHD_stop_daemon(http->mhd);
	if (http->stop_fd >= 0)
		close(http->stop_fd);
	pthread_cond_destroy(&http->changed);
	pthread_mutex_destroy(&http->lock);
	free(http);
}
