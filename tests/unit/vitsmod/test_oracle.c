// SPDX-License-Identifier: MIT
/*
 * vits against the reference model of tests/oracle/, on random scripts; and the
 * means of that comparison themselves: the model, its rules, scripts as text,
 * and the shrinking of scripts.
 *
 * ITSY_SEED=n begins with seed n (any base), ITSY_SCRIPTS=n runs so many. A
 * failure prints its seed, and the script shrunk to what it takes to fail.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/oracle/compare.h"
#include "tests/oracle/generate.h"
#include "tests/oracle/observed.h"
#include "vitsmod/bits.h"

#define NR_SCRIPTS   30000u
#define SHRINK_TRIES 3000u

static void *new (size_t sz)
{
	void *mem = calloc(1, sz);

	assert_non_null(mem);
	return mem;
}

/* A script from its text. */
static struct script *script_of(const char *text)
{
	struct script *script = new (sizeof(*script));
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	unsigned line = 0;

	assert_non_null(file);
	if (script_read(file, script, &line) < 0)
		fail_msg("line %u: not a step", line);
	fclose(file);
	return script;
}

/*
 * vits and the model
 */

/* What plays scripts one after the other. */
struct stage {
	struct shadow_side *side; /* of the configuration that script has */
	struct model *model;
	struct script *script;
	uint64_t rules;
	struct difference difference;
};

static void stage_begin(struct stage *stage, uint64_t rules)
{
	*stage = (struct stage){
		.model = new (sizeof(*stage->model)),
		.script = new (sizeof(*stage->script)),
		.rules = rules,
	};
}

static void stage_end(struct stage *stage)
{
	shadow_side_destroy(stage->side);
	free(stage->model);
	free(stage->script);
}

/* On a vits that has done nothing else. */
static bool fails_alone(void *arg, const struct script *script)
{
	struct stage *stage = arg;
	struct shadow_side *side;
	struct difference difference;
	bool differs;

	if (shadow_side_create(script, &side) < 0)
		return false;
	differs = shadow_differs(side, stage->model, script, stage->rules, &difference);
	shadow_side_destroy(side);
	if (differs)
		stage->difference = difference;
	return differs;
}

static void report(struct stage *stage, uint64_t seed)
{
	fprintf(stderr, "seed %#llx: %s\n", (unsigned long long)seed, stage->difference.text);
	if (!fails_alone(stage, stage->script))
		fprintf(stderr, "# but not on a vits that did nothing before\n");
	shrink(stage->script, fails_alone, stage, SHRINK_TRIES);
	fprintf(stderr, "# after step %zu of these: %s\n", stage->difference.step,
		stage->difference.text);
	script_print(stage->script, stderr);
}

