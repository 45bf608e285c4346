// SPDX-License-Identifier: MIT
/*
 * VFIO without a kernel, after drivers/vfio of Linux 6.1: the order in which
 * container, group, IOMMU and device come, argsz that grows, chains of
 * capabilities, regions in one file. Descriptors are real ones, so that what
 * leaks is seen by the kernel as well.
 */
#include "tests/unit/vfio/vfio_fake_iommufd.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "vfio/container_priv.h"

#define REGION_OF(offset) ((unsigned)((offset) >> 40))
#define WITHIN(offset)	  ((offset) & (FAKE_REGION(1) - 1))

static bool fails(struct fake_vfio *fake, const char *call)
{
	fake->calls++;
	if (fake->fail_at == 0 || --fake->fail_at > 0)
		return false;
	fake->failed = true;
	fake->failed_call = call;
	return true;
}

static int add_fd(struct fake_vfio *fake, int fd, enum fake_fd_kind kind, int number)
{
	assert_in_range(fd, 0, FAKE_FDS - 1);
	assert_int_equal(fake->fds[fd].kind, FAKE_NONE);
	fake->fds[fd] = (struct fake_fd){ .kind = kind, .number = number };
	fake->nr_fds++;
	return fd;
}

struct fake_fd *fake_get_fd(struct fake_vfio *fake, int fd, enum fake_fd_kind kind)
{
	assert_in_range(fd, 0, FAKE_FDS - 1);
	assert_int_equal(fake->fds[fd].kind, kind);
	return &fake->fds[fd];
}

int fake_new_fd(struct fake_vfio *fake, enum fake_fd_kind kind, int number)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return add_fd(fake, fd, kind, number);
}

static int fake_open_path(void *ctx, const char *path)
{
	struct fake_vfio *fake = ctx;
	int number;

	if (fails(fake, "open"))
		return -fake->fail_errno;
	if (!strcmp(path, "/dev/vfio/vfio"))
		return fake->open_errno ? -fake->open_errno : fake_new_fd(fake, FAKE_CONTAINER, 0);
	if (!strcmp(path, "/dev/iommu"))
		return fake->open_errno ? -fake->open_errno : fake_new_fd(fake, FAKE_IOMMUFD, 0);
	if (sscanf(path, "/dev/vfio/devices/vfio%d", &number) == 1)
		return fake_open_cdev(fake, (unsigned)number);
	assert_int_equal(sscanf(path, "/dev/vfio/%d", &number), 1);
	if (fake->group_errno)
		return -fake->group_errno;
	/* A group can be open once. */
	for (unsigned i = 0; i < FAKE_FDS; i++) {
		if (fake->fds[i].kind == FAKE_GROUP && fake->fds[i].number == number)
			return -EBUSY;
	}
	return fake_new_fd(fake, FAKE_GROUP, number);
}

static void leave_group(struct fake_vfio *fake, struct fake_fd *group)
{
	if (!group->joined)
		return;
	group->joined = false;
	if (--fake->nr_groups_joined == 0) {
		fake->iommu_set = false;
		fake->nr_dma = 0;
	}
}

