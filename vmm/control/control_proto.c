// SPDX-License-Identifier: MIT
/*
 * The control protocol: lines in, lines out. No locks, and no socket: that is
 * vmm/control/control_socket.c.
 *
 * Choice: an argument that a verb does not know is refused rather than ignored,
 * so that a newer itsy ctl is told when an older guest cannot do what it asks.
 */
#include "vmm/control/control_proto.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/suggest.h"
#include "vmm/base/word_list.h"

#define MAX_VERBS  32u
#define MAX_NUMBER ((json_int_t)1 << 53)
#define SHOWN	   "%.40s" /* as much of a wrong word as an error shows */

int control_refuse(char error[CONTROL_ERROR_MAX], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(error, CONTROL_ERROR_MAX, format, ap);
	va_end(ap);
	return -EINVAL;
}

/* The index of the verb of that name; nr_verbs where there is none. */
static size_t find_verb(const char *name, const struct control_verb verbs[], size_t nr_verbs)
{
	size_t i = 0;

	while (i < nr_verbs && strcmp(verbs[i].name, name) != 0)
		i++;
	return i;
}

static int unknown_verb(const char *name, const struct control_verb verbs[], size_t nr_verbs,
			char error[CONTROL_ERROR_MAX])
{
	const char *names[MAX_VERBS], *near;

	for (size_t i = 0; i < nr_verbs; i++)
		names[i] = verbs[i].name;
	near = suggest(name, names, nr_verbs);
	return near ? control_refuse(error, "cannot do '" SHOWN "': did you mean '%s'?", name, near)
		    : control_refuse(error, "cannot do '" SHOWN "'", name);
}

static const struct control_argument *find_argument(const struct control_verb *verb,
						    const char *name)
{
	for (size_t i = 0; i < CONTROL_MAX_ARGUMENTS && verb->arguments[i].name; i++)
		if (strcmp(verb->arguments[i].name, name) == 0)
			return &verb->arguments[i];
	return NULL;
}

/* The index of a word of the argument; nr_words where it is none of them. */
static unsigned find_word(const struct control_argument *argument, const char *text)
{
	unsigned i = 0;

	while (i < argument->nr_words && strcmp(argument->word(i), text) != 0)
		i++;
	return i;
}

static int check_word(const struct control_argument *argument, const char *text,
		      char error[CONTROL_ERROR_MAX])
{
	static const struct word_list_style style = { "\"", ", ", " or " };
	char all[WORD_LIST_SZ];

	if (find_word(argument, text) < argument->nr_words)
		return 0;
	return control_refuse(error, "'%s' is %s, not '" SHOWN "'", argument->name,
			      word_list(argument->word, argument->nr_words, &style, all), text);
}

static bool is_number(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 0 &&
	       json_integer_value(value) < MAX_NUMBER;
}

static int check_type(const struct control_argument *argument, const json_t *value,
		      char error[CONTROL_ERROR_MAX])
{
	const char *name = argument->name;

	switch (argument->type) {
	case CONTROL_STRING:
	case CONTROL_WORD:
		if (!json_is_string(value))
			return control_refuse(error, "'%s' is a string", name);
		return argument->type == CONTROL_STRING
			       ? 0
			       : check_word(argument, json_string_value(value), error);
	case CONTROL_BOOL:
		return json_is_boolean(value)
			       ? 0
			       : control_refuse(error, "'%s' is true or false", name);
	case CONTROL_NUMBER:
		break;
	}
	return is_number(value)
		       ? 0
		       : control_refuse(error, "'%s' is a number from 0 to 2^53 - 1", name);
}

static bool is_envelope(const char *key)
{
	return strcmp(key, "itsy") == 0 || strcmp(key, "do") == 0;
}

static int check_arguments(json_t *object, const struct control_verb *verb,
			   char error[CONTROL_ERROR_MAX])
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		const struct control_argument *argument = find_argument(verb, key);

		if (is_envelope(key))
			continue;
		if (!argument)
			return control_refuse(error, "'%s' has no argument '" SHOWN "'", verb->name,
					      key);
		if (check_type(argument, value, error) < 0)
			return -EINVAL;
	}
	for (size_t i = 0; i < CONTROL_MAX_ARGUMENTS && verb->arguments[i].name; i++)
		if (verb->arguments[i].required &&
		    !json_object_get(object, verb->arguments[i].name))
			return control_refuse(error, "'%s' needs '%s'", verb->name,
					      verb->arguments[i].name);
	return 0;
}

