// SPDX-License-Identifier: MIT
/*
 * vits against the model.
 */
#include "tests/oracle/compare.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "vitsmod/bits.h"

/* Both sides, and what they are looked at for. */
struct pair {
	struct shadow_side *side;
	struct model *model;
	const struct script *script;
	struct universe universe;
	uint64_t unkicked;
	struct difference *difference;
};

/* Say what differs. Always false, for callers to return. */
__attribute__((format(printf, 2, 3))) static bool differ(struct pair *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->difference->text, sizeof(p->difference->text), format, args);
	va_end(args);
	return false;
}

/*
 * After each step
 */

static bool same_outcomes(struct pair *p)
{
	struct shadow_side *side = p->side;
	struct model *m = p->model;

	for (size_t i = 0; i < side->nr_outcomes && i < m->nr_outcomes; i++) {
		struct model_outcome is = side->outcomes[i], should = m->outcomes[i];

		if (is.result != should.result || is.code != should.code)
			return differ(p,
				      "command %zu of the batch: result %d code %#x, "
				      "should be %d %#x",
				      i, is.result, is.code, should.result, should.code);
	}
	if (side->nr_outcomes != m->nr_outcomes)
		return differ(p, "%zu commands were run, should be %zu", side->nr_outcomes,
			      m->nr_outcomes);
	side->nr_outcomes = 0;
	m->nr_outcomes = 0;
	return true;
}

static bool same_translation(struct pair *p, size_t function, uint32_t eventid)
{
	uint32_t devid = p->script->functions[function].devid;
	struct model_msi is = shadow_side_translate(p->side, function, eventid);
	struct model_msi should = model_translate(p->model, devid, eventid);

	if (is.outcome != should.outcome)
		return differ(p, "MSI of %#x event %#x: outcome %d, should be %d", devid, eventid,
			      is.outcome, should.outcome);
	if (is.outcome == MSI_DELIVERED && (is.intid != should.intid || is.vcpu != should.vcpu))
		return differ(p, "MSI of %#x event %#x: LPI %u at vCPU %u, should be %u at %u",
			      devid, eventid, is.intid, is.vcpu, should.intid, should.vcpu);
	return true;
}

static bool same_event(struct pair *p, size_t function, uint32_t eventid)
{
	uint32_t devid = p->script->functions[function].devid;
	const struct model_event *should = model_event(p->model, devid, eventid);
	struct vits_event is;

	vits_event_get(p->side->v, function, eventid, &is);
	if (is.mapped != (should != NULL))
		return differ(p, "%#x event %#x: mapped is %d", devid, eventid, is.mapped);
	if (is.mapped && (is.intid != should->intid || is.icid != should->icid))
		return differ(p, "%#x event %#x: LPI %u ICID %u, should be %u %u", devid, eventid,
			      is.intid, is.icid, should->intid, should->icid);
	return true;
}

static bool same_lpi(struct pair *p, uint32_t intid)
{
	struct backend_lpi is = backend_lpi(&p->side->backend, intid);
	struct model_lpi should = model_lpi(p->model, intid);
	bool held = model_lpi_held(p->model, intid);

	if (is.held != held)
		return differ(p, "LPI %u: held is %d", intid, is.held);
	if (is.pending != should.pending)
		return differ(p, "LPI %u: pending is %d", intid, is.pending);
	if ((is.pending || held) && is.vcpu != should.vcpu)
		return differ(p, "LPI %u at vCPU %u, should be %u", intid, is.vcpu, should.vcpu);
	if (held && is.enabled != should.enabled)
		return differ(p, "LPI %u: enabled is %d", intid, is.enabled);
	return true;
}

static bool same_state(struct pair *p)
{
	if (p->side->backend.broken)
		return differ(p, "%s", p->side->backend.broken);
	if (!same_outcomes(p))
		return false;
	for (size_t f = 0; f < p->script->nr_functions; f++) {
		for (uint32_t e = 0; e <= p->script->functions[f].nr_events; e++) {
			if (!same_translation(p, f, e))
				return false;
			if (e < p->script->functions[f].nr_events && !same_event(p, f, e))
				return false;
		}
	}
	for (size_t i = 0; i < p->universe.intids.nr; i++) {
		if (!same_lpi(p, (uint32_t)p->universe.intids.at[i]))
			return false;
	}
	return true;
}

