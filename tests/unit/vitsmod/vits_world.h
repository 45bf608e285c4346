/* SPDX-License-Identifier: MIT */
/*
 * A world for the ITS model in unit tests: guest memory, a backend that keeps
 * and judges every step, and a guest that programs the ITS as a driver would.
 *
 * The backend stops the test at a step that the model must never take: a MAP of
 * what is mapped or not claimed, an UNMAP of what is not, a step for another
 * event's LPI, a second claim, a release of what is not claimed or still targeted.
 */
#ifndef TESTS_UNIT_VITS_WORLD_H
#define TESTS_UNIT_VITS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vitsmod/gits.h"
#include "vitsmod/vits.h"

/* Where things lie in the guest's memory. All 64K aligned. */
#define RAM_BASE     UINT64_C(0x40000000)
#define RAM_SZ	     UINT64_C(0x01000000)
#define RAM_END	     (RAM_BASE + RAM_SZ)
#define DEVICE_TABLE (RAM_BASE + 0x000000)
#define COLL_TABLE   (RAM_BASE + 0x200000)
#define QUEUE	     (RAM_BASE + 0x400000)
#define ITT_A	     (RAM_BASE + 0x800000)
#define ITT_B	     (RAM_BASE + 0x900000)
#define ITT_X	     (RAM_BASE + 0xa00000)
#define SPARE	     (RAM_BASE + 0xc00000)

/* In GITS_CBASER, in GITS_BASER<n>, and in entries of tables. */
#define VALID GITS_BASER_VALID

/* The default machine: two functions, and DeviceIDs that are nobody's. */
#define NR_VCPUS     4u
#define NR_LPIS	     64u
#define LAST_LPI     (VITS_LPI_BASE + NR_LPIS - 1)
#define DEV_A	     0x0008u /* function 0: 4 events */
#define DEV_A_EVENTS 4u
#define DEV_B	     0x0010u /* function 1: 32 events */
#define DEV_B_EVENTS 32u
#define DEV_X	     0x0123u /* no function */

#define LPI(n) (VITS_LPI_BASE + (uint32_t)(n))

/* What the backend knows of an LPI. */
struct world_lpi {
	bool claimed;
	bool targeted;
	bool pending;
	uint32_t devid;
	uint32_t eventid;
	uint32_t vcpu;
};

#define WORLD_LOG 4096u

struct world {
	struct vits *v;
	struct vits_config config;
	struct vits_function functions[VITS_MAX_FUNCTIONS];
	uint8_t *ram;

	/* The backend. */
	struct world_lpi lpis[VITS_MAX_LPIS];
	const struct world *rival; /* another ITS of the machine: it may have claimed an LPI */
	struct vits_lpi_update log[WORLD_LOG]; /* the first of them since log_next was last 0 */
	size_t nr_log;
	size_t log_next;
	uint64_t nr_updates;
	uint64_t nr_commits;
	uint64_t updates_at_commit;
	_Atomic uint64_t nr_more; /* counted by whoever owned the command side */
	uint64_t nr_reads;
	void (*on_commit)(struct world *w);			    /* called inside commit() */
	void (*on_read)(struct world *w, uint64_t gpa, size_t len); /* after a read */
	void *arg;

	/* Addresses in [bad, bad_end) are not RAM. */
	uint64_t bad;
	uint64_t bad_end;
	/* Writes to [ro, ro_end) fail. */
	uint64_t ro;
	uint64_t ro_end;

	/* The last command, from the trace. */
	uint64_t nr_commands;
	enum vits_result result;
	uint32_t code;

	/* The guest's driver. */
	uint32_t tail; /* of the queue: the next GITS_CWRITER */
	uint32_t queue_sz;
};

/* NULL: the default machine. Everything in reset state. */
struct world *world_create(const struct vits_config *config);
/* The same, with tables and a 64K queue, and enabled. */
struct world *world_create_on(const struct vits_config *config);
/*
 * The same, with DEV_A (8 EventIDs, of which 4 are assigned), DEV_B and DEV_X (32)
 * mapped, and collections 0 and 1 on vCPUs 0 and 1. Nothing is mapped to them.
 */
