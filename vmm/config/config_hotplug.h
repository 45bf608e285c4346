/* SPDX-License-Identifier: MIT */
/*
 * Root ports that are kept free (hotplug-ports), and what can be put behind them while the guest
 * runs.
 */
#ifndef VMM_CONFIG_CONFIG_HOTPLUG_H
#define VMM_CONFIG_CONFIG_HOTPLUG_H

#include "vmm/config/config.h"

/* Why hotplug-ports of them cannot be. */
enum config_hotplug_obstacle {
	CONFIG_HOTPLUG_FITS,
	CONFIG_HOTPLUG_PORTS,  /* there are more root ports than buses behind them */
	CONFIG_HOTPLUG_PLACES, /* no device number of bus 0 is left, or there are too many devices
				*/
	CONFIG_HOTPLUG_NAME,   /* a device of the file has the name of one */
	CONFIG_HOTPLUG_DEVID,  /* one's DeviceID, or its port's, is a device's, or beyond the ITS */
	CONFIG_HOTPLUG_NO_MEMORY,
};

/*
 * Give each of the ports that the configuration asks for a place, behind its devices, which have
 * theirs: the first device of the bus that is free; and a name, "hotplug0" and so on. Those that
 * cannot be are none: hotplug_ports is less then.
 */
enum config_hotplug_obstacle config_hotplug_place(struct config *config);
/* The same of what all have then: names, and DeviceIDs. */
enum config_hotplug_obstacle config_hotplug_look(const struct config *config);

#endif
