// SPDX-License-Identifier: MIT
/*
 * Configuration files: each message about what is not accepted.
 *
 * The messages are compared as a whole: an error too many, one that is missing
 * and one with the wrong line all fail.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/config/config_world.h"
#include "vitsmod/bits.h"
#include "vmm/config/config.h"
#include "vmm/kvm/layout.h"

static const struct {
	const char *why, *text, *want;
} mistakes[] = {
	{ "empty file", "",
	  "t.conf:1: error: 'kernel' is missing: the file of the guest's kernel\n" },
	{ "kernel is empty", "kernel = \"\"\n",
	  "t.conf:1: error: 'kernel' is empty: it names the kernel's file\n" },
	{ "neither kernel nor disk", "boot = flash\n",
	  "t.conf:1: error: 'boot' is \"kernel\" or \"disk\", not 'flash'\n" },
	{ "firmware without a disk", VALID "firmware = \"/f\"\n",
	  "t.conf:2: error: 'firmware' is for boot = \"disk\"\n" },
	{ "a disk without a device", "vcpus = 1\nboot = disk\n",
	  "t.conf:2: error: 'boot' is \"disk\", and there is no device that has one\n" },
	{ "kernel and disk",
	  "kernel = \"Image\"\nboot = disk\ninitrd = \"i\"\ncmdline = \"quiet\"\n"
	  "kernel-format = image\ndevice d {\nbdf = 00:01.0\n}\n",
	  "t.conf:1: error: 'kernel' and boot = \"disk\" exclude each other: the disk has what the "
	  "guest starts from\n"
	  "t.conf:3: error: 'initrd' and boot = \"disk\" exclude each other: the disk has what the "
	  "guest starts from\n"
	  "t.conf:4: error: 'cmdline' and boot = \"disk\" exclude each other: the disk has what "
	  "the "
	  "guest starts from\n"
	  "t.conf:5: error: 'kernel-format' and boot = \"disk\" exclude each other: the disk has "
	  "what "
	  "the guest starts from\n" },
	{ "mistyped key", VALID "memroy = \"1G\"\n",
	  "t.conf:2: error: unknown key 'memroy': did you mean 'memory'?\n" },
	{ "key of another kind of case", VALID "Vcpus = 2\n",
	  "t.conf:2: error: unknown key 'Vcpus': did you mean 'vcpus'?\n" },
	{ "key like no other", VALID "colour = \"red\"\n",
	  "t.conf:2: error: unknown key 'colour'\n" },
	{ "mistyped key of a device", VALID "device \"a\" {\n  bfd = \"0000:01:00.0\"\n}\n",
	  "t.conf:2: error: device \"a\" has none of 'bdf', 'path', 'pci-id', 'serial', 'mac': "
	  "they say which function it is\n"
	  "t.conf:3: error: unknown key 'bfd': did you mean 'bdf'?\n" },
	{ "key of a device outside of one", VALID "bdf = \"0000:01:00.0\"\n",
	  "t.conf:2: error: unknown key 'bdf' outside of a block: it belongs to a "
	  "device\n" },
	{ "key of the guest in a device",
	  VALID "device \"a\" { bdf = \"0000:01:00.0\"\nvcpus = 2 }\n",
	  "t.conf:3: error: unknown key 'vcpus' in a device block: it stands outside of "
	  "the "
	  "blocks\n" },
	{ "device as a key of a device",
	  VALID "device \"a\" { bdf = \"0000:01:00.0\"\ndevice = 1\nfoo = 2 }\nbar = 3\n",
	  "t.conf:3: error: unknown key 'device' in a device block: it stands outside of "
	  "the blocks\n"
	  "t.conf:4: error: unknown key 'foo'\n"
	  "t.conf:5: error: unknown key 'bar'\n" },
	{ "no path", VALID "device d {\npath = \"01:00.0\"\n}\n",
	  "t.conf:3: error: 'path' is a root bus, and device.function of all on the way down, such "
	  "as \"0000:00/01.0/00.0\", not '01:00.0'\n" },
	{ "no PCI ID", VALID "device d {\npci-id = \"8086\"\n}\n",
	  "t.conf:3: error: 'pci-id' is vendor and device such as \"8086:10d3\", not '8086'\n" },
	{ "a serial number that no device has", VALID "device d {\nserial = \"S64 \"\n}\n",
	  "t.conf:3: error: 'serial' is 1 to 23 ASCII characters without blanks at its ends, not "
	  "'S64 '\n" },
	{ "no MAC address", VALID "device d {\nmac = \"525400123456\"\n}\n",
	  "t.conf:3: error: 'mac' is a MAC address such as \"52:54:00:12:34:56\", not "
	  "'525400123456'\n" },
	{ "a driver that is none of VFIO's", VALID "device d {\nbdf = 00:01.0\ndriver = nvme\n}\n",
	  "t.conf:4: error: 'driver' is \"auto\" or \"vfio-pci\", not 'nvme'\n" },
	{ "one path twice, in two spellings",
	  VALID "device a {\npath = \"0000:00/01.0\"\n}\ndevice b {\npath = \"0:0/1.0\"\n}\n",
	  "t.conf:6: error: 0000:00/01.0 is the device \"a\" already: line 3\n" },
	{ "libconfuse's include()", VALID "include(\"/etc/passwd\")\n",
	  "t.conf:2: error: stray '(': values with it stand in quotes\n"
	  "t.conf:2: error: stray ')': values with it stand in quotes\n" },
	{ "the option that carries the context", VALID "\"(context)\" = 5\n",
	  "t.conf:2: error: this string belongs to no key: is a quote missing before it?\n"
	  "t.conf:2: error: no key stands before '='\n" },
	{ "a path into another block",
	  VALID "device \"a\" { bdf = \"0000:01:00.0\" }\n\"device=a|bdf\" = \"x\"\n",
	  "t.conf:3: error: this string belongs to no key: is a quote missing before it?\n"
	  "t.conf:3: error: no key stands before '='\n" },
	{ "a name with a slash", VALID "name = a/b\n",
	  "t.conf:2: error: 'name' is 1 to 31 letters, digits, '-' or '_', not 'a/b'\n" },
	{ "no name", VALID "name = ''\n",
	  "t.conf:2: error: 'name' is 1 to 31 letters, digits, '-' or '_', not ''\n" },
	{ "a name of 32 letters", VALID "name = 01234567890123456789012345678901\n",
	  "t.conf:2: error: 'name' is 1 to 31 letters, digits, '-' or '_', not "
	  "'01234567890123456789012345678901'\n" },
	{ "wrong type", VALID "vcpus = \"two\"\n",
	  "t.conf:2: error: 'vcpus' is a number from 1 to 512, not 'two'\n" },
	{ "no such route", VALID "route = \"io_uring\"\n",
	  "t.conf:2: error: 'route' is \"uring\", \"spin\", \"irqfd\" or \"auto\", not "
	  "'io_uring'\n" },
	{ "no such CPU for MSIs", VALID "device d {\nbdf = 00:01.0\nmsi-cpu = 1024\n}\n",
	  "t.conf:4: error: 'msi-cpu' is \"any\" or a number from 0 to 1023, not '1024'\n" },
	{ "neither CPU nor any", VALID "device d {\nbdf = 00:01.0\nmsi-cpu = all\n}\n",
	  "t.conf:4: error: 'msi-cpu' is \"any\" or a number from 0 to 1023, not 'all'\n" },
	{ "a quiet rate that is no lower",
	  VALID "device d {\nbdf = 00:01.0\nhot-rate = 50\nquiet-rate = 50\n}\n",
	  "t.conf:5: error: 'quiet-rate' (50) must be below 'hot-rate' (50)\n" },
	{ "a hot rate below the quiet one that holds without the key",
	  VALID "device d {\nbdf = 00:01.0\nhot-rate = 5\n}\n",
	  "t.conf:4: error: 'quiet-rate' (10) must be below 'hot-rate' (5)\n" },
	{ "no such way", VALID "device d {\nbdf = 00:01.0\nauto-uncounted = spin\n}\n",
	  "t.conf:4: error: 'auto-uncounted' is \"uring\" or \"irqfd\", not 'spin'\n" },
	{ "a burst of nothing", VALID "device d {\nbdf = 00:01.0\nstorm-burst = 0\n}\n",
	  "t.conf:4: error: 'storm-burst' is a number from 1 to 1000000, not '0'\n" },
	{ "a limit for the whole guest", VALID "storm-rate = 5\n",
	  "t.conf:2: error: unknown key 'storm-rate' outside of a block: it belongs to a "
	  "device\n" },
	{ "no such CPU", VALID "router-cpu = 1024\n",
	  "t.conf:2: error: 'router-cpu' is a number from 0 to 1023, not '1024'\n" },
	{ "no such policy", VALID "router-sched = \"fifo\"\n",
	  "t.conf:2: error: 'router-sched' is \"other\", or \"fifo:1\" to \"fifo:99\", not "
	  "'fifo'\n" },
	{ "no such priority", VALID "vcpu-sched = \"fifo:100\"\n",
	  "t.conf:2: error: 'vcpu-sched' is \"other\", or \"fifo:1\" to \"fifo:99\", not "
	  "'fifo:100'\n" },
	{ "not a list", VALID "vcpu-cpus = \"3-\"\n",
	  "t.conf:2: error: 'vcpu-cpus' is a list of CPUs such as \"2-5,8\", not '3-'\n" },
	{ "a list that goes down", VALID "vcpu-cpus = \"3-2\"\n",
	  "t.conf:2: error: 'vcpu-cpus' is a list of CPUs such as \"2-5,8\", not '3-2'\n" },
	{ "as many CPUs as there are none", VALID "vcpus = 2\nvcpu-cpus = 3\n",
	  "t.conf:3: error: 'vcpu-cpus' names 1 CPUs: 2 are needed, one for each of 'vcpus'\n" },
	{ "number with something behind it", VALID "vcpus = 2x\n",
	  "t.conf:2: error: 'vcpus' is a number from 1 to 512, not '2x'\n" },
	{ "number with a size's suffix", VALID "vcpus = 1K\n",
	  "t.conf:2: error: 'vcpus' is a number from 1 to 512, not '1K'\n" },
	{ "empty number", VALID "vcpus = \"\"\n",
	  "t.conf:2: error: 'vcpus' is a number from 1 to 512, not ''\n" },
	{ "0x and nothing", VALID "vcpus = 0x\n",
	  "t.conf:2: error: 'vcpus' is a number from 1 to 512, not '0x'\n" },
	{ "negative", VALID "vcpus = -1\n",
	  "t.conf:2: error: 'vcpus' is a number from 1 to 512, not '-1'\n" },
	{ "below the range", VALID "vcpus = 0\n",
	  "t.conf:2: error: 'vcpus' is a number from 1 to 512, not '0'\n" },
	{ "above the range", VALID "vcpus = 513\n",
	  "t.conf:2: error: 'vcpus' is a number from 1 to 512, not '513'\n" },
	{ "2^64 + 1", VALID "vcpus = 18446744073709551617\n",
	  "t.conf:2: error: 'vcpus' is a number from 1 to 512, not "
	  "'18446744073709551617'\n" },
	{ "what libconfuse reads as octal", VALID "vcpus = 010\n",
	  "t.conf:2: error: 'vcpus' begins with a zero: write it without\n" },
	{ "octal size", VALID "memory = \"0512M\"\n",
	  "t.conf:2: error: 'memory' begins with a zero: write it without\n" },
	{ "memory below the least", VALID "memory = \"63M\"\n",
	  "t.conf:2: error: 'memory' is from 64M to 511G, not '63M'\n" },
	{ "memory above the most", VALID "memory = \"512G\"\n",
	  "t.conf:2: error: 'memory' is from 64M to 511G, not '512G'\n" },
	{ "memory in what is no kind of pages", VALID "memory-backing = \"hugetlbfs\"\n",
	  "t.conf:2: error: 'memory-backing' is \"thp\" or a size such as \"hugetlb:2M\", not "
	  "'hugetlbfs'\n" },
	{ "memory in huge pages without a size", VALID "memory-backing = \"hugetlb:\"\n",
	  "t.conf:2: error: 'memory-backing' is \"thp\" or a size such as \"hugetlb:2M\", not "
	  "'hugetlb:'\n" },
	{ "huge pages that are no power of two", VALID "memory-backing = \"hugetlb:3M\"\n",
	  "t.conf:2: error: 'memory-backing' is \"thp\" or a size such as \"hugetlb:2M\", not "
	  "'hugetlb:3M'\n" },
	{ "memory that ends within a huge page",
	  VALID "memory = \"1536M\"\nmemory-backing = \"hugetlb:1G\"\n",
	  "t.conf:3: error: 'memory-backing' has pages of 1 GiB, and 'memory', 1,536 MiB, "
	  "is no multiple of that\n" },
	{ "memory of 2^64 by its suffix", VALID "memory = \"17179869184G\"\n",
	  "t.conf:2: error: 'memory' is from 64M to 511G, not '17179869184G'\n" },
	{ "memory that is no number of pages", VALID "memory = \"65537K\"\n",
	  "t.conf:2: error: 'memory' is a multiple of 64K, and '65537K' is not\n" },
	{ "memory with an unknown suffix", VALID "memory = \"1T\"\n",
	  "t.conf:2: error: 'memory' is a size such as \"512M\" or \"4G\", not '1T'\n" },
	{ "memory with two suffixes", VALID "memory = \"1MB\"\n",
	  "t.conf:2: error: 'memory' is a size such as \"512M\" or \"4G\", not '1MB'\n" },
	{ "duplicate key", VALID "vcpus = 2\n\nvcpus = 3\n",
	  "t.conf:4: error: 'vcpus' given twice: first on line 2\n" },
	{ "duplicate key in a device",
	  VALID "device \"a\" { bdf = \"0000:01:00.0\"\nbdf = \"0000:01:00.1\" }\n",
	  "t.conf:3: error: 'bdf' given twice: first on line 2\n" },
	{ "duplicate title",
	  VALID "device \"a\" { bdf = \"0000:01:00.0\" }\n"
		"device \"a\" { bdf = \"0000:01:00.1\" }\n",
	  "t.conf:3: error: device \"a\" exists already: line 2\n" },
	{ "one function twice, spelt in two ways",
	  VALID "device \"a\" {\n bdf = \"0000:0A:00.0\"\n}\n"
		"device \"b\" {\n bdf = \"0a:00.0\"\n}\n",
	  "t.conf:6: error: 0000:0a:00.0 is the device \"a\" already: line 3\n" },
	{ "two bad functions are not the same",
	  VALID "device \"a\" { bdf = \"x\" }\n"
		"device \"b\" { bdf = \"y\" }\n",
	  "t.conf:2: error: 'bdf' is the address of a PCI function such as "
	  "\"0000:01:00.0\", not 'x'\n"
	  "t.conf:3: error: 'bdf' is the address of a PCI function such as "
	  "\"0000:01:00.0\", not 'y'\n" },
	{ "empty block", VALID "\ndevice \"a\" {\n}\n",
	  "t.conf:3: error: device \"a\" has none of 'bdf', 'path', 'pci-id', 'serial', 'mac': "
	  "they say which function it is\n" },
	{ "name of a device", VALID "device \"a b\" { bdf = \"0000:01:00.0\" }\n",
	  "t.conf:2: error: the name of a device is 1 to 31 letters, digits, '-' or '_', "
	  "not \"a b\"\n" },
	{ "empty name", VALID "device \"\" { bdf = \"0000:01:00.0\" }\n",
	  "t.conf:2: error: the name of a device is 1 to 31 letters, digits, '-' or '_', "
	  "not \"\"\n" },
	{ "no name", VALID "device { bdf = \"0000:01:00.0\" }\n",
	  "t.conf:2: error: missing title for section 'device'\n" },
	{ "too many events", VALID "device \"a\" { bdf = \"0000:01:00.0\" events = 65537 }\n",
	  "t.conf:2: error: 'events' is a number from 0 to 65536, not '65537'\n" },
};

static void test_each_mistake_is_reported_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		print_message("%s\n", mistakes[i].why);
		config_expect_messages(mistakes[i].text, NULL, 0, mistakes[i].want);
	}
}

#define ITS(keys)    VALID "its \"a\" { " keys " }\n"
#define DEV(n, keys) "device \"d" #n "\" { bdf = \"0" #n ":00.0\" " keys " }\n"

static const struct {
	const char *why, *text, *want;
} its_mistakes[] = {
	{ "no bits", ITS("devid-bits = 0"),
	  "t.conf:2: error: 'devid-bits' is a number from 1 to 32, not '0'\n" },
	{ "too many bits of DeviceIDs", ITS("devid-bits = 33"),
	  "t.conf:2: error: 'devid-bits' is a number from 1 to 32, not '33'\n" },
	{ "no events", ITS("eventid-bits = 0"),
	  "t.conf:2: error: 'eventid-bits' is a number from 1 to 16, not '0'\n" },
	{ "too many bits of EventIDs", ITS("eventid-bits = 17"),
	  "t.conf:2: error: 'eventid-bits' is a number from 1 to 16, not '17'\n" },
	{ "too few LPIs", ITS("lpis = 31"),
	  "t.conf:2: error: 'lpis' is a number from 32 to 57344, not '31'\n" },
	{ "too many LPIs", ITS("lpis = 57345"),
	  "t.conf:2: error: 'lpis' is a number from 32 to 57344, not '57345'\n" },
	{ "wrong word", ITS("on-error = \"Stall\""),
	  "t.conf:2: error: 'on-error' is \"skip\" or \"stall\", not 'Stall'\n" },
	{ "mistyped key", ITS("devid-bit = 2"),
	  "t.conf:2: error: unknown key 'devid-bit': did you mean 'devid-bits'?\n" },
	{ "key given twice", ITS("lpis = 64\n lpis = 64"),
	  "t.conf:3: error: 'lpis' given twice: first on line 2\n" },
	{ "key of an ITS in a device", VALID DEV(1, "lpis = 64"),
	  "t.conf:2: error: unknown key 'lpis' in a device block: it belongs to an ITS\n" },
	{ "key of a device in an ITS", ITS("its = \"b\""),
	  "t.conf:2: error: unknown key 'its' in an ITS block: it belongs to a device\n" },
	{ "key of the guest in an ITS", ITS("vcpus = 2"),
	  "t.conf:2: error: unknown key 'vcpus' in an ITS block: it stands outside of the "
	  "blocks\n" },
	{ "name of a block as a key of another, behind which blocks are read as before",
	  VALID DEV(1, "device = 2") DEV(2, "events = x"),
	  "t.conf:2: error: unknown key 'device' in a device block: it stands outside of the "
	  "blocks\n"
	  "t.conf:3: error: 'events' is a number from 0 to 65536, not 'x'\n" },
	{ "key of an ITS outside of one", VALID "lpis = 64\n",
	  "t.conf:2: error: unknown key 'lpis' outside of a block: it belongs to an ITS\n" },
	{ "key of a device that begins a block elsewhere", VALID "its = \"a\"\n",
	  "t.conf:2: error: missing title for section 'its'\n" },
	{ "unknown block", VALID "itss \"a\" { }\n",
	  "t.conf:2: error: unknown key 'itss': did you mean 'its'?\n" },
	{ "no title", VALID "its { lpis = 64 }\n",
	  "t.conf:2: error: missing title for section 'its'\n" },
	{ "name", VALID "its \"a b\" { }\n",
	  "t.conf:2: error: the name of an ITS is 1 to 31 letters, digits, '-' or '_', "
	  "not \"a b\"\n" },
	{ "duplicate title", ITS("") DEV(1, "") "its \"a\" { lpis = 1 }\n",
	  "t.conf:4: error: ITS \"a\" exists already: line 2\n" },
	{ "ITS that does not exist", VALID "its \"slow\" { }\n" DEV(1, "its = \"slwo\""),
	  "t.conf:3: error: there is no ITS \"slwo\": did you mean \"slow\"?\n" },
	{ "ITS like no other", ITS("") DEV(1, "its = \"nowhere\""),
	  "t.conf:3: error: there is no ITS \"nowhere\"\n" },
	{ "the ITS without a block, where there is one", ITS("") DEV(1, "its = \"its\""),
	  "t.conf:3: error: there is no ITS \"its\"\n" },
	{ "DeviceID of 33 bits", VALID DEV(1, "devid = 0x100000000"),
	  "t.conf:2: error: 'devid' is a number from 0 to 4294967295, not '0x100000000'\n" },
	{ "DeviceID beyond the default", VALID DEV(1, "\n devid = 0x10000"),
	  "t.conf:3: error: 'devid' is at most 0xffff, by the devid-bits of ITS \"its\", not "
	  "0x10000\n" },
	{ "DeviceID beyond its ITS, not the first",
	  ITS("") "its \"b\" { devid-bits = 4 }\n" DEV(1, "its = \"b\" devid = 16"),
	  "t.conf:4: error: 'devid' is at most 0xf, by the devid-bits of ITS \"b\", not 0x10\n" },
	{ "requester ID beyond its ITS", ITS("devid-bits = 3") DEV(1, "") DEV(2, ""),
	  "t.conf:4: error: device \"d2\" needs a 'devid': without one it is its requester ID, "
	  "0x8, and ITS \"a\" has 3 devid-bits\n" },
	{ "one DeviceID twice", VALID DEV(1, "\n devid = 9") DEV(2, "devid = 9"),
	  "t.conf:4: error: DeviceID 0x9 on ITS \"its\" is of device \"d1\" already: line 3\n" },
	{ "DeviceID of another's requester ID", ITS("") DEV(1, "") DEV(2, "devid = 0"),
	  "t.conf:4: error: DeviceID 0x0 on ITS \"a\" is of device \"d1\" already: line 3\n" },
	{ "requester ID of another's DeviceID", VALID DEV(1, "\ndevid = 8") DEV(2, ""),
	  "t.conf:4: error: device \"d2\" needs a 'devid': its requester ID, 0x8, is of device "
	  "\"d1\" already: line 3\n" },
	{ "a place of no device", VALID DEV(1, "at = \"20.0\""),
	  "t.conf:2: error: 'at' is a device and function such as \"02.0\", from 00.0 to 1f.7, "
	  "not '20.0'\n" },
	{ "a place of no function", VALID DEV(1, "at = 02.8"),
	  "t.conf:2: error: 'at' is a device and function such as \"02.0\", from 00.0 to 1f.7, "
	  "not '02.8'\n" },
	{ "a place with a bus", VALID DEV(1, "at = 00:02.0"),
	  "t.conf:2: error: 'at' is a device and function such as \"02.0\", from 00.0 to 1f.7, "
	  "not '00:02.0'\n" },
	{ "a place without a function", VALID DEV(1, "at = 02"),
	  "t.conf:2: error: 'at' is a device and function such as \"02.0\", from 00.0 to 1f.7, "
	  "not '02'\n" },
	{ "two at one place", VALID DEV(1, "\n at = 02.0") DEV(2, "at = 02.0"),
	  "t.conf:4: error: 02.0 is the place of device \"d1\" already: line 3\n" },
	{ "a place that another one has as a sibling",
	  VALID DEV(1, "at = 00.0") "device b { bdf = 01:00.1 }\n" DEV(3, "at = 00.1"),
	  "t.conf:4: error: 00.1 is the place of device \"b\" already: line 3\n" },
	{ "a sibling's place that another one has",
	  VALID DEV(1, "at = 00.0") DEV(3, "at = 00.1") "device b { bdf = 01:00.1 }\n",
	  "t.conf:4: error: device \"b\" needs an 'at': 00.1, beside its function 0, is the place "
	  "of device \"d3\" already: line 3\n" },
	{ "functions without a function 0", VALID DEV(1, "at = 03.1") DEV(2, "at = 04.7"),
	  "t.conf:2: error: no device is at 03.0, and without one guests do not look at 03.1: give "
	  "one that place, or this one another\n"
	  "t.conf:3: error: no device is at 04.0, and without one guests do not look at 04.7: give "
	  "one that place, or this one another\n" },
	{ "places that depend on a wrong one are not wrong themselves",
	  VALID DEV(1, "at = 3") DEV(2, "at = 03.1") DEV(3, "devid = 0"),
	  "t.conf:2: error: 'at' is a device and function such as \"02.0\", from 00.0 to 1f.7, "
	  "not '3'\n" },
	{ "neither behind a root port nor not", VALID DEV(1, "root-port = yes"),
	  "t.conf:2: error: 'root-port' is \"off\" or \"on\", not 'yes'\n" },
	{ "functions of one device, one of them behind a root port",
	  VALID DEV(1, "at = 02.0\nroot-port = on") DEV(2, "at = 02.1\nroot-port = off"),
	  "t.conf:5: error: device \"d2\" is not behind a root port, and \"d1\", of the same "
	  "device at 02.0, is: line 3\n" },
	{ "and the other way round",
	  VALID DEV(1, "at = 02.0\nroot-port = off") DEV(2, "at = 02.1\nroot-port = on"),
	  "t.conf:5: error: device \"d2\" is behind a root port, and \"d1\", of the same device "
	  "at 02.0, is not: line 3\n" },
	{ "a requester ID behind a root port, which its ITS has no DeviceID for",
	  ITS("devid-bits = 8") DEV(1, "root-port = on"),
	  "t.conf:3: error: device \"d1\" needs a 'devid': without one it is its requester ID, "
	  "0x100, and ITS \"a\" has 8 devid-bits\n" },
	{ "a device that is removed, and cannot be", VALID DEV(1, "\non-request = remove"),
	  "t.conf:3: error: 'on-request' is \"remove\" for devices behind a root port: root-port = "
	  "on\n" },
	{ "an error that removes a device", VALID DEV(1, "root-port = on on-error = remove"),
	  "t.conf:2: error: 'on-error' is \"stop\" or \"ignore\", not 'remove'\n" },
	{ "a root port whose DeviceID another one has",
	  VALID DEV(1, "root-port = on at = 03.0") DEV(2, "\ndevid = 0x18"),
	  "t.conf:2: error: device \"d1\" needs another 'at': the DeviceID of its root port, 0x18, "
	  "is of device \"d2\": line 4\n" },
	{ "a root port beyond the DeviceIDs",
	  ITS("devid-bits = 4") DEV(1, "root-port = on at = 03.0 devid = 1"),
	  "t.conf:3: error: device \"d1\" needs another 'at': the DeviceID of its root port is "
	  "0x18, "
	  "and ITS \"a\" has 4 devid-bits\n" },
	{ "events beyond its ITS", ITS("eventid-bits = 4") DEV(1, "events = 17"),
	  "t.conf:3: error: 'events' is at most 16, by the eventid-bits of ITS \"a\", not 17\n" },
	{ "what depends on something wrong is not wrong itself",
	  ITS("devid-bits = 99 eventid-bits = 99") DEV(1, "devid = 0x10000 its = \"x\"")
		  DEV(2, "devid = 0x10000") DEV(3, "devid = -1") DEV(4, "devid = x"),
	  "t.conf:2: error: 'devid-bits' is a number from 1 to 32, not '99'\n"
	  "t.conf:2: error: 'eventid-bits' is a number from 1 to 16, not '99'\n"
	  "t.conf:3: error: there is no ITS \"x\"\n"
	  "t.conf:5: error: 'devid' is a number from 0 to 4294967295, not '-1'\n"
	  "t.conf:6: error: 'devid' is a number from 0 to 4294967295, not 'x'\n" },
	{ "all at once",
	  ITS("devid-bits = 2 eventid-bits = 2 lpis = 1 on-error = x")
		  DEV(1, "devid = 4 events = 5") DEV(2, "its = \"aa\""),
	  "t.conf:2: error: 'lpis' is a number from 32 to 57344, not '1'\n"
	  "t.conf:2: error: 'on-error' is \"skip\" or \"stall\", not 'x'\n"
	  "t.conf:3: error: 'devid' is at most 0x3, by the devid-bits of ITS \"a\", not 0x4\n"
	  "t.conf:3: error: 'events' is at most 4, by the eventid-bits of ITS \"a\", not 5\n"
	  "t.conf:4: error: there is no ITS \"aa\"\n" },
};

static void test_each_mistake_of_its_blocks_and_wiring_is_reported(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(its_mistakes); i++) {
		print_message("%s\n", its_mistakes[i].why);
		config_expect_messages(its_mistakes[i].text, NULL, 0, its_mistakes[i].want);
	}
}

static const struct {
	const char *why, *text, *want;
} broken[] = {
	{ "unclosed block, which libconfuse accepts",
	  VALID "device \"a\" {\n bdf = \"0000:01:00.0\"\n\n",
	  "t.conf:2: error: this block is never closed: '}' is missing\n" },
	{ "block within an unclosed one",
	  VALID "device \"a\" {\n bdf = \"0000:01:00.0\"\ndevice \"b\" {\n}\n",
	  "t.conf:4: error: '{' within the block of line 2: is its '}' missing?\n" },
	{ "brace too many", VALID "device \"a\" { bdf = \"0000:01:00.0\" }\n}\n",
	  "t.conf:3: error: '}' closes no block\n" },
	{ "unterminated string, which libconfuse reports at the next quote",
	  "kernel = \"Image\ninitrd = \"x\"\n",
	  "t.conf:1: error: this string is never closed: \" is missing at its end\n" },
	{ "unterminated single quotes", "kernel = 'Image\n",
	  "t.conf:1: error: this string is never closed: ' is missing at its end\n" },
	{ "unterminated at the end of the file", "kernel = \"Image\\",
	  "t.conf:1: error: unknown escape in a string: a backslash is written \\\\\n"
	  "t.conf:1: error: this string is never closed: \" is missing at its end\n" },
	{ "unterminated comment", VALID "\n/* vcpus = 2\n\n",
	  "t.conf:3: error: this comment is never closed: */ is missing\n" },
	{ "no value", "kernel =\nvcpus = 2\n",
	  "t.conf:1: error: no value follows '=' on this line\n" },
	{ "no value at the end",
	  "kernel =", "t.conf:1: error: no value follows '=' on this line\n" },
	{ "no value before a brace", VALID "device \"a\" { bdf = }\n",
	  "t.conf:2: error: no value follows '=' on this line\n" },
	{ "no key", VALID "= 5\n", "t.conf:2: error: no key stands before '='\n" },
	{ "a value too many, empty, which libconfuse ends at without a word",
	  VALID "vcpus = 2 \"\"\n",
	  "t.conf:2: error: this string belongs to no key: is a quote missing before "
	  "it?\n" },
	{ "a word alone", "root:x:0:0\n" VALID "vcpus\n",
	  "t.conf:1: error: no '=' follows 'root:x:0:0' on this line\n"
	  "t.conf:3: error: no '=' follows 'vcpus' on this line\n" },
	{ "a word alone in a block", VALID "device a { bdf }\n",
	  "t.conf:2: error: no '=' follows 'bdf' on this line\n" },
	{ "a word alone at the end", VALID "vcpus",
	  "t.conf:2: error: no '=' follows 'vcpus' on this line\n" },
	{ "three words", VALID "vcpus is 2\n",
	  "t.conf:2: error: missing equal sign after option 'vcpus'\n" },
	{ "a value of a value", VALID "vcpus = 2 = 3\n",
	  "t.conf:2: error: no key stands before '='\n" },
	{ "unknown block", VALID "devise \"a\" { bdf = \"0000:01:00.0\" }\n",
	  "t.conf:2: error: unknown key 'devise': did you mean 'device'?\n" },
	{ "no equals", VALID "vcpus 2\n",
	  "t.conf:2: error: missing equal sign after option 'vcpus'\n" },
	{ "appending", VALID "vcpus += 2\n",
	  "t.conf:2: error: stray '+': values with it stand in quotes\n" },
	{ "a list", VALID "vcpus = {1}\n",
	  "t.conf:2: error: a value is a word or a string, not a list\n" },
	{ "characters that libconfuse passes over", VALID "memory = *1G\n",
	  "t.conf:2: error: stray '*': values with it stand in quotes\n" },
	{ "a comment in the middle of a word", "kernel = a#b\n",
	  "t.conf:1: error: '#' within a word: put the word in quotes, or a blank before "
	  "the "
	  "comment\n" },
	{ "slashes in a word", VALID "initrd = a//b\n",
	  "t.conf:2: error: '//' within a word: put it in quotes\n" },
	{ "block after one line of comment and one block of comment",
	  "/* 1\n2\n3 */ # 3\n" VALID "nonsense = 1\n",
	  "t.conf:5: error: unknown key 'nonsense'\n" },
};

