// SPDX-License-Identifier: MIT
/*
 * The system calls of each kind of thread. Documents: the manual pages of section 2;
 * Documentation/virt/kvm/api.rst, linux/vfio.h.
 *
 * Rows are found in two ways: by reading what a thread does and what the C library makes of
 * that, and by running everything with the sandbox on (tests/e2e), where what is missing ends
 * the guest with the name of the call.
 *
 * Rows for x86-64 alone are for the unit tests, which run there.
 *
 * Not here, on purpose: whatever opens, makes or finds a file, a socket or a process.
 */
#include "vmm/sandbox/calls.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/vfio.h>
#include <seccomp.h>
#include <sys/mman.h>

#include "vfio/iommufd_abi.h"
#include "vmm/base/bits.h"
#include "vmm/kvm/kvm_arm64.h"
#include "vmm/sandbox/keeper_msg.h"

#define MAIN   (1u << THREAD_MAIN)
#define VCPU   (1u << THREAD_VCPU)
#define ROUTER (1u << THREAD_ROUTER)
#define ITS    (1u << THREAD_ITS)
#define KEEPER (1u << THREAD_KEEPER)
#define GUEST  (MAIN | VCPU | ROUTER | ITS) /* the threads of the process that has the guest */
#define ALL    (GUEST | KEEPER)

#define CALL(name_) .name = #name_, .nr = SCMP_SYS(name_)
#define IS(i, v)                                               \
	{                                                      \
		.index = (i), .mask = UINT32_MAX, .value = (v) \
	}
#define WITHOUT(i, m)                                 \
	{                                             \
		.index = (i), .mask = (m), .value = 0 \
	}
#define HAS(i, m)                                       \
	{                                               \
		.index = (i), .mask = (m), .value = (m) \
	}
#define IS_PID(i, pid)                                           \
	{                                                        \
		.index = (i), .mask = UINT32_MAX, .which = (pid) \
	}

/* What the C library asks for to make a thread, and nothing else: no process, no namespace. */
#define THREAD_FLAGS                                                                        \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD | \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

const char *const sandbox_kind_names[NR_THREAD_KINDS] = {
	[THREAD_MAIN] = "main", [THREAD_VCPU] = "vcpu",	    [THREAD_ROUTER] = "router",
	[THREAD_ITS] = "its",	[THREAD_KEEPER] = "keeper",
};

