// SPDX-License-Identifier: MIT
/*
 * itsdiff - random scripts on vits and on KVM's in-kernel ITS
 *
 * usage: itsdiff [--seed N] [--scripts N] [--seconds N] [--play FILE] [--sealed]
 *
 *	--seed N	the first seed (default: 1); a script depends on its seed only
 *	--scripts N	how many (default: 1000)
 *	--seconds N	but no more than there is time for
 *	--play FILE	one script from a file (as printed, see tests/oracle/script.h)
 *	--sealed	not KVM's ITS, but vits on the kernel ITS as in itsy, against the
 *			model of vits: does what the model says arrive in KVM?
 *	--no-debugfs	do not look at LPIs there
 *
 * A difference that rules (tests/oracle/rules.c) do not explain is printed with
 * its seed and the script, shrunk to what it takes. The end is a list of all
 * differences that were explained.
 *
 * exit: 0 all were explained, 1 one was not, 2 usage, 77 there is no KVM here
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "tests/diff/judge.h"
#include "tests/oracle/generate.h"
#include "vitsmod/bits.h"

#define SHRINK_TRIES 4000u

enum { EXIT_USAGE = 2, EXIT_SKIP = 77 };

struct options {
	uint64_t seed;
	uint64_t scripts;
	uint64_t seconds; /* 0: no limit */
	const char *play;
	bool sealed;
	bool debugfs;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/*
 * Options
 */

static bool number(const char *text, uint64_t *ret_value)
{
	char *end;

	*ret_value = strtoull(text, &end, 0);
	return *text && !*end;
}

static bool parse(int argc, char **argv, struct options *ret_options)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "scripts", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 't' },
		{ "play", required_argument, NULL, 'p' },
		{ "sealed", no_argument, NULL, 'e' },
		{ "no-debugfs", no_argument, NULL, 'd' },
		{ 0 },
	};
	bool good = true;
	int c;

	*ret_options = (struct options){ .seed = 1, .scripts = 1000, .debugfs = true };
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			good &= number(optarg, &ret_options->seed);
			break;
		case 'n':
			good &= number(optarg, &ret_options->scripts);
			break;
		case 't':
			good &= number(optarg, &ret_options->seconds);
			break;
		case 'p':
			ret_options->play = optarg;
			break;
		case 'e':
			ret_options->sealed = true;
			break;
		case 'd':
			ret_options->debugfs = false;
			break;
		default:
			good = false;
		}
	}
	return good && optind == argc;
}

/*
 * Runs
 */

struct run {
	struct options options;
	struct judge *judge;
	struct script *script;
	struct script *enabled; /* --sealed: what is played for it */
};

/*
 * On the sealed ITS all LPIs are enabled, from the beginning on. LPIs that wait
 * for their tables cannot be seen in KVM; and it forgets the pending state of an
 * LPI that it has not put on a vCPU's list when the seal takes the mapping away
 * (VITS_LPI_DETACH), or away from one event to give it to another. The machine
 * is not saved there.
 */
static bool enable_lpis(const struct script *script, struct script *ret_enabled)
{
	struct step step = { .kind = STEP_BYTE };
	struct universe universe;
	bool good = universe_of(script, &universe);

	memcpy(ret_enabled, script, offsetof(struct script, steps));
	ret_enabled->cfg[CFG_NO_PROPBASER] = 0;
	ret_enabled->cfg[CFG_GROUP] = 1;
	ret_enabled->nr_steps = 0;
	for (size_t i = 0; good && i < universe.intids.nr; i++) {
		step.arg[ARG_INTID] = universe.intids.at[i];
		step.arg[ARG_VALUE] = 1;
		good = script_add(ret_enabled, &step);
	}
	for (size_t i = 0; good && i < script->nr_steps; i++) {
		step = script->steps[i];
		if (step.kind == STEP_BYTE)
			step.arg[ARG_VALUE] |= 1;
		if (step.kind != STEP_SAVE)
			good = script_add(ret_enabled, &step);
	}
	return good;
}

static enum verdict judge_one(struct run *run, const struct script *script, bool counts,
			      struct observed_text *ret_text)
{
	if (!run->options.sealed)
		return judge_script(run->judge, script, counts, ret_text);
	if (enable_lpis(script, run->enabled))
		return judge_sealed(run->judge, run->enabled, ret_text);
	snprintf(ret_text->text, sizeof(ret_text->text), "the script is too long");
	return VERDICT_UNEXPLAINED;
}

static bool fails(void *arg, const struct script *script)
{
	struct observed_text text;

	return judge_one(arg, script, false, &text) == VERDICT_UNEXPLAINED;
}

static int report_failure(struct run *run, const char *text)
{
	struct observed_text again = { "" };

	printf("%s\n", text);
	fflush(stdout);
	shrink(run->script, fails, run, SHRINK_TRIES);
	if (judge_one(run, run->script, false, &again) != VERDICT_UNEXPLAINED)
		printf("# and then it does not happen again\n");
	printf("# shrunk: %s\n", again.text);
	script_print(run->script, stdout);
	return EXIT_FAILURE;
}