static void test_each_broken_structure_is_reported_where_it_begins(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		print_message("%s\n", broken[i].why);
		config_expect_messages(broken[i].text, NULL, 0, broken[i].want);
	}
}

static void test_escapes_that_would_cut_or_bend_a_string_are_refused(void **state)
{
	static const char *const escapes[] = { "\\0",	"\\000", "\\x00", "\\777",
					       "\\999", "\\n",	 "\\e",	  "\\x41" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
		char text[64];

		print_message("%s\n", escapes[i]);
		(void)snprintf(text, sizeof(text), "kernel = \"a%sb\"\n", escapes[i]);
		config_expect_messages(
			text, NULL, 0,
			"t.conf:1: error: unknown escape in a string: a backslash is "
			"written \\\\\n");
	}
}

static void test_all_errors_of_a_file_come_at_once_in_order_of_lines(void **state)
{
	(void)state;
	config_expect_messages(
		"vcpsu = 3\n"
		"memory = \"12\"\n"
		"device \"a\" { evnts = 3 bdf = \"1\" }\n"
		"cmdline = \"\\q\"\n"
		"vcpus = 0\n"
		"kernle = \"x\"\n",
		NULL, 0,
		"t.conf:1: error: unknown key 'vcpsu': did you mean 'vcpus'?\n"
		"t.conf:1: error: 'kernel' is missing: the file of the guest's kernel\n"
		"t.conf:2: error: 'memory' is from 64M to 511G, not '12'\n"
		"t.conf:3: error: unknown key 'evnts': did you mean 'events'?\n"
		"t.conf:3: error: 'bdf' is the address of a PCI function such as "
		"\"0000:01:00.0\", not '1'\n"
		"t.conf:4: error: unknown escape in a string: a backslash is written \\\\\n"
		"t.conf:5: error: 'vcpus' is a number from 1 to 512, not '0'\n"
		"t.conf:6: error: unknown key 'kernle': did you mean 'kernel'?\n");
}