static void fake_close(void *ctx, int fd)
{
	struct fake_vfio *fake = ctx;
	struct fake_fd *entry = &fake->fds[fd];

	assert_in_range(fd, 0, FAKE_FDS - 1);
	assert_int_not_equal(entry->kind, FAKE_NONE);
	if (entry->kind == FAKE_DEVICE) {
		struct fake_function *fn = &fake->functions[entry->number];

		/* Vectors are disabled before, and nothing masters the bus any more. */
		assert_int_equal(fn->nr_enabled, 0);
		if (fn->commanded)
			assert_false(fake_cfgspace(fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
		fn->commanded = false;
		fn->fd = -1;
		fake->nr_attached -= fn->attached;
		fn->by_cdev = fn->bound = fn->attached = false;
		for (size_t i = 0; i < NR_VFIO_NOTICES; i++)
			fn->notices[i] = -1;
	}
	if (entry->kind == FAKE_GROUP)
		leave_group(fake, entry);
	if (entry->kind == FAKE_IOMMUFD) {
		assert_int_equal(fake->nr_attached, 0);
		assert_true(fake->keeps_ioas || !fake->ioas);
		fake->ioas = 0;
		fake->nr_dma = 0;
	}
	entry->kind = FAKE_NONE;
	fake->nr_fds--;
	close(fd);
}

/* --- the container ------------------------------------------------------- */

static uint32_t put_cap(char *answer, uint32_t at, uint16_t id, uint16_t version)
{
	struct vfio_info_cap_header header = { .id = id, .version = version };

	memcpy(answer + at, &header, sizeof(header));
	return at;
}

/*
 * Two capabilities, the second at an address that is a multiple of 4 only, as
 * kernels before 6.6 place them.
 */
static int get_iommu_info(struct fake_vfio *fake, void *arg)
{
	static const struct vfio_iova_range ranges[] = {
		{ 0x0, 0x7ffffff },
		{ 0x8100000, 0xffffffffffff },
	};
	static const struct vfio_iova_range crossed[] = {
		{ 0x0, 0x8100000 },
		{ 0x8100000, 0xffffffffffff },
	};
	struct vfio_iommu_type1_info *info = arg;
	struct vfio_iommu_type1_info_cap_iova_range cap = { .nr_iovas = 2 };
	uint32_t avail = sizeof(*info), iova = avail + 12;
	uint32_t size = iova + sizeof(cap) + sizeof(ranges), given = info->argsz;
	char *answer = arg;

	if (given < sizeof(*info))
		return -EINVAL;
	info->flags = fake->no_ranges ? 0 : VFIO_IOMMU_INFO_CAPS;
	if (fake->no_ranges)
		return 0;
	info->argsz = size;
	info->cap_offset = 0;
	if (given < size)
		return 0;
	info->cap_offset = put_cap(answer, avail, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 1);
	((struct vfio_info_cap_header *)(void *)(answer + avail))->next = iova;
	put_cap(answer, iova, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1);
	/* nr_iovas stands behind the header; with odd_ranges it claims too much. */
	cap.nr_iovas = fake->odd_ranges ? 1000000 : 2;
	memcpy(answer + iova + sizeof(struct vfio_info_cap_header), &cap.nr_iovas,
	       sizeof(cap.nr_iovas));
	memcpy(answer + iova + sizeof(cap), fake->crossed_ranges ? crossed : ranges,
	       sizeof(ranges));
	return 0;
}

void fake_note_dma(struct fake_vfio *fake, uint64_t iova, uint64_t size, uint64_t va)
{
	fake->nr_dma++;
	for (size_t i = 0; i < FAKE_DMAS; i++) {
		if (fake->dmas[i].size)
			continue;
		fake->dmas[i] = (struct fake_dma){ iova, size, (void *)(uintptr_t)va };
		return;
	}
}

/* What was mapped is unmapped as a whole: VFIO_TYPE1v2_IOMMU. */
static int forget_dma(struct fake_vfio *fake, const struct vfio_iommu_type1_dma_unmap *unmap)
{
	for (size_t i = 0; i < FAKE_DMAS; i++) {
		if (fake->dmas[i].iova != unmap->iova || fake->dmas[i].size != unmap->size)
			continue;
		fake->dmas[i] = (struct fake_dma){ 0 };
		fake->nr_dma--;
		return 0;
	}
	fail_msg("0x%llx was not mapped", (unsigned long long)unmap->iova);
	return -EINVAL;
}

static int container_ioctl(struct fake_vfio *fake, unsigned long request, void *arg)
{
	const struct vfio_iommu_type1_dma_map *map = arg;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return fake->api_version ? fake->api_version : VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return (uintptr_t)arg == VFIO_TYPE1v2_IOMMU && !fake->no_type1;
	case VFIO_SET_IOMMU:
		assert_int_equal((uintptr_t)arg, VFIO_TYPE1v2_IOMMU);
		if (fake->nr_groups_joined == 0 || fake->iommu_set)
			return -EINVAL;
		if (fake->set_iommu_errno)
			return -fake->set_iommu_errno;
		fake->iommu_set = true;
		return 0;
	case VFIO_IOMMU_GET_INFO:
		return fake->iommu_set ? get_iommu_info(fake, arg) : -EINVAL;
	case VFIO_IOMMU_MAP_DMA:
		if (!fake->iommu_set)
			return -EINVAL;
		if (fake->map_errno)
			return -fake->map_errno;
		fake_note_dma(fake, map->iova, map->size, map->vaddr);
		return 0;
	case VFIO_IOMMU_UNMAP_DMA:
		return forget_dma(fake, arg);
	default:
		return -ENOTTY;
	}
}

/* --- the group ----------------------------------------------------------- */

static int open_device(struct fake_vfio *fake, const struct fake_fd *group, const char *name)
{
	for (unsigned i = 0; i < fake->nr_functions; i++) {
		struct fake_function *fn = &fake->functions[i];

		if (strcmp(fn->bdf, name) || fn->group != group->number)
			continue;
		/* The kernel does not mind a second time, if it is the group's owner. */
		if (fn->busy)
			return -EBUSY;
		assert_int_equal(fn->fd, -1);
		fn->fd = fake_new_fd(fake, FAKE_DEVICE, (int)i);
		return fn->fd;
	}
	return -ENODEV;
}

static int group_ioctl(struct fake_vfio *fake, struct fake_fd *group, unsigned long request,
		       void *arg)
{
	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		assert_int_equal(((struct vfio_group_status *)arg)->argsz,
				 sizeof(struct vfio_group_status));
		((struct vfio_group_status *)arg)->flags =
			fake->not_viable ? 0 : VFIO_GROUP_FLAGS_VIABLE;
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		if (group->joined)
			return -EINVAL;
		fake_get_fd(fake, *(int *)arg, FAKE_CONTAINER);
		group->joined = true;
		fake->nr_groups_joined++;
		return 0;
	case VFIO_GROUP_UNSET_CONTAINER:
		if (!group->joined)
			return -EINVAL;
		leave_group(fake, group);
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		if (!group->joined || !fake->iommu_set)
			return -EINVAL;
		return open_device(fake, group, arg);
	default:
		return -ENOTTY;
	}
}

