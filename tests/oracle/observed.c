// SPDX-License-Identifier: MIT
/*
 * What can be seen of an ITS after a script.
 */
#include "tests/oracle/observed.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const uint32_t observed_regs[NR_OBSERVED_REGS] = { GITS_CTLR,	GITS_CBASER,   GITS_CWRITER,
						   GITS_CREADR, GITS_BASER(0), GITS_BASER(1) };

/*
 * Looking
 */

static uint32_t model_pending(struct model *m, uint32_t intid)
{
	struct model_lpi lpi = model_lpi(m, intid);

	return lpi.pending ? lpi.vcpu : NOBODY;
}

void observe_model(struct model *m, const struct universe *u, bool save,
		   struct observed *ret_observed)
{
	for (size_t i = 0; i < u->intids.nr; i++)
		ret_observed->pending[i] = model_pending(m, (uint32_t)u->intids.at[i]);
	for (size_t i = 0; i < NR_OBSERVED_REGS; i++)
		ret_observed->regs[i] = model_reg(m, observed_regs[i]);
	ret_observed->saved = model_can_save(m);
	if (save)
		(void)model_save_tables(m);
	for (size_t i = 0; i < u->devids.nr; i++)
		ret_observed->dte[i] = model_dte(m, (uint32_t)u->devids.at[i]);
	for (size_t i = 0; i < u->icids.nr; i++)
		ret_observed->cte[i] = model_cte(m, (uint32_t)u->icids.at[i]);
	for (size_t i = 0; i < u->itts.nr; i++) {
		for (size_t e = 0; e < u->eventids.nr; e++)
			ret_observed->ite[i][e] =
				model_ite(m, u->itts.at[i], (uint32_t)u->eventids.at[e]);
	}
}

void observe_model_probed(struct model *m, const struct universe *u, struct observed *observed)
{
	for (size_t i = 0; i < u->intids.nr; i++)
		observed->probed[i] = model_pending(m, (uint32_t)u->intids.at[i]);
	observed->nr_msis = m->nr_msis;
	memcpy(observed->msis, m->msis, m->nr_msis * sizeof(m->msis[0]));
}

static uint32_t shadow_pending(struct shadow_side *side, uint32_t intid)
{
	struct backend_lpi lpi = backend_lpi(&side->backend, intid);

	return lpi.pending ? lpi.vcpu : NOBODY;
}

void observe_shadow(struct shadow_side *side, const struct universe *u,
		    struct observed *ret_observed)
{
	for (size_t i = 0; i < u->intids.nr; i++)
		ret_observed->pending[i] = shadow_pending(side, (uint32_t)u->intids.at[i]);
	for (size_t i = 0; i < NR_OBSERVED_REGS; i++)
		ret_observed->regs[i] = shadow_side_reg(side, observed_regs[i]);
	ret_observed->saved = true;
	shadow_side_save_tables(side);
	for (size_t i = 0; i < u->devids.nr; i++)
		ret_observed->dte[i] = shadow_side_dte(side, (uint32_t)u->devids.at[i]);
	for (size_t i = 0; i < u->icids.nr; i++)
		ret_observed->cte[i] = shadow_side_cte(side, (uint32_t)u->icids.at[i]);
	for (size_t i = 0; i < u->itts.nr; i++) {
		for (size_t e = 0; e < u->eventids.nr; e++)
			ret_observed->ite[i][e] =
				shadow_side_ite(side, u->itts.at[i], (uint32_t)u->eventids.at[e]);
	}
}

void observe_shadow_probed(struct shadow_side *side, const struct universe *u,
			   struct observed *observed)
{
	for (size_t i = 0; i < u->intids.nr; i++)
		observed->probed[i] = shadow_pending(side, (uint32_t)u->intids.at[i]);
	observed->nr_msis = side->guest.nr_msis;
	memcpy(observed->msis, side->guest.msis, side->guest.nr_msis * sizeof(observed->msis[0]));
}

/*
 * Comparing
 */

/* Say what differs. Always false, for callers to return. */
__attribute__((format(printf, 2, 3))) static bool differ(struct observed_text *text,
							 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text->text, sizeof(text->text), format, args);
	va_end(args);
	return false;
}

/* How far it is to the next entry, where that is known. */
static bool same_next(uint32_t a, uint32_t b)
{
	return a == b || a == NEXT_ANY || b == NEXT_ANY;
}

static bool same_dte(const struct dte *a, const struct dte *b, uint64_t devid,
		     struct observed_text *text)
{
	if (a->valid == b->valid &&
	    (!a->valid || (a->itt == b->itt && a->size == b->size && same_next(a->next, b->next))))
		return true;
	return differ(text,
		      "entry of device %#" PRIx64 ": valid %d ITT %#" PRIx64
		      " size %u next %u, and %d %#" PRIx64 " %u %u",
		      devid, a->valid, a->itt, a->size, a->next, b->valid, b->itt, b->size,
		      b->next);
}