/* A text of VALID and nr lines, each of which format makes from its number. */
static char *many_lines(size_t nr, void (*line)(FILE *out, size_t i))
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	(void)fputs(VALID, out);
	for (size_t i = 0; i < nr; i++)
		line(out, i);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void device_line(FILE *out, size_t i)
{
	(void)fprintf(out, "device \"d%zu\" { bdf = \"0000:%02zx:00.0\" }\n", i, i);
}

static void test_devices_up_to_the_most_are_accepted_and_one_more_is_not(void **state)
{
	char *text = many_lines(CONFIG_MAX_DEVICES, device_line);
	struct config c;

	(void)state;
	config_parse_valid(text, &c);
	assert_int_equal(c.nr_devices, CONFIG_MAX_DEVICES);
	config_fini(&c);
	free(text);

	text = many_lines(CONFIG_MAX_DEVICES + 40, device_line);
	config_expect_messages(text, NULL, 0, "t.conf:34: error: more than 32 devices\n");
	free(text);
}

/* Two behind each, but for one that is on bus 0 alone. */
static void port_line(FILE *out, size_t i)
{
	(void)fprintf(out, "device \"d%zu\" { bdf = \"%02zx:00.%zu\" root-port = %s }\n", i, i / 2,
		      i % 2, i > 1 ? "on" : "off");
}