/* The script of this seed. The side serves all that have the same configuration. */
static bool differs(struct stage *stage, uint64_t seed)
{
	const size_t head = offsetof(struct script, steps);
	struct script before;

	memcpy(&before, stage->script, head);
	generate(seed, PROFILE_ANY, stage->script);
	if (!stage->side || memcmp(&before, stage->script, head) != 0) {
		shadow_side_destroy(stage->side);
		stage->side = NULL;
		assert_int_equal(shadow_side_create(stage->script, &stage->side), 0);
	}
	return shadow_differs(stage->side, stage->model, stage->script, stage->rules,
			      &stage->difference);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void test_random_scripts_do_what_the_model_does(void **state)
{
	uint64_t seed = from_environment("ITSY_SEED", 1);
	uint64_t nr = from_environment("ITSY_SCRIPTS", getenv("ITSY_SEED") ? 1 : NR_SCRIPTS);
	struct stage stage;

	(void)state;
	stage_begin(&stage, rules_of_vits());
	for (uint64_t i = 0; i < nr; i++) {
		if (!differs(&stage, seed + i))
			continue;
		report(&stage, seed + i);
		fail();
	}
	stage_end(&stage);
}

/* What has come up in scripts, by kind of table, page size, flat or indirect, and bits of its IDs.
 */
struct coverage {
	unsigned tables[2][3][2][33];
	unsigned itts[17][17]; /* [EventID bits of the ITS][EventID bits of an ITT] */
};

static void note_script(struct coverage *coverage, const struct script *script)
{
	uint64_t devid_bits = script->cfg[CFG_DEVID_BITS];
	uint64_t eventid_bits = script->cfg[CFG_EVENTID_BITS];

	for (size_t i = 0; i < script->nr_steps; i++) {
		const struct step *step = &script->steps[i];
		const uint64_t *arg = step->arg;
		bool devices = step->kind == STEP_DEVICES;

		if (step->kind == STEP_MAPD && arg[ARG_V] && arg[ARG_SIZE] < eventid_bits)
			coverage->itts[eventid_bits][arg[ARG_SIZE] + 1]++;
		if ((devices || step->kind == STEP_COLLECTIONS) && arg[ARG_V] && arg[ARG_PAGE] < 3)
			coverage->tables[devices][arg[ARG_PAGE]][arg[ARG_INDIRECT]]
					[devices ? devid_bits : 16]++;
	}
}

/* All that the scripts of the test above compare: nothing is left out by chance. */
static void test_the_scripts_have_all_widths_page_sizes_and_shapes_of_tables(void **state)
{
	struct coverage *coverage = new (sizeof(*coverage));
	struct script *script = new (sizeof(*script));

	(void)state;
	for (uint64_t seed = 1; seed <= NR_SCRIPTS; seed++) {
		generate(seed, PROFILE_ANY, script);
		note_script(coverage, script);
	}
	for (unsigned page = 0; page < 3; page++) {
		for (unsigned indirect = 0; indirect < 2; indirect++) {
			for (unsigned bits = 1; bits <= 32; bits++)
				assert_true(coverage->tables[1][page][indirect][bits] > 5);
			assert_true(coverage->tables[0][page][indirect][16] > 1000);
		}
	}
	for (unsigned bits = 1; bits <= 16; bits++) {
		/* The smallest, and all that its EventIDs can have. */
		assert_true(coverage->itts[bits][1] > 20);
		assert_true(coverage->itts[bits][bits] > 20);
	}
	free(coverage);
	free(script);
}

/* The comparison must be able to fail: it does for each rule that is wrong. */
static void test_a_model_with_a_wrong_rule_is_found_out(void **state)
{
	/* What is a redistributor's, or comes from reading tables, vits has not. */
	const uint64_t silent =
		RULE_BIT(RULE_LISTED_LPI_STAYS) | RULE_BIT(RULE_MAPTI_MOVES_LISTED) |
		RULE_BIT(RULE_MAPTI_NEEDS_PROPBASER) | RULE_BIT(RULE_RESTORE_READS_ALL) |
		RULE_BIT(RULE_RESTORE_FORGETS_MOVALL) | RULE_BIT(RULE_MOVALL_LEAVES_STRANDED) |
		RULE_BIT(RULE_NEXT_MAY_BE_LOST);
	struct stage stage;
	uint64_t seed;

	(void)state;
	for (unsigned i = 0; i < NR_RULES; i++) {
		if (silent & RULE_BIT(i))
			continue;
		stage_begin(&stage, rules_of_vits() ^ RULE_BIT(i));
		for (seed = 1; seed < NR_SCRIPTS && !differs(&stage, seed); seed++)
			;
		stage_end(&stage);
		if (seed == NR_SCRIPTS)
			fail_msg("nothing differs without %s", rule_rows[i].name);
	}
}

/* Scripts that once were found to differ, and what they are about. */
static const struct {
	const char *what;
	const char *script;
} cases[] = {
	{ "an ICID beyond a new collection table is out of range, whatever has been there",
	  "config vcpus=4 devid-bits=1 eventid-bits=16 lpis=64 batch=1\n"
	  "function dev=0 events=3\n"
	  "queue v=1 pages=1\n"
	  "devices v=1 area=1 pages=1\n"
	  "collections v=1 pages=2 page=1\n"
	  "ctlr value=1\n"
	  "mapd size=3 v=1\n"
	  "mapti event=2 intid=0x2000\n"
	  "ctlr\n"
	  "collections v=1 area=3 pages=3 page=2\n"
	  "ctlr value=1\n"
	  "movi event=2\n"
	  "mapti event=1 intid=0x2001\n"
	  "invall\n" },
	{ "what MOVALL took along comes back with MAPC and with MOVI",
	  "config vcpus=4 devid-bits=16 eventid-bits=16 lpis=64 batch=1\n"
	  "function dev=8 events=4\n"
	  "queue v=1 pages=1\n"
	  "devices v=1 area=1 pages=1\n"
	  "collections v=1 pages=2 page=1\n"
	  "ctlr value=1\n"
	  "mapd dev=8 size=3 v=1\n"
	  "mapc v=1\n"
	  "mapc v=1 icid=1\n"
	  "mapti dev=8 intid=8192\n"
	  "movall rd=0 rd2=2\n"
	  "int dev=8\n"
	  "mapc v=1\n"
	  "movall rd=0 rd2=3\n"
	  "movi dev=8 icid=1\n" },
};

static void test_scripts_that_once_differed_do_not_any_more(void **state)
{
	struct stage stage;

	(void)state;
	stage_begin(&stage, rules_of_vits());
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script *script = script_of(cases[i].script);

		if (fails_alone(&stage, script))
			fail_msg("%s: after step %zu: %s", cases[i].what, stage.difference.step,
				 stage.difference.text);
		free(script);
	}
	stage_end(&stage);
}

