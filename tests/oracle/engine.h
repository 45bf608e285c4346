/* SPDX-License-Identifier: MIT */
/*
 * An LPI engine for vits in tests: what the redistributors of a machine would
 * do with the steps of struct vits_lpi_update, in a plain array. It notes a step
 * that breaks what vits.h promises.
 */
#ifndef TESTS_ORACLE_ENGINE_H
#define TESTS_ORACLE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/oracle/ram.h"
#include "vitsmod/vits.h"

struct engine_lpi {
	bool known;   /* is in engine.touched */
	bool claimed; /* vits_ops.claim */
	bool held;    /* an assigned event has it */
	bool enabled; /* as last read; of a held one */
	bool pending;
	uint32_t vcpu;
	uint32_t function; /* of the assigned event: its index in the configuration */
	uint32_t eventid;
};

struct engine {
	const struct ram *ram; /* with the configuration table */
	uint32_t nr_vcpus;
	uint32_t nr_lpis;
	uint32_t foreign; /* an LPI that another ITS has, or 0 */
	struct engine_lpi lpis[VITS_MAX_LPIS];
	uint32_t touched[VITS_MAX_LPIS];
	uint32_t nr_touched;
	bool open;	    /* there were steps since the last commit */
	const char *broken; /* which promise, NULL if none */
};

/* No LPI is held or pending. */
void engine_reset(struct engine *engine);
void engine_update(struct engine *engine, const struct vits_lpi_update *update);
void engine_commit(struct engine *engine);
bool engine_claim(struct engine *engine, uint32_t intid);
void engine_release(struct engine *engine, uint32_t intid);
/* No LPI is held or claimed any more; what is pending stays so. */
void engine_forget_events(struct engine *engine);
/* A translated MSI. */
void engine_signal(struct engine *engine, uint32_t function, uint32_t eventid,
		   const struct vits_lpi *lpi);
/* As if it had never been heard of, for an INTID that is none. */
struct engine_lpi engine_lpi(const struct engine *engine, uint32_t intid);

#endif