static void report_stats(const struct judge *judge)
{
	const struct judge_stats *stats = judge_stats(judge);

	printf("\n%" PRIu64 " scripts with %" PRIu64
	       " commands: KVM and vits ended alike in %" PRIu64 ", explained in %" PRIu64
	       "; LPIs seen in debugfs in %" PRIu64 "\n\n",
	       stats->scripts, stats->commands, stats->alike, stats->scripts - stats->alike,
	       stats->lpis_seen);
	printf("%-26s %-5s %9s %9s\n", "difference", "whose", "applied", "showed");
	for (unsigned i = 0; i < NR_RULES; i++) {
		if (rule_rows[i].owner == RULE_IS_SEALED)
			continue;
		if (rule_rows[i].owner == RULE_IS_KVM && !(stats->rules & RULE_BIT(i))) {
			printf("%-26s not in this kernel\n", rule_rows[i].name);
			continue;
		}
		printf("%-26s %-5s %9" PRIu64 " %9" PRIu64 "  %s (%s)\n", rule_rows[i].name,
		       rule_rows[i].owner == RULE_IS_VITS ? "vits" : "KVM", stats->applied[i],
		       stats->showed[i], rule_rows[i].what, rule_rows[i].why);
	}
}

static int play_file(struct run *run)
{
	const char *path = run->options.play;
	FILE *file = fopen(path, "re");
	struct observed_text text;
	unsigned line = 0;
	int r;

	if (!file) {
		perror(path);
		return EXIT_USAGE;
	}
	r = script_read(file, run->script, &line);
	fclose(file);
	if (r < 0) {
		fprintf(stderr, "%s:%u: not a step\n", path, line);
		return EXIT_USAGE;
	}
	if (judge_one(run, run->script, true, &text) != VERDICT_EXPLAINED)
		return report_failure(run, text.text);
	return EXIT_SUCCESS;
}

static int play_seeds(struct run *run)
{
	const struct options *options = &run->options;
	uint64_t begin = now_ms(), ms = 0, n;
	struct observed_text text;

	for (n = 0; n < options->scripts; n++) {
		ms = now_ms() - begin;
		if (options->seconds && ms > options->seconds * 1000)
			break;
		generate(options->seed + n, PROFILE_KVM, run->script);
		if (judge_one(run, run->script, true, &text) == VERDICT_EXPLAINED)
			continue;
		printf("seed %#" PRIx64 ", after %" PRIu64 " scripts: ", options->seed + n, n);
		return report_failure(run, text.text);
	}
	ms = now_ms() - begin;
	printf("seeds %#" PRIx64 " to %#" PRIx64 ", none unexplained; %" PRIu64 ".%03u s, %" PRIu64
	       " scripts a minute\n",
	       options->seed, options->seed + n - 1, ms / 1000, (unsigned)(ms % 1000),
	       ms ? n * 60000 / ms : 0);
	return EXIT_SUCCESS;
}

/*
 * Debian's kernels say where they come from: "... Debian 6.1.192-2 ...". The
 * oldest ones known to be good:
 */
static bool saves_lost_events(void)
{
	static const struct {
		unsigned major, minor, patch;
	} good[] = { { 6, 1, 192 }, { 6, 12, 117 }, { 7, 3, 4 } };
	unsigned major, minor, patch;
	const char *version;
	struct utsname uts;

	if (uname(&uts) != 0)
		return false;
	version = strstr(uts.version, "Debian ");
	if (!version || sscanf(version, "Debian %u.%u.%u", &major, &minor, &patch) != 3)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (major == good[i].major && minor == good[i].minor)
			return patch >= good[i].patch;
	}
	return false;
}

static int play(struct run *run)
{
	struct observed_text text;
	int status;

	if (judge_calibrate(run->judge, &text) == VERDICT_NO_KVM) {
		printf("there is no KVM with GICv3 and ITS here: %s\n", text.text);
		return EXIT_SKIP;
	}
	status = run->options.play ? play_file(run) : play_seeds(run);
	if (status == EXIT_SUCCESS && !run->options.sealed)
		report_stats(run->judge);
	return status;
}

int main(int argc, char **argv)
{
	struct run run = {
		.script = calloc(1, sizeof(*run.script)),
		.enabled = calloc(1, sizeof(*run.enabled)),
	};
	int status;

	if (!run.script || !run.enabled || !parse(argc, argv, &run.options)) {
		fprintf(stderr, "usage: itsdiff [--seed N] [--scripts N] [--seconds N] "
				"[--play FILE] [--sealed] [--no-debugfs]\n");
		return EXIT_USAGE;
	}
	run.judge = judge_create(&(struct judge_options){
		.debugfs = run.options.debugfs,
		.saves_lost_events = saves_lost_events(),
	});
	status = play(&run);
	judge_destroy(run.judge);
	free(run.enabled);
	free(run.script);
	return status;
}
