// SPDX-License-Identifier: MIT
/*
 * The kernel and the initrd, from files into guest memory.
 *
 * Documents: Documentation/arch/arm64/booting.rst (the Image header, where things may
 * lie), drivers/firmware/efi/libstub/zboot-header.S (the zboot header), Microsoft's PE
 * Format (what an Image's EFI header says of its file), the UAPI group's Unified Kernel Image.
 *
 * Whole or cut off: image_size counts the bss, which is not in the file, so it does not tell. The
 * EFI header does, which all distributions' kernels have: its sections are in the file. Without
 * one, a file of less than half of image_size is loaded, and doubted.
 *
 * Memory, ascending, all in the largest bank: kernel at its start + text_offset, then the initrd,
 * then 2 MiB for the device tree. Since Linux 4.6 a kernel uses memory that is below it
 * (booting.rst 4), and an initrd may not be far away. Files are read, and inflated, straight to
 * where they are to lie: there is no second copy of either.
 *
 * No locks: all this is set-up, on one thread, before the guest runs.
 *
 * Deliberately not here: EFI boot, Images compressed with what unpack.c does not know
 * (the message says what to do), several streams in one file (what follows the first
 * is ignored, as bootloaders do).
 */
#include "vmm/machine/loader.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/config/config.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/boot_file.h"
#include "vmm/machine/uki.h"
#include "vmm/machine/unpack.h"

#define KERNEL_ALIGN (UINT64_C(2) << 20)  /* booting.rst 4: text_offset counts from here */
#define FDT_SZ	     (UINT64_C(2) << 20)  /* booting.rst 2: never more than 2 MiB */
#define INITRD_ALIGN (UINT64_C(64) << 10) /* a page of any guest */
#define FLAT_OFFSET  UINT64_C(0x80000)
#define SLACK_MAX    (UINT64_C(64) << 20)

#define IMAGE_TEXT_OFFSET 8u
#define IMAGE_SIZE	  16u
#define IMAGE_FLAGS	  24u
#define IMAGE_MAGIC	  56u
#define IMAGE_HEADER_SZ	  64u
#define IMAGE_FLAG_BE	  BIT64(0)

#define ZBOOT_PAYLOAD	 8u
#define ZBOOT_PAYLOAD_SZ 12u
#define ZBOOT_TYPE	 24u
#define ZBOOT_TYPE_SZ	 32u

/* Where a kernel is to go, from the first bytes of what will lie in memory. */
struct kernel_place {
	uint64_t at;	/* GPA of its first byte */
	uint64_t needs; /* bytes from there, as its header says; 0: not said */
	uint64_t whole; /* bytes that its file has at least, as its EFI header says; 0: not said */
};

/* Files that people name by mistake, known by their magic: refused with the reason. */
static const struct {
	unsigned offset, len;
	const char *magic;
	const char *what, *cure;
} foreign_formats[] = {
	{ 0, 4,
	  "\x7f"
	  "ELF",
	  "an ELF file", "use arch/arm64/boot/Image, not vmlinux" },
	{ 0, 3, "BZh", "compressed with bzip2", "unpack it (bzip2 -d), or use the plain Image" },
	{ 0, 4, "\x27\x05\x19\x56", "an U-Boot image", "use the plain arch/arm64/boot/Image" },
	{ 0, 4, "\xd0\x0d\xfe\xed", "a device tree or FIT image",
	  "use the plain arch/arm64/boot/Image" },
	{ 0x202, 4, "HdrS", "an x86 kernel", "use a kernel for arm64" },
	{ 0x24, 4, "\x18\x28\x6f\x01", "a 32-bit Arm kernel", "use a kernel for arm64" },
};

/*
 * What Linux takes for an initrd: lib/decompress.c, init/initramfs.c (070707 is of cpio's old
 * format, which it refuses), and zeros, which it skips.
 */
