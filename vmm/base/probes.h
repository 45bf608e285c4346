/* SPDX-License-Identifier: MIT */
/*
 * USDT probes: marks in the program that bpftrace, perf and SystemTap find by name
 * (sys/sdt.h). Each is one nop until a tracer puts a breakpoint there.
 * scripts/itsy.bt uses them all.
 *
 * Each probe has a semaphore: the kernel counts in it who listens
 * (Documentation/trace/uprobetracer.rst, REF_CTR_OFFSET). Their names are the format's.
 */
#ifndef VMM_BASE_PROBES_H
#define VMM_BASE_PROBES_H

#include <stdbool.h>

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

extern volatile unsigned short itsy_eventfd_seen_semaphore, itsy_injected_semaphore,
	itsy_command_semaphore;

/* Does anybody listen to the probes of interrupts? Any thread. */
bool probes_of_interrupts_are_on(void);

/* The router saw a vector's signal. device: its index in the configuration. */
#define PROBE_EVENTFD_SEEN(device, vector) DTRACE_PROBE2(itsy, eventfd_seen, device, vector)

/* KVM was asked to make the LPI pending. result: 1 it is; 0 or negative errno it is not. */
#define PROBE_INJECTED(device, vector, intid, vcpu, result) \
	DTRACE_PROBE5(itsy, injected, device, vector, intid, vcpu, result)

/*
 * A command that the guest gave its ITS has run. result: enum vits_result; code: the
 * architecture's error number, or 0.
 */
#define PROBE_COMMAND(opcode, result, code) DTRACE_PROBE3(itsy, command, opcode, result, code)

#endif
