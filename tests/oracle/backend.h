/* SPDX-License-Identifier: MIT */
/*
 * An LPI backend for vits in tests: what the redistributors of a machine would
 * do with each struct vits_lpi_update, in a plain array. It notes an update
 * that breaks what vits.h promises.
 */
#ifndef TESTS_ORACLE_BACKEND_H
#define TESTS_ORACLE_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/oracle/ram.h"
#include "vitsmod/vits.h"

struct backend_lpi {
	bool known;   /* is in backend.touched */
	bool claimed; /* vits_ops.claim */
	bool held;    /* an assigned event has it */
	bool enabled; /* as last read; of a held one */
	bool pending;
	uint32_t vcpu;
	uint32_t function; /* of the assigned event: its index in the configuration */
	uint32_t eventid;
};

struct backend {
	const struct ram *ram; /* with the configuration table */
	uint32_t nr_vcpus;
	uint32_t nr_lpis;
	uint32_t foreign; /* an LPI that another ITS has, or 0 */
	struct backend_lpi lpis[VITS_MAX_LPIS];
	uint32_t touched[VITS_MAX_LPIS];
	uint32_t nr_touched;
	bool open;	    /* there were updates since the last commit */
	const char *broken; /* which promise, NULL if none */
};

/* No LPI is held or pending. */
void backend_reset(struct backend *backend);
void backend_update(struct backend *backend, const struct vits_lpi_update *update);
void backend_commit(struct backend *backend);
bool backend_claim(struct backend *backend, uint32_t intid);
void backend_release(struct backend *backend, uint32_t intid);
/* No LPI is held or claimed any more; what is pending stays so. */
void backend_forget_events(struct backend *backend);
/* A translated MSI. */
void backend_signal(struct backend *backend, uint32_t function, uint32_t eventid,
		    const struct vits_lpi *lpi);
/* As if it had never been heard of, for an INTID that is none. */
struct backend_lpi backend_lpi(const struct backend *backend, uint32_t intid);

#endif
