// SPDX-License-Identifier: MIT
/*
 * The configuration of a guest: read from a file, or from memory.
 *
 * Six passes, each a file of vmm/config/: config_text.c sees to what libconfuse would
 * misread; config_raw.c has libconfuse split the text into keys, values and blocks;
 * config_option.c replaces values by those of the command line; config_key.c reads each value by
 * the row that its key has there, and the type of the row (config_type.c);
 * config_check.c looks at what depends on several values.
 *
 * No locks; one thread at a time.
 */
#include "vmm/config/config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/config/config_check.h"
#include "vmm/config/config_option.h"

#define FILE_SZ_MAX MiB

struct options {
	const struct config_option *list;
	size_t nr;
};

static int not_read(const char *path, int error, FILE *errors)
{
	(void)fprintf(errors, "%s: error: cannot be read: %s\n", config_path_shown(path),
		      strerror(error));
	return -error;
}

static int split_and_check(const struct config_text *text, const struct options *options,
			   struct config_errors *errors, struct config *c)
{
	int r;

	c->raw = calloc(1, sizeof(*c->raw));
	if (!c->raw)
		return -ENOMEM;
	r = config_raw_parse(text, errors, c->raw);
	/* What was not parsed to its end is not said to miss anything. */
	if (r < 0)
		return r;
	for (size_t i = 0; i < options->nr; i++) {
		r = config_option_apply(c->raw, &options->list[i], errors);
		if (r < 0)
			return r;
	}
	return config_check(c->raw, errors, c);
}

int config_parse(const char *path, const char *text, const struct config_option options[],
		 size_t nr_options, FILE *errors, struct config *ret_config)
{
	const struct options all = { .list = options, .nr = nr_options };
	_cleanup_(config_text_fini) struct config_text prepared = { 0 };
	_cleanup_free_ struct config_errors *list = calloc(1, sizeof(*list));
	struct config config = { 0 };
	int r;

	assert(text);
	if (!list)
		return not_read(path, ENOMEM, errors);
	list->path = path;
	r = config_text_prepare(text, list, &prepared);
	if (r == 0 && prepared.sound)
		r = split_and_check(&prepared, &all, list, &config);
	config_errors_print(list, errors);
	if (r == -ENOMEM)
		(void)not_read(path, ENOMEM, errors);
	if (r == 0 && list->nr)
		r = -EINVAL;
	if (r < 0)
		config_fini(&config);
	else
		*ret_config = config;
	return r;
}

/* Standard input stays open: it is the guest's console, too. */
static FILE *open_file(const char *path)
{
	FILE *f;
	int fd;

	if (strcmp(path, "-") != 0)
		return fopen(path, "re");
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (fd >= 0 && !f)
		(void)close(fd);
	return f;
}

/* The whole file, with a NUL behind it. */
static int read_file(const char *path, FILE *errors, char **ret_text, size_t *ret_len)
{
	_cleanup_free_ char *text = malloc(FILE_SZ_MAX + 2);
	_cleanup_file_ FILE *f = NULL;
	size_t len;

	if (!text)
		return not_read(path, ENOMEM, errors);
	f = open_file(path);
	if (!f)
		return not_read(path, errno, errors);
	len = fread(text, 1, FILE_SZ_MAX + 1, f);
	if (ferror(f))
		return not_read(path, errno ? errno : EIO, errors);
	if (len > FILE_SZ_MAX)
		return not_read(path, EFBIG, errors);
	text[len] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

int config_load(const char *path, const struct config_option options[], size_t nr_options,
		FILE *errors, struct config *ret_config)
{
	_cleanup_free_ char *text = NULL;
	const char *nul;
	size_t len = 0;
	int r;

	if (!path)
		return config_parse(NULL, "", options, nr_options, errors, ret_config);
	r = read_file(path, errors, &text, &len);
	if (r < 0)
		return r;
	nul = memchr(text, '\0', len);
	if (nul) {
		int line = 1;

		for (const char *p = text; p < nul; p++)
			line += *p == '\n';
		(void)fprintf(errors, "%s:%d: error: a NUL byte: this is not a text file\n",
			      config_path_shown(path), line);
		return -EINVAL;
	}
	return config_parse(path, text, options, nr_options, errors, ret_config);
}

void config_fini(struct config *config)
{
	config_block_fini(SCOPE_GUEST, config);
	free(config->path);
	for (size_t i = 0; i < config->nr_its; i++) {
		config_block_fini(SCOPE_ITS, &config->its[i]);
		free(config->its[i].name);
	}
	for (size_t i = 0; i < CONFIG_MAX_DEVICES; i++) {
		config_block_fini(SCOPE_DEVICE, &config->devices[i]);
		free(config->devices[i].name);
	}
	if (config->raw)
		config_raw_fini(config->raw);
	free(config->raw);
	*config = (struct config){ 0 };
}