static void test_root_ports_up_to_the_most_are_accepted_and_one_more_is_not(void **state)
{
	char *text = many_lines(32, port_line);
	static const char *const more = "device.d0.root-port=on";
	static const char *const both[] = { "device.d0.root-port=on", "device.d1.root-port=on" };
	struct config c;

	(void)state;
	config_parse_valid(text, &c);
	assert_int_equal(c.devices[31].requester_id, 15 << 8 | 1);
	config_fini(&c);
	config_expect_messages(text, both, 2,
			       "t.conf:32: error: device \"d30\" is behind one root port too many: "
			       "there can be 15\n");
	config_expect_messages(text, &more, 1,
			       "t.conf:3: error: device \"d1\" is not behind a root port, and "
			       "\"d0\", of the same device at 00.0, is: --set "
			       "device.d0.root-port=on\n"
			       "t.conf:32: error: device \"d30\" is behind one root port too many: "
			       "there can be 15\n");
	free(text);
}

static void its_line(FILE *out, size_t i)
{
	(void)fprintf(out, "its \"i%zu\" { }\n", i);
}

static void test_itss_up_to_the_most_are_accepted_and_one_more_is_not(void **state)
{
	char *text = many_lines(CONFIG_MAX_ITS, its_line);
	struct config c;

	(void)state;
	config_parse_valid(text, &c);
	assert_int_equal(c.nr_its, CONFIG_MAX_ITS);
	assert_string_equal(c.its[CONFIG_MAX_ITS - 1].name, "i7");
	config_fini(&c);
	free(text);

	text = many_lines(CONFIG_MAX_ITS + 3, its_line);
	config_expect_messages(text, NULL, 0, "t.conf:10: error: more than 8 ITSs\n");
	free(text);
}

