// SPDX-License-Identifier: MIT
/*
 * What set-up hears and says. No locks.
 */
#include "vmm/cli/set_up.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/signals.h"

/* How long it says nothing: on a terminal, and where a line stays. */
#define SILENT_NS     UINT64_C(300000000)
#define SILENT_LOG_NS UINT64_C(10000000000)

void set_up_begin(struct set_up *ret_s, int signals, bool quiet, uint64_t memory)
{
	*ret_s = (struct set_up){ .signals = signals,
				  .quiet = quiet,
				  .is_on_terminal = isatty(STDERR_FILENO),
				  .since_ns = clock_ns(),
				  .memory = memory };
}

bool set_up_is_to_end(struct set_up *s)
{
	if (!s->killed_by)
		s->killed_by = signals_take(s->signals);
	return s->killed_by;
}

void set_up_show(void *ctx)
{
	struct set_up *s = ctx;
	const uint64_t silent_ns = s->is_on_terminal ? SILENT_NS : SILENT_LOG_NS;

	if (s->step[0] && !s->quiet && clock_ns() - s->since_ns > silent_ns)
		report_progress(&s->progress, "%s", s->step);
}

int set_up_step(struct set_up *s, const char *what, const struct config_device *device)
{
	char bdf[PCI_BDF_STRLEN];

	if (set_up_is_to_end(s))
		return -EINTR;
	(void)snprintf(s->step, sizeof(s->step), "%s %s (%s)", what, device->name,
		       pci_bdf_format(&device->bdf, bdf));
	set_up_show(s);
	return 0;
}

bool set_up_goes_on(void *ctx)
{
	set_up_show(ctx);
	return !set_up_is_to_end(ctx);
}

void set_up_steps_end(struct set_up *s)
{
	s->step[0] = '\0';
	report_progress_end(&s->progress);
}

/* A line that grows, on a terminal; somewhere else one line says that it takes its time. */
bool set_up_pins(void *ctx, uint64_t done_of_bank, uint64_t size_of_bank)
{
	struct set_up *s = ctx;
	const uint64_t done = s->pinned + done_of_bank;
	const bool is_long = clock_ns() - s->since_ns > SILENT_NS;

	(void)size_of_bank;
	if (set_up_is_to_end(s))
		return false;
	/* What is over with the first piece is not worth a line. */
	if (!s->quiet && is_long && done)
		report_progress(&s->progress, "locking memory for DMA: %llu of %llu MiB",
				(unsigned long long)(done / MiB),
				(unsigned long long)(s->memory / MiB));
	return true;
}