/* --- the device ---------------------------------------------------------- */

static int sparse_info(const struct fake_bar *bar, struct vfio_region_info *info, uint32_t given)
{
	struct vfio_region_info_cap_sparse_mmap sparse = { .nr_areas = (uint32_t)bar->nr_areas };
	uint32_t areas = (uint32_t)(bar->nr_areas * sizeof(struct vfio_region_sparse_mmap_area));
	uint32_t size = (uint32_t)(sizeof(*info) + sizeof(sparse)) + areas;
	char *answer = (char *)info;

	info->argsz = size;
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = 0;
	if (given < size)
		return 0;
	sparse.header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	sparse.header.version = 1;
	memcpy(answer + sizeof(*info), &sparse, sizeof(sparse));
	memcpy(answer + sizeof(*info) + sizeof(sparse), bar->areas, areas);
	info->cap_offset = sizeof(*info);
	return 0;
}

static int mappable_info(struct vfio_region_info *info, uint32_t given)
{
	info->argsz = sizeof(*info) + sizeof(struct vfio_info_cap_header);
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = 0;
	if (given >= info->argsz)
		info->cap_offset =
			put_cap((char *)info, sizeof(*info), VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, 1);
	return 0;
}

static int region_info(const struct fake_function *fn, struct vfio_region_info *info)
{
	uint32_t given = info->argsz;

	if (given < sizeof(*info) - 16)
		return -EINVAL;
	info->offset = FAKE_REGION(info->index);
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	info->size = 0;
	if (info->index == VFIO_PCI_CONFIG_REGION_INDEX) {
		info->size = fn->cfgspace_size;
	} else if (info->index < VFIO_DEVICE_RANGES) {
		const struct fake_bar *bar = &fn->bars[info->index];

		if (info->index == VFIO_DEVICE_ROM)
			info->flags = fn->unreadable_rom ? 0 : VFIO_REGION_INFO_FLAG_READ;
		info->size = bar->size;
		if (bar->mmap)
			info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
		if (bar->mmap && bar->msix_mappable)
			return mappable_info(info, given);
		if (bar->mmap && bar->nr_areas)
			return sparse_info(bar, info, given);
	}
	return 0;
}

