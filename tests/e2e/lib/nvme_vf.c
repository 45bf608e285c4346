// SPDX-License-Identifier: MIT
/*
 * nvme-vf - has the NVMe controller of a physical function hand out its queues and interrupts to
 *its virtual ones: NVM Express 1.4, 5.22 (Virtualization Management), on the arm64 host.
 *
 * usage: nvme-vf DEVICE keep			the controller itself keeps none, from its next
 *reset nvme-vf DEVICE CONTROLLER NUMBER	so many of each for a secondary controller, which
 *goes online with them
 *
 * DEVICE is /dev/nvme0 or the like; CONTROLLER counts from 1 in the order of the virtual functions.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define VIRTUALIZATION_MANAGEMENT 0x1c

enum action { ALLOCATE_PRIMARY = 1, ASSIGN_SECONDARY = 8, ONLINE_SECONDARY = 9 };
enum resource { QUEUES, INTERRUPTS };

static int manage(int fd, enum action action, enum resource resource, unsigned controller,
		  unsigned nr)
{
	struct nvme_admin_cmd cmd = {
		.opcode = VIRTUALIZATION_MANAGEMENT,
		.cdw10 = controller << 16 | (unsigned)resource << 8 | action,
		.cdw11 = nr,
	};
	int r = ioctl(fd, NVME_IOCTL_ADMIN_CMD, &cmd);

	if (r == 0)
		return 0;
	if (r < 0)
		fprintf(stderr, "nvme-vf: action %u: %s\n", action, strerror(errno));
	else
		fprintf(stderr, "nvme-vf: action %u of controller %u: status 0x%x\n", action,
			controller, (unsigned)r);
	return EXIT_FAILURE;
}

static int keep_none(int fd)
{
	int r = manage(fd, ALLOCATE_PRIMARY, QUEUES, 0, 0);

	return r ? r : manage(fd, ALLOCATE_PRIMARY, INTERRUPTS, 0, 0);
}

static int give(int fd, unsigned controller, unsigned nr)
{
	int r = manage(fd, ASSIGN_SECONDARY, QUEUES, controller, nr);

	if (!r)
		r = manage(fd, ASSIGN_SECONDARY, INTERRUPTS, controller, nr);
	return r ? r : manage(fd, ONLINE_SECONDARY, QUEUES, controller, 0);
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0) {
		fprintf(stderr, "nvme-vf: %s: %s\n", argc > 2 ? argv[1] : "which device?",
			strerror(errno));
		return EXIT_FAILURE;
	}
	if (argc == 3 && !strcmp(argv[2], "keep"))
		return keep_none(fd);
	if (argc != 4)
		return EXIT_FAILURE;
	return give(fd, (unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
}