/*
 * The model
 */

static void play(struct model *m, const struct script *script, uint64_t rules,
		 struct observed *ret_observed)
{
	struct script *probe = new (sizeof(*probe));
	struct universe universe;

	memset(ret_observed, 0, sizeof(*ret_observed));
	assert_true(universe_of(script, &universe));
	assert_true(script_probe(script, &universe, probe));
	model_begin(m, script, rules);
	play_on_model(m, script);
	observe_model(m, &universe, true, ret_observed);
	play_on_model(m, probe);
	observe_model_probed(m, &universe, ret_observed);
	free(probe);
}

static void test_each_rule_shows_in_its_example(void **state)
{
	struct observed *with = new (sizeof(*with)), *without = new (sizeof(*without));
	struct script *script = new (sizeof(*script));
	struct model *m = new (sizeof(*m));
	struct observed_text text;
	struct universe universe;

	(void)state;
	for (unsigned i = 0; i < NR_RULES; i++) {
		uint64_t rules =
			rule_rows[i].owner == RULE_IS_KVM ? rules_of_kvm() : rules_of_sealed();

		rule_example(i, script);
		assert_true(universe_of(script, &universe));
		play(m, script, rules, with);
		assert_true(m->applied & RULE_BIT(i));
		play(m, script, rules & ~RULE_BIT(i), without);
		if (observed_same(with, without, &universe, &text))
			fail_msg("%s does not show", rule_rows[i].name);
	}
	free(m);
	free(script);
	free(with);
	free(without);
}

/* What outlives DISCARD is pending where it was, or where its next event is, by the rule. */
static void test_a_listed_lpi_stays_or_goes_where_its_next_event_is(void **state)
{
	static const struct {
		const char *steps;
		uint32_t stays, goes;
	} ways[] = {
		{ "discard dev=8\n", 0, 0 },
		{ "discard dev=8\nmapti dev=8 event=1 intid=8192\n", 0, 0 },
		{ "discard dev=8\nmapti dev=8 event=1 intid=8192 icid=1\n", 0, 3 },
		{ "discard dev=8\nmapti dev=8 event=1 intid=8192 icid=2\n", 0, NOBODY },
		/* A vCPU of its own from then on, if not before. */
		{ "discard dev=8\nmapti dev=8 event=1 intid=8192 icid=2\nmapc icid=2 rd=2 v=1\n", 2,
		  2 },
		{ "movall rd=0 rd2=2\nsave\n", 2, 0 },
	};
	struct model *m = new (sizeof(*m));

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(ways); i++) {
		uint64_t rules = RULE_BIT(RULE_LISTED_LPI_STAYS);
		struct script *script;
		char text[1024];

		snprintf(text, sizeof(text),
			 "config vcpus=4 devid-bits=16 eventid-bits=16 lpis=64 batch=100 group=1\n"
			 "function dev=8 events=4\n"
			 "queue v=1 pages=1\n"
			 "devices v=1 pages=1 page=2\n"
			 "collections v=1 area=1 pages=1 page=2\n"
			 "ctlr value=1\n"
			 "mapd dev=8 size=3 itt=1 v=1\n"
			 "mapc v=1\n"
			 "mapc icid=1 rd=3 v=1\n"
			 "byte intid=8192 value=1\n"
			 "mapti dev=8 intid=8192\n"
			 "msi dev=8\n%s",
			 ways[i / 2].steps);
		script = script_of(text);
		rules |= i % 2 ? RULE_BIT(RULE_MAPTI_MOVES_LISTED) : 0;
		model_begin(m, script, rules);
		play_on_model(m, script);
		assert_true(model_lpi(m, 8192).pending);
		assert_int_equal(model_lpi(m, 8192).vcpu,
				 i % 2 ? ways[i / 2].goes : ways[i / 2].stays);
		free(script);
	}
	free(m);
}

