/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - podvolsd: serve the volumes of pods at a mount point */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/node.h"
#include "tools/podvolsd/background.h"
#include "tools/podvolsd/config.h"
#include "tools/podvolsd/daemon.h"
#include "tools/podvolsd/holder.h"
#include "tools/podvolsd/options.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define EXIT_USAGE 2

static int complain(int code, const struct error *err)
{
	fprintf(stderr, "podvolsd: %s\n", err->text);
	if (code == EXIT_USAGE)
		fputs("Try 'podvolsd --help'.\n", stderr);
	return code;
}

/* config_wrong_fn */
static void complain_of_config(void *arg, const struct error *err)
{
	(void)arg;
	complain(EXIT_FAILURE, err);
}

/*
 * For the tests of crashes only: die as by a crash at the step of the engine
 * that the environment names.
 */
static void kill_at_step(const char *step)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets the environment */
	const char *last = secure_getenv("PODVOLS_TEST_KILL_AT");

	if (last && strcmp(step, last) == 0)
		raise(SIGKILL);
}

static void prepare_process(void)
{
	struct rlimit limit;

	daemon_block_signals();
	umask(0); /* modes of files are those that their creators ask for */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): before there are threads */
	if (getenv("PODVOLS_TEST_KILL_AT"))
		node_set_step_hook(kill_at_step);
}

/* In the background the log is in the state directory, if nowhere else. */
static int settle_log_file(struct options *options, struct error *err)
{
	if (!options->log_file && !options->foreground) {
		if (mkdir(options->state_dir, 0700) < 0 && errno != EEXIST)
			return error_set(
				err, -errno,
				"cannot make state directory '%s': %m%s",
				options->state_dir,
				errno == ENOENT ? "; make its parent first"
						: "");
		if (asprintf(&options->log_file, "%s/podvolsd.log",
			     options->state_dir) < 0) {
			options->log_file = NULL;
			return error_set(err, -ENOMEM, "out of memory");
		}
	}
	if (!options->log_file)
		return 0;
	return log_file_open(options->log_file, err);
}

struct serving {
	const struct options *options;
	int parent_fd; /* whom to tell that it is ready, or -1 */
};

/* holder_worker_fn */
static int work(void *arg, const struct holding *holding)
{
	struct serving *s = arg;
	struct error err = { 0 };
	struct daemon d;

	/* Killed once, for a test: that is enough. */
	if (holding->restarts > 0)
		node_set_step_hook(NULL);
	if (daemon_start(&d, s->options, holding, &err) < 0) {
		log_err("%s", err.text);
		background_failed(s->parent_fd, err.text);
		return EXIT_FAILURE;
	}
	background_ready(s->parent_fd);
	return daemon_run(&d);
}

static int serve(struct options *options)
{
	const struct holding nothing = { .dev_fd = -1, .ring_fd = -1 };
	struct holder_options held;
	struct serving s = { .options = options, .parent_fd = -1 };
	struct error err = { 0 };

	if (!options->foreground && background_enter(&s.parent_fd, &err) < 0)
		return complain(EXIT_FAILURE, &err);
	prepare_process();
	if (settle_log_file(options, &err) < 0) {
		background_failed(s.parent_fd, err.text);
		return options->foreground ? complain(EXIT_FAILURE, &err)
					   : EXIT_FAILURE;
	}
	if (!options->holder)
		return work(&s, &nothing);
	held = (struct holder_options){
		.has_rings = fs_wants_rings(options->transport,
					    options->disable_features),
		.log_file = options->log_file,
	};
	return holder_run(work, &s, &s.parent_fd, &held);
}

static int run(struct options *options, int argc, char **argv)
{
	struct error err = { 0 };

	if (options_parse_args(options, argc, argv, &err) < 0)
		return complain(EXIT_USAGE, &err);
	if (options->help) {
		options_help(stdout);
		return EXIT_SUCCESS;
	}
	if (options->version) {
		puts("podvolsd " PODVOLS_VERSION);
		return EXIT_SUCCESS;
	}
	if (config_load(options, complain_of_config, NULL) < 0)
		return EXIT_FAILURE;
	if (options_validate(options, &err) < 0)
		return complain(EXIT_FAILURE, &err);
	if (options->check_config) {
		printf("the configuration is valid\n");
		return EXIT_SUCCESS;
	}
	if (geteuid() != 0) {
		error_set(
			&err, -EPERM,
			"must be run as root: it mounts, and it serves the files of all users");
		return complain(EXIT_FAILURE, &err);
	}
	log_set_level(options->log_level);
	return serve(options);
}

int main(int argc, char **argv)
{
	struct options options;
	int code;

	if (options_init(&options) < 0) {
		fputs("podvolsd: out of memory\n", stderr);
		return EXIT_FAILURE;
	}
	code = run(&options, argc, argv);
	options_done(&options);
	return code;
}