/*
 * At the end
 */

static bool same_registers(struct pair *p)
{
	static const uint32_t offsets[] = { GITS_CTLR,	 GITS_CBASER,	GITS_CWRITER,
					    GITS_CREADR, GITS_BASER(0), GITS_BASER(1) };

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		uint64_t is = shadow_side_reg(p->side, offsets[i]);
		uint64_t should = model_reg(p->model, offsets[i]);

		if (is != should)
			return differ(p, "register %#x is %#" PRIx64 ", should be %#" PRIx64,
				      offsets[i], is, should);
	}
	return true;
}

static bool same_dte(struct pair *p, uint32_t devid)
{
	struct dte is = shadow_side_dte(p->side, devid);
	struct dte should = model_dte(p->model, devid);

	if (is.valid == should.valid &&
	    (!is.valid ||
	     (is.itt == should.itt && is.size == should.size && is.next == should.next)))
		return true;
	return differ(p,
		      "entry of device %#x: valid %d ITT %#" PRIx64
		      " size %u next %u, should be %d %#" PRIx64 " %u %u",
		      devid, is.valid, is.itt, is.size, is.next, should.valid, should.itt,
		      should.size, should.next);
}

static bool same_cte(struct pair *p, uint32_t icid)
{
	struct cte is = shadow_side_cte(p->side, icid);
	struct cte should = model_cte(p->model, icid);

	if (is.valid == should.valid &&
	    (!is.valid || (is.rdbase == should.rdbase && is.icid == icid)))
		return true;
	return differ(p,
		      "entry of collection %u: valid %d RDbase %" PRIu64 ", should be %d %" PRIu64,
		      icid, is.valid, is.rdbase, should.valid, should.rdbase);
}

static bool same_ite(struct pair *p, uint64_t itt, uint32_t eventid)
{
	struct ite is = shadow_side_ite(p->side, itt, eventid);
	struct ite should = model_ite(p->model, itt, eventid);

	bool same_next = is.next == should.next || should.next == NEXT_ANY;

	if (is.intid == should.intid && (!is.intid || (is.icid == should.icid && same_next)))
		return true;
	return differ(p, "entry %#x of ITT %" PRIu64 ": LPI %u ICID %u next %u, should be %u %u %u",
		      eventid, itt, is.intid, is.icid, is.next, should.intid, should.icid,
		      should.next);
}

static bool same_tables(struct pair *p)
{
	const struct universe *u = &p->universe;

	for (size_t i = 0; i < u->devids.nr; i++) {
		if (!same_dte(p, (uint32_t)u->devids.at[i]))
			return false;
	}
	for (size_t i = 0; i < u->icids.nr; i++) {
		if (!same_cte(p, (uint32_t)u->icids.at[i]))
			return false;
	}
	for (size_t i = 0; i < u->itts.nr; i++) {
		for (size_t e = 0; e < u->eventids.nr; e++) {
			/* No ITT has more than 65536 entries: the next one begins there. */
			if (u->eventids.at[e] <= UINT16_MAX &&
			    !same_ite(p, u->itts.at[i], (uint32_t)u->eventids.at[e]))
				return false;
		}
	}
	return true;
}

/* What vits_audit() is to list: entries in memory that are not what the shadow says. */
static size_t count_stale(struct pair *p)
{
	size_t nr = 0;

	for (size_t f = 0; f < p->script->nr_functions; f++) {
		uint32_t devid = p->script->functions[f].devid;
		struct dte dte = model_dte(p->model, devid);

		for (uint32_t e = 0; dte.valid && e < p->script->functions[f].nr_events; e++) {
			const struct model_event *event = model_event(p->model, devid, e);
			struct ite memory;

			if (e >= BIT64(dte.size + 1))
				break;
			memory = model_ite(p->model, model_itt(p->model, devid), e);
			nr += event ? memory.intid != event->intid || memory.icid != event->icid
				    : memory.intid != 0;
		}
	}
	return nr;
}

