// SPDX-License-Identifier: MIT
/*
 * One script on KVM's ITS, on vits, and on a model of each.
 */
#include "tests/diff/judge.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/diff/sealed.h"

struct judge {
	struct judge_options options;

	struct kvm_side *kvms[KVM_SIDE_VCPUS + 1]; /* by their number of vCPUs */
	struct shadow_side *shadow;
	struct script shadow_config; /* that shadow was made for: no steps */

	struct script probe;
	struct script unsaved;
	bool sealed; /* what is played is not saved */
	struct universe universe;
	struct model kvm_model;
	struct model vits_model;
	struct model other_model;

	struct observed kvm_is, kvm_should;
	struct observed vits_is, vits_should;
	struct observed other;
	struct kvm_lpi lpis[UNIVERSE_MAX];
	bool lpis_known;

	struct judge_stats stats;
};

struct judge *judge_create(const struct judge_options *options)
{
	struct judge *judge = calloc(1, sizeof(*judge));

	assert(judge);
	judge->options = *options;
	judge->stats.rules = rules_of_kvm();
	return judge;
}

void judge_destroy(struct judge *judge)
{
	if (!judge)
		return;
	for (size_t i = 0; i <= KVM_SIDE_VCPUS; i++)
		kvm_side_destroy(judge->kvms[i]);
	shadow_side_destroy(judge->shadow);
	free(judge);
}

const struct judge_stats *judge_stats(const struct judge *judge)
{
	return &judge->stats;
}

/*
 * Playing
 */

static void play_model(struct judge *judge, struct model *m, const struct script *script,
		       uint64_t rules, struct observed *ret_observed)
{
	model_begin(m, script, rules);
	play_on_model(m, script);
	observe_model(m, &judge->universe, !judge->sealed, ret_observed);
}

static void probe_model(struct judge *judge, struct model *m, struct observed *observed)
{
	play_on_model(m, &judge->probe);
	observe_model_probed(m, &judge->universe, observed);
}

/*
 * Some kernels cannot save what MAPC V=0 left behind: they are not asked to. The
 * model knows when that would be.
 */
static const struct script *without_unsafe_saves(struct judge *judge, const struct script *script)
{
	struct script *unsaved = &judge->unsaved;

	if (judge->options.saves_lost_events)
		return script;
	model_begin(&judge->kvm_model, script, judge->stats.rules);
	play_on_model(&judge->kvm_model, script);
	if (!judge->kvm_model.saved_lost)
		return script;
	*unsaved = *script;
	unsaved->nr_steps = 0;
	for (size_t i = 0; i < script->nr_steps; i++) {
		if (script->steps[i].kind != STEP_SAVE)
			unsaved->steps[unsaved->nr_steps++] = script->steps[i];
	}
	return unsaved;
}

/* The model knows what KVM's tables will hold: to save may not be safe. */
static bool may_save(struct judge *judge)
{
	const struct model *m = &judge->kvm_model;

	for (size_t i = 0; i < m->nr_events && !judge->options.saves_lost_events; i++) {
		if (m->events[i].lost)
			return false;
	}
	return true;
}

static void play_kvm(struct judge *judge, struct kvm_side *kvm, const struct script *script)
{
	kvm_side_begin(kvm, script, &judge->universe);
	play_on_guest(&kvm->guest, script);
	judge->lpis_known = judge->options.debugfs && kvm_side_lpis(kvm, judge->lpis);
	observe_kvm(kvm, may_save(judge), &judge->kvm_is);
	if (!may_save(judge))
		judge->kvm_should.saved = false;
	play_on_guest(&kvm->guest, &judge->probe);
	observe_kvm_probed(kvm, &judge->kvm_is);
}

static void play_shadow(struct judge *judge, const struct script *script)
{
	shadow_side_begin(judge->shadow, script, &judge->universe);
	play_on_guest(&judge->shadow->guest, script);
	observe_shadow(judge->shadow, &judge->universe, &judge->vits_is);
	play_on_guest(&judge->shadow->guest, &judge->probe);
	observe_shadow_probed(judge->shadow, &judge->universe, &judge->vits_is);
}