static void unknown_line(FILE *out, size_t i)
{
	(void)fprintf(out, "key%zu = 1\n", i);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void test_errors_beyond_the_most_are_counted(void **state)
{
	char *text = many_lines(60, unknown_line), *messages;
	struct config c;

	(void)state;
	assert_int_equal(config_parse_text(text, NULL, 0, &messages, &c), -EINVAL);
	assert_int_equal(count_lines(messages), 51);
	assert_non_null(strstr(messages, "t.conf:2: error: unknown key 'key0'\n"));
	assert_non_null(strstr(messages, "t.conf: error: and 10 more\n"));
	free(messages);
	free(text);

	/* More than are learnt: it ends there, and says so. */
	text = many_lines(5000, unknown_line);
	assert_int_equal(config_parse_text(text, NULL, 0, &messages, &c), -EINVAL);
	assert_non_null(strstr(messages, "t.conf:2: error: unknown key 'key0'\n"));
	free(messages);
	free(text);
}

static void test_control_characters_are_refused_and_not_printed(void **state)
{
	(void)state;
	config_expect_messages("kernel = \"a\x1b[31mb\"\n", NULL, 0,
			       "t.conf:1: error: control character in a string\n");
	config_expect_messages(VALID "\x01\x02\x03 = 5\n", NULL, 0,
			       "t.conf:2: error: stray byte 0x01: this is not a plain text\n"
			       "t.conf:2: error: no key stands before '='\n");
	config_expect_messages(VALID "caf\xc3\xa9 = 5\n", NULL, 0,
			       "t.conf:2: error: stray byte 0xc3: this is not a plain text\n");
}

static void test_wrong_overrides_are_reported_by_their_own_words(void **state)
{
	static const struct {
		const char *override, *want;
	} cases[] = {
		{ "vcpus=0", "--set vcpus=0: error: 'vcpus' is a number from 1 to 512, not '0'\n" },
		{ "vcpsu=1", "--set vcpsu=1: error: unknown key 'vcpsu': did you mean 'vcpus'?\n" },
		{ "=1", "--set =1: error: unknown key ''\n" },
		{ "vcpus", "--set vcpus: error: an override is KEY=VALUE\n" },
		{ "", "--set : error: an override is KEY=VALUE\n" },
		{ "kernel=",
		  "--set kernel=: error: 'kernel' is empty: it names the kernel's file\n" },
		{ "cmdline=a\nb", "--set cmdline=a?b: error: control character in an option\n" },
		{ "device.n0=1",
		  "--set device.n0=1: error: a device is set by device.NAME.KEY=VALUE\n" },
		{ "device.=1",
		  "--set device.=1: error: a device is set by device.NAME.KEY=VALUE\n" },
		{ "device..bdf=1",
		  "--set device..bdf=1: error: t.conf has no device of this name\n" },
		{ "device.n1.bdf=1",
		  "--set device.n1.bdf=1: error: t.conf has no device of this name\n" },
		{ "device.n0.bfd=1",
		  "--set device.n0.bfd=1: error: unknown key 'bfd': did you mean 'bdf'?\n" },
		{ "device.n0.vcpus=1",
		  "--set device.n0.vcpus=1: error: unknown key 'vcpus' in a device block: it "
		  "stands outside of the blocks\n" },
		{ "bdf=1",
		  "--set bdf=1: error: unknown key 'bdf' outside of a block: it belongs to "
		  "a device\n" },
		{ "its=x", "--set its=x: error: an ITS is set by its.NAME.KEY=VALUE\n" },
		{ "its.its.lpis=64",
		  "--set its.its.lpis=64: error: t.conf has no ITS of this name\n" },
		{ "its.its.bdf=1",
		  "--set its.its.bdf=1: error: unknown key 'bdf' in an ITS block: it belongs to "
		  "a device\n" },
		{ "device.n0.its=its0",
		  "--set device.n0.its=its0: error: there is no ITS \"its0\": did you mean "
		  "\"its\"?\n" },
		{ "device.n0.devid=0",
		  "--set device.n0.devid=0: error: DeviceID 0x0 on ITS \"its\" is of device \"m\" "
		  "already: line 2\n" },
		{ "device.n0.bdf=0000:02:00.0",
		  "--set device.n0.bdf=0000:02:00.0: error: 0000:02:00.0 is the device \"m\" "
		  "already: line 2\n" },
	};
	static const char text[] = VALID "device \"m\" { bdf = \"0000:02:00.0\" }\n"
					 "device \"n0\" { bdf = \"0000:01:00.0\" }\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].override);
		config_expect_messages(text, &cases[i].override, 1, cases[i].want);
	}
}

