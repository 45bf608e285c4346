// SPDX-License-Identifier: MIT
/*
 * What there is to say of the machine that something was measured on. What is not
 * known is left empty. No locks.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/bench/bench.h"

/* Set by tests/emuhost where its clock counts instructions. */
#define INSTRUCTIONS "itsy.clock=instructions"

/* The first line, up to a NUL or a newline. */
static void read_line(const char *root, const char *name, char *buf, size_t size)
{
	_cleanup_file_ FILE *f = NULL;
	char path[512];

	buf[0] = '\0';
	if (snprintf(path, sizeof(path), "%s%s", root, name) >= (int)sizeof(path))
		return;
	f = fopen(path, "re");
	if (!f || !fgets(buf, (int)size, f))
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

/* "key : value" of /proc/cpuinfo, the first one. */
static void read_cpuinfo(const char *root, const char *key, char *buf, size_t size)
{
	_cleanup_file_ FILE *f = NULL;
	char path[512], line[256];

	buf[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/proc/cpuinfo", root) >= (int)sizeof(path))
		return;
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, key, strlen(key)) != 0 || !colon)
			continue;
		(void)snprintf(buf, size, "%s", colon + 2);
		buf[strcspn(buf, "\n")] = '\0';
		return;
	}
}

/* The interrupt controller's name is a column of its own: "GICv3", "GICv2". */
static void read_gic(const char *root, char *buf, size_t size)
{
	_cleanup_file_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	char path[512];
	size_t line_sz = 0;

	buf[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/proc/interrupts", root) >= (int)sizeof(path))
		return;
	f = fopen(path, "re");
	while (f && getline(&line, &line_sz, f) >= 0) {
		const char *name = strstr(line, " GIC");

		if (!name)
			continue;
		(void)snprintf(buf, size, "%.*s", (int)strcspn(name + 1, " \n"), name + 1);
		return;
	}
}

void bench_environment_get(const char *root, struct bench_environment *env)
{
	char cmdline[2048], implementer[16], part[16];
	struct utsname name;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*env = (struct bench_environment){ .cpus = cpus > 0 ? (unsigned)cpus : 1 };
	if (uname(&name) == 0)
		(void)snprintf(env->kernel, sizeof(env->kernel), "%s", name.release);
	read_cpuinfo(root, "CPU implementer", implementer, sizeof(implementer));
	read_cpuinfo(root, "CPU part", part, sizeof(part));
	(void)snprintf(env->cpu, sizeof(env->cpu), "CPU %s/%s", implementer[0] ? implementer : "?",
		       part[0] ? part : "?");
	read_gic(root, env->gic, sizeof(env->gic));
	read_line(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", env->governor,
		  sizeof(env->governor));
	read_line(root, "/sys/devices/system/cpu/isolated", env->isolated, sizeof(env->isolated));
	read_line(root, "/sys/firmware/devicetree/base/model", env->machine, sizeof(env->machine));
	if (!env->machine[0])
		read_line(root, "/sys/firmware/devicetree/base/compatible", env->machine,
			  sizeof(env->machine));
	if (!env->machine[0])
		read_line(root, "/sys/class/dmi/id/product_name", env->machine,
			  sizeof(env->machine));
	env->emulated = strstr(env->machine, "dummy-virt") || strstr(env->machine, "QEMU");
	read_line(root, "/proc/cmdline", cmdline, sizeof(cmdline));
	env->instructions = strstr(cmdline, INSTRUCTIONS);
}