/*
 * Judging
 */

/* What debugfs shows of each LPI, where the model left it before the probe. */
static bool same_lpis(struct judge *judge, struct model *m, struct observed_text *text)
{
	const struct numbers *intids = &judge->universe.intids;

	for (size_t i = 0; judge->lpis_known && i < intids->nr; i++) {
		uint32_t intid = (uint32_t)intids->at[i];
		struct kvm_lpi is = judge->lpis[i];
		struct model_lpi should = model_lpi(m, intid);
		bool exists = model_lpi_exists(m, intid);

		if (is.exists == exists &&
		    (!exists || (is.vcpu == should.vcpu && is.pending == should.pending &&
				 is.enabled == should.enabled && is.listed == should.listed)))
			continue;
		snprintf(text->text, sizeof(text->text),
			 "LPI %u: exists %d vCPU %d pending %d enabled %d listed %d, and "
			 "%d %d %d %d %d",
			 intid, is.exists, (int)is.vcpu, is.pending, is.enabled, is.listed, exists,
			 (int)should.vcpu, should.pending, should.enabled, should.listed);
		return false;
	}
	return true;
}

/* Is the model with these rules what KVM just was? */
static bool fits(struct judge *judge, const struct script *script, uint64_t rules)
{
	struct observed_text text;

	memset(&judge->other, 0, sizeof(judge->other));
	play_model(judge, &judge->other_model, script, rules, &judge->other);
	if (!same_lpis(judge, &judge->other_model, &text))
		return false;
	probe_model(judge, &judge->other_model, &judge->other);
	judge->other.saved &= judge->kvm_is.saved;
	return observed_same(&judge->kvm_is, &judge->other, &judge->universe, &text);
}

/* KVM does not say why it does not deliver. */
static void forget_why(struct observed *observed)
{
	for (size_t i = 0; i < observed->nr_msis; i++) {
		if (observed->msis[i] == MSI_BEYOND)
			observed->msis[i] = MSI_UNMAPPED;
	}
}

/* Both walk through a table well; only their models say how far each step goes. */
static void forget_next(struct observed *observed, const struct universe *u)
{
	for (size_t i = 0; i < u->devids.nr; i++)
		observed->dte[i].next = NEXT_ANY;
	for (size_t i = 0; i < u->itts.nr; i++) {
		for (size_t e = 0; e < u->eventids.nr; e++)
			observed->ite[i][e].next = NEXT_ANY;
	}
}

/* And vits' without that one? */
static bool vits_shows(struct judge *judge, const struct script *script, enum rule rule)
{
	struct observed_text text;

	memset(&judge->other, 0, sizeof(judge->other));
	play_model(judge, &judge->other_model, script, rules_of_vits() & ~RULE_BIT(rule),
		   &judge->other);
	judge->other.saved = true;
	probe_model(judge, &judge->other_model, &judge->other);
	forget_why(&judge->other);
	return !observed_same(&judge->vits_is, &judge->other, &judge->universe, &text);
}

static void count(struct judge *judge, const struct script *script)
{
	struct judge_stats *stats = &judge->stats;
	uint64_t applied = judge->kvm_model.applied | judge->vits_model.applied;
	struct observed_text text;

	forget_why(&judge->vits_is);
	stats->scripts++;
	for (size_t i = 0; i < script->nr_steps; i++)
		stats->commands += step_is_command(&script->steps[i])
					   ? script->steps[i].arg[ARG_COUNT] + 1
					   : 0;
	stats->lpis_seen += judge->lpis_known;
	for (unsigned i = 0; i < NR_RULES; i++) {
		if (!(applied & RULE_BIT(i)))
			continue;
		stats->applied[i]++;
		stats->showed[i] +=
			rule_rows[i].owner == RULE_IS_VITS
				? vits_shows(judge, script, i)
				: !fits(judge, script, judge->stats.rules & ~RULE_BIT(i));
	}

	/* Where the one could not save its tables, there is nothing to compare. */
	judge->vits_is.saved = judge->kvm_is.saved;
	forget_next(&judge->vits_is, &judge->universe);
	stats->alike += observed_same(&judge->kvm_is, &judge->vits_is, &judge->universe, &text);
}

