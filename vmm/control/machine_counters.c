// SPDX-License-Identifier: MIT
/* The counters of a machine, by name. No locks. */
#include "vmm/control/machine_counters.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"

#define AT(field) offsetof(struct machine_stats, field)

const struct machine_counter_row machine_counters[] = {
	{ "its_mistakes", "unreadable_commands", AT(vits.cmd_unreadable), NULL,
	  "Places in the ITSs' queues where no memory is" },
	{ "its_mistakes", "changed_entries", AT(vits.shadow_differs),
	  "table entries that the guest changed behind the ITS's back",
	  "Table entries that the guest changed behind the ITS's back" },
	{ "its_mistakes", "ignored_accesses", AT(vits.mmio_ignored), NULL,
	  "Accesses to no register of an ITS, or of a wrong width" },
	{ "kernel_its", "pauses", AT(kernel_its.pauses), NULL,
	  "Times that all vCPUs were paused for KVM's ITS" },
	{ "kernel_its", "commands", AT(kernel_its.commands), NULL,
	  "Commands that KVM's ITS was given" },
	{ "kernel_its", "deferred", AT(kernel_its.deferred), NULL,
	  "Mappings that had to wait for the guest's LPI tables" },
	{ "kernel_its", "not_ready", AT(kernel_its.not_ready),
	  "LPI updates dropped for want of LPI tables",
	  "LPI updates dropped for want of LPI tables" },
	{ "kernel_its", "table_writes", AT(kernel_its.table_writes),
	  "writes to the kernel ITS's tables, ignored",
	  "The guest's writes to queue and tables of KVM's ITS, ignored" },
	{ "redistributors", "reads", AT(redist.vgicr.reads), NULL,
	  "The guest's reads of redistributors" },
	{ "redistributors", "writes", AT(redist.vgicr.writes), NULL,
	  "The guest's writes to redistributors" },
	{ "redistributors", "ignored_accesses", AT(redist.vgicr.ignored), NULL,
	  "Accesses to no register of a redistributor, or of a wrong width" },
	{ "redistributors", "pauses", AT(redist.vgicr.visits), NULL,
	  "Times that all vCPUs were paused for KVM's redistributors" },
	{ "redistributors", "still_active", AT(redist.still_active),
	  "interrupts of a vCPU's own that KVM left active",
	  "Interrupts of a vCPU's own that KVM left active" },
	{ "router", "reaps", AT(router_reaps), NULL, "Times that the router looked for signals" },
	{ "router", "completions", AT(router_completions), NULL, "Signals that the router found" },
	{ "router", "rearmed", AT(router_rearmed), NULL,
	  "Polls of io_uring that ended and were made again" },
	{ "router", "parked", AT(router_parked), NULL,
	  "Times that signals were left waiting for a device's limits" },
	{ "root_ports", "messages", AT(port_msis), NULL,
	  "Interrupts of root ports that were made pending" },
	{ "root_ports", "dropped", AT(port_msis_dropped), NULL,
	  "Interrupts of root ports that went nowhere" },
	{ "aborted", "unreachable", AT(vcpus.unreachable),
	  "accesses to memory that KVM cannot reach, answered with an abort",
	  "Accesses to memory that KVM cannot reach, answered with an abort" },
	{ "aborted", "unemulated", AT(vcpus.unemulated),
	  "accesses that KVM cannot emulate, answered with an abort",
	  "Accesses that KVM cannot emulate, answered with an abort" },
	{ NULL, "unclaimed", AT(unclaimed), "accesses to addresses where nothing is",
	  "Accesses to addresses where nothing is" },
	{ NULL, "panics", AT(panics), NULL,
	  "Panics of the guest's kernel since its boot, at most 1" },
	{ NULL, "trapped_accesses", AT(pci_host.trapped), NULL,
	  "Accesses to BARs that left the guest" },
	{ NULL, "misplaced_bars", AT(pci_host.misplaced),
	  "BARs placed where they cannot be reached", "BARs placed where they cannot be reached" },
};
const size_t nr_machine_counters = ARRAY_SIZE(machine_counters);

uint64_t machine_counter_get(const struct machine_stats *stats, size_t i)
{
	uint64_t n;

	assert(i < nr_machine_counters);
	memcpy(&n, (const char *)stats + machine_counters[i].at, sizeof(n));
	return n;
}

const char *machine_counter_name(size_t i, char name[MACHINE_COUNTER_NAME_SZ])
{
	const char *object = machine_counters[i].object;
	int n = snprintf(name, MACHINE_COUNTER_NAME_SZ, "%s%s%s", object ? object : "",
			 object ? "_" : "", machine_counters[i].name);

	assert(n > 0 && (size_t)n < MACHINE_COUNTER_NAME_SZ);
	(void)n;
	return name;
}
