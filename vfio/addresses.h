/* SPDX-License-Identifier: MIT */
/*
 * The addresses of a network interface of this host, for people. Private to vfio/ and its tests.
 */
#ifndef VFIO_ADDRESSES_H
#define VFIO_ADDRESSES_H

struct ifaddrs;

/* The longest: one address of each family, and how many there are beside them. */
#define ADDRESSES_STRLEN 80u

/*
 * "192.0.2.7, 2001:db8::7 and 3 more": the first of IPv4 and of IPv6, whether the interface is up
 * or not. Those of the link alone do not count: nobody has configured them. "": there is none.
 */
void addresses_of(const struct ifaddrs *list, const char *interface,
		  char ret_text[ADDRESSES_STRLEN]);

#endif