/* Of vectors that are enabled: their number stays what it is (NORESIZE). */
static int change_triggers(struct fake_vfio *fake, struct fake_function *fn,
			   const struct vfio_irq_set *set)
{
	if (set->start >= fn->nr_enabled || set->count > fn->nr_enabled - set->start)
		return -EINVAL;
	for (unsigned i = 0; i < set->count; i++) {
		int32_t fd;

		memcpy(&fd, set->data + i * sizeof(fd), sizeof(fd));
		if (fd >= 0)
			fake_get_fd(fake, fd, FAKE_EVENTFD);
		fn->eventfds[set->start + i] = fd;
		if (fd >= 0 && fn->pending[set->start + i])
			fake_signal(fn, set->start + i);
		fn->pending[set->start + i] &= fd < 0;
	}
	return 0;
}

/* As if the function had interrupted: only what has an eventfd is signalled. */
static int trigger(struct fake_function *fn, const struct vfio_irq_set *set)
{
	if (set->index != fn->enabled_index || set->start >= fn->nr_enabled ||
	    set->count > fn->nr_enabled - set->start)
		return -EINVAL;
	for (unsigned i = 0; i < set->count; i++) {
		if (fn->eventfds[set->start + i] >= 0)
			fake_signal(fn, set->start + i);
	}
	return 0;
}

/* Of VFIO's own two: one eventfd each. */
static int set_notice(struct fake_vfio *fake, struct fake_function *fn,
		      const struct vfio_irq_set *set)
{
	enum vfio_notice notice =
		set->index == VFIO_PCI_REQ_IRQ_INDEX ? VFIO_NOTICE_REQUEST : VFIO_NOTICE_ERROR;
	int32_t fd;

	if (fn->irqs[set->index] != 1 || set->start || set->count != 1)
		return -EINVAL;
	memcpy(&fd, set->data, sizeof(fd));
	fake_get_fd(fake, fd, FAKE_EVENTFD);
	fn->notices[notice] = fd;
	return 0;
}

/* As vfio_pci_intx_unmask_handler() and vfio_intx_handler(): masked as it is signalled. */
static void look_at_intx(struct fake_function *fn)
{
	bool enabled = fn->nr_enabled && fn->enabled_index == VFIO_PCI_INTX_IRQ_INDEX;

	if (!enabled || !fn->intx || fn->intx_masked ||
	    (fake_cfgspace(fn, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE))
		return;
	fn->intx_masked = true;
	fn->intx_signals++;
	fake_signal(fn, 0);
}

static int unmask_intx(struct fake_vfio *fake, struct fake_function *fn,
		       const struct vfio_irq_set *set)
{
	int32_t fd;

	if (set->index != VFIO_PCI_INTX_IRQ_INDEX || fn->enabled_index != set->index ||
	    !fn->nr_enabled || set->start != 0 || set->count != 1)
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_DATA_NONE) {
		fn->intx_masked = false;
		look_at_intx(fn);
		return 0;
	}
	memcpy(&fd, set->data, sizeof(fd));
	fake_get_fd(fake, fd, FAKE_EVENTFD);
	fn->intx_unmask = fd;
	return 0;
}

static int set_irqs(struct fake_vfio *fake, struct fake_function *fn,
		    const struct vfio_irq_set *set)
{
	if (set->flags & VFIO_IRQ_SET_ACTION_UNMASK)
		return unmask_intx(fake, fn, set);
	if (set->index >= 5 || !(set->flags & VFIO_IRQ_SET_ACTION_TRIGGER))
		return -EINVAL;
	if ((set->flags & VFIO_IRQ_SET_DATA_NONE) && set->count)
		return trigger(fn, set);
	if (set->flags & VFIO_IRQ_SET_DATA_NONE) {
		assert_int_equal(set->index, fn->enabled_index);
		if (fn->disabling)
			fn->disabling(fn->disabling_arg);
		fn->nr_enabled = 0;
		return 0;
	}
	assert_true(set->flags & VFIO_IRQ_SET_DATA_EVENTFD);
	assert_int_equal(set->argsz, sizeof(*set) + set->count * sizeof(int32_t));
	if (set->index == VFIO_PCI_REQ_IRQ_INDEX || set->index == VFIO_PCI_ERR_IRQ_INDEX)
		return set_notice(fake, fn, set);
	if (fn->nr_enabled && fn->enabled_index == set->index)
		return change_triggers(fake, fn, set);
	assert_int_equal(set->start, 0);
	if (fn->nr_enabled || set->count == 0 || set->count > fn->irqs[set->index])
		return -EINVAL;
	if (fn->irqs_errno && (!fn->no_intx || set->index == VFIO_PCI_INTX_IRQ_INDEX))
		return -fn->irqs_errno;
	if (fn->irqs_given && set->count > fn->irqs_given)
		return (int)fn->irqs_given;
	for (unsigned i = 0; i < set->count; i++) {
		int32_t fd;

		memcpy(&fd, set->data + i * sizeof(fd), sizeof(fd));
		if (fd >= 0)
			fake_get_fd(fake, fd, FAKE_EVENTFD);
		fn->eventfds[i] = fd;
		fn->pending[i] = false;
	}
	fn->nr_enabled = set->count;
	fn->enabled_index = set->index;
	fn->intx_masked = false;
	fn->intx_unmask = -1;
	look_at_intx(fn);
	return 0;
}