static bool explained(struct judge *judge, const struct kvm_side *kvm, struct observed_text *text)
{
	struct observed_text what = { 0 };
	const char *who = NULL;

	if (kvm->broken) {
		snprintf(text->text, sizeof(text->text), "KVM: %s", kvm->broken);
		return false;
	}
	if (judge->shadow->backend.broken) {
		snprintf(text->text, sizeof(text->text), "vits: %s", judge->shadow->backend.broken);
		return false;
	}
	if (!observed_same(&judge->kvm_is, &judge->kvm_should, &judge->universe, &what))
		who = "KVM and its model";
	else if (!observed_same(&judge->vits_is, &judge->vits_should, &judge->universe, &what))
		who = "vits and its model";
	if (who)
		snprintf(text->text, sizeof(text->text), "%s: %.150s", who, what.text);
	return !who;
}

/*
 * What plays
 */

static int need_kvm(struct judge *judge, const struct script *script,
		    struct observed_text *ret_text)
{
	uint64_t nr = script->cfg[CFG_VCPUS];
	const char *what = "";
	int r;

	if (nr < 1 || nr > KVM_SIDE_VCPUS) {
		snprintf(ret_text->text, sizeof(ret_text->text), "a script with %" PRIu64 " vCPUs",
			 nr);
		return -EINVAL;
	}
	if (judge->kvms[nr])
		return 0;
	r = kvm_side_create((uint32_t)nr, &judge->kvms[nr], &what);
	if (r < 0)
		snprintf(ret_text->text, sizeof(ret_text->text), "%s: %s", what, strerror(-r));
	return r;
}

static int need_shadow(struct judge *judge, const struct script *script,
		       struct observed_text *ret_text)
{
	const size_t head = offsetof(struct script, steps);
	int r;

	if (judge->shadow && memcmp(&judge->shadow_config, script, head) == 0)
		return 0;
	shadow_side_destroy(judge->shadow);
	judge->shadow = NULL;
	r = shadow_side_create(script, &judge->shadow);
	if (r < 0)
		snprintf(ret_text->text, sizeof(ret_text->text), "vits: %s", strerror(-r));
	memcpy(&judge->shadow_config, script, head);
	return r;
}

enum verdict judge_script(struct judge *judge, const struct script *script, bool counts,
			  struct observed_text *ret_text)
{
	struct kvm_side *kvm;

	if (need_kvm(judge, script, ret_text) < 0)
		return VERDICT_NO_KVM;
	if (!universe_of(script, &judge->universe) ||
	    !script_probe(script, &judge->universe, &judge->probe)) {
		snprintf(ret_text->text, sizeof(ret_text->text), "it names too many numbers");
		return VERDICT_UNEXPLAINED;
	}
	if (need_shadow(judge, script, ret_text) < 0)
		return VERDICT_UNEXPLAINED;

	script = without_unsafe_saves(judge, script);
	kvm = judge->kvms[script->cfg[CFG_VCPUS]];
	play_model(judge, &judge->kvm_model, script, judge->stats.rules, &judge->kvm_should);
	play_kvm(judge, kvm, script);
	if (!same_lpis(judge, &judge->kvm_model, ret_text))
		return VERDICT_UNEXPLAINED;
	probe_model(judge, &judge->kvm_model, &judge->kvm_should);

	play_shadow(judge, script);
	play_model(judge, &judge->vits_model, script, rules_of_vits(), &judge->vits_should);
	judge->vits_should.saved = true;
	probe_model(judge, &judge->vits_model, &judge->vits_should);

