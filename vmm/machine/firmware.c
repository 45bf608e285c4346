// SPDX-License-Identifier: MIT
/*
 * Firmware, from its file into memory of its own.
 *
 * Documents: U-Boot's arch/arm/cpu/armv8/start.S (what stands at its start) and
 * board/emulation/qemu-arm/qemu-arm.c (the device tree is at the start of RAM, which is at 1 GiB);
 * its environment is at CONFIG_ENV_ADDR (vmm/kvm/layout.h).
 *
 * Choice: U-Boot, as Debian builds it for QEMU's machine "virt" (package u-boot-qemu, board
 * qemu_arm64). It has drivers for what is here already, PCI by ECAM, NVMe, PSCI, PL031, and starts
 * what is on the disk by EFI (GRUB, systemd-boot) or by extlinux.conf. What it needs beside is its
 * own memory at 0 and a PL011. EDK2 (qemu-efi-aarch64) needs flash that can be written and
 * fw_cfg, too. To read kernel and initrd from the disk before it is given away would be a second
 * reader of partitions, file systems and boot loaders' files, on the host, of what guests write.
 *
 * It is entered at 0, in the memory that its file was read into, which is read-only, as flash is.
 * It has its data and stack in RAM, and soon moves there. So a boot after a reset finds the
 * same firmware, and only the device tree is written anew.
 *
 * No locks: all this is set-up, on one thread, before the guest runs.
 */
#include "vmm/machine/firmware.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/base/cleanup.h"
#include "vmm/config/config.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/boot_file.h"

/* start.S: a branch and a NOP, then where it is linked to, and how long it is. */
#define HEAD_SZ	      16u
#define BRANCH_MASK   0xfc000000u
#define BRANCH	      0x14000000u
#define NOP_AT	      4u
#define NOP	      0xd503201fu
#define TEXT_BASE_AT  8u
#define END_OFFSET_AT 16u

/* CONFIG_CUSTOM_SYS_INIT_SP_ADDR is 2 MiB above; it then moves to the end of RAM. */
#define RAM_LEAST (64 * MiB)

#define OTHER_FIRMWARE "name the u-boot.bin of Debian's package u-boot-qemu: firmware = \"PATH\""

static int not_opened(const char *path, struct failure *ret_failure, int error)
{
	/* The path is not the configuration's: what is missing is the package. */
	if (error == -ENOENT && strcmp(path, CONFIG_FIRMWARE) == 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOENT, path,
				   "install Debian's package u-boot-qemu, or name another file: "
				   "firmware = \"PATH\"",
				   "the firmware for boot = \"disk\" is not there");
	return error;
}

static int look(const struct boot_file *file, struct failure *ret_failure)
{
	const uint64_t base = boot_le64(file->head + TEXT_BASE_AT);
	const uint64_t len = boot_le64(file->head + END_OFFSET_AT);

	if ((boot_le32(file->head) & BRANCH_MASK) != BRANCH ||
	    boot_le32(file->head + NOP_AT) != NOP)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOEXEC, file->path,
				   OTHER_FIRMWARE, "the firmware is no U-Boot for arm64");
	if (base != LAYOUT_FIRMWARE)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOEXEC, file->path,
				   OTHER_FIRMWARE,
				   "the firmware is a U-Boot for another machine: it is to lie at "
				   "0x%llx",
				   (unsigned long long)base);
	if (len > file->size)
		return failure_set(
			ret_failure, ITSY_ENVIRONMENT, ENODATA, file->path,
			"build or copy it again",
			"the firmware is cut off: of the %llu bytes that it tells of, it "
			"has %llu",
			(unsigned long long)len, (unsigned long long)file->size);
	if (file->size > LAYOUT_FIRMWARE_MAX)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, EFBIG, file->path, OTHER_FIRMWARE,
				   "the firmware is larger than %llu MiB",
				   (unsigned long long)(LAYOUT_FIRMWARE_MAX / MiB));
	return 0;
}

/* What the file does not fill is zeros, which take no memory while nobody writes them. */
static int fill(struct firmware *firmware, const struct boot_file *file,
		struct failure *ret_failure)
{
	void *memory = mmap(NULL, LAYOUT_FIRMWARE_SZ, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int r;

	if (memory == MAP_FAILED)
		return boot_file_failed(file, errno, ret_failure);
	firmware->memory = memory;
	firmware->size = file->size;
	r = boot_file_read(file, memory, file->size, 0, ret_failure);
	if (r >= 0 && mprotect(memory, LAYOUT_FIRMWARE_SZ, PROT_READ) < 0)
		r = boot_file_failed(file, errno, ret_failure);
	return r;
}

int firmware_init(struct firmware *firmware, const char *path, struct failure *ret_failure)
{
	_cleanup_fd_ int fd = -1;
	struct boot_file file;
	int r;

	*firmware = (struct firmware){ .path = path };
	r = boot_file_open(path, "firmware", &fd, ret_failure);
	if (r < 0)
		return not_opened(path, ret_failure, r);
	r = boot_file_look(&file, path, fd, "firmware", ret_failure);
	if (r >= 0)
		r = look(&file, ret_failure);
	if (r >= 0)
		r = fill(firmware, &file, ret_failure);
	if (r < 0)
		firmware_fini(firmware);
	return r;
}

void firmware_fini(struct firmware *firmware)
{
	if (firmware->memory)
		(void)munmap(firmware->memory, LAYOUT_FIRMWARE_SZ);
	firmware->memory = NULL;
}

int firmware_fits(const struct firmware *firmware, const struct gmem *mem,
		  struct failure *ret_failure)
{
	const struct gmem_bank *first = &mem->banks[0];

	if (first->base == LAYOUT_RAM && first->size >= RAM_LEAST)
		return 0;
	return failure_set(
		ret_failure, ITSY_ENVIRONMENT, ENOSPC, firmware->path,
		"start from a kernel: boot = \"kernel\"; itsy run --print-memory-map says "
		"what is in the way",
		"the firmware needs %llu MiB of memory at 1 GiB, where this host has "
		"something else",
		(unsigned long long)(RAM_LEAST / MiB));
}
