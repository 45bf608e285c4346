// SPDX-License-Identifier: MIT
/*
 * Fuzzes the files that a guest starts from (vmm/machine/loader.h, unpack.h; booting.rst).
 *
 * Input: u8	bits 1:0: how the kernel's bytes are packed here: not at all; by
 *		pack_kinds[u8]; the same behind a zboot header; the same with
 *		its last bytes cut off
 *		bits 3:2: the guest's RAM
 *		bit 4: an initrd comes, u16 its length and then its bytes
 *		bit 5: the kernel's file goes on as zeros, u32 its size
 *		bit 6: the initrd's does, u32 its size
 *		bit 7: the kernel is said to be flat; it is not packed then
 *	then the kernel's bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/fuzz/input.h"
#include "tests/unit/machine/pack.h"
#include "vmm/machine/loader.h"

#define RAM_BASE   UINT64_C(0x40000000)
#define RAM_MAX	   (UINT64_C(16) << 20)
#define ZBOOT_HEAD 0x40u
#define GUARD_SZ   4096u
#define GUARD	   0xa5u
#define TWO_MIB	   (UINT64_C(2) << 20)

enum packing { PLAIN, PACKED, ZBOOT, CUT };

struct file {
	int fd;
	char path[32];
};

struct bytes {
	const uint8_t *at;
	size_t len;
};

/* Files and RAM are made once: what lies in RAM is nothing to the loader. */
struct rig {
	struct gmem mem;
	struct file kernel, initrd;
};