static const struct {
	unsigned len;
	const char *magic;
} initrd_formats[] = {
	{ 6, "070701" },   { 6, "070702" },   { 2, "\x1f\x8b" }, { 2, "\x1f\x9e" },
	{ 2, "BZ" },	   { 2, "\x5d\0" },   { 2, "\xfd\x37" }, { 2, "\x89\x4c" },
	{ 2, "\x02\x21" }, { 2, "\x28\xb5" }, { 4, "\0\0\0\0" },
};

static uint64_t align_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

/*
 * The functions below load into memory of one bank, which this makes: the largest there is, of
 * several the lowest.
 */
static struct gmem boot_bank(const struct gmem *mem)
{
	size_t largest = 0;

	for (size_t i = 1; i < mem->nr; i++)
		if (mem->banks[i].size > mem->banks[largest].size)
			largest = i;
	return (struct gmem){ .nr = 1, .banks = { mem->banks[largest] } };
}

static uint64_t mem_end(const struct gmem *mem)
{
	return mem->banks[0].base + mem->banks[0].size;
}

static int does_not_fit(struct failure *failure, const struct boot_file *src,
			const struct gmem *mem, uint64_t needs)
{
	return failure_set(
		failure, ITSY_ENVIRONMENT, ENOSPC, src->path,
		"give the guest more: memory = \"...\"",
		"it needs %llu MiB, which the guest's %llu MiB of memory do not have left",
		(unsigned long long)((needs + MASK64(19, 0)) >> 20),
		(unsigned long long)(mem->banks[0].size >> 20));
}

static bool is_image(const uint8_t head[BOOT_HEAD_SZ], uint64_t size)
{
	return size >= IMAGE_HEADER_SZ && memcmp(head + IMAGE_MAGIC, "ARM\x64", 4) == 0;
}

static bool is_zboot(const uint8_t head[BOOT_HEAD_SZ], uint64_t size)
{
	return size >= IMAGE_HEADER_SZ && memcmp(head, "MZ", 2) == 0 &&
	       memcmp(head + 4, "zimg", 4) == 0;
}

static int refuse_foreign(const struct boot_file *src, const uint8_t head[BOOT_HEAD_SZ],
			  struct failure *ret_failure)
{
	const struct unpack_format *format = unpack_format_of(head);

	if (format)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOEXEC, src->path,
				   "unpack it once", "the kernel is compressed twice, then with %s",
				   unpack_format_name(format));
	for (size_t i = 0; i < ARRAY_SIZE(foreign_formats); i++) {
		if (memcmp(head + foreign_formats[i].offset, foreign_formats[i].magic,
			   foreign_formats[i].len) != 0)
			continue;
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOEXEC, src->path,
				   foreign_formats[i].cure, "the kernel is %s",
				   foreign_formats[i].what);
	}
	if (memcmp(head, "MZ", 2) == 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOEXEC, src->path,
				   "use an arm64 Image",
				   "the kernel is an EFI program of another kind");
	return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOEXEC, src->path,
			   "name an arm64 Image (arch/arm64/boot/Image), or say kernel-format = "
			   "\"flat\" of a program without a header",
			   "the kernel is not an arm64 Image: no \"ARM\\x64\" is at its byte %u",
			   IMAGE_MAGIC);
}

/*
 * The bytes that the file of an Image has, by the sections of its EFI header: 0 where it has none,
 * or one that is not all in the head.
 */
static uint64_t size_of_sections(const uint8_t head[BOOT_HEAD_SZ])
{
	uint64_t pe = boot_le32(head + PE_AT), size = 0;
	unsigned nr;

	if (memcmp(head, "MZ", 2) != 0 || pe < IMAGE_HEADER_SZ || pe > BOOT_HEAD_SZ - PE_OPTIONAL ||
	    memcmp(head + pe, "PE\0\0", 4) != 0)
		return 0;
	nr = boot_le16(head + pe + PE_SECTIONS);
	pe += PE_OPTIONAL + boot_le16(head + pe + PE_OPTIONAL_SZ);
	for (unsigned i = 0; i < nr; i++, pe += SECTION_SZ) {
		uint64_t end;

		if (pe + SECTION_SZ > BOOT_HEAD_SZ)
			return 0;
		end = (uint64_t)boot_le32(head + pe + SECTION_RAW) +
		      boot_le32(head + pe + SECTION_RAW_SZ);
		if (end > size)
			size = end;
	}
	return size;
}