const struct sandbox_call sandbox_calls[] = {
	/* What is open already. */
	{ CALL(read), ALL, .why = "eventfds, the console's input, signals" },
	{ CALL(write), ALL, .why = "eventfds, the console, messages" },
	{ CALL(writev), ALL, .why = "messages" },
	{ CALL(pread64), GUEST, .why = "configuration space and BARs; the host's counts" },
	{ CALL(pwrite64), MAIN | VCPU, .why = "configuration space and BARs" },
	{ CALL(newfstatat), ALL, { IS(3, AT_EMPTY_PATH) }, .why = "stdio looks at its files" },
	{ CALL(fstat), ALL, .why = "the same" },
	{ CALL(lseek), MAIN | KEEPER, .why = "the kernel's file, for a reboot" },
	{ CALL(ftruncate), MAIN, .why = "the statistics" },
	{ CALL(close), MAIN | KEEPER, .why = "clients, and what a reboot makes anew" },
	{ CALL(fcntl), MAIN | KEEPER, { IS(1, F_DUPFD_CLOEXEC) }, .why = "/dev/kvm, for a reboot" },
	{ CALL(fcntl), MAIN | KEEPER, { IS(1, F_GETFL) }, .why = "stdio" },
	{ CALL(fcntl), KEEPER, { IS(1, F_SETFD) }, .why = "opendir(3)" },

	/* Waiting. */
	{ CALL(ppoll), ALL, .why = "everything that main waits for; the console's reader" },
	{ CALL(poll), ALL, .why = "the same, on x86-64" },
	{ CALL(futex), ALL, .why = "locks" },
	{ CALL(clock_nanosleep), ALL, .why = "short waits" },
	{ CALL(nanosleep), ALL, .why = "the same" },
	{ CALL(clock_gettime), ALL, .why = "where the vDSO cannot tell the time" },
	{ CALL(restart_syscall), ALL, .why = "a wait that SIGSTOP interrupted goes on" },
	{ CALL(sched_yield), GUEST, .why = "locks" },

	/* The router's engines: io_uring and epoll. */
	{ CALL(io_uring_setup), MAIN, .why = "a router begins with a ring" },
	{ CALL(io_uring_register), MAIN, .why = "the same" },
	{ CALL(io_uring_enter), ROUTER, .why = "the router sleeps and submits" },
	{ CALL(epoll_create1), MAIN, .why = "a host without io_uring" },
	{ CALL(epoll_ctl), ROUTER, .why = "the same" },
	{ CALL(epoll_pwait), ROUTER, .why = "the same" },
	{ CALL(epoll_wait), ROUTER, .why = "the same, on x86-64" },
	{ CALL(timerfd_create), MAIN, .why = "the same" },
	{ CALL(timerfd_settime), ROUTER, .why = "the same" },
	{ CALL(eventfd2), MAIN, .why = "a reboot makes routers and console anew" },

	/* The control socket's clients; the keeper. */
	{ CALL(accept4), MAIN, .why = "a client" },
	{ CALL(recvfrom), MAIN | KEEPER, .why = "its requests; the keeper's answers" },
	{ CALL(sendto), MAIN | KEEPER, .why = "answers; what the keeper is asked for" },
	{ CALL(recvmsg), MAIN | KEEPER,
	  .why = "files that the keeper hands over, or a client with a device" },
	{ CALL(sendmsg), KEEPER, .why = "the same" },
	{ CALL(sendmsg), MAIN, { IS(0, KEEPER_FD) }, .why = "the right to such a device" },

	/* Memory. Nothing that is mapped can be run. */
	{ CALL(mmap),
	  MAIN | KEEPER,
	  { WITHOUT(2, PROT_EXEC) },
	  .why = "memory, stacks, rings, a vCPU's struct kvm_run" },
	{ CALL(mmap),
	  GUEST,
	  { WITHOUT(2, PROT_EXEC), HAS(3, MAP_ANONYMOUS) },
	  .why = "malloc(3), of a thread whose assertion fails" },
	{ CALL(mmap),
	  GUEST,
	  { WITHOUT(2, PROT_EXEC), HAS(3, MAP_SHARED | MAP_FIXED) },
	  .why = "BARs whose pages are dropped" },
	{ CALL(mprotect), ALL, { WITHOUT(2, PROT_EXEC) }, .why = "stacks, malloc(3)" },
	{ CALL(munmap), ALL, .why = "the same; BARs at the end" },
	{ CALL(mremap), MAIN | KEEPER, .why = "realloc(3)" },
	{ CALL(brk), MAIN | KEEPER, .why = "malloc(3)" },
	{ CALL(madvise), ALL, .why = "a thread that ends gives its stack back" },
	{ CALL(getrandom), ALL, .why = "malloc(3); the device tree's seed" },

	/* Threads. They are placed before they have the filter of their kind. */
	{ CALL(clone), MAIN, { IS(0, THREAD_FLAGS) }, .why = "threads of a reboot" },
	{ CALL(clone3), MAIN, .answer = ENOSYS,
	  .why = "its flags are out of a filter's sight: the C library takes clone instead" },
	{ CALL(set_robust_list), MAIN, .why = "a thread begins" },
	{ CALL(rseq), MAIN, .why = "the same" },
	{ CALL(prctl), MAIN, { IS(0, PR_SET_NAME) }, .why = "the same" },
	{ CALL(seccomp), MAIN, { IS(0, SECCOMP_SET_MODE_FILTER) }, .why = "the same" },
	{ CALL(sched_setaffinity), MAIN, .why = "vcpu-cpus, router-cpu, spin-cpu" },
	{ CALL(sched_setscheduler), MAIN, .why = "vcpu-sched, router-sched" },
	{ CALL(sched_getaffinity), MAIN, .why = "malloc(3) counts CPUs" },
	{ CALL(sysinfo), MAIN, .why = "qsort(3)" },
	{ CALL(exit), ALL, .why = "a thread ends" },
	{ CALL(exit_group), ALL, .why = "the process ends" },

	/* Signals, to oneself alone. */
	{ CALL(rt_sigreturn), ALL, .why = "after a kick" },
	{ CALL(rt_sigprocmask), ALL, .why = "threads that begin, end, or kick others" },
	{ CALL(rt_sigaction), MAIN | KEEPER, .why = "the kick's handler, at a reboot" },
	{ CALL(getpid), ALL, .why = "a kick, abort(3)" },
	{ CALL(gettid), ALL, .why = "the same" },
	{ CALL(tgkill), ALL, { IS_PID(0, SANDBOX_OWN_PID) }, .why = "the same" },
	{ CALL(prctl), GUEST, { IS(0, PR_GET_NAME) }, .why = "whose call was forbidden" },

#ifdef __SANITIZE_ADDRESS__
	{ CALL(sigaltstack), ALL, .why = "AddressSanitizer, in the unit tests" },
#endif

	/* The keeper gives devices back, and takes the control socket away. */
	{ CALL(openat), KEEPER, .why = "sysfs, the record of what was bound" },
	{ CALL(open), KEEPER, .why = "the same, on x86-64" },
	{ CALL(newfstatat), KEEPER, .why = "the same" },
	{ CALL(stat), KEEPER, .why = "the same, on x86-64" },
	{ CALL(getdents64), KEEPER, .why = "the same" },
	{ CALL(readlinkat), KEEPER, .why = "drivers are links" },
	{ CALL(readlink), KEEPER, .why = "the same, on x86-64" },
	{ CALL(faccessat), KEEPER, .why = "is it there?" },
	{ CALL(faccessat2), KEEPER, .why = "the same" },
	{ CALL(access), KEEPER, .why = "the same, on x86-64" },
	{ CALL(mkdirat), KEEPER, .why = "/run/itsy" },
	{ CALL(mkdir), KEEPER, .why = "the same, on x86-64" },
	{ CALL(unlinkat), KEEPER, .why = "the record, the control socket" },
	{ CALL(unlink), KEEPER, .why = "the same, on x86-64" },
	{ CALL(flock), KEEPER, .why = "the record's lock" },
	{ CALL(waitid), KEEPER, .why = "how the guest's process ended" },
	{ CALL(kill), KEEPER, { IS_PID(0, SANDBOX_CHILD_PID) }, .why = "signals go on to it" },
};
const size_t sandbox_nr_calls = ARRAY_SIZE(sandbox_calls);

