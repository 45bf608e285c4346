// SPDX-License-Identifier: MIT
/*
 * Root ports that are kept free. No locks.
 */
#include "vmm/config/config_hotplug.h"

#include <linux/pci.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/config/config_key.h"
#include "vmm/config/config_place.h"

/* Bit n: device n of the bus is somebody's. */
static uint32_t taken_places(const struct config *c, size_t nr)
{
	uint32_t taken = 0;

	for (size_t i = 0; i < nr; i++)
		taken |= UINT32_C(1) << PCI_SLOT(c->devices[i].devfn);
	return taken;
}

static enum config_hotplug_obstacle place_one(struct config *c, size_t n)
{
	struct config_device *d = &c->devices[c->nr_devices + n];
	uint32_t taken = taken_places(c, c->nr_devices + n);
	char name[CONFIG_NAME_MAX + 1];

	if (c->nr_devices + n == CONFIG_MAX_DEVICES || taken == UINT32_MAX)
		return CONFIG_HOTPLUG_PLACES;
	if (config_block_init(SCOPE_DEVICE, d) < 0)
		return CONFIG_HOTPLUG_NO_MEMORY;
	(void)snprintf(name, sizeof(name), "hotplug%zu", n);
	d->name = strdup(name);
	d->devfn = PCI_DEVFN((uint32_t)__builtin_ctz(~taken), 0);
	d->root_port = true;
	d->on_request = NOTICE_WISH_REMOVE;
	return d->name ? CONFIG_HOTPLUG_FITS : CONFIG_HOTPLUG_NO_MEMORY;
}

enum config_hotplug_obstacle config_hotplug_place(struct config *c)
{
	const uint32_t wanted = c->hotplug_ports;
	enum config_hotplug_obstacle obstacle = CONFIG_HOTPLUG_FITS;

	c->hotplug_ports = 0;
	while (obstacle == CONFIG_HOTPLUG_FITS && c->hotplug_ports < wanted) {
		obstacle = place_one(c, c->hotplug_ports);
		c->hotplug_ports += obstacle == CONFIG_HOTPLUG_FITS;
	}
	if (wanted && obstacle == CONFIG_HOTPLUG_FITS &&
	    __builtin_popcount(config_place_root_ports(c)) > (int)LAYOUT_MAX_BUSES - 1)
		obstacle = CONFIG_HOTPLUG_PORTS;
	return obstacle;
}

/* What the port, or what is behind it, would be mistaken for. */
static enum config_hotplug_obstacle look_at_one(const struct config *c,
						const struct config_device *d)
{
	for (size_t i = 0; i < c->nr_devices; i++) {
		const struct config_device *other = &c->devices[i];

		if (other->name && strcmp(other->name, d->name) == 0)
			return CONFIG_HOTPLUG_NAME;
		if (other->its == 0 && (other->devid == d->devfn || other->devid == d->devid))
			return CONFIG_HOTPLUG_DEVID;
	}
	return (uint64_t)d->devid >> c->its[0].devid_bits ? CONFIG_HOTPLUG_DEVID
							  : CONFIG_HOTPLUG_FITS;
}

enum config_hotplug_obstacle config_hotplug_look(const struct config *c)
{
	enum config_hotplug_obstacle obstacle = CONFIG_HOTPLUG_FITS;

	for (size_t i = 0; i < c->hotplug_ports && obstacle == CONFIG_HOTPLUG_FITS; i++)
		obstacle = look_at_one(c, &c->devices[c->nr_devices + i]);
	return obstacle;
}