/* Each command once, as IHI 0069 5.3 has it; no rules. */
static void test_the_model_does_what_a_driver_expects(void **state)
{
	struct script *script =
		script_of("config vcpus=2 devid-bits=16 eventid-bits=16 lpis=64 batch=1\n"
			  "function dev=8 events=4\n"
			  "queue v=1 pages=1\n"
			  "devices v=1 pages=1 page=2\n"
			  "collections v=1 pages=1 page=2\n"
			  "ctlr value=1\n"
			  "mapd dev=8 size=1 v=1\n"
			  "mapc v=1\n"
			  "mapc icid=1 rd=1 v=1\n"
			  "mapti dev=8 event=1 intid=8194\n"
			  "sync\n"
			  "movi dev=8 event=1 icid=1\n"
			  "msi dev=8 event=1\n");
	struct model *m = new (sizeof(*m));
	struct model_msi msi;

	(void)state;
	model_begin(m, script, 0);
	play_on_model(m, script);
	assert_int_equal(m->nr_msis, 1);
	assert_int_equal(m->msis[0], MSI_DELIVERED);
	msi = model_translate(m, 8, 1);
	assert_int_equal(msi.intid, 8194);
	assert_int_equal(msi.vcpu, 1);
	assert_true(model_lpi(m, 8194).pending);
	assert_int_equal(model_lpi(m, 8194).vcpu, 1);
	assert_int_equal(model_translate(m, 8, 0).outcome, MSI_UNMAPPED);
	assert_int_equal(model_reg(m, GITS_CREADR), 6 * 32);
	free(m);
	free(script);
}

static void test_the_model_knows_the_error_numbers(void **state)
{
	static const struct {
		const char *step;
		uint32_t code;
	} errors[] = {
		{ "mapd dev=8192 v=1\n", 0x010801 },
		{ "mapd dev=8 size=16 v=1\n", 0x010802 },
		{ "mapc icid=8192 v=1\n", 0x010903 },
		{ "mapc rd=2 v=1\n", 0x010902 },
		{ "mapti dev=8192 intid=8192\n", 0x010a01 },
		{ "mapti dev=8 event=1 intid=8192 icid=8192\n", 0x010a03 },
		{ "mapti dev=9 intid=8192\n", 0x010a04 },
		{ "mapti dev=8 event=4 intid=8192\n", 0x010a05 },
		{ "mapti dev=8 event=1 intid=8191\n", 0x010a06 },
		{ "mapti dev=8 event=1 intid=8256\n", 0x010a06 },
		{ "mapi dev=8 event=1\n", 0x010b05 },
		{ "movi dev=8 event=1\n", 0x010107 },
		{ "movi dev=8 icid=5\n", 0x010109 },
		{ "discard dev=9\n", 0x010f07 },
		{ "discard dev=8 event=1\n", 0x010f07 },
		{ "int dev=9\n", 0x010304 },
		{ "int dev=8 event=4\n", 0x010305 },
		{ "clear dev=8 event=1\n", 0x010507 },
		{ "inv dev=8192\n", 0x010c01 },
		{ "invall icid=5\n", 0x010d09 },
		{ "invall icid=8192\n", 0x010d03 },
		{ "movall rd=1 rd2=2\n", 0x010e01 },
	};
	static const char *const set_up =
		"config vcpus=2 devid-bits=16 eventid-bits=16 lpis=64 batch=1\n"
		"function dev=8 events=4\n"
		"queue v=1 pages=1\n"
		"devices v=1 pages=1 page=2\n"
		"collections v=1 pages=1 page=2\n"
		"ctlr value=1\n"
		"mapd dev=8 size=1 v=1\n"
		"mapc v=1\n"
		"mapti dev=8 intid=8192\n";
	struct model *m = new (sizeof(*m));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct script *script;
		char text[1024];

		snprintf(text, sizeof(text), "%s%s", set_up, errors[i].step);
		script = script_of(text);
		model_begin(m, script, 0);
		for (size_t s = 0; s < script->nr_steps; s++) {
			m->nr_outcomes = 0;
			model_step(m, &script->steps[s]);
			model_kick(m);
		}
		assert_int_equal(m->nr_outcomes, 1);
		assert_int_equal(m->outcomes[0].result, MODEL_SKIP);
		if (m->outcomes[0].code != errors[i].code)
			fail_msg("%s: %#x", errors[i].step, m->outcomes[0].code);
		free(script);
	}
	free(m);
}

/*
 * Scripts
 */

static void test_a_seed_is_a_script(void **state)
{
	struct script *a = new (sizeof(*a)), *b = new (sizeof(*b));

	(void)state;
	for (uint64_t seed = 1; seed < 200; seed++) {
		generate(seed, PROFILE_ANY, a);
		generate(seed, PROFILE_ANY, b);
		assert_int_equal(a->nr_steps, b->nr_steps);
		assert_memory_equal(a->steps, b->steps, a->nr_steps * sizeof(a->steps[0]));
		generate(seed + 1, PROFILE_ANY, b);
		assert_true(a->nr_steps != b->nr_steps ||
			    memcmp(a->steps, b->steps, a->nr_steps * sizeof(a->steps[0])));
	}
	free(a);
	free(b);
}