	if (!explained(judge, kvm, ret_text))
		return VERDICT_UNEXPLAINED;
	if (counts)
		count(judge, script);
	return VERDICT_EXPLAINED;
}

enum verdict judge_calibrate(struct judge *judge, struct observed_text *ret_text)
{
	struct script script;

	for (unsigned i = 0; i < NR_RULES; i++) {
		if (rule_rows[i].owner != RULE_IS_KVM)
			continue;
		rule_example(i, &script);
		if (judge_script(judge, &script, false, ret_text) == VERDICT_NO_KVM)
			return VERDICT_NO_KVM;
		if (!fits(judge, &script, judge->stats.rules) &&
		    fits(judge, &script, judge->stats.rules & ~RULE_BIT(i)))
			judge->stats.rules &= ~RULE_BIT(i);
	}
	return VERDICT_EXPLAINED;
}

/*
 * vits on the kernel ITS
 */

/* What a live event with a target has in KVM. */
static bool same_held(struct judge *judge, struct observed_text *text)
{
	const struct numbers *intids = &judge->universe.intids;

	for (size_t i = 0; judge->lpis_known && i < intids->nr; i++) {
		uint32_t intid = (uint32_t)intids->at[i];
		struct model_lpi should = model_lpi(&judge->vits_model, intid);
		struct kvm_lpi is = judge->lpis[i];

		if (!model_lpi_held(&judge->vits_model, intid) ||
		    (is.exists && is.vcpu == should.vcpu && is.enabled == should.enabled))
			continue;
		snprintf(text->text, sizeof(text->text),
			 "LPI %u: exists %d vCPU %d enabled %d, should be 1 %d %d", intid,
			 is.exists, (int)is.vcpu, is.enabled, (int)should.vcpu, should.enabled);
		return false;
	}
	return true;
}

/* Registers and tables are vits' own: taken from the model. */
static void play_sealed(struct judge *judge, struct kvm_side *kvm, const struct script *script)
{
	play_on_guest(&kvm->guest, script);
	judge->lpis_known = judge->options.debugfs && kvm_side_lpis(kvm, judge->lpis);
	judge->vits_is = judge->vits_should;
	kvm_side_pending(kvm, judge->vits_is.pending);
	play_on_guest(&kvm->guest, &judge->probe);
	kvm_side_pending(kvm, judge->vits_is.probed);
	judge->vits_is.nr_msis = kvm->guest.nr_msis;
	memcpy(judge->vits_is.msis, kvm->guest.msis,
	       kvm->guest.nr_msis * sizeof(kvm->guest.msis[0]));
}

enum verdict judge_sealed(struct judge *judge, const struct script *script,
			  struct observed_text *ret_text)
{
	enum verdict verdict = VERDICT_UNEXPLAINED;
	struct sealed_side *side;
	const char *what = "";
	int r;

	if (!universe_of(script, &judge->universe) ||
	    !script_probe(script, &judge->universe, &judge->probe)) {
		snprintf(ret_text->text, sizeof(ret_text->text), "it names too many numbers");
		return VERDICT_UNEXPLAINED;
	}
	judge->sealed = true;
	r = sealed_side_create(script, &judge->universe, &side, &what);
	if (r < 0) {
		snprintf(ret_text->text, sizeof(ret_text->text), "%s: %s", what, strerror(-r));
		return VERDICT_NO_KVM;
	}
	play_model(judge, &judge->vits_model, script, rules_of_sealed(), &judge->vits_should);
	play_sealed(judge, sealed_side_kvm(side), script);
	if (sealed_side_kvm(side)->broken) {
		snprintf(ret_text->text, sizeof(ret_text->text), "%s",
			 sealed_side_kvm(side)->broken);
	} else if (same_held(judge, ret_text)) {
		probe_model(judge, &judge->vits_model, &judge->vits_should);
		if (observed_same(&judge->vits_is, &judge->vits_should, &judge->universe, ret_text))
			verdict = VERDICT_EXPLAINED;
	}
	sealed_side_destroy(side);
	return verdict;
}