static int device_request(struct fake_vfio *fake, struct fake_function *fn, unsigned long request,
			  void *arg)
{
	struct vfio_device_info *device = arg;
	struct vfio_irq_info *irq = arg;

	if (fn->by_cdev && !fn->attached)
		return fake_enter_iommufd(fake, fn, request, arg);
	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		device->flags = fn->not_pci ? VFIO_DEVICE_FLAGS_PLATFORM : VFIO_DEVICE_FLAGS_PCI;
		if (fn->can_reset)
			device->flags |= VFIO_DEVICE_FLAGS_RESET;
		device->num_regions = VFIO_PCI_NUM_REGIONS;
		device->num_irqs = VFIO_PCI_NUM_IRQS;
		return 0;
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(fn, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		if (irq->index >= 5 ||
		    (irq->index == VFIO_PCI_ERR_IRQ_INDEX && !fn->irqs[irq->index]))
			return -EINVAL;
		irq->count = fn->irqs[irq->index];
		irq->flags = fn->no_eventfd ? 0 : VFIO_IRQ_INFO_EVENTFD;
		irq->flags |= irq->index == VFIO_PCI_INTX_IRQ_INDEX
				      ? VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED
				      : VFIO_IRQ_INFO_NORESIZE;
		return 0;
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(fake, fn, arg);
	case VFIO_DEVICE_RESET:
		return fake_reset(fn);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return fake_hot_reset_info(fake, fn, arg);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return fake_hot_reset(fake, fn, arg);
	default:
		return -ENOTTY;
	}
}

static int fake_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	struct fake_vfio *fake = ctx;
	struct fake_fd *entry = &fake->fds[fd];

	assert_in_range(fd, 0, FAKE_FDS - 1);
	if (fails(fake, "ioctl")) {
		fake->failed_request = entry->kind == FAKE_DEVICE ? request : 0;
		return -fake->fail_errno;
	}
	switch (entry->kind) {
	case FAKE_CONTAINER:
		return container_ioctl(fake, request, arg);
	case FAKE_GROUP:
		return group_ioctl(fake, entry, request, arg);
	case FAKE_IOMMUFD:
		return fake_iommufd_ioctl(fake, request, arg);
	case FAKE_DEVICE:
		return device_request(fake, &fake->functions[entry->number], request, arg);
	default:
		fail_msg("ioctl on a descriptor that takes none");
		return -ENOTTY;
	}
}

static bool decodes(struct fake_function *fn, unsigned bar)
{
	bool is_io = bar < VFIO_DEVICE_BARS && (fake_cfgspace(fn, PCI_BASE_ADDRESS_0 + 4 * bar, 4) &
						PCI_BASE_ADDRESS_SPACE_IO);

	if (fake_cfgspace(fn, PCI_COMMAND, 2) & (is_io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY))
		return true;
	fn->undecoded++;
	return false;
}

static ssize_t fake_pread(void *ctx, int fd, void *buf, size_t len, uint64_t offset)
{
	struct fake_vfio *fake = ctx;
	struct fake_function *fn = &fake->functions[fake_get_fd(fake, fd, FAKE_DEVICE)->number];

	if (fails(fake, "pread"))
		return -fake->fail_errno;
	if (fake->short_reads && fake->nr_reads++ % 2)
		return -EINTR;
	if (fake->short_reads && len > 3)
		len = 3;
	if (REGION_OF(offset) == VFIO_PCI_CONFIG_REGION_INDEX) {
		assert_true(WITHIN(offset) + len <= fn->cfgspace_size);
		memcpy(buf, fn->cfgspace + WITHIN(offset), len);
		return (ssize_t)len;
	}
	assert_in_range(REGION_OF(offset), 0, VFIO_DEVICE_RANGES - 1);
	assert_true(WITHIN(offset) + len <= fn->bars[REGION_OF(offset)].size);
	return decodes(fn, REGION_OF(offset)) ? pread(fn->file, buf, len, (off_t)offset) : -EIO;
}