static void test_a_script_is_read_as_it_was_printed(void **state)
{
	struct script *script = new (sizeof(*script)), *again = new (sizeof(*again));
	unsigned line;

	(void)state;
	for (uint64_t seed = 1; seed < 500; seed++) {
		FILE *file = tmpfile();

		assert_non_null(file);
		generate(seed, PROFILE_ANY, script);
		script_print(script, file);
		rewind(file);
		assert_int_equal(script_read(file, again, &line), 0);
		assert_memory_equal(script->cfg, again->cfg, sizeof(script->cfg));
		assert_int_equal(script->nr_functions, again->nr_functions);
		assert_memory_equal(script->functions, again->functions, sizeof(script->functions));
		assert_int_equal(script->nr_steps, again->nr_steps);
		assert_memory_equal(script->steps, again->steps,
				    script->nr_steps * sizeof(script->steps[0]));
		fclose(file);
	}
	free(script);
	free(again);
}

static void test_what_is_no_script_is_refused_with_its_line(void **state)
{
	static const char *const bad[] = {
		"mapty dev=8\n",
		"mapti dev\n",
		"mapti dev=\n",
		"mapti dev=8x\n",
		"mapti dev=8 colour=1\n",
		"mapti rd=1\n",
		"config x=1\n",
		"function dev=1 rd=1\n",
		"mapti dev=0x10000000000000000\n",
		"mapti dev=-1\n",
	};
	struct script *script = new (sizeof(*script));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		unsigned line = 0;
		char text[128];
		FILE *file;

		snprintf(text, sizeof(text), "# a comment\n\nsync\n%s", bad[i]);
		file = fmemopen(text, strlen(text), "r");
		assert_non_null(file);
		assert_int_equal(script_read(file, script, &line), -EINVAL);
		assert_int_equal(line, 4);
		fclose(file);
	}
	free(script);
}

/* Something that takes two steps in this order. */
static bool maps_and_then_moves(void *arg, const struct script *script)
{
	bool mapped = false;

	(*(unsigned *)arg)++;
	for (size_t i = 0; i < script->nr_steps; i++) {
		mapped |= script->steps[i].kind == STEP_MAPTI;
		if (mapped && script->steps[i].kind == STEP_MOVI)
			return true;
	}
	return false;
}

static void test_shrinking_leaves_what_it_takes(void **state)
{
	struct script *script = new (sizeof(*script));
	unsigned asked = 0, shrunk = 0, used;

	(void)state;
	for (uint64_t seed = 1; seed < 100; seed++) {
		generate(seed, PROFILE_ANY, script);
		if (!maps_and_then_moves(&asked, script))
			continue;
		asked = 0;
		used = shrink(script, maps_and_then_moves, &asked, SHRINK_TRIES);
		assert_int_equal(used, asked);
		assert_int_equal(script->nr_steps, 2);
		assert_int_equal(script->steps[0].kind, STEP_MAPTI);
		assert_int_equal(script->steps[1].kind, STEP_MOVI);
		assert_int_equal(script->steps[0].arg[ARG_NOISE], 0);
		shrunk++;
	}
	assert_true(shrunk > 10);
	free(script);
}

static void test_shrinking_ends_after_so_many_tries(void **state)
{
	struct script *script = new (sizeof(*script));
	unsigned asked = 0;

	(void)state;
	generate(1, PROFILE_ANY, script);
	assert_true(shrink(script, maps_and_then_moves, &asked, 5) <= 5);
	assert_true(asked <= 5);
	free(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_scripts_do_what_the_model_does),
		cmocka_unit_test(test_the_scripts_have_all_widths_page_sizes_and_shapes_of_tables),
		cmocka_unit_test(test_a_model_with_a_wrong_rule_is_found_out),
		cmocka_unit_test(test_scripts_that_once_differed_do_not_any_more),
		cmocka_unit_test(test_each_rule_shows_in_its_example),
		cmocka_unit_test(test_a_listed_lpi_stays_or_goes_where_its_next_event_is),
		cmocka_unit_test(test_the_model_does_what_a_driver_expects),
		cmocka_unit_test(test_the_model_knows_the_error_numbers),
		cmocka_unit_test(test_a_seed_is_a_script),
		cmocka_unit_test(test_a_script_is_read_as_it_was_printed),
		cmocka_unit_test(test_what_is_no_script_is_refused_with_its_line),
		cmocka_unit_test(test_shrinking_leaves_what_it_takes),
		cmocka_unit_test(test_shrinking_ends_after_so_many_tries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
