// SPDX-License-Identifier: MIT
/*
 * What is asked of a machine while it runs.
 *
 * No locks: all of it is the main thread's, but for counters.
 */
#include <assert.h>

#include "vmm/base/clock.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/machine/board.h"
#include "vmm/machine/machine_priv.h"
#include "vmm/machine/slot.h"

static bool has_port(const struct machine *m, unsigned device)
{
	for (size_t i = 0; i < m->nr_ports; i++)
		if (m->ports[i].device == device)
			return true;
	return false;
}

void machine_unplug(struct machine *m, unsigned port)
{
	assert(has_port(m, port));

	slot_empty(m->pci_host, m->cfg.functions, m->cfg.nr_functions, port);
}

int machine_plug(struct machine *m, unsigned port, struct failure *ret_failure)
{
	assert(has_port(m, port));

	return slot_fill(m->pci_host, m->cfg.functions, m->cfg.nr_functions, port, ret_failure);
}

int machine_adopt(struct machine *m, size_t function, struct passthru_offer *offer,
		  struct failure *ret_failure)
{
	assert(function < m->cfg.nr_functions);

	return slot_adopt(m->pci_host, &m->cfg.functions[function], offer, ret_failure);
}

int machine_press(struct machine *m, unsigned port)
{
	return pci_host_press(m->pci_host, port);
}

void machine_press_power(struct machine *m)
{
	board_press_power(m->board);
}

bool machine_hears_power(struct machine *m)
{
	return board_hears_power(m->board);
}

void machine_freeze(struct machine *m)
{
	vcpus_freeze(m->vcpus);
	m->frozen = true;
}

void machine_thaw(struct machine *m)
{
	m->frozen = false;
	vcpus_thaw(m->vcpus);
}

bool machine_is_frozen(const struct machine *m)
{
	return m->frozen;
}

bool machine_has_panicked(const struct machine *m)
{
	return board_has_panicked(m->board);
}

int machine_service(struct machine *m)
{
	int ms = m->routes ? vector_routes_service(m->routes) : -1;

	for (size_t i = 0; i < m->nr_ports; i++)
		if (pci_host_is_ejected(m->pci_host, m->ports[i].device) ||
		    slot_is_wanted_back(m->cfg.functions, m->cfg.nr_functions, m->ports[i].device))
			machine_unplug(m, m->ports[i].device);
	for (size_t i = 0; i < m->nr_wired; i++)
		ms = sooner_ms(ms, passthru_service(&m->cfg.functions[i]));
	return sooner_ms(ms, board_service(m->board));
}

struct vector_routes *machine_routes(struct machine *m)
{
	return m->routes;
}

enum router_engine machine_engine(const struct machine *m)
{
	return m->routes && m->cfg.nr_functions ? vector_routes_engine(m->routes)
						: ROUTER_ENGINE_ANY;
}

struct vits *machine_its(struct machine *m, size_t index)
{
	return vits_set_get(m->its, index);
}

bool machine_delivers_directly(const struct machine *m)
{
	return m->direct;
}

const struct vm *machine_vm(const struct machine *m)
{
	return &m->vm;
}

void machine_stats_get(struct machine *m, struct machine_stats *ret_stats)
{
	*ret_stats = (struct machine_stats){ 0 };
	vcpus_stats_get(m->vcpus, &ret_stats->vcpus);
	vits_set_stats_get(m->its, &ret_stats->vits);
	kernel_its_stats_get(m->kernel_its, &ret_stats->kernel_its);
	kernel_redist_stats_get(m->redist, &ret_stats->redist);
	pci_host_stats_get(m->pci_host, &ret_stats->pci_host);
	if (m->routes)
		vector_routes_stats_get(m->routes, &m->router_stats);
	ret_stats->panics = machine_has_panicked(m);
	ret_stats->unclaimed = m->bus.unclaimed;
	ret_stats->port_msis = m->port_msis;
	ret_stats->port_msis_dropped = m->port_msis_dropped;
	ret_stats->router_reaps = m->router_stats.reaps;
	ret_stats->router_completions = m->router_stats.completions;
	ret_stats->router_rearmed = m->router_stats.rearmed;
	ret_stats->router_parked = m->router_stats.parked;
}