struct world *world_create_ready(void);
void world_destroy(struct world *w);
void world_default_config(struct vits_config *ret_config);

/* Registers. */
uint64_t rd64(struct world *w, uint64_t offset);
uint32_t rd32(struct world *w, uint64_t offset);
void wr64(struct world *w, uint64_t offset, uint64_t value);
void wr32(struct world *w, uint64_t offset, uint32_t value);

/* Guest memory, little-endian. */
uint64_t ram_get(const struct world *w, uint64_t gpa);
void ram_set(struct world *w, uint64_t gpa, uint64_t value);
void ram_zero(struct world *w, uint64_t gpa, size_t len);

/* Values of GITS_BASER<n>: pages of 64K, write-back, inner shareable, valid. */
uint64_t baser_value(uint64_t gpa, unsigned nr_pages);
void world_set_tables(struct world *w);

/* Commands, as they stand in the queue. */
struct words {
	uint64_t w[GITS_CMD_NR_WORDS];
};

struct words encoded(struct gits_cmd cmd);

struct words mapd(uint32_t devid, uint64_t itt, unsigned eventid_bits);
struct words mapd_off(uint32_t devid);
struct words mapc(uint32_t icid, uint64_t rdbase);
struct words mapc_off(uint32_t icid);
struct words mapti(uint32_t devid, uint32_t eventid, uint32_t intid, uint32_t icid);
struct words mapi(uint32_t devid, uint32_t eventid, uint32_t icid);
struct words movi(uint32_t devid, uint32_t eventid, uint32_t icid);
struct words discard(uint32_t devid, uint32_t eventid);
struct words intr(uint32_t devid, uint32_t eventid); /* INT */
struct words clear(uint32_t devid, uint32_t eventid);
struct words inv(uint32_t devid, uint32_t eventid);
struct words invall(uint32_t icid);
struct words movall(uint64_t from, uint64_t to);
struct words sync_cmd(uint64_t rdbase); /* SYNC */
struct words opcode(unsigned op);

/* Put a command into the queue; the ITS does not know yet. */
void push(struct world *w, struct words cmd);
/* Tell it (a 32-bit write, as Linux's). */
void kick(struct world *w);
/* Both, and the queue must be empty afterwards: the command's error code, 0 if it was done. */
uint32_t run(struct world *w, struct words cmd);
/* Done, or the test fails. */
#define run_ok(w, cmd) run_expect(w, cmd, VITS_DONE, 0, __FILE__, __LINE__)
/* Skipped with this error number, no effect, no change to what is translated. */
#define run_skip(w, cmd, code) run_expect(w, cmd, VITS_SKIP, code, __FILE__, __LINE__)
void run_expect(struct world *w, struct words cmd, enum vits_result result, uint32_t code,
		const char *file, int line);

/* The next step the backend took. */
#define expect_update(w, want_op, want_live, lpi, want_vcpu)                 \
	expect_update_at(w,                                                  \
			 &(struct vits_lpi_update){ .op = (want_op),         \
						    .assigned = (want_live), \
						    .intid = (lpi),          \
						    .vcpu = (want_vcpu) },   \
			 __FILE__, __LINE__)
void expect_update_at(struct world *w, const struct vits_lpi_update *want, const char *file,
		      int line);
/* It has taken no other. */
#define expect_no_more_updates(w) expect_no_more_updates_at(w, __FILE__, __LINE__)
void expect_no_more_updates_at(struct world *w, const char *file, int line);
/* Forget the steps so far. */
void forget_updates(struct world *w);

/* What an MSI of this function does: the LPI, or 0 if it is dropped. */
uint32_t translated(struct world *w, size_t function, uint32_t eventid);
#define expect_msi(w, function, eventid, intid, vcpu) \
	expect_msi_at(w, function, eventid, &(struct vits_lpi){ intid, vcpu }, __LINE__)
void expect_msi_at(struct world *w, size_t function, uint32_t eventid, const struct vits_lpi *want,
		   int line);
#define expect_no_msi(w, function, eventid, why) \
	assert_int_equal(vits_translate((w)->v, function, eventid, &(struct vits_lpi){ 0 }), why)

struct vits_stats world_stats(struct world *w);

#endif
