// SPDX-License-Identifier: MIT
/*
 * itsy check: which layers of the sandbox this host gives to this caller.
 *
 * They are tried in a child that ends at once, from the rows that itsy run takes them from.
 *
 * No locks.
 */
#include "vmm/check/check.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void append(char *text, size_t cap, const char *name)
{
	size_t at = strlen(text);

	(void)snprintf(text + at, cap - at, "%s%s", at ? ", " : "", name);
}

void check_layers(const int results[NR_LAYERS], struct check_result *ret)
{
	const struct layer_row *first = NULL;
	char taken[160] = "", missing[160] = "";
	bool fails = false;

	for (size_t i = 0; i < NR_LAYERS; i++) {
		const struct layer_row *row = &layer_rows[i];

		append(results[i] < 0 ? missing : taken, sizeof(taken), row->name);
		if (results[i] >= 0)
			continue;
		/* What is required comes first, also in what is to be done. */
		if (!first || (row->required && !fails))
			first = row;
		fails |= row->required;
	}
	if (!first)
		check_say(ret, VERDICT_PASS, NULL, "%s", taken);
	else
		check_say(ret, fails ? VERDICT_FAIL : VERDICT_WARN, first->cure, "without %s: %s",
			  missing, first->missing);
}

void check_sandbox(const struct check_host *host, struct check_result *ret)
{
	int results[NR_LAYERS], r;

	/* A copy of a host's files cannot be asked. */
	if (host->fs.root[0]) {
		ret->verdict = VERDICT_NONE;
		return;
	}
	if (host->config && host->config->sandbox == SANDBOX_WISH_OFF) {
		check_say(ret, VERDICT_WARN, "leave out sandbox = \"off\"",
			  "switched off by the configuration");
		return;
	}
	r = layers_try(results);
	if (r < 0)
		check_say(ret, VERDICT_FAIL, "raise the limit of processes (ulimit -u)",
			  "cannot be tried: %s", strerror(-r));
	else
		check_layers(results, ret);
}
