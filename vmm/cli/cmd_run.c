// SPDX-License-Identifier: MIT
/*
 * itsy run: read the options and the configuration, then boot the guest.
 *
 * No locks.
 */
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/config_options.h"
#include "vmm/cli/guest_look.h"
#include "vmm/cli/left_behind.h"
#include "vmm/cli/option_types.h"
#include "vmm/config/config_place.h"
#include "vmm/control/client.h"
#include "vmm/control/control_socket.h"
#include "vmm/dev/passthru.h"
#include "vmm/kvm/gmem.h"
#include "vmm/machine/guest_memory.h"
#include "vmm/machine/loader.h"

static const struct pci_host_fs this_host = { "" };

struct arguments {
	struct run_options run;
	struct config_options guest;
	bool print_config, print_memory_map, dry_run;
};

#define ARGUMENT(name) OPTION_MEMBER(struct arguments, name)

static const struct option_row rows[] = {
	{ "set", "KEY=VALUE", option_config, ARGUMENT(guest),
	  .help = "replace a value, of a block too: vcpus=4, device.NAME.bdf=0000:01:00.0; may be "
		  "repeated" },
	{ "print-config", NULL, option_flag, ARGUMENT(print_config),
	  .help = "print the resulting configuration, each value with where it comes from, and "
		  "end" },
	{ "print-memory-map", NULL, option_flag, ARGUMENT(print_memory_map),
	  .help = "print where the guest's memory would lie, and what is in its way, and end" },
	{ "dry-run", NULL, option_flag, ARGUMENT(dry_run),
	  .help = "look at the devices, load what it starts from, boot nothing, and end" },
	{ "dump-dtb", "FILE", option_text, ARGUMENT(run.dump_dtb),
	  .help = "write the guest's device tree to FILE, and end" },
	{ "stats-json", "FILE", option_text, ARGUMENT(run.stats_json),
	  .help = "write the statistics to FILE when the guest has ended" },
	{ "quiet", NULL, option_flag, ARGUMENT(run.quiet),
	  .help = "print no statistics when the guest has ended" },
};

const struct command_line run_line = {
	.name = "run",
	.usage = "itsy run [CONFIG] [OPTION]...",
	.about = "Boots the guest that the file CONFIG describes (itsy.conf(5); - is standard\n"
		 "input), or options alone:\n\n"
		 "  itsy run --kernel Image --initrd initrd.img --device 01:00.0 --ram 1G\n\n"
		 "The guest's console is this terminal; Ctrl-a x ends the guest, Ctrl-a h tells\n"
		 "the keys.\n",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.after = "Exit status: 0 the guest powered off; 1 the host failed while it ran; 2 the\n"
		 "command line is wrong; 3 the configuration is wrong; 4 the host is not ready\n"
		 "(itsy check says why); 5 a thread made a system call that its sandbox forbids;\n"
		 "6 the host wanted a device back, or reported an error of it.\n",
	.other = config_option_row,
	.other_at = offsetof(struct arguments, guest),
	.other_title = "Keys of itsy.conf(5), which count in the place of the file's:",
};

/* Which functions they are, and where the guest will have them. */
static void print_devices(const struct config *config)
{
	for (size_t i = 0; i < config->nr_devices; i++) {
		const struct config_device *d = &config->devices[i];
		char bdf[PCI_BDF_STRLEN], at[CONFIG_PLACE_STRLEN];

		(void)printf("%s: %s, %s on the guest's bus\n", d->name,
			     pci_bdf_format(&d->bdf, bdf), config_place_format(d->devfn, at));
	}
}

static enum exit_status print_config(struct config *config)
{
	struct failure failure = { 0 };
	int r = config_settle_paths(config);

	if (r < 0) {
		(void)failure_set(&failure, ITSY_RUNTIME, -r, "current folder",
				  "go to one that is there, and that this user may search (cd)",
				  "is not known (%s)", strerror(-r));
		return report_failure(&failure);
	}
	config_print(config, stdout);
	return ITSY_OK;
}

static enum exit_status print_map(struct config *config)
{
	struct guest_memory_map map;
	struct failure failure = { 0 };
	int r, printed;

	if (passthru_find(&this_host, config, &failure) < 0)
		return report_failure(&failure);
	r = guest_memory_place(config, &this_host, NULL, &map, &failure);
	/* Where it does not fit, what is in the way is all the more worth seeing. */
	printed = guest_memory_print(config, &map, stdout);
	guest_memory_warn(&map);
	if (r >= 0 && printed < 0)
		r = failure_set(&failure, ITSY_RUNTIME, -printed, "itsy", NULL, "out of memory");
	return r < 0 ? report_failure(&failure) : ITSY_OK;
}

/*
 * What itsy run does before it changes anything: it looks at the devices, and loads the files,
 * here into memory that is thrown away.
 */
static enum exit_status try_only(struct config *config)
{
	const struct loader_wish wish = loader_wish_of(config);
	_cleanup_(gmem_fini) struct gmem mem = { 0 };
	struct failure failure = { 0 };
	struct vfio_iommu_choice iommu;
	struct guest_memory_map map;
	struct loaded loaded;
	int r;

	left_behind_give_back(&this_host, NULL);
	r = client_name_is_free(CONTROL_DIR, config->name, &failure);
	if (r >= 0)
		r = passthru_find(&this_host, config, &failure);
	if (r >= 0)
		r = guest_look(&this_host, config, &iommu, &failure);
	if (r >= 0)
		r = guest_memory_place(config, &this_host, NULL, &map, &failure);
	if (r < 0)
		return report_failure(&failure);
	r = gmem_init_banks(&mem, map.ram.banks, map.ram.nr, 0);
	if (r < 0)
		(void)failure_set(&failure, ITSY_ENVIRONMENT, -r, "guest memory",
				  "give the guest less memory", "cannot be had: %s", strerror(-r));
	else
		r = loader_load(&mem, &wish, &loaded, &failure);
	if (r < 0)
		return report_failure(&failure);
	loader_warn(&loaded);
	passthru_warn_of_iommu(&iommu, config->nr_devices);
	print_devices(config);
	return ITSY_OK;
}

static enum exit_status start(struct config *config, const struct run_options *options)
{
	struct failure failure = { 0 };

	if (passthru_find(&this_host, config, &failure) < 0)
		return report_failure(&failure);
	left_behind_make_way(&this_host, config);
	if (config->sandbox == SANDBOX_WISH_OFF)
		report_warning("%s: sandbox = \"off\": who breaks out of the guest has all that "
			       "this user has",
			       config->path);
	return run_guest(config, options);
}

enum exit_status cmd_run(int argc, char **argv)
{
	struct arguments args = { 0 };
	struct config config;
	struct words words;
	enum exit_status status;
	int r;

	r = options_parse(&run_line, argc, argv, &args, &words);
	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	if (!config_options_any(&words, &args.guest)) {
		(void)option_error(&run_line, "there is no configuration file and no --kernel");
		return ITSY_USAGE;
	}
	status = config_options_load(&run_line, &words, &args.guest, &config);
	if (status != ITSY_OK)
		return status;
	if (args.print_config)
		status = print_config(&config);
	else if (args.print_memory_map)
		status = print_map(&config);
	else if (args.dry_run)
		status = try_only(&config);
	else
		status = start(&config, &args.run);
	config_fini(&config);
	return status;
}
