// SPDX-License-Identifier: MIT
/*
 * Where devices are on the guest's PCI buses: PCI Local Bus 3.0, 3.2.2.3.4 (devices of several
 * functions).
 *
 * No locks.
 */
#include "vmm/config/config_place.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci.h>
#include <stdio.h>
#include <string.h>

_Static_assert(CONFIG_MAX_DEVICES <= 32, "a bus has a place for each");

int config_place_parse(const char *text, uint32_t *ret_devfn)
{
	static const char digits[] = "0123456789abcdef";
	const char *high = text[0] ? strchr(digits, text[0]) : NULL;
	const char *low = high && text[1] ? strchr(digits, text[1]) : NULL;
	unsigned device;

	if (!low || text[2] != '.' || text[3] < '0' || text[3] > '7' || text[4] != '\0')
		return -EINVAL;
	device = (unsigned)(high - digits) << 4 | (unsigned)(low - digits);
	if (device > 31)
		return -EINVAL;
	*ret_devfn = PCI_DEVFN(device, (unsigned)(text[3] - '0'));
	return 0;
}

const char *config_place_format(uint32_t devfn, char buf[CONFIG_PLACE_STRLEN])
{
	(void)snprintf(buf, CONFIG_PLACE_STRLEN, "%02x.%x", PCI_SLOT(devfn), PCI_FUNC(devfn));
	return buf;
}

/*
 * Which device of the host's the function is of, and its number there, as far as the file says so:
 * all but the last digit of its address, or of its path ("0000:00/01.0/00" and 0).
 */
static bool find_host_device(const struct config_device *d, char ret_device[PCI_PATH_STRLEN],
			     uint32_t *ret_fn)
{
	enum pci_name_part part = d->wanted.has_bdf ? PCI_NAME_BDF : PCI_NAME_PATH;
	char *dot;

	if (!pci_name_has(&d->wanted, part))
		return false;
	dot = strrchr(pci_name_value(&d->wanted, part, ret_device), '.');
	/* A virtual function's path ends in "/vf0": no siblings of it are known. */
	if (!dot || dot[1] == '\0' || dot[2] != '\0')
		return false;
	*ret_fn = (uint32_t)(dot[1] - '0');
	*dot = '\0';
	return true;
}

/* The function 0 that the device goes beside, *ret_fn its own number; NULL: none. */
static const struct config_device *sibling_of(const struct config *c, const struct config_device *d,
					      uint32_t *ret_fn)
{
	char own[PCI_PATH_STRLEN], other[PCI_PATH_STRLEN];
	uint32_t fn;

	if (!find_host_device(d, own, ret_fn) || *ret_fn == 0)
		return NULL;
	for (size_t i = 0; i < c->nr_devices; i++) {
		const struct config_device *first = &c->devices[i];

		if (find_host_device(first, other, &fn) && fn == 0 && strcmp(own, other) == 0)
			return first->has_devfn && PCI_FUNC(first->devfn) != 0 ? NULL : first;
	}
	return NULL;
}

/* All functions of a device are behind its root port, or none is. */
static void follow_siblings(const struct config *c, struct config_device *d)
{
	for (size_t i = 0; i < c->nr_devices && !d->has_root_port; i++) {
		const struct config_device *other = &c->devices[i];

		if (other->has_root_port && PCI_SLOT(other->devfn) == PCI_SLOT(d->devfn))
			d->root_port = other->root_port;
	}
}

void config_place_devices(struct config *c)
{
	uint32_t taken = 0; /* bit n: device n of the bus */
	uint32_t fn;

	for (size_t i = 0; i < c->nr_devices; i++)
		if (c->devices[i].has_devfn)
			taken |= UINT32_C(1) << PCI_SLOT(c->devices[i].devfn);
	for (size_t i = 0; i < c->nr_devices; i++) {
		struct config_device *d = &c->devices[i];

		if (d->has_devfn || sibling_of(c, d, &fn))
			continue;
		/* Each device of the file has taken one at most. */
		assert(taken != UINT32_MAX);
		d->devfn = PCI_DEVFN((uint32_t)__builtin_ctz(~taken), 0);
		taken |= UINT32_C(1) << PCI_SLOT(d->devfn);
	}
	for (size_t i = 0; i < c->nr_devices; i++) {
		struct config_device *d = &c->devices[i];
		const struct config_device *first = sibling_of(c, d, &fn);

		if (!d->has_devfn && first)
			d->devfn = PCI_DEVFN(PCI_SLOT(first->devfn), fn);
	}
	for (size_t i = 0; i < c->nr_devices; i++)
		follow_siblings(c, &c->devices[i]);
}

uint32_t config_place_root_ports(const struct config *c)
{
	uint32_t ports = 0;

	for (size_t i = 0; i < c->nr_devices + c->hotplug_ports; i++)
		if (c->devices[i].root_port)
			ports |= UINT32_C(1) << PCI_SLOT(c->devices[i].devfn);
	return ports;
}

uint32_t config_place_requester_id(const struct config *c, const struct config_device *d)
{
	uint32_t below = (UINT32_C(1) << PCI_SLOT(d->devfn)) - 1;
	uint32_t bus = 1 + (uint32_t)__builtin_popcount(config_place_root_ports(c) & below);

	return d->root_port ? bus << 8 | PCI_FUNC(d->devfn) : d->devfn;
}