/* booting.rst 3: the header of an Image. */
static int read_header(const struct boot_file *src, const uint8_t head[BOOT_HEAD_SZ], uint64_t size,
		       uint64_t *ret_text_offset, struct kernel_place *ret_place,
		       struct failure *ret_failure)
{
	if (!is_image(head, size))
		return refuse_foreign(src, head, ret_failure);
	if (boot_le64(head + IMAGE_FLAGS) & IMAGE_FLAG_BE)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOEXEC, src->path,
				   "build it without CONFIG_CPU_BIG_ENDIAN",
				   "the kernel is big-endian");
	ret_place->needs = boot_le64(head + IMAGE_SIZE);
	ret_place->whole = size_of_sections(head);
	/* booting.rst: without an image_size, text_offset is 0x80000. */
	if (ret_place->needs)
		*ret_text_offset = boot_le64(head + IMAGE_TEXT_OFFSET);
	if (*ret_text_offset % 4)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOEXEC, src->path,
				   "build or copy it again", "the header of the kernel is damaged");
	return 0;
}

/* Where what begins with these bytes is to lie. */
static int placement_of(const struct boot_file *src, const struct gmem *mem,
			const uint8_t head[BOOT_HEAD_SZ], uint64_t size,
			struct kernel_place *ret_place, struct failure *ret_failure)
{
	struct kernel_place place = { 0 };
	uint64_t text_offset = FLAT_OFFSET, needs;
	int r = src->flat ? 0 : read_header(src, head, size, &text_offset, &place, ret_failure);

	if (r < 0)
		return r;
	needs = place.needs;
	if (text_offset >= mem->banks[0].size || needs > mem->banks[0].size - text_offset)
		return does_not_fit(ret_failure, src, mem, needs ? needs : text_offset);
	assert(mem->banks[0].base % KERNEL_ALIGN == 0);
	place.at = mem->banks[0].base + text_offset;
	*ret_place = place;
	return 0;
}

/* A compressed stream within a file. */
struct stream {
	const struct boot_file *src;
	uint64_t offset, left; /* of the packed bytes that are not read yet */
	struct unpack *unpack;
	struct unpack_io io;
	bool ended;
	uint8_t in[32 << 10];
};

static int stream_refill(struct stream *s, struct failure *ret_failure)
{
	uint64_t n = s->left < sizeof(s->in) ? s->left : sizeof(s->in);
	int r = boot_file_read(s->src, s->in, n, s->offset, ret_failure);

	if (r < 0)
		return r;
	s->offset += n;
	s->left -= n;
	s->io.in = s->in;
	s->io.in_len = n;
	s->io.is_last = s->left == 0;
	return 0;
}

static int unpack_failed(const struct boot_file *src, int error, struct failure *ret_failure)
{
	static const struct {
		int error;
		const char *cause, *cure;
	} words[] = {
		{ ENODATA, "the compressed kernel is cut off", "build or copy it again" },
		{ EBADMSG, "the compressed kernel is damaged", "build or copy it again" },
		{ E2BIG, "to unpack the compressed kernel takes more than " UNPACK_MEMORY_WORDS,
		  "unpack it, or pack it with a smaller window" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].error == error)
			return failure_set(ret_failure, ITSY_ENVIRONMENT, error, src->path,
					   words[i].cure, "%s", words[i].cause);
	return boot_file_failed(src, error, ret_failure);
}

/* Up to want bytes; fewer only where the stream ends. */
static int stream_some(struct stream *s, uint8_t *out, uint64_t want, uint64_t *ret_got,
		       struct failure *ret_failure)
{
	int r;