static int check_request(json_t *object, const struct control_verb verbs[], size_t nr_verbs,
			 size_t *ret_verb, char error[CONTROL_ERROR_MAX])
{
	const json_t *version = json_object_get(object, "itsy");
	const char *name = json_string_value(json_object_get(object, "do"));

	if (!json_is_object(object))
		return control_refuse(error, "not a JSON object");
	if (!json_is_integer(version))
		return control_refuse(error, "'itsy', the protocol's version, is missing");
	if (json_integer_value(version) != CONTROL_VERSION)
		return control_refuse(error, "protocol %lld: this is protocol %d",
				      (long long)json_integer_value(version), CONTROL_VERSION);
	if (!name)
		return control_refuse(error, "'do' is missing: what to do");
	*ret_verb = find_verb(name, verbs, nr_verbs);
	if (*ret_verb == nr_verbs)
		return unknown_verb(name, verbs, nr_verbs, error);
	return check_arguments(object, &verbs[*ret_verb], error);
}

int control_parse(const char *line, size_t len, const struct control_verb verbs[], size_t nr_verbs,
		  struct control_request *ret_request, char error[CONTROL_ERROR_MAX])
{
	json_error_t where;
	json_t *object;
	size_t verb = 0;

	assert(nr_verbs <= MAX_VERBS);

	object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
	if (!object)
		return control_refuse(error, "not JSON: %.120s", where.text);
	if (check_request(object, verbs, nr_verbs, &verb, error) < 0) {
		json_decref(object);
		return -EINVAL;
	}
	*ret_request = (struct control_request){ .verb = &verbs[verb], .object = object };
	return 0;
}

void control_request_fini(struct control_request *request)
{
	json_decref(request->object);
	*request = (struct control_request){ 0 };
}

const char *control_string(const struct control_request *request, const char *name)
{
	return json_string_value(json_object_get(request->object, name));
}

unsigned long long control_number(const struct control_request *request, const char *name,
				  unsigned long long fallback)
{
	const json_t *value = json_object_get(request->object, name);

	return value ? (unsigned long long)json_integer_value(value) : fallback;
}

unsigned control_word(const struct control_request *request, const char *name, unsigned fallback)
{
	const struct control_argument *argument = find_argument(request->verb, name);
	const char *text = control_string(request, name);

	assert(argument && argument->type == CONTROL_WORD);
	return text ? find_word(argument, text) : fallback;
}

bool control_bool(const struct control_request *request, const char *name)
{
	return json_is_true(json_object_get(request->object, name));
}

/* ---- answers ------------------------------------------------------------------- */

/* The reply as a line, the caller's. Takes the reply. NULL: it is too long, or no memory. */
static char *line_of(json_t *reply, size_t *ret_len)
{
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;

	json_decref(reply);
	if (!text || len + 1 > CONTROL_REPLY_MAX) {
		free(text);
		return NULL;
	}
	text[len] = '\n'; /* over the NUL: a line has none */
	*ret_len = len + 1;
	return text;
}

/* An error may quote what a client sent. Bytes that are no UTF-8 cannot stand in JSON. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			*text = '?';
}

char *control_refusal(const char *error, size_t *ret_len)
{
	char plain[CONTROL_ERROR_MAX];

	(void)snprintf(plain, sizeof(plain), "%s", error);
	make_plain(plain);
	return line_of(
		json_pack("{s:i, s:b, s:s}", "itsy", CONTROL_VERSION, "ok", 0, "error", plain),
		ret_len);
}

char *control_answer(const char *line, size_t len, const struct control_verb verbs[],
		     size_t nr_verbs, void *ctx, size_t *ret_len)
{
	return control_answer_with(line, len, NULL, verbs, nr_verbs, ctx, ret_len);
}

char *control_answer_with(const char *line, size_t len, struct control_files *files,
			  const struct control_verb verbs[], size_t nr_verbs, void *ctx,
			  size_t *ret_len)
{
	char error[CONTROL_ERROR_MAX] = "", *text;
	struct control_request request;
	json_t *body, *reply;

	if (control_parse(line, len, verbs, nr_verbs, &request, error) < 0)
		return control_refusal(error, ret_len);
	request.files = files;
	body = request.verb->run(ctx, &request, error);
	control_request_fini(&request);
	if (!body)
		return control_refusal(error[0] ? error : "out of memory", ret_len);
	reply = json_pack("{s:i, s:b}", "itsy", CONTROL_VERSION, "ok", 1);
	if (json_object_update_new(reply, body) < 0) {
		json_decref(reply);
		return control_refusal("out of memory", ret_len);
	}
	text = line_of(reply, ret_len);
	return text ? text : control_refusal("the answer is too long", ret_len);
}