static void file_make(struct file *file)
{
	file->fd = memfd_create("file", MFD_CLOEXEC);
	assert(file->fd >= 0);
	(void)snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

static struct rig *rig_get(void)
{
	static struct rig rig;
	int r;

	if (!rig.mem.nr) {
		r = gmem_init(&rig.mem, RAM_BASE, RAM_MAX + GUARD_SZ);
		assert(r == 0);
		file_make(&rig.kernel);
		file_make(&rig.initrd);
	}
	return &rig;
}

static void file_fill(const struct file *file, const struct bytes *bytes, uint64_t size)
{
	ssize_t n;
	int r;

	r = ftruncate(file->fd, 0);
	assert(r == 0);
	n = pwrite(file->fd, bytes->at, bytes->len, 0);
	assert(n == (ssize_t)bytes->len);
	if (size <= bytes->len)
		return;
	r = ftruncate(file->fd, (off_t)size);
	assert(r == 0);
}

static void put_zboot_head(uint8_t *head, const struct pack_kind *kind, size_t len)
{
	const uint32_t offset = ZBOOT_HEAD, size = (uint32_t)len;

	memcpy(head, "MZ\0\0zimg", 8);
	memcpy(head + 8, &offset, 4);
	memcpy(head + 12, &size, 4);
	if (kind->zboot)
		memcpy(head + 24, kind->zboot, strlen(kind->zboot));
}

static void put_kernel(const struct file *file, enum packing packing, const struct pack_kind *kind,
		       const struct bytes *plain, uint64_t size)
{
	struct bytes packed;
	size_t len, head = packing == ZBOOT ? ZBOOT_HEAD : 0;
	uint8_t *out, *whole;

	if (packing == PLAIN) {
		file_fill(file, plain, size);
		return;
	}
	out = kind->pack(plain->at, plain->len, &len);
	whole = calloc(1, head + len);
	assert(whole);
	memcpy(whole + head, out, len);
	if (packing == ZBOOT)
		put_zboot_head(whole, kind, len);
	if (packing == CUT)
		len -= len / 4 + 1;
	packed = (struct bytes){ whole, head + len };
	file_fill(file, &packed, size);
	free(whole);
	free(out);
}

/* Everything lies in RAM, one behind the other. */
static void check_places(const struct gmem *mem, const struct loaded *loaded)
{
	const uint64_t end = RAM_BASE + mem->banks[0].size;

	assert(loaded->kernel >= RAM_BASE);
	assert(loaded->entry >= loaded->kernel);
	assert(loaded->entry < loaded->kernel_end);
	assert(loaded->kernel <= loaded->kernel_end);
	assert(loaded->kernel_end <= loaded->initrd);
	assert(loaded->initrd <= loaded->initrd_end);
	assert(loaded->initrd_end <= loaded->fdt);
	assert(loaded->fdt % TWO_MIB == 0);
	assert(loaded->fdt <= end);
	assert(loaded->fdt_max_sz <= end - loaded->fdt);
}

static void check_bytes(const struct gmem *mem, uint64_t gpa, const struct bytes *bytes)
{
	const void *host = gmem_host(mem, gpa, bytes->len);

	assert(host);
	assert(!bytes->len || memcmp(host, bytes->at, bytes->len) == 0);
}

/* Nothing was written behind the end of RAM. */
static void check_guard(const struct gmem *mem)
{
	const uint8_t *guard = mem->banks[0].va + mem->banks[0].size;

	for (unsigned i = 0; i < GUARD_SZ; i++)
		assert(guard[i] == GUARD);
}

/* What is run as it is: anything else that is run is compressed, or in another file's section. */
static bool is_image(const struct bytes *kernel, uint64_t size)
{
	return kernel->len >= 60 && (kernel->len >= 64 || size >= 64) &&
	       memcmp(kernel->at + 56, "ARM\x64", 4) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t ram_sizes[] = { RAM_MAX, TWO_MIB, 2 * TWO_MIB, 4 * TWO_MIB };
	struct input in = { data, data + size };
	struct rig *rig = rig_get();
	uint8_t flags = input_u8(&in);
	const bool flat = flags & 0x80;
	enum packing packing = flat ? PLAIN : flags & 3;
	struct gmem mem = rig->mem;
	const struct pack_kind *kind = pack_kinds;
	struct bytes kernel, initrd = { 0 };
	uint64_t kernel_size = 0, initrd_size = 0;
	struct loaded loaded;
	struct failure failure = { 0 };
	int r;

	mem.banks[0].size = ram_sizes[flags >> 2 & 3];
	if (packing != PLAIN)
		kind = &pack_kinds[input_below(&in, (unsigned)pack_nr_kinds)];
	if (flags & 0x10)
		initrd.at = input_bytes(&in, input_u16(&in), &initrd.len);
	if (flags & 0x20)
		kernel_size = input_u32(&in);
	if (flags & 0x40)
		initrd_size = input_u32(&in);
	kernel.at = input_bytes(&in, input_left(&in), &kernel.len);
	put_kernel(&rig->kernel, packing, kind, &kernel, kernel_size);
	file_fill(&rig->initrd, &initrd, initrd_size);
	memset(mem.banks[0].va + mem.banks[0].size, GUARD, GUARD_SZ);

	r = loader_load(&mem,
			&(struct loader_wish){ .kernel = rig->kernel.path,
					       .initrd = flags & 0x10 ? rig->initrd.path : NULL,
					       .flat = flat },
			&loaded, &failure);
	assert(r <= 0);
	check_guard(&mem);
	if (r < 0) {
		assert(failure.status == ITSY_ENVIRONMENT);
		assert(failure.object[0]);
		assert(failure.cause[0]);
		return 0;
	}
	check_places(&mem, &loaded);
	/* An initrd that nobody gave comes out of a unified kernel image. */
	assert(flags & 0x10 || loaded.initrd == loaded.initrd_end ||
	       (packing == PLAIN && !flat && !is_image(&kernel, kernel_size)));
	assert(strnlen(loaded.cmdline, sizeof(loaded.cmdline)) < sizeof(loaded.cmdline));
	check_bytes(&mem, loaded.initrd, &initrd);
	assert(loaded.nr_doubts <= 2);
	/* Nothing else is run, whatever it came in. */
	if (!flat)
		check_bytes(&mem, loaded.kernel + 56,
			    &(struct bytes){ (const uint8_t *)"ARM\x64", 4 });
	/* What was cut, and goes on as zeros, may be another text where no checksum tells. */
	if (flat || (packing == PLAIN && is_image(&kernel, kernel_size)) ||
	    (packing != PLAIN && (packing != CUT || kind->has_checksum)))
		check_bytes(&mem, loaded.kernel, &kernel);
	return 0;
}