	s->io.out = out;
	s->io.out_len = want;
	while (s->io.out_len && !s->ended) {
		if (!s->io.in_len && s->left) {
			r = stream_refill(s, ret_failure);
			if (r < 0)
				return r;
		}
		r = unpack_run(s->unpack, &s->io);
		if (r < 0)
			return unpack_failed(s->src, -r, ret_failure);
		s->ended = r;
	}
	*ret_got = want - s->io.out_len;
	return 0;
}

/* The head first, for it says where the rest goes; then all the rest, in place. */
static int unpack_kernel(struct stream *s, const struct gmem *mem, struct kernel_place *ret_place,
			 uint64_t *ret_end, struct failure *ret_failure)
{
	uint8_t head[BOOT_HEAD_SZ] = { 0 };
	uint64_t got, rest, over;
	uint8_t *to;
	int r;

	r = stream_some(s, head, sizeof(head), &got, ret_failure);
	if (r < 0)
		return r;
	r = placement_of(s->src, mem, head, got, ret_place, ret_failure);
	if (r < 0)
		return r;
	to = gmem_host(mem, ret_place->at, got);
	if (!to)
		return does_not_fit(ret_failure, s->src, mem, got);
	memcpy(to, head, got);
	r = stream_some(s, to + got, mem_end(mem) - ret_place->at - got, &rest, ret_failure);
	if (r < 0)
		return r;
	/* RAM may be full just as the stream ends: ask whether there is a byte more. */
	r = stream_some(s, head, 1, &over, ret_failure);
	if (r < 0)
		return r;
	if (over)
		return does_not_fit(ret_failure, s->src, mem, mem->banks[0].size);
	*ret_end = ret_place->at + got + rest;
	return 0;
}

/* Where in the file the compressed stream of an EFI zboot kernel lies, and what it is. */
static int zboot_payload(const struct boot_file *src, const struct unpack_format **ret_format,
			 uint64_t *ret_offset, uint64_t *ret_len, struct failure *ret_failure)
{
	uint64_t offset = boot_le32(src->head + ZBOOT_PAYLOAD);
	uint64_t len = boot_le32(src->head + ZBOOT_PAYLOAD_SZ);
	char type[ZBOOT_TYPE_SZ + 1] = { 0 };

	memcpy(type, src->head + ZBOOT_TYPE, ZBOOT_TYPE_SZ);
	*ret_format = unpack_format_named(type);
	if (!*ret_format)
		return failure_set(
			ret_failure, ITSY_ENVIRONMENT, ENOEXEC, src->path,
			"use arch/arm64/boot/Image, or build with CONFIG_KERNEL_ZSTD",
			"the EFI zboot kernel is compressed with %s, which itsy does not "
			"unpack",
			type);
	if (offset > src->size || len > src->size - offset)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENODATA, src->path,
				   "build or copy it again", "the EFI zboot kernel is cut off");
	*ret_offset = offset;
	*ret_len = len;
	return 0;
}

static int load_packed(const struct boot_file *src, const struct gmem *mem,
		       struct kernel_place *ret_place, uint64_t *ret_end,
		       struct failure *ret_failure)
{
	_cleanup_(unpack_destroyp) struct unpack *unpack = NULL;
	const struct unpack_format *format = unpack_format_of(src->head);
	struct stream s = { .src = src, .left = src->size };
	int r;

	if (is_zboot(src->head, src->size)) {
		r = zboot_payload(src, &format, &s.offset, &s.left, ret_failure);
		if (r < 0)
			return r;
	}
	/* Nothing that fits is packed into more; a zstd frame may have empty blocks without end. */
	if (s.left > mem->banks[0].size)
		return does_not_fit(ret_failure, src, mem, s.left);
	s.io.in = s.in;
	s.io.is_last = s.left == 0;
	unpack = s.unpack = unpack_create(format);
	if (!unpack)
		return boot_file_failed(src, ENOMEM, ret_failure);
	return unpack_kernel(&s, mem, ret_place, ret_end, ret_failure);
}

static int load_plain(const struct boot_file *src, const struct gmem *mem,
		      struct kernel_place *ret_place, uint64_t *ret_end,
		      struct failure *ret_failure)
{
	void *to;
	int r;

