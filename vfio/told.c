// SPDX-License-Identifier: MIT
/*
 * What a function's own driver tells of it: the serial number of an NVMe controller (NVM Express
 * Base 2.0, Identify Controller, bytes 23:04: ASCII, filled up with blanks), and the MAC addresses
 * of a network card (Documentation/ABI/testing/sysfs-class-net: address, addr_assign_type).
 *
 * The device has written it, so that it can be anything.
 */
#include "vfio/told.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "vfio/pci_priv.h"
#include "vmm/base/bits.h"

/* One function. */
struct asking {
	const struct pci_host_fs *fs;
	char name[PCI_BDF_STRLEN];
	const char *below; /* between its folder and that of its interfaces */
	struct pci_told *told;
};

bool pci_serial_is_sound(const char *text)
{
	size_t len = strlen(text);

	if (!len || len >= PCI_SERIAL_STRLEN || text[0] == ' ' || text[len - 1] == ' ')
		return false;
	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	return true;
}

int pci_mac_parse(const char *text, char ret_mac[PCI_MAC_STRLEN])
{
	bool is_zero = true;

	for (unsigned i = 0; i < PCI_MAC_STRLEN - 1; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i % 3 == 2 ? c != ':' : !isxdigit(c))
			return -EINVAL;
		is_zero &= c == '0' || c == ':';
		ret_mac[i] = (char)tolower(c);
	}
	ret_mac[PCI_MAC_STRLEN - 1] = '\0';
	return text[PCI_MAC_STRLEN - 1] || is_zero ? -EINVAL : 0;
}

/* A file of one of the function's NVMe controllers or interfaces. */
static int read_attr(const struct asking *a, const char *folder, const char *name, const char *attr,
		     char *buf, size_t size)
{
	struct host_path path;
	int r = host_path(&path, a->fs, "/sys/bus/pci/devices/%s/%s%s/%s/%s", a->name, a->below,
			  folder, name, attr);

	return r < 0 ? r : host_read_text(path.text, buf, size);
}

/*
 * While a controller starts, Linux 6.1 has no serial number for it yet, and prints "(efault)" in
 * its place.
 */
static int visit_nvme(void *ctx, const char *name)
{
	static const char *const starting[] = { "new", "resetting", "connecting" };
	const struct asking *a = ctx;
	char state[32], text[64];
	size_t from, len;

	if (read_attr(a, "nvme", name, "state", state, sizeof(state)) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(starting); i++)
		a->told->is_starting |= !strcmp(state, starting[i]);
	if (strcmp(state, "live") || read_attr(a, "nvme", name, "serial", text, sizeof(text)) < 0)
		return 0;
	for (len = strlen(text); len && text[len - 1] == ' '; len--)
		text[len - 1] = '\0';
	from = strspn(text, " ");
	if (pci_serial_is_sound(text + from))
		strcpy(a->told->serial, text + from);
	return 0;
}

static void add_mac(struct pci_told *told, const char *mac)
{
	unsigned at = 0;

	while (at < told->nr_macs && strcmp(told->macs[at], mac) < 0)
		at++;
	if (at == PCI_MACS_MAX || (at < told->nr_macs && !strcmp(told->macs[at], mac)))
		return;
	if (told->nr_macs < PCI_MACS_MAX)
		told->nr_macs++;
	for (unsigned i = told->nr_macs - 1; i > at; i--)
		memcpy(told->macs[i], told->macs[i - 1], PCI_MAC_STRLEN);
	memcpy(told->macs[at], mac, PCI_MAC_STRLEN);
}

/*
 * The function's own address: not one that the host made up or gave it (addr_assign_type other than
 * 0, NET_ADDR_PERM). A bond gives its own to all of its interfaces, and remembers theirs.
 */
static int visit_net(void *ctx, const char *name)
{
	const struct asking *a = ctx;
	char text[64], mac[PCI_MAC_STRLEN];
	int r = read_attr(a, "net", name, "bonding_slave/perm_hwaddr", text, sizeof(text));

	if (r < 0) {
		r = read_attr(a, "net", name, "addr_assign_type", text, sizeof(text));
		if (r < 0 || strcmp(text, "0"))
			return 0;
		r = read_attr(a, "net", name, "address", text, sizeof(text));
	}
	if (r == 0 && pci_mac_parse(text, mac) == 0)
		add_mac(a->told, mac);
	return 0;
}

static void each_below(struct asking *a, const char *folder,
		       int (*visit)(void *ctx, const char *name))
{
	struct host_path path;

	if (host_path(&path, a->fs, "/sys/bus/pci/devices/%s/%s%s", a->name, a->below, folder) == 0)
		(void)!host_each_entry(path.text, visit, a);
}

/* The interfaces of virtio's are one device further down. */
static int visit_child(void *ctx, const char *name)
{
	struct asking *a = ctx;
	struct asking below = *a;
	char folder[40];

	if (strncmp(name, "virtio", strlen("virtio")) != 0 || strlen(name) > 32)
		return 0;
	(void)snprintf(folder, sizeof(folder), "%s/", name);
	below.below = folder;
	each_below(&below, "net", visit_net);
	return 0;
}

void pci_told_get(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		  struct pci_told *ret_told)
{
	struct asking a = { .fs = fs, .below = "", .told = ret_told };

	*ret_told = (struct pci_told){ 0 };
	pci_bdf_format(bdf, a.name);
	each_below(&a, "nvme", visit_nvme);
	each_below(&a, "net", visit_net);
	each_below(&a, "", visit_child);
}