struct audit {
	size_t nr_stale;
	size_t nr_others;
};

static void audit_entry(void *arg, const struct vits_difference *difference)
{
	struct ite table = abi_ite(difference->table), shadow = abi_ite(difference->shadow);
	struct audit *audit = arg;

	if (difference->kind != VITS_DIFFERENT_ITE)
		audit->nr_others++;
	else if (table.intid != shadow.intid || table.icid != shadow.icid)
		audit->nr_stale++;
}

static bool same_audit(struct pair *p)
{
	size_t should = count_stale(p);
	struct audit audit = { 0 };

	if (vits_audit(p->side->v, audit_entry, &audit) != 0)
		return differ(p, "vits_audit() says that commands run");
	if (audit.nr_others)
		return differ(p, "vits_audit() lists %zu devices and collections", audit.nr_others);
	return audit.nr_stale == should ||
	       differ(p, "vits_audit() lists %zu events, should be %zu", audit.nr_stale, should);
}

static bool same_msis(struct pair *p)
{
	struct guest *guest = &p->side->guest;

	for (size_t i = 0; i < guest->nr_msis && i < p->model->nr_msis; i++) {
		if (guest->msis[i] != p->model->msis[i])
			return differ(p, "MSI number %zu: outcome %d, should be %d", i,
				      guest->msis[i], p->model->msis[i]);
	}
	return guest->nr_msis == p->model->nr_msis || differ(p, "MSIs were lost");
}

/*
 * Playing
 */

static bool kick(struct pair *p)
{
	if (!p->unkicked)
		return true;
	p->unkicked = 0;
	guest_kick(&p->side->guest);
	model_kick(p->model);
	return same_state(p);
}

static bool play_step(struct pair *p, const struct step *step)
{
	if (!step_is_command(step) && !kick(p))
		return false;
	guest_step(&p->side->guest, step);
	model_step(p->model, step);
	if (!step_is_command(step))
		return same_state(p);
	return ++p->unkicked < p->script->cfg[CFG_BATCH] || kick(p);
}

static bool play(struct pair *p)
{
	static const size_t at_most = SCRIPT_STEPS;
	struct step step = { .kind = STEP_INT };

	for (size_t i = 0; i < p->script->nr_steps; i++) {
		p->difference->step = i;
		if (!play_step(p, &p->script->steps[i]))
			return false;
	}
	if (!kick(p))
		return false;
	p->difference->step = p->script->nr_steps;
	if (!same_registers(p) || !same_tables(p) || !same_msis(p))
		return false;
	/* An audit looks at all collections that there can be: not after each. */
	if (p->script->nr_steps % 8 == 0 && !same_audit(p))
		return false;

	/* What is mapped for those that are no function's: each of them once. */
	assert(p->universe.devids.nr * p->universe.eventids.nr <= at_most);
	for (size_t d = 0; d < p->universe.devids.nr; d++) {
		for (size_t e = 0; e < p->universe.eventids.nr; e++) {
			step.arg[ARG_DEV] = p->universe.devids.at[d];
			step.arg[ARG_EVENT] = p->universe.eventids.at[e];
			guest_step(&p->side->guest, &step);
			model_step(p->model, &step);
			guest_kick(&p->side->guest);
			model_kick(p->model);
		}
	}
	return same_state(p);
}

bool shadow_differs(struct shadow_side *side, struct model *model, const struct script *script,
		    uint64_t rules, struct difference *ret_difference)
{
	struct pair pair = {
		.side = side,
		.model = model,
		.script = script,
		.difference = ret_difference,
	};

	*ret_difference = (struct difference){ 0 };
	if (!universe_of(script, &pair.universe))
		return !differ(&pair, "the script names too many numbers");
	shadow_side_begin(side, script, &pair.universe);
	model_begin(model, script, rules);
	return !play(&pair);
}
