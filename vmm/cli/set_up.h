/* SPDX-License-Identifier: MIT */
/*
 * A guest's set-up, as its user has it: it can be told to end between its steps, and says what it
 * is at where it takes its time.
 */
#ifndef VMM_CLI_SET_UP_H
#define VMM_CLI_SET_UP_H

#include "vmm/base/cleanup.h"
#include "vmm/base/report.h"
#include "vmm/config/config.h"

struct set_up {
	int signals;			   /* signals_open(), borrowed */
	int killed_by;			   /* a signal that told us to end; 0: none did */
	bool quiet;			   /* says nothing */
	bool is_on_terminal;		   /* what it says is */
	uint64_t since_ns, memory, pinned; /* bytes of the guest's, and of the banks that are */
	char step[160];			   /* what it does now; "": what shows itself */
	struct progress progress;
};

/* signals stays the caller's; memory is the guest's, in bytes. */
void set_up_begin(struct set_up *ret_s, int signals, bool quiet, uint64_t memory);
/* Was it told to end? Set-up asks between its steps. */
bool set_up_is_to_end(struct set_up *s);
/* 0: this is what it does now, of this device; -EINTR: nothing, as it was told to end. */
int set_up_step(struct set_up *s, const char *what,
		const struct config_device *device) _must_check_;
/* While a step lasts, some times a second. ctx: the struct set_up. */
void set_up_show(void *ctx);
void set_up_steps_end(struct set_up *s);
/* The two together, for who waits within a step: false, it is to end. ctx: the struct set_up. */
bool set_up_goes_on(void *ctx);
/* Of vfio_dma_map_in_pieces(), for one bank after the other. ctx: the struct set_up. */
bool set_up_pins(void *ctx, uint64_t done_of_bank, uint64_t size_of_bank);

#endif
