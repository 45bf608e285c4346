// SPDX-License-Identifier: MIT
/*
 * A configuration in the file's own syntax. No locks.
 */
#include "vmm/config/config.h"

#include "vmm/config/config_raw.h"
#include "vmm/kvm/layout.h"

/* In double quotes, as scan_escape() reads them back. */
static void print_string(const char *key, const char *value, FILE *out)
{
	(void)fprintf(out, "%s = \"", key);
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\' || (*p == '$' && p[1] == '{'))
			(void)fputc('\\', out);
		(void)fputc(*p, out);
	}
	(void)fputs("\"\n", out);
}

static void print_its(const struct config_its *its, FILE *out)
{
	(void)fprintf(out, "\nits \"%s\" {\n\tdevid-bits = %u\n\teventid-bits = %u\n", its->name,
		      its->devid_bits, its->eventid_bits);
	if (its->lpis)
		(void)fprintf(out, "\tlpis = %u\n", its->lpis);
	(void)fprintf(out, "\ton-error = \"%s\"\n}\n", config_on_error_name(its->stall));
}

static void print_policy(const struct policy *p, FILE *out)
{
	if (p->storm_rate)
		(void)fprintf(out,
			      "\tstorm-rate = %u\n\tstorm-burst = %u\n\tstorm-holdoff-us = %u\n",
			      p->storm_rate, p->storm_burst, p->storm_holdoff_us);
	if (p->hold_us)
		(void)fprintf(out, "\thold-us = %u\n", p->hold_us);
}

static void print_device(const struct config *config, const struct config_device *d, FILE *out)
{
	char bdf[PCI_BDF_STRLEN];

	(void)fprintf(out, "\ndevice \"%s\" {\n\tbdf = \"%s\"\n", d->name,
		      pci_bdf_format(&d->bdf, bdf));
	if (config->nr_its > 1)
		(void)fprintf(out, "\tits = \"%s\"\n", config->its[d->its].name);
	if (d->has_devid)
		(void)fprintf(out, "\tdevid = 0x%x\n", d->devid);
	if (d->events)
		(void)fprintf(out, "\tevents = %u\n", d->events);
	if (d->has_route)
		(void)fprintf(out, "\troute = \"%s\"\n", route_name(d->route));
	print_policy(&d->policy, out);
	if (d->has_msi_cpu && d->msi_cpu >= 0)
		(void)fprintf(out, "\tmsi-cpu = %d\n", d->msi_cpu);
	else if (d->has_msi_cpu)
		(void)fputs("\tmsi-cpu = \"any\"\n", out);
	(void)fputs("}\n", out);
}

static void print_sched(const char *key, const struct placement *p, FILE *out)
{
	if (p->fifo)
		(void)fprintf(out, "%s = \"fifo:%d\"\n", key, p->fifo);
	else
		(void)fprintf(out, "%s = \"other\"\n", key);
}

static void print_placement(const struct config *config, FILE *out)
{
	if (config->route != ROUTE_URING)
		(void)fprintf(out, "route = \"%s\"\n", route_name(config->route));
	if (config->router.asked)
		print_sched("router-sched", &config->router, out);
	if (config->router.cpu >= 0)
		(void)fprintf(out, "router-cpu = %d\n", config->router.cpu);
	if (config->spin.cpu >= 0)
		(void)fprintf(out, "spin-cpu = %d\n", config->spin.cpu);
	if (config->vcpu.fifo)
		print_sched("vcpu-sched", &config->vcpu, out);
	for (uint32_t i = 0; i < config->nr_vcpu_cpus; i++)
		(void)fprintf(out, "%s%u", i ? "," : "vcpu-cpus = \"", config->vcpu_cpus[i]);
	if (config->nr_vcpu_cpus)
		(void)fputs("\"\n", out);
}

void config_print(const struct config *config, FILE *out)
{
	if (config->has_name)
		(void)fprintf(out, "name = \"%s\"\n", config->name);
	print_string("kernel", config->kernel, out);
	if (config->initrd)
		print_string("initrd", config->initrd, out);
	print_string("cmdline", config->cmdline, out);
	(void)fprintf(out, "vcpus = %u\n", config->vcpus);
	if (config->memory % MiB)
		(void)fprintf(out, "memory = \"%lluK\"\n",
			      (unsigned long long)(config->memory / KiB));
	else
		(void)fprintf(out, "memory = \"%lluM\"\n",
			      (unsigned long long)(config->memory / MiB));
	print_placement(config, out);
	for (size_t i = 0; i < config->nr_its; i++)
		if (config->its[i].line)
			print_its(&config->its[i], out);
	for (size_t i = 0; i < config->nr_devices; i++)
		print_device(config, &config->devices[i], out);
}
