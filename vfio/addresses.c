// SPDX-License-Identifier: MIT
/*
 * Addresses of network interfaces. Documents: getifaddrs(3), ip(7), ipv6(7), RFC 3927 and RFC 4291,
 * 2.5.6 (addresses of a link). No locks.
 */
#include "vfio/addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* RFC 3927: 169.254.0.0/16. */
#define LINK_LOCAL_NET	0xa9fe0000u
#define LINK_LOCAL_MASK 0xffff0000u

struct found {
	unsigned nr;
	char first[INET6_ADDRSTRLEN];
};

static void take(struct found *found, int family, const void *address)
{
	if (!found->nr && !inet_ntop(family, address, found->first, sizeof(found->first)))
		return;
	found->nr++;
}

static void take_v4(struct found *found, const struct sockaddr *address)
{
	struct sockaddr_in v4;

	memcpy(&v4, address, sizeof(v4));
	if ((ntohl(v4.sin_addr.s_addr) & LINK_LOCAL_MASK) != LINK_LOCAL_NET)
		take(found, AF_INET, &v4.sin_addr);
}

static void take_v6(struct found *found, const struct sockaddr *address)
{
	struct sockaddr_in6 v6;

	memcpy(&v6, address, sizeof(v6));
	if (!IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr))
		take(found, AF_INET6, &v6.sin6_addr);
}

void addresses_of(const struct ifaddrs *list, const char *interface,
		  char ret_text[ADDRESSES_STRLEN])
{
	struct found v4 = { 0 }, v6 = { 0 };
	unsigned more;
	int len;

	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		if (!i->ifa_addr || strcmp(i->ifa_name, interface) != 0)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			take_v4(&v4, i->ifa_addr);
		else if (i->ifa_addr->sa_family == AF_INET6)
			take_v6(&v6, i->ifa_addr);
	}
	len = snprintf(ret_text, ADDRESSES_STRLEN, "%s%s%s", v4.first, v4.nr && v6.nr ? ", " : "",
		       v6.first);
	more = v4.nr + v6.nr - (v4.nr > 0) - (v6.nr > 0);
	if (more)
		(void)snprintf(ret_text + len, ADDRESSES_STRLEN - (size_t)len, " and %u more",
			       more);
}