static bool same_ite(const struct ite *a, const struct ite *b, struct observed_text *text)
{
	if (a->intid == b->intid &&
	    (!a->intid || (a->icid == b->icid && same_next(a->next, b->next))))
		return true;
	return differ(text, "LPI %u ICID %u next %u, and %u %u %u", a->intid, a->icid, a->next,
		      b->intid, b->icid, b->next);
}

static bool same_tables(const struct observed *a, const struct observed *b,
			const struct universe *u, struct observed_text *text)
{
	for (size_t i = 0; i < u->devids.nr; i++) {
		if (!same_dte(&a->dte[i], &b->dte[i], u->devids.at[i], text))
			return false;
	}
	for (size_t i = 0; i < u->icids.nr; i++) {
		if (a->cte[i].valid != b->cte[i].valid ||
		    (a->cte[i].valid && a->cte[i].rdbase != b->cte[i].rdbase))
			return differ(text,
				      "entry of collection %" PRIu64 ": valid %d RDbase %" PRIu64
				      ", and %d %" PRIu64,
				      u->icids.at[i], a->cte[i].valid, a->cte[i].rdbase,
				      b->cte[i].valid, b->cte[i].rdbase);
	}
	for (size_t i = 0; i < u->itts.nr; i++) {
		for (size_t e = 0; e < u->eventids.nr; e++) {
			struct observed_text what;

			/* No ITT is larger: the next one begins there. */
			if (u->eventids.at[e] > UINT16_MAX ||
			    same_ite(&a->ite[i][e], &b->ite[i][e], &what))
				continue;
			return differ(text, "entry %#" PRIx64 " of ITT %" PRIu64 ": %.100s",
				      u->eventids.at[e], u->itts.at[i], what.text);
		}
	}
	return true;
}

static bool same_lpis(const uint32_t *a, const uint32_t *b, const struct numbers *intids,
		      struct observed_text *text)
{
	for (size_t i = 0; i < intids->nr; i++) {
		if (a[i] != b[i])
			return differ(text, "LPI %" PRIu64 ": pending at vCPU %d, and %d",
				      intids->at[i], (int)a[i], (int)b[i]);
	}
	return true;
}

bool observed_same(const struct observed *a, const struct observed *b, const struct universe *u,
		   struct observed_text *ret_text)
{
	struct observed_text *text = ret_text;

	for (size_t i = 0; i < a->nr_msis && i < b->nr_msis; i++) {
		if (a->msis[i] != b->msis[i])
			return differ(text, "MSI number %zu: outcome %d, and %d", i, a->msis[i],
				      b->msis[i]);
	}
	if (a->nr_msis != b->nr_msis)
		return differ(text, "%zu MSIs, and %zu", a->nr_msis, b->nr_msis);
	for (size_t i = 0; i < NR_OBSERVED_REGS; i++) {
		if (a->regs[i] != b->regs[i])
			return differ(text, "register %#x: %#" PRIx64 ", and %#" PRIx64,
				      observed_regs[i], a->regs[i], b->regs[i]);
	}
	if (!same_lpis(a->pending, b->pending, &u->intids, text))
		return false;
	if (a->saved != b->saved)
		return differ(text, "tables saved: %d, and %d", a->saved, b->saved);
	if (a->saved && !same_tables(a, b, u, text))
		return false;
	return same_lpis(a->probed, b->probed, &u->intids, text);
}

/*
 * Playing
 */

void play_on_guest(struct guest *guest, const struct script *script)
{
	uint64_t unkicked = 0;

	for (size_t i = 0; i < script->nr_steps; i++) {
		const struct step *step = &script->steps[i];

		if (!step_is_command(step))
			guest_kick(guest);
		guest_step(guest, step);
		unkicked = step_is_command(step) ? unkicked + 1 : 0;
		if (unkicked >= script->cfg[CFG_BATCH]) {
			guest_kick(guest);
			unkicked = 0;
		}
	}
	guest_kick(guest);
}

void play_on_model(struct model *m, const struct script *script)
{
	uint64_t unkicked = 0;

	for (size_t i = 0; i < script->nr_steps; i++) {
		const struct step *step = &script->steps[i];

		if (!step_is_command(step))
			model_kick(m);
		model_step(m, step);
		unkicked = step_is_command(step) ? unkicked + 1 : 0;
		if (unkicked >= script->cfg[CFG_BATCH]) {
			model_kick(m);
			unkicked = 0;
		}
		m->nr_outcomes = 0;
	}
	model_kick(m);
	m->nr_outcomes = 0;
}