static void write_cfgspace(struct fake_function *fn, unsigned at, const uint8_t *bytes, size_t len)
{
	struct fake_write *log = &fn->writes[fn->nr_writes++ % FAKE_LOG];

	*log = (struct fake_write){ .offset = at, .len = (unsigned)len };
	memcpy(&log->value, bytes, len);
	fn->commanded |= at <= PCI_COMMAND && at + len > PCI_COMMAND;
	for (size_t i = 0; i < len; i++) {
		uint8_t old = fn->cfgspace[at + i], mask = fn->writable[at + i];

		old = (uint8_t)(old & ~(bytes[i] & fn->w1c[at + i]));
		fn->cfgspace[at + i] = (uint8_t)((old & ~mask) | (bytes[i] & mask));
	}
	look_at_intx(fn);
}

static ssize_t fake_pwrite(void *ctx, int fd, const void *buf, size_t len, uint64_t offset)
{
	struct fake_vfio *fake = ctx;
	struct fake_function *fn = &fake->functions[fake_get_fd(fake, fd, FAKE_DEVICE)->number];

	if (fails(fake, "pwrite"))
		return -fake->fail_errno;
	if (REGION_OF(offset) == VFIO_PCI_CONFIG_REGION_INDEX) {
		assert_true(WITHIN(offset) + len <= fn->cfgspace_size);
		assert_in_range(len, 1, 4);
		write_cfgspace(fn, (unsigned)WITHIN(offset), buf, len);
		return (ssize_t)len;
	}
	assert_in_range(REGION_OF(offset), 0, VFIO_DEVICE_BARS - 1);
	assert_true(WITHIN(offset) + len <= fn->bars[REGION_OF(offset)].size);
	return decodes(fn, REGION_OF(offset)) ? pwrite(fn->file, buf, len, (off_t)offset) : -EIO;
}

static int fake_mmap(void *ctx, int fd, uint64_t offset, size_t len, void **ret_map)
{
	struct fake_vfio *fake = ctx;
	struct fake_function *fn = &fake->functions[fake_get_fd(fake, fd, FAKE_DEVICE)->number];
	const struct fake_bar *bar = &fn->bars[REGION_OF(offset)];
	void *map;

	if (fails(fake, "mmap"))
		return -fake->fail_errno;
	assert_true(bar->mmap);
	assert_true(WITHIN(offset) % fake->sys.page_size == 0);
	assert_true(len % fake->sys.page_size == 0);
	/* PAGE_ALIGN(): of one that is smaller, the page. */
	assert_true(WITHIN(offset) + len <= bar->size ||
		    (WITHIN(offset) == 0 && len == fake->sys.page_size));
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fn->file, (off_t)offset);
	assert_true(map != MAP_FAILED);
	fake->nr_maps++;
	*ret_map = map;
	return 0;
}

static void fake_munmap(void *ctx, void *map, size_t len)
{
	struct fake_vfio *fake = ctx;

	assert_true(fake->nr_maps > 0);
	fake->nr_maps--;
	assert_int_equal(munmap(map, len), 0);
}

static int fake_map_anew(void *ctx, int fd, uint64_t offset, size_t len, void *map)
{
	struct fake_vfio *fake = ctx;
	struct fake_function *fn = &fake->functions[fake_get_fd(fake, fd, FAKE_DEVICE)->number];

	/* It is mapped: unmapped memory has no such answer. */
	assert_int_equal(msync(map, len, MS_ASYNC), 0);
	assert_ptr_equal(mmap(map, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fn->file,
			      (off_t)offset),
			 map);
	fake->dropped += len;
	return 0;
}

static int fake_eventfd(void *ctx)
{
	struct fake_vfio *fake = ctx;

	return fails(fake, "eventfd") ? -fake->fail_errno : fake_new_fd(fake, FAKE_EVENTFD, 0);
}