static int load_bytes(const void *bytes, size_t len, char **ret_messages)
{
	int fd = memfd_create("config", MFD_CLOEXEC), r;
	char path[32];
	struct config c;
	size_t size;
	FILE *errors = open_memstream(ret_messages, &size);

	assert_true(fd >= 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	r = config_load(path, NULL, 0, errors, &c);
	(void)fclose(errors);
	(void)close(fd);
	if (r == 0)
		config_fini(&c);
	return r;
}

static void test_files_that_are_no_text_or_too_large_are_refused(void **state)
{
	static char large[(1 << 20) + 1];
	char *messages;

	(void)state;
	assert_int_equal(load_bytes("kernel = \"a\"\nv\0pus", 18, &messages), -EINVAL);
	assert_non_null(strstr(messages, ":2: error: a NUL byte: this is not a text file\n"));
	free(messages);

	memset(large, ' ', sizeof(large));
	assert_int_equal(load_bytes(large, sizeof(large), &messages), -EFBIG);
	assert_non_null(strstr(messages, ": error: cannot be read: File too large\n"));
	free(messages);

	memcpy(large, VALID, strlen(VALID));
	assert_int_equal(load_bytes(large, sizeof(large) - 1, &messages), 0);
	assert_string_equal(messages, "");
	free(messages);
}

static void test_files_that_cannot_be_read_are_reported(void **state)
{
	char *messages;
	size_t size;
	FILE *errors = open_memstream(&messages, &size);
	struct config c;

	(void)state;
	assert_int_equal(config_load("/nowhere/x.conf", NULL, 0, errors, &c), -ENOENT);
	assert_int_equal(config_load("/", NULL, 0, errors, &c), -EISDIR);
	(void)fclose(errors);
	assert_string_equal(messages,
			    "/nowhere/x.conf: error: cannot be read: No such file or directory\n"
			    "/: error: cannot be read: Is a directory\n");
	free(messages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_mistake_is_reported_with_its_line),
		cmocka_unit_test(test_each_mistake_of_its_blocks_and_wiring_is_reported),
		cmocka_unit_test(test_each_broken_structure_is_reported_where_it_begins),
		cmocka_unit_test(test_escapes_that_would_cut_or_bend_a_string_are_refused),
		cmocka_unit_test(test_all_errors_of_a_file_come_at_once_in_order_of_lines),
		cmocka_unit_test(test_devices_up_to_the_most_are_accepted_and_one_more_is_not),
		cmocka_unit_test(test_root_ports_up_to_the_most_are_accepted_and_one_more_is_not),
		cmocka_unit_test(test_itss_up_to_the_most_are_accepted_and_one_more_is_not),
		cmocka_unit_test(test_errors_beyond_the_most_are_counted),
		cmocka_unit_test(test_control_characters_are_refused_and_not_printed),
		cmocka_unit_test(test_wrong_overrides_are_reported_by_their_own_words),
		cmocka_unit_test(test_files_that_are_no_text_or_too_large_are_refused),
		cmocka_unit_test(test_files_that_cannot_be_read_are_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