	r = placement_of(src, mem, src->head, src->size, ret_place, ret_failure);
	if (r < 0)
		return r;
	to = gmem_host(mem, ret_place->at, src->size);
	if (!to)
		return does_not_fit(ret_failure, src, mem, src->size);
	r = boot_file_read(src, to, src->size, 0, ret_failure);
	if (r < 0)
		return r;
	*ret_end = ret_place->at + src->size;
	return 0;
}

/* A file that was loaded, and of which the guest may make nothing. */
static struct failure *add_doubt(struct loaded *loaded)
{
	assert(loaded->nr_doubts < ARRAY_SIZE(loaded->doubts));
	return &loaded->doubts[loaded->nr_doubts++];
}

/* Is it all there? len: of what lies in memory now. */
static int judge_length(const struct boot_file *src, const struct kernel_place *place, uint64_t len,
			struct loaded *loaded, struct failure *ret_failure)
{
	if (len < place->whole)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENODATA, src->path,
				   "build or copy it again",
				   "the kernel is cut off: of the %llu bytes that its EFI header "
				   "tells of, it has %llu",
				   (unsigned long long)place->whole, (unsigned long long)len);
	if (!place->whole && place->needs / 2 > len)
		(void)failure_set(
			add_doubt(loaded), ITSY_ENVIRONMENT, ENODATA, src->path,
			"build or copy it again if the guest says nothing",
			"the kernel may be cut off: it has %llu KiB, and its header tells "
			"of %llu KiB in memory",
			(unsigned long long)(len >> 10), (unsigned long long)(place->needs >> 10));
	return 0;
}

/* Of a unified kernel image, ret_src is the kernel that is in it. */
static int look_at_kernel(struct boot_file *ret_src, const struct loader_files *files,
			  struct uki *ret_uki, struct failure *ret_failure)
{
	int r = boot_file_look(ret_src, files->wish.kernel, files->kernel, "kernel", ret_failure);

	if (r < 0)
		return r;
	ret_src->flat = files->wish.flat;
	if (ret_src->flat || is_image(ret_src->head, ret_src->size) ||
	    is_zboot(ret_src->head, ret_src->size))
		return 0;
	r = uki_read(ret_src, ret_uki, ret_failure);
	return r <= 0 ? r : boot_file_narrow(ret_src, &ret_uki->kernel, ret_failure);
}

static int load_kernel(const struct gmem *mem, const struct loader_files *files, struct uki *uki,
		       struct loaded *ret_loaded, struct failure *ret_failure)
{
	struct boot_file src;
	struct kernel_place place;
	uint64_t end = 0, slack;
	int r;

	r = look_at_kernel(&src, files, uki, ret_failure);
	if (r < 0)
		return r;
	/* An Image may begin with a branch that is lzma's magic. */
	r = !src.flat && !is_image(src.head, src.size) &&
			    (unpack_format_of(src.head) || is_zboot(src.head, src.size))
		    ? load_packed(&src, mem, &place, &end, ret_failure)
		    : load_plain(&src, mem, &place, &end, ret_failure);
	if (r < 0)
		return r;
	r = judge_length(&src, &place, end - place.at, ret_loaded, ret_failure);
	if (r < 0)
		return r;
	/*
	 * Without an image_size nobody knows what follows the file (its bss, a
	 * stack): booting.rst asks for as much room as possible.
	 */
	slack = (mem_end(mem) - end) / 2;
	if (!place.needs)
		end += slack < SLACK_MAX ? slack : SLACK_MAX;
	else if (place.at + place.needs > end)
		end = place.at + place.needs;
	ret_loaded->entry = place.at;
	ret_loaded->kernel = place.at;
	ret_loaded->kernel_end = end;
	return 0;
}

