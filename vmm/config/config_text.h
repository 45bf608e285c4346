/* SPDX-License-Identifier: MIT */
/*
 * The text of a configuration file, before libconfuse sees it: what libconfuse
 * would misread or pass over is found here, with the line where it begins.
 * Also the list of errors that a configuration collects.
 */
#ifndef VMM_CONFIG_CONFIG_TEXT_H
#define VMM_CONFIG_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vmm/base/cleanup.h"

#define CONFIG_MAX_ERRORS 50u
#define CONFIG_MAX_BLOCKS 64u

/* Errors in the order they are found; printed in the order of their lines. */
struct config_errors {
	const char *path; /* borrowed; "-": standard input; NULL: there is no file */
	size_t nr;	  /* may exceed CONFIG_MAX_ERRORS: the rest is only counted */
	struct config_error {
		int line; /* from 1; 0: of the command line */
		char where[64];
		char text[224];
	} list[CONFIG_MAX_ERRORS];
};

void config_error_at(struct config_errors *errors, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* where: the option of the command line that is wrong, as "--ram". */
void config_error_option(struct config_errors *errors, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* '?' for what would end a line, or change the terminal. */
void config_text_show(const char *text, FILE *out);
/* What messages call the file. */
const char *config_path_shown(const char *path);
void config_errors_print(struct config_errors *errors, FILE *out);

struct config_text {
	char *text; /* owned: comments blanked, to be parsed */
	bool sound; /* its structure can be parsed; else the errors say why not */
	/* The lines of the opening braces, of the first CONFIG_MAX_BLOCKS blocks. */
	int block_line[CONFIG_MAX_BLOCKS];
	size_t nr_blocks;
};

/* 0, errors found or not; -ENOMEM. ret_text is the caller's to config_text_fini(). */
int config_text_prepare(const char *text, struct config_errors *errors,
			struct config_text *ret_text) _must_check_;
void config_text_fini(struct config_text *text);

#endif