/* Of a container's file, and of a function's: docs/security.md says what follows from it. */
_Static_assert(VFIO_IOMMU_MAP_DMA == VFIO_DEVICE_PCI_HOT_RESET, "one row is for both");
_Static_assert(VFIO_IOMMU_GET_INFO == VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, "and another one");

#define IOCTL(name_) .name = #name_, .request = (uint32_t)(name_)

const struct sandbox_ioctl sandbox_ioctls[] = {
	{ IOCTL(KVM_RUN), VCPU, "the guest runs" },
	{ IOCTL(KVM_SET_VCPU_EVENTS), VCPU, "an access that nobody can answer" },
	{ IOCTL(KVM_SIGNAL_MSI), GUEST, "an LPI becomes pending" },
	{ IOCTL(KVM_IRQ_LINE), MAIN | VCPU, "the interrupts of console, power button and clock" },
	{ IOCTL(KVM_IRQFD), GUEST, "a vector is tied, or untied" },
	{ IOCTL(KVM_SET_DEVICE_ATTR), GUEST,
	  "commands of the kernel ITS, and KVM's redistributors; what a reboot makes anew" },
	{ IOCTL(KVM_GET_DEVICE_ATTR), GUEST, "their registers" },
	{ IOCTL(KVM_SET_USER_MEMORY_REGION), MAIN | VCPU, "the guest moves a BAR" },
	{ IOCTL(KVM_GET_ONE_REG), MAIN | VCPU, "lines of timers; instructions of ours on a vCPU" },
	{ IOCTL(KVM_SET_ONE_REG), MAIN | VCPU, "instructions of ours on a vCPU" },

	{ IOCTL(KVM_GET_API_VERSION), MAIN, "a reboot makes a new VM" },
	{ IOCTL(KVM_CHECK_EXTENSION), MAIN, "the same" },
	{ IOCTL(KVM_CREATE_VM), MAIN, "the same" },
	{ IOCTL(KVM_GET_VCPU_MMAP_SIZE), MAIN, "the same" },
	{ IOCTL(KVM_ENABLE_CAP), MAIN, "the same" },
	{ IOCTL(KVM_CREATE_DEVICE), MAIN, "the same" },
	{ IOCTL(KVM_SET_GSI_ROUTING), MAIN, "the same" },
	{ IOCTL(KVM_CREATE_VCPU), MAIN, "the same" },
	{ IOCTL(KVM_ARM_PREFERRED_TARGET), MAIN, "the same" },
	{ IOCTL(KVM_ARM_VCPU_INIT), MAIN, "the same" },
	{ IOCTL(KVM_ARM_VCPU_FINALIZE), MAIN, "the same" },

	{ IOCTL(VFIO_DEVICE_SET_IRQS), GUEST,
	  "a vector is masked at the device, or triggered; another kind of interrupt" },
	{ IOCTL(VFIO_DEVICE_RESET), MAIN | VCPU, "a reset by the guest, at a reboot, at the end" },
	{ IOCTL(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO), MAIN | VCPU,
	  "whom a reset of a slot would reset, which may have changed" },
	/* Of a container's file it is this one, of a function's VFIO_DEVICE_PCI_HOT_RESET. */
	{ IOCTL(VFIO_IOMMU_MAP_DMA), MAIN | VCPU,
	  "the guest moves a BAR, or one that lay over it is taken out: DMA reaches it there; a "
	  "slot is reset" },
	{ IOCTL(VFIO_IOMMU_UNMAP_DMA), MAIN | VCPU, "the same; a reboot" },
	{ IOCTL(VFIO_GROUP_UNSET_CONTAINER), MAIN, "the end; a device is taken out" },
	{ IOCTL(VFIO_GROUP_GET_STATUS), MAIN, "a device that was taken out comes back" },
	{ IOCTL(VFIO_GROUP_SET_CONTAINER), MAIN, "the same" },
	{ IOCTL(VFIO_SET_IOMMU), MAIN, "the same, as the only one" },
	{ IOCTL(VFIO_GROUP_GET_DEVICE_FD), MAIN, "the same" },
	{ IOCTL(VFIO_DEVICE_GET_INFO), MAIN, "the same" },
	{ IOCTL(VFIO_DEVICE_GET_REGION_INFO), MAIN, "the same" },
	{ IOCTL(VFIO_DEVICE_GET_IRQ_INFO), MAIN, "the same" },
	{ .name = "VFIO_DEVICE_BIND_IOMMUFD",
	  .request = ABI_VFIO_DEVICE_BIND_IOMMUFD,
	  MAIN,
	  "the same, with iommufd" },
	{ .name = "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
	  .request = ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT,
	  MAIN,
	  "the same" },
	{ .name = "IOMMU_DESTROY", .request = ABI_IOMMU_DESTROY, MAIN, "the same, with iommufd" },

	/* TIOCSTI, which types for the terminal's owner, is not here. */
	{ IOCTL(TCGETS), ALL, "is it a terminal?" },
	{ IOCTL(TCSETS), ALL, "the terminal is put back, also by who crashes" },
	{ IOCTL(TIOCGPGRP), ALL, "is it ours, or are we a job in the background?" },
};
const size_t sandbox_nr_ioctls = ARRAY_SIZE(sandbox_ioctls);