/* Choice: an initrd that Linux would not know is passed on, for a guest need not be Linux. */
static void judge_initrd(const struct boot_file *src, struct loaded *loaded)
{
	for (size_t i = 0; i < ARRAY_SIZE(initrd_formats); i++)
		if (src->size >= initrd_formats[i].len &&
		    memcmp(src->head, initrd_formats[i].magic, initrd_formats[i].len) == 0)
			return;
	(void)failure_set(add_doubt(loaded), ITSY_ENVIRONMENT, ENOEXEC, src->path,
			  "make it with cpio -H newc, packed or not",
			  "the initrd is nothing that Linux unpacks: neither a cpio archive of the "
			  "format newc nor a compressed one");
}

/* Choice: what the configuration names takes the place of what is in a unified kernel image. */
static int look_at_initrd(struct boot_file *ret_src, const struct loader_files *files,
			  const struct uki *uki, struct failure *ret_failure)
{
	int r;

	if (files->wish.initrd)
		return boot_file_look(ret_src, files->wish.initrd, files->initrd, "initrd",
				      ret_failure);
	r = boot_file_look(ret_src, files->wish.kernel, files->kernel, "kernel", ret_failure);
	return r < 0 ? r : boot_file_narrow(ret_src, &uki->initrd, ret_failure);
}

static int load_initrd(const struct gmem *mem, const struct loader_files *files,
		       const struct uki *uki, struct loaded *ret_loaded,
		       struct failure *ret_failure)
{
	struct boot_file src;
	uint64_t at = align_up(ret_loaded->kernel_end, INITRD_ALIGN);
	void *to;
	int r;

	r = look_at_initrd(&src, files, uki, ret_failure);
	if (r < 0)
		return r;
	to = gmem_host(mem, at, src.size);
	if (!to)
		return does_not_fit(ret_failure, &src, mem, src.size);
	r = boot_file_read(&src, to, src.size, 0, ret_failure);
	if (r < 0)
		return r;
	judge_initrd(&src, ret_loaded);
	ret_loaded->initrd = at;
	ret_loaded->initrd_end = at + src.size;
	return 0;
}

/* Its text, on one line, as systemd-stub has it. */
static int load_cmdline(const struct loader_files *files, const struct uki *uki,
			struct loaded *ret_loaded, struct failure *ret_failure)
{
	const size_t max = sizeof(ret_loaded->cmdline) - 1;
	char *text = ret_loaded->cmdline;
	struct boot_file src;
	size_t len;
	int r = boot_file_look(&src, files->wish.kernel, files->kernel, "kernel", ret_failure);

	if (r < 0)
		return r;
	if (uki->cmdline.size > max)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, E2BIG, src.path,
				   "make the unified kernel image with a shorter one",
				   "its command line has more than %zu characters", max);
	r = boot_file_read(&src, text, uki->cmdline.size, uki->cmdline.offset, ret_failure);
	if (r < 0)
		return r;
	text[uki->cmdline.size] = '\0';
	for (len = 0; text[len]; len++)
		if ((unsigned char)text[len] < 0x20)
			text[len] = ' ';
	while (len && text[len - 1] == ' ')
		text[--len] = '\0';
	return 0;
}

void loader_warn(const struct loaded *loaded)
{
	for (size_t i = 0; i < loaded->nr_doubts; i++)
		report_warning("%s: %s: %s", loaded->doubts[i].object, loaded->doubts[i].cause,
			       loaded->doubts[i].cure);
}

struct loader_wish loader_wish_of(const struct config *config)
{
	if (config->boot == BOOT_WISH_DISK)
		return (struct loader_wish){ .firmware = config->firmware ? config->firmware
									  : CONFIG_FIRMWARE };
	return (struct loader_wish){ .kernel = config->kernel,
				     .initrd = config->initrd,
				     .flat = config->flat };
}

void loader_close(struct loader_files *files)
{
	firmware_fini(&files->firmware);
	cleanup_fd(&files->kernel);
	cleanup_fd(&files->initrd);
	files->kernel = files->initrd = -1;
}

int loader_open(struct loader_files *files, const struct loader_wish *wish,
		struct failure *ret_failure)
{
	int r;

	assert(wish->kernel || wish->firmware);

