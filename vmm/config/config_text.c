// SPDX-License-Identifier: MIT
/*
 * A pass over the text of a configuration file, ahead of libconfuse 3.3.
 *
 * libconfuse has a lexer with habits of its own: it accepts an unclosed block, it
 * expands ${VAR} from the environment, "\0" ends a string early, characters that
 * it does not know vanish, a comment over several lines moves the line numbers
 * by one, and a missing quote is reported where the next quote is. This pass
 * finds all of that, with the right line, and hands on a text that libconfuse
 * reads as the user does: comments are blanks, strings are closed.
 *
 * What is wrong within a string is noted and made harmless, so that the other
 * errors of the file are found too. What is wrong with the structure ends it.
 *
 * No locks.
 */
#include "vmm/config/config_text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum token {
	TOKEN_NONE,
	TOKEN_WORD,
	TOKEN_STRING, /* or a word behind a word: the name of a block */
	TOKEN_EQUALS,
	TOKEN_VALUE, /* a word or a string behind '=' */
	TOKEN_OPEN,
	TOKEN_CLOSE,
};

struct scan {
	char *at;
	int line;
	enum token last;
	int last_line;	  /* where last was seen */
	const char *word; /* the last one, of word_len characters */
	int word_len;
	int open_line; /* of the block that is open, 0: none */
	struct config_errors *errors;
	struct config_text *out;
};

static void record(struct config_errors *errors, int line, const char *where, const char *format,
		   va_list ap) __attribute__((format(printf, 4, 0)));

static void record(struct config_errors *errors, int line, const char *where, const char *format,
		   va_list ap)
{
	struct config_error *e;

	if (errors->nr++ >= CONFIG_MAX_ERRORS)
		return;
	e = &errors->list[errors->nr - 1];
	e->line = line;
	(void)snprintf(e->where, sizeof(e->where), "%s", where);
	(void)vsnprintf(e->text, sizeof(e->text), format, ap);
}

void config_error_at(struct config_errors *errors, int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	record(errors, line, "", format, ap);
	va_end(ap);
}

void config_error_option(struct config_errors *errors, const char *where, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	record(errors, 0, where, format, ap);
	va_end(ap);
}

void config_text_show(const char *text, FILE *out)
{
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		(void)fputc(c < 0x20 || c == 0x7f ? '?' : c, out);
	}
}

