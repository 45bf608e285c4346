/* SPDX-License-Identifier: MIT */
/*
 * Hostile acts: what a guest's CPU can do at any moment to the disadvantage of its VMM, drawn by
 * chance, by several CPUs at once (onslaught.c). None waits for another CPU, and none harms the
 * payload itself: what an ITS or a device is led to write to is `ground`, its own tables, or no
 * RAM.
 */
#ifndef GUEST_LIB_ACTS_H
#define GUEST_LIB_ACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/nvme.h"

#define ACTS_MAX 40u

/* LPIs, all counted: of edu's events, of the disk's vectors, of a DeviceID that no function has. */
#define EVENT_BITS	5u
#define EVENTS		(1u << EVENT_BITS)
#define EDU_LPI		8192u
#define DISK_LPI	(EDU_LPI + EVENTS)
#define SCRATCH_LPI	(DISK_LPI + EVENTS)
#define LPIS		(3u * EVENTS)
#define SCRATCH_DEVID	0x1234u
#define DISK_VECTORS	4u
#define GROUND_SZ	0x1000000u /* the end of RAM, nobody's */
#define GROUND_ITT_SZ	0x80000u   /* of one ITT of 2^16 events */
#define GROUND_FORGED	0x800000u  /* offset of what is sent by DMA */
#define GROUND_LANDING	0x900000u  /* and of where it can be looked at */
#define GROUND_SCRAP	0xa00000u  /* free for anything */
#define GROUND_SCRAP_SZ 0x500000u
#define BEYOND_RAM	UINT64_C(0xc0000000) /* guests of the tests have less than 2 GiB */

/* A CPU that attacks; it alone writes this. */
struct attacker {
	unsigned cpu;
	uint64_t random;
	volatile unsigned doing; /* the act */
	volatile bool is_off, is_through;
	volatile uint64_t done[ACTS_MAX];
} __attribute__((aligned(64)));

struct act {
	const char *name;
	bool (*act)(struct attacker *a); /* false: it could not be done now, and is not counted */
	unsigned weight;
};

/* What the acts share, set up by onslaught.c. */
struct field {
	unsigned nr_cpus;
	struct edu edu;
	struct nvme disk;
	uint64_t ground, ram_end;
	uint64_t devices, collections;		 /* tables */
	uint64_t edu_itt, disk_itt, scratch_itt; /* in ground */
	uint64_t alias;				 /* of the first GiB, as memory */
};
extern struct field field;

/* 0 to n - 1, from the attacker's own series. */
uint64_t below(struct attacker *a, uint64_t n);

/* A place, and how often each CPU did something to it. */
struct target {
	const char *name;
	uint64_t at;
	volatile uint64_t done[MAX_CPUS];
	bool is_refused; /* by the SMMU, if it is written to by DMA */
};
/* Lines "WORD NAME COUNT". */
void say_targets(const char *word, const struct target *targets, size_t nr);

/* Was something done at each of them? */
bool all_happened(const struct target *targets, size_t nr);

/* ---- acts_its.c: the ITS, and LPIs -------------------------------------------------- */

bool act_cwriter(struct attacker *a);
bool act_forge_queue(struct attacker *a);
bool act_commands(struct attacker *a);
bool act_rewrite_tables(struct attacker *a);
bool act_its_off(struct attacker *a);
bool act_move_tables(struct attacker *a);
bool act_its_anew(struct attacker *a);
bool act_its_frame(struct attacker *a);
bool act_toggle_lpis(struct attacker *a);
bool act_lpi_tables(struct attacker *a);
bool act_invalidate(struct attacker *a);

/* Forge nr words, or commands of 4 words, at an address. */
void forge_words(struct attacker *a, uint64_t at, unsigned nr);
void forge_commands(struct attacker *a, uint64_t at, unsigned nr);

/* ---- acts_pci.c: functions ---------------------------------------------------------- */

bool act_config(struct attacker *a);
bool act_ecam_edges(struct attacker *a);
bool act_bar_edges(struct attacker *a);
bool act_move_bar(struct attacker *a);
bool act_put_back(struct attacker *a);
bool act_decoding(struct attacker *a);
bool act_msi(struct attacker *a);
bool act_raise(struct attacker *a);
bool act_fire(struct attacker *a);
bool act_msix_entry(struct attacker *a);
bool act_msix_control(struct attacker *a);
bool act_dma(struct attacker *a);

/* When the functions are set up: where the edges and what is written by DMA are. */
void place_targets(void);
/* Say how often edges were tried, BARs were moved where, what was written by DMA and how many
 * vectors fired. */
void say_pci_facts(void);
/* Was each edge tried, and were BARs moved to each place? */
bool all_places_happened(void);
/* For one CPU alone, and then DMA is over. */
void wait_for_dma(void);

#endif