	*files = (struct loader_files){ .wish = *wish, .kernel = -1, .initrd = -1 };
	if (wish->firmware)
		return firmware_init(&files->firmware, wish->firmware, ret_failure);
	r = boot_file_open(wish->kernel, "kernel", &files->kernel, ret_failure);
	if (r >= 0 && wish->initrd)
		r = boot_file_open(wish->initrd, "initrd", &files->initrd, ret_failure);
	if (r < 0)
		loader_close(files);
	return r;
}

int loader_load(const struct gmem *mem, const struct loader_wish *wish, struct loaded *ret_loaded,
		struct failure *ret_failure)
{
	_cleanup_(loader_close) struct loader_files files;
	int r = loader_open(&files, wish, ret_failure);

	return r < 0 ? r : loader_load_open(mem, &files, ret_loaded, ret_failure);
}

/* It is in memory of its own; what it finds in the guest's is the device tree. */
static int load_firmware(const struct gmem *mem, const struct loader_files *files,
			 struct loaded *ret_loaded, struct failure *ret_failure)
{
	int r = firmware_fits(&files->firmware, mem, ret_failure);

	if (r < 0)
		return r;
	*ret_loaded = (struct loaded){
		.entry = LAYOUT_FIRMWARE,
		.kernel = LAYOUT_FIRMWARE,
		.kernel_end = LAYOUT_FIRMWARE + files->firmware.size,
		.fdt = LAYOUT_RAM,
		.fdt_max_sz = FDT_SZ,
	};
	return 0;
}

int loader_load_open(const struct gmem *mem, const struct loader_files *files,
		     struct loaded *ret_loaded, struct failure *ret_failure)
{
	const char *kernel = files->wish.kernel, *initrd = files->wish.initrd;
	const struct gmem bank = boot_bank(mem);
	struct loaded loaded = { 0 };
	struct uki uki = { 0 };
	int r;

	if (files->wish.firmware)
		return load_firmware(mem, files, ret_loaded, ret_failure);
	r = load_kernel(&bank, files, &uki, &loaded, ret_failure);
	if (r < 0)
		return r;
	loaded.initrd = loaded.initrd_end = loaded.kernel_end;
	if (initrd || uki.initrd.size)
		r = load_initrd(&bank, files, &uki, &loaded, ret_failure);
	if (r >= 0 && uki.cmdline.size)
		r = load_cmdline(files, &uki, &loaded, ret_failure);
	if (r < 0)
		return r;
	loaded.fdt = align_up(loaded.initrd_end, FDT_SZ);
	loaded.fdt_max_sz = FDT_SZ;
	if (!gmem_host(&bank, loaded.fdt, FDT_SZ))
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOSPC, initrd ? initrd : kernel,
				   "give the guest more: memory = \"...\"",
				   "no room is left behind it for the device tree");
	*ret_loaded = loaded;
	return 0;
}

int loader_load_flat(const struct gmem *mem, const void *image, size_t size,
		     struct loaded *ret_loaded, struct failure *ret_failure)
{
	const struct gmem bank = boot_bank(mem);
	uint64_t at = bank.banks[0].base + FLAT_OFFSET, end = at + size, slack;
	void *to = gmem_host(&bank, at, size);

	if (!to || mem_end(&bank) - end < 4 * FDT_SZ)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOSPC, "guest memory", NULL,
				   "the program needs more than %llu MiB",
				   (unsigned long long)(bank.banks[0].size >> 20));
	memcpy(to, image, size);
	/* As for a flat binary from a file: half of the memory after it is the program's. */
	slack = (mem_end(&bank) - end) / 2;
	*ret_loaded = (struct loaded){
		.entry = at,
		.kernel = at,
		.kernel_end = end + slack,
		.initrd = end + slack,
		.initrd_end = end + slack,
		.fdt = align_up(end + slack, FDT_SZ),
		.fdt_max_sz = FDT_SZ,
	};
	assert(gmem_host(mem, ret_loaded->fdt, FDT_SZ));
	return 0;
}