const char *config_path_shown(const char *path)
{
	if (!path)
		return "command line";
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

static void print_error(const struct config_errors *errors, const struct config_error *e, FILE *out)
{
	config_text_show(e->line ? config_path_shown(errors->path) : e->where, out);
	if (e->line)
		(void)fprintf(out, ":%d", e->line);
	(void)fputs(": error: ", out);
	config_text_show(e->text, out);
	(void)fputc('\n', out);
}

/* Errors of one line stay in the order they were found; the command line's come last. */
static bool comes_after(const struct config_error *a, const struct config_error *b)
{
	if (!a->line || !b->line)
		return !a->line && b->line;
	return a->line > b->line;
}

void config_errors_print(struct config_errors *errors, FILE *out)
{
	size_t nr = errors->nr < CONFIG_MAX_ERRORS ? errors->nr : CONFIG_MAX_ERRORS;

	for (size_t i = 1; i < nr; i++) {
		struct config_error e = errors->list[i];
		size_t j = i;

		for (; j > 0 && comes_after(&errors->list[j - 1], &e); j--)
			errors->list[j] = errors->list[j - 1];
		errors->list[j] = e;
	}
	for (size_t i = 0; i < nr; i++)
		print_error(errors, &errors->list[i], out);
	if (errors->nr > nr)
		(void)fprintf(out, "%s: error: and %zu more\n", config_path_shown(errors->path),
			      errors->nr - nr);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_-.:/@%~", c));
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static void token(struct scan *s, enum token t)
{
	bool is_value = s->last == TOKEN_EQUALS && (t == TOKEN_WORD || t == TOKEN_STRING);

	s->last = is_value ? TOKEN_VALUE : t;
	s->last_line = s->line;
}

/* What belongs together stands on one line: a key, '=', its value. */
static void end_of_line(struct scan *s)
{
	if (s->last == TOKEN_EQUALS)
		config_error_at(s->errors, s->last_line, "no value follows '=' on this line");
	else if (s->last == TOKEN_WORD)
		config_error_at(s->errors, s->last_line, "no '=' follows '%.*s' on this line",
				s->word_len < 40 ? s->word_len : 40, s->word);
	else
		return;
	s->out->sound = false;
	s->last = TOKEN_NONE;
}

static void newline(struct scan *s)
{
	end_of_line(s);
	s->line++;
}

static void blank(struct scan *s)
{
	*s->at++ = ' ';
}

static void skip_line_comment(struct scan *s)
{
	while (*s->at && *s->at != '\n')
		blank(s);
}

static void skip_block_comment(struct scan *s)
{
	int begin = s->line;

	blank(s);
	blank(s);
	while (*s->at && !(s->at[0] == '*' && s->at[1] == '/')) {
		if (*s->at == '\n') {
			newline(s);
			s->at++;
		} else {
			blank(s);
		}
	}
	if (!*s->at) {
		config_error_at(s->errors, begin, "this comment is never closed: */ is missing");
		s->out->sound = false;
		return;
	}
	blank(s);
	blank(s);
}

/* One escape within "..."; at is the backslash. */
static void scan_escape(struct scan *s)
{
	char c = s->at[1];

	if (c == '\n') {
		s->line++;
	} else if (!c || !strchr("\\\"'$", c)) {
		config_error_at(s->errors, s->line,
				"unknown escape in a string: a backslash is written \\\\");
		s->at[0] = '?'; /* so that it is no escape, and reported once */
		s->at++;
		return;
	}
	s->at += 2;
}

static void scan_double_quoted(struct scan *s)
{
	switch (s->at[0]) {
	case '\\':
		scan_escape(s);
		return;
	case '$':
		if (s->at[1] == '{') {
			config_error_at(s->errors, s->line,
					"${...} is not expanded: for the characters themselves "
					"write \\${");
			s->at[0] = '?';
		}
		break;
	default:
		break;
	}
	s->at++;
}

static void scan_single_quoted(struct scan *s)
{
	bool escape = s->at[0] == '\\' && (s->at[1] == '\\' || s->at[1] == '\'');

	s->at += escape ? 2 : 1;
}

static void scan_string(struct scan *s)
{
	const char quote = *s->at;

	if (s->last != TOKEN_EQUALS && s->last != TOKEN_WORD) {
		config_error_at(s->errors, s->line,
				"this string belongs to no key: is a quote missing before it?");
		s->out->sound = false;
	}
	token(s, TOKEN_STRING);
	s->at++;
	while (*s->at && *s->at != quote && *s->at != '\n') {
		if (is_control(*s->at)) {
			config_error_at(s->errors, s->line, "control character in a string");
			*s->at = '?';
		}
		if (quote == '"')
			scan_double_quoted(s);
		else
			scan_single_quoted(s);
	}
	if (*s->at == quote) {
		s->at++;
		return;
	}
	config_error_at(s->errors, s->line, "this string is never closed: %c is missing at its end",
			quote);
	s->out->sound = false;
}

/* Something up to a closing brace that is no value here. */
static void skip_braces(struct scan *s)
{
	s->out->sound = false;
	token(s, TOKEN_STRING);
	while (*s->at && *s->at != '}' && *s->at != '\n')
		blank(s);
	if (*s->at == '}')
		blank(s);
}

static void scan_open(struct scan *s)
{
	if (s->last == TOKEN_EQUALS) {
		config_error_at(s->errors, s->line, "a value is a word or a string, not a list");
		skip_braces(s);
		return;
	}
	if (s->open_line) {
		config_error_at(s->errors, s->line,
				"'{' within the block of line %d: is its '}' missing?",
				s->open_line);
		s->out->sound = false;
	}
	s->open_line = s->line;
	if (s->out->nr_blocks < CONFIG_MAX_BLOCKS)
		s->out->block_line[s->out->nr_blocks++] = s->line;
	token(s, TOKEN_OPEN);
	s->at++;
}

static void scan_close(struct scan *s)
{
	end_of_line(s);
	if (!s->open_line) {
		config_error_at(s->errors, s->line, "'}' closes no block");
		s->out->sound = false;
	}
	s->open_line = 0;
	token(s, TOKEN_CLOSE);
	s->at++;
}

static void scan_equals(struct scan *s)
{
	if (s->last != TOKEN_WORD) {
		config_error_at(s->errors, s->line, "no key stands before '='");
		s->out->sound = false;
	}
	token(s, TOKEN_EQUALS);
	s->at++;
}

/* A '#', or '/' and something, at the end of a word is more likely meant to be of it. */
static void scan_word(struct scan *s)
{
	bool behind = s->last == TOKEN_WORD || s->last == TOKEN_STRING;

	token(s, behind ? TOKEN_STRING : TOKEN_WORD);
	s->word = s->at;
	while (is_word(*s->at)) {
		if (s->at[0] == '/' && s->at[1] == '*')
			break;
		if (s->at[0] == '/' && s->at[1] == '/') {
			config_error_at(s->errors, s->line, "'//' within a word: put it in quotes");
			s->at++;
		}
		s->at++;
	}
	s->word_len = (int)(s->at - s->word);
	if (!*s->at || !strchr("#/", *s->at))
		return;
	config_error_at(s->errors, s->line,
			"'%c' within a word: put the word in quotes, or a "
			"blank before the comment",
			*s->at);
	s->out->sound = false;
}

/* Which libconfuse would take from the environment. */
static void scan_variable(struct scan *s)
{
	config_error_at(s->errors, s->line,
			"${...} is not expanded: for the characters themselves put it in single "
			"quotes");
	skip_braces(s);
}

static void scan_stray(struct scan *s)
{
	unsigned char c = (unsigned char)*s->at;

	if (c >= 0x20 && c < 0x7f)
		config_error_at(s->errors, s->line, "stray '%c': values with it stand in quotes",
				c);
	else
		config_error_at(s->errors, s->line, "stray byte 0x%02x: this is not a plain text",
				c);
	s->out->sound = false;
	/* Once per run of them: binary files are full of those. */
	while (*s->at && *s->at != '\n' && !strchr(" \t={}\"'#", *s->at) && !is_word(*s->at))
		blank(s);
}

static void scan_one(struct scan *s)
{
	switch (*s->at) {
	case '\n':
		newline(s);
		s->at++;
		return;
	case ' ':
	case '\t':
	case '\r':
		s->at++;
		return;
	case '#':
		skip_line_comment(s);
		return;
	case '"':
	case '\'':
		scan_string(s);
		return;
	case '{':
		scan_open(s);
		return;
	case '}':
		scan_close(s);
		return;
	case '=':
		scan_equals(s);
		return;
	default:
		break;
	}
	if (s->at[0] == '/' && s->at[1] == '/')
		skip_line_comment(s);
	else if (s->at[0] == '/' && s->at[1] == '*')
		skip_block_comment(s);
	else if (s->at[0] == '$' && s->at[1] == '{')
		scan_variable(s);
	else if (is_word(*s->at))
		scan_word(s);
	else
		scan_stray(s);
}

int config_text_prepare(const char *text, struct config_errors *errors,
			struct config_text *ret_text)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct scan s = { .line = 1, .errors = errors, .out = ret_text };

	*ret_text = (struct config_text){ .sound = true };
	ret_text->text = strdup(text);
	if (!ret_text->text)
		return -ENOMEM;
	s.at = ret_text->text;
	if (strncmp(s.at, byte_order_mark, 3) == 0)
		for (int i = 0; i < 3; i++)
			blank(&s);
	while (*s.at)
		scan_one(&s);
	end_of_line(&s);
	if (s.open_line) {
		config_error_at(errors, s.open_line, "this block is never closed: '}' is missing");
		ret_text->sound = false;
	}
	return 0;
}

void config_text_fini(struct config_text *text)
{
	free(text->text);
	text->text = NULL;
}
