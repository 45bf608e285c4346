// SPDX-License-Identifier: MIT
/*
 * The addresses of a network interface, in a few words: one of each family, and how many more.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vfio/addresses.h"

#define MOST 8u

/* A list as getifaddrs(3) has it, with what is no address. */
struct interfaces {
	struct ifaddrs list[MOST];
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addresses[MOST];
	size_t nr;
};

static void add(struct interfaces *i, const char *name, const char *text)
{
	struct ifaddrs *new = &i->list[i->nr];

	assert_true(i->nr < MOST);
	if (i->nr)
		i->list[i->nr - 1].ifa_next = new;
	new->ifa_name = (char *)(uintptr_t)name;
	new->ifa_addr = &i->addresses[i->nr].any;
	if (!text)
		new->ifa_addr->sa_family = AF_PACKET;
	else if (inet_pton(AF_INET, text, &i->addresses[i->nr].v4.sin_addr) == 1)
		new->ifa_addr->sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &i->addresses[i->nr].v6.sin6_addr) == 1)
		new->ifa_addr->sa_family = AF_INET6;
	else
		fail_msg("%s is no address", text);
	i->nr++;
}

static void expect(const char *const texts[], const char *want)
{
	struct interfaces i = { 0 };
	char text[ADDRESSES_STRLEN];

	add(&i, "eth0", NULL);
	add(&i, "eth1", "203.0.113.9");
	for (; *texts; texts++)
		add(&i, "eth0", *texts);
	addresses_of(i.list, "eth0", text);
	assert_string_equal(text, want);
}

#define EXPECT(want, ...) expect((const char *const[]){ __VA_ARGS__, NULL }, want)

static void test_one_address_of_each_family_is_told_and_how_many_more(void **state)
{
	(void)state;
	EXPECT("192.0.2.7", "192.0.2.7");
	EXPECT("2001:db8::7", "2001:db8::7");
	EXPECT("192.0.2.7, 2001:db8::7", "2001:db8::7", "192.0.2.7");
	EXPECT("192.0.2.7, 2001:db8::7 and 3 more", "192.0.2.7", "192.0.2.8", "2001:db8::7",
	       "2001:db8::8", "192.0.2.9");
	/* The longest. */
	EXPECT("192.168.100.200, 2001:db8:1111:2222:3333:4444:5555:6666 and 4 more",
	       "192.168.100.200", "2001:db8:1111:2222:3333:4444:5555:6666", "::1", "::2", "::3",
	       "::4");
}

static void test_an_address_of_the_link_alone_is_none(void **state)
{
	(void)state;
	EXPECT("", "fe80::1", "169.254.1.2");
	EXPECT("2001:db8::7", "fe80::1", "2001:db8::7");
	EXPECT("192.0.2.7", "169.254.1.2", "192.0.2.7");
}

static void test_without_an_address_nothing_is_told(void **state)
{
	struct ifaddrs bare = { .ifa_name = (char *)(uintptr_t) "eth0" };
	char text[ADDRESSES_STRLEN] = "x";

	(void)state;
	addresses_of(NULL, "eth0", text);
	assert_string_equal(text, "");
	addresses_of(&bare, "eth0", text);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_address_of_each_family_is_told_and_how_many_more),
		cmocka_unit_test(test_an_address_of_the_link_alone_is_none),
		cmocka_unit_test(test_without_an_address_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