static void *fake_zalloc(void *ctx, size_t nr, size_t size)
{
	return fails(ctx, "zalloc") ? NULL : calloc(nr, size);
}

/* Nobody waits for it. */
static uint64_t fake_now_ns(void *ctx)
{
	return ((const struct fake_vfio *)ctx)->now_ns;
}

static void fake_sleep_ns(void *ctx, uint64_t ns)
{
	struct fake_vfio *fake = ctx;

	fake->now_ns += ns;
	fake->slept_ns += ns;
	fake->nr_sleeps++;
}

/* --- for the tests ------------------------------------------------------- */

void fake_init_on(struct fake_vfio *fake, const struct host_tree *tree)
{
	memset(fake, 0, sizeof(*fake));
	fake->sys = (struct vfio_sys){
		.ctx = fake,
		.open = fake_open_path,
		.close = fake_close,
		.ioctl = fake_ioctl,
		.pread = fake_pread,
		.pwrite = fake_pwrite,
		.mmap = fake_mmap,
		.munmap = fake_munmap,
		.map_anew = fake_map_anew,
		.eventfd = fake_eventfd,
		.zalloc = fake_zalloc,
		.now_ns = fake_now_ns,
		.sleep_ns = fake_sleep_ns,
		.page_size = (size_t)sysconf(_SC_PAGESIZE),
	};
	fake->fail_errno = EIO;
	fake->tree = *tree;
	fake->borrowed = true;
}

void fake_init(struct fake_vfio *fake)
{
	struct host_tree tree;

	tree_init(&tree);
	fake_init_on(fake, &tree);
	fake->borrowed = false;
}

void fake_fini(struct fake_vfio *fake)
{
	for (unsigned i = 0; i < fake->nr_functions; i++) {
		assert_int_equal(fake->functions[i].undecoded, 0);
		assert_false(fake->functions[i].mastering_at_reset);
		close(fake->functions[i].file);
	}
	if (!fake->borrowed)
		tree_fini(&fake->tree);
	assert_int_equal(fake->nr_fds, 0);
	assert_int_equal(fake->nr_maps, 0);
	assert_int_equal(fake->nr_groups_joined, 0);
	assert_int_equal(fake->ioas, 0);
	assert_int_equal(fake->nr_attached, 0);
}

void fake_publish(struct fake_vfio *fake)
{
	if (!fake->borrowed)
		tree_write(&fake->tree,
			   "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	for (unsigned i = 0; i < fake->nr_functions && !fake->borrowed; i++) {
		struct fake_function *fn = &fake->functions[i];
		struct tree_function entry = {
			.bdf = fn->bdf,
			.vendor = fn->vendor,
			.device = fn->device,
			.class_code = fn->class_code,
			.driver = fn->driver,
			.group = fn->group,
			.config = fn->cfgspace,
			.config_size = fn->cfgspace_size,
			.reset = fn->can_reset ? "flr\n" : "\n",
		};

		tree_add_function(&fake->tree, &entry);
		fake_publish_cdev(fake, i);
	}
}

void fake_container(struct fake_vfio *fake, struct vfio_container **ret_container)
{
	struct vfio_failure failure = { 0 };

	assert_int_equal(
		vfio_container_create_with(&fake->sys, fake->kind, ret_container, &failure), 0);
}

struct vfio_device *fake_open(struct fake_vfio *fake, struct vfio_container *c, const char *bdf)
{
	struct vfio_device *dev = NULL;
	struct vfio_failure failure = { 0 };
	struct pci_bdf name;
	int r;

	assert_int_equal(pci_bdf_parse(bdf, &name), 0);
	r = vfio_device_create(c, &fake->tree.fs, &name, &dev, &failure);
	if (r < 0)
		fail_msg("%s: %d, failure %d, %s", bdf, r, failure.code, failure.object);
	assert_non_null(dev);
	return dev;
}

void fake_intx(struct fake_function *fn, bool level)
{
	fn->intx = level;
	look_at_intx(fn);
}

bool fake_intx_unmask(struct fake_function *fn)
{
	uint64_t signals;

	assert_true(fn->intx_unmask >= 0);
	if (read(fn->intx_unmask, &signals, sizeof(signals)) != sizeof(signals))
		return false;
	fn->intx_masked = false;
	look_at_intx(fn);
	return true;
}
