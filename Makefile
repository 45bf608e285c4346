# SPDX-License-Identifier: MIT
#
# itsy - one Makefile for everything; "make help" lists the targets.
#
#   V=1          shows the commands
#   BUILD=DIR    puts what is made elsewhere (default: build)
#   CC=clang     builds with clang
#   CFLAGS=...   is added to our own flags
#   CI=true      makes warnings errors
#   DEPS=no      installs nothing
#   CROSS_COMPILE=PREFIX     another arm64 toolchain
#   HOST_OPTIONS="--acpi"    tests and demo on another host: options of tests/emuhost/emuhost
#   HOST_KERNEL=backports    the same, for --kernel backports
#   ONLY=NAME                only the tests with NAME in their path (unit, model, test, test-all)
#
# The file has three parts: settings; what can be asked for; how it is made.
#
# Below $(BUILD)/:
#   arm64/         the program, and what runs beside it on the emulated host
#   native/        unit tests for this machine, with AddressSanitizer and UBSan
#   tsan/          those with threads, with ThreadSanitizer
#   bench/         bench-vits, optimized for this machine
#   guest/         bare-metal guests of the tests
#   guest-images/  Linux and the initramfs for guests: the tests', and in small/ the one for people
#   kernels/       other kernels: of hosts (emuhost --kernel), and in small/ the guests' own
#   man/           manual pages
#   arm64-root/    Debian's arm64 files: sysroot, kernel, programs
#   linux-headers/ what the newer kernel that Debian has says to programs
# With clang the first four are arm64-clang/ and so on.

# =====================================================================================================
# Settings
# =====================================================================================================

BUILD := build
PREFIX ?= /usr/local
# systemd and udev look there, too.
UNITDIR ?= $(PREFIX)/lib/systemd/system
UDEVDIR ?= $(PREFIX)/lib/udev
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
machine := $(shell uname -m)

# As many jobs as there are CPUs, unless -j says otherwise.
jobs := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
MAKEFLAGS += --no-builtin-rules --no-print-directory $(jobs)
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

# @ keeps make from showing a command.
Q := $(if $(filter 1,$(V)),,@)

# ---- compilers ----

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
clang := $(findstring clang,$(notdir $(firstword $(CC))))

arm64 := $(BUILD)/arm64$(if $(clang),-clang)
native := $(BUILD)/native$(if $(clang),-clang)
tsan := $(BUILD)/tsan$(if $(clang),-clang)
bench := $(BUILD)/bench$(if $(clang),-clang)
root := $(BUILD)/arm64-root

# An arm64 machine compiles for itself; others cross-compile, with Debian's arm64 libraries below $(root).
ifeq ($(machine),aarch64)
CROSS_COMPILE ?=
sysroot :=
arm64_target :=
else
CROSS_COMPILE ?= aarch64-linux-gnu-
sysroot := --sysroot=$(abspath $(root))
arm64_target := --target=aarch64-linux-gnu --gcc-toolchain=/usr
endif
ARM64_CC := $(if $(clang),$(CC) $(arm64_target),$(CROSS_COMPILE)$(CC))

ifneq ($(findstring NDEBUG,$(CFLAGS) $(CPPFLAGS) $(CC)),)
$(error assertions stay on: no build with NDEBUG)
endif

warnings := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	$(if $(filter true,$(CI)),-Werror)
common := -std=gnu17 -D_GNU_SOURCE -I. -g $(warnings) $(CPPFLAGS)
hardening := -O2 -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
sanitizers := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined

arm64_cc = $(ARM64_CC) $(sysroot) $(common) -DITSY_PAYLOADS=$(BUILD)/guest $(hardening) $(CFLAGS)
native_cc = $(CC) $(common) -DITSY_PAYLOADS=$(BUILD)/guest $(sanitizers) $(CFLAGS)
tsan_cc = $(CC) $(common) -DITSY_PAYLOADS=$(BUILD)/guest -O1 -fno-omit-frame-pointer -fsanitize=thread $(CFLAGS)
# valgrind 3.19 cannot read clang's DWARF 5.
bench_cc = $(CC) $(common) -gdwarf-4 $(hardening) $(CFLAGS)
payload_cc = $(ARM64_CC) -std=gnu17 -g -O2 -I. -Itests/guest $(warnings) -ffreestanding -nostdlib -static \
	-mgeneral-regs-only -mstrict-align -fno-pic -fno-pie -fno-stack-protector

# The program has its libraries inside, so that one file is all that a host needs beside libc.
arm64_libraries := -l:libfdt.a -l:liburing.a -l:libconfuse.a -l:libjansson.a -l:libseccomp.a -l:libz.a \
	-l:libzstd.a -l:liblzma.a -l:liblz4.a
arm64_ld = -pie -Wl,-z,relro,-z,now $(arm64_libraries) -lm -pthread $(LDFLAGS)
native_ld = -lcmocka -lfdt -luring -lconfuse -ljansson -lseccomp -lz -lzstd -llzma -llz4 -lm -pthread $(LDFLAGS)

# ---- sources ----

# The rooms of vmm/, from the ground up (vmm/README.md).
rooms := base kvm its irq config sandbox dev machine control check bench cli
vmm_src := $(wildcard $(rooms:%=vmm/%/*.c))
# What has the payload of itsy bench inside, and the file with main(): unit tests get the others.
vmm_arm64_src := vmm/bench/bench_payload.c
portable_src := $(filter-out $(vmm_arm64_src) vmm/cli/main.c,$(vmm_src))

unit_src := $(wildcard tests/unit/*/test_*.c)
unit_shared := $(filter-out $(unit_src),$(wildcard tests/unit/*/*.c))
# Those with threads, under ThreadSanitizer too.
thread_src := tests/unit/dev/test_pci_host_threads.c \
	tests/unit/irq/test_irq_function.c tests/unit/irq/test_router.c tests/unit/irq/test_vector_routes.c \
	tests/unit/irq/test_vector_routes_auto.c tests/unit/its/test_kernel_its_host.c \
	tests/unit/its/test_vits_set.c \
	tests/unit/kvm/test_vcpu.c tests/unit/kvm/test_vcpu_pause.c tests/unit/machine/test_machine.c \
	tests/unit/machine/test_machine_create.c \
	tests/unit/vfio/test_vfio_flr.c \
	tests/unit/vgicrmod/test_vgicr_threads.c \
	tests/unit/vitsmod/test_vits_threads.c tests/unit/vitsmod/test_vits_threads_chaos.c

guest_src := $(wildcard tests/guest/*.c guest-images/latency/*.c)
guest_shared := $(wildcard tests/guest/start.S tests/guest/lib/*.c tests/guest/lib/*.S)
model_scripts := $(wildcard tests/model/*.sh)
# Without those that make test-all has to itself.
e2e_scripts = $(filter-out $(shell tests/run --only tests/hosts), \
	$(model_scripts) $(wildcard tests/docs/*.sh tests/fuzz/*.sh tests/emuhost/test-*.sh tests/e2e/*.sh))

# ---- what is made of them ----

# $(call objects,FOLDER,SOURCES)
objects = $(patsubst %,$(1)/%.o,$(basename $(2)))

units := $(unit_src:%.c=$(native)/%)
threads := $(thread_src:%.c=$(tsan)/%-tsan)
# Those of the tests $(1) that ONLY= leaves.
only = $(if $(ONLY),$(foreach test,$(1),$(if $(findstring $(ONLY),$(test)),$(test))),$(1))
chosen_units := $(call only,$(units) $(threads))
chosen_scripts = $(call only,$(e2e_scripts))
chosen_models := $(call only,$(model_scripts))
payloads := $(patsubst %.c,$(BUILD)/guest/%.bin,$(notdir $(guest_src)))
man := $(patsubst man/%.scd,$(BUILD)/man/%,$(wildcard man/*.scd))
program := $(arm64)/itsy
version = $(shell sed -n 's/^.define ITSY_VERSION "\(.*\)"$$/\1/p' vmm/base/version.h)
commit_time = $(or $(shell git log -1 --format=%at 2>/dev/null),0)
# What runs on the emulated host beside itsy: the host's own part, what end-to-end tests start itsy with, have its
# threads do or set devices up with, and the peers of bench-peers (in guests, too).
agent := $(arm64)/emuhost-agent
without := $(arm64)/without-io-uring
inject := $(arm64)/inject-call
nvme_vf := $(arm64)/nvme-vf
peers := $(patsubst tests/peers/%.c,$(arm64)/peers/%,$(wildcard tests/peers/*.c))

# A line each.
ifeq ($(machine),aarch64)
where_it_runs = '$(arm64)/itsy is for machines like this one:' \
	'"$(arm64)/itsy check" says whether this one is ready.'
else
where_it_runs = '$(arm64)/itsy is for arm64 machines, and this is $(machine):' \
	'"make demo" tries it here, on an emulated one.'
endif

host_options := $(strip $(HOST_KERNEL:%=--kernel %) $(HOST_OPTIONS))
emuhost_env = BUILD=$(abspath $(BUILD)) ITSY=$(abspath $(arm64)/itsy) $(if $(host_options),ITSY_HOST_OPTIONS='$(host_options)')

# =====================================================================================================
# What can be asked for
# =====================================================================================================

.PHONY: all help libs unit unit-programs payloads test-images guest-images guest-kernel test test-all demo bench-vits bench-routes bench-bringup \
	bench-peers fuzz model coverage man docs check install install-itsy install-vits install-guest-images deb dist clean deps material headers FORCE

#: make                  the program: build/arm64/itsy (installs what is missing)
# Whoever asks for it, or for nothing, is told where it runs: not here, mostly.
all: $(arm64)/itsy
	$(if $(filter all,$(or $(MAKECMDGOALS),all)),@printf '%s\n' $(where_it_runs))

#: make unit             unit tests, on this machine, with sanitizers
unit: $(chosen_units)
	$(Q)BUILD=$(BUILD) tests/run --unit $(chosen_units)

# It judges metrics in one of the unit tests.
promtool := $(BUILD)/promtool
$(promtool): scripts/promtool | deps
	$(Q)$< $@

#: make test             unit tests, models, fuzzers for 30 s, end-to-end tests
#: make test-all         the same, then tests on other emulated hosts (hours)
# Of tests/hosts, HOST/SCRIPT each: what is short, or all.
test: on_hosts := acpi/check-and-devices
test-all: on_hosts = $(shell tests/run --list tests/hosts)
# The package and the tarball are looked into there.
test-all: deb dist
test test-all: all $(chosen_units) payloads test-images $(agent) $(without) $(inject) $(nvme_vf) $(peers) $(arm64)/itsdiff \
		$(arm64)/itsy-kvms-own $(promtool) $(bench)/libvits.a
	$(Q)$(emuhost_env) tests/run --unit $(chosen_units) --e2e $(chosen_scripts) \
		--hosts tests/hosts $(call only,$(on_hosts))

#: make demo             a guest with NVMe drive and NIC on an emulated arm64 host
demo: all test-images $(agent)
	$(Q)$(emuhost_env) scripts/demo

#: make bench-vits       the ITS in instructions, time, memory (BENCH=--help)
bench-vits: $(bench)/bench-vits
	$(Q)$< $(BENCH)

#: make bench-routes     ways from an eventfd to the guest, in instructions
bench-routes: all $(agent) $(arm64)/itsroutes
	$(Q)$(emuhost_env) tests/emuhost/emuhost run --icount --file $(arm64)/itsroutes:/bin/itsroutes -- itsroutes $(BENCH)

#: make bench-bringup    Linux on 1 to 64 vCPUs, with KVM's GIC, too (BENCH='1 4')
bench-bringup: all test-images $(agent) $(arm64)/itsy-kvms-own
	$(Q)$(emuhost_env) tests/emuhost/emuhost run --icount --memory 2048 --file $(arm64)/itsy-kvms-own:/usr/bin/itsy-kvms-own \
		--file tests/bringup/bringup.sh:/bin/bringup -- bringup $(BENCH)

#: make bench-peers      itsy, QEMU and the host itself (tests/bench/RESULTS.md)
bench-peers: all payloads test-images $(agent) $(peers)
	$(Q)$(emuhost_env) tests/peers/run $(BENCH)

#: make fuzz             fuzzers for ten minutes
#: make coverage         which lines and branches the unit tests run
fuzz coverage: | deps
	$(Q)BUILD=$(BUILD) scripts/$@

#: make model            models of what threads hand to each other, in all states
model: | deps
	$(Q)BUILD=$(abspath $(BUILD)) tests/run --e2e $(chosen_models)
	$(Q)cd $(BUILD)/test-logs && cat $(patsubst tests/model/%.sh,%.log,$(chosen_models))

#: make man              manual pages: build/man/
man: $(man)

#: make docs             what pages have of others: messages, a sentence of README
docs:
	$(Q)scripts/messages
	$(Q)scripts/quote-results

#: make check            formatting, headers, scripts, lengths, rooms, manual pages
check: | deps
	$(Q)scripts/check $(native_cc)

#: make unit-programs    what tests need, not run; make libs, payloads, test-images
unit-programs: $(units) $(threads)
libs: $(arm64)/libvits.a $(arm64)/libvgicr.a $(arm64)/libvfio.a \
	$(native)/libvits.a $(native)/libvgicr.a $(native)/libvfio.a $(native)/libvmm.a

# Bare-metal guests of the tests: build/guest/*.bin
payloads: $(payloads)

# Kernel and initramfs of the tests' Linux guests: Debian's kernel, and jobs.
test-images: | material
	@BUILD=$(BUILD) guest-images/make-images

#: make guest-images     a small kernel, compiled once, and tools for guests
# The guest of configs/minimal.conf: fio, nvme-cli, iperf3 and a shell (build/guest-images/small/).
# guest-kernel is only that kernel (guest-images/kernel.config).
guest-images guest-kernel: | material
	@BUILD=$(BUILD) guest-images/make-$(if $(filter guest-kernel,$@),kernel,guest)

#: make install          to $(DESTDIR)$(PREFIX) (default PREFIX: /usr/local)
install: install-itsy $(arm64)/libvits.a
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/doc/itsy/examples $(wildcard examples/*.c)
	$(call install_vits,$(arm64)/libvits.a)

# What Debian's package has.
install-itsy: all man
	install -Dm755 $(program) $(DESTDIR)$(PREFIX)/bin/itsy
	sed "s|/usr/local/bin|$(PREFIX)/bin|" scripts/itsy.bt | \
		install -Dm755 /dev/stdin $(DESTDIR)$(PREFIX)/share/itsy/itsy.bt
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(filter %.1,$(man))
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man5 $(filter %.5,$(man))
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man7 $(filter %.7,$(man))
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/doc/itsy/examples $(filter-out configs/minimal.conf,$(wildcard configs/*.conf))
	sed "s|/usr/local/share|$(PREFIX)/share|" configs/minimal.conf | \
		install -Dm644 /dev/stdin $(DESTDIR)$(PREFIX)/share/doc/itsy/examples/minimal.conf
	install -Dm644 completions/itsy.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/itsy
	sed "s|/usr/local/bin|$(PREFIX)/bin|" systemd/itsy@.service | \
		install -Dm644 /dev/stdin $(DESTDIR)$(UNITDIR)/itsy@.service
	install -Dm644 systemd/itsy.rules $(DESTDIR)$(UDEVDIR)/rules.d/60-itsy.rules
	install -Dm644 systemd/itsy.sysusers $(DESTDIR)$(SYSUSERSDIR)/itsy.conf
	install -d $(DESTDIR)/etc/itsy

#: make install-guest-images  these, to where configs/minimal.conf has them
install-guest-images: guest-images
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/itsy/guest $(BUILD)/guest-images/small/Image \
		$(BUILD)/guest-images/small/initramfs.cpio

#: make install-vits     the ITS for other VMMs (docs/porting-the-vits.md)
install-vits: $(bench)/libvits.a
	$(call install_vits,$<)

vits_headers := vitsmod/vits.h vitsmod/gits.h vitsmod/bits.h
define install_vits
install -Dm644 $(1) $(DESTDIR)$(PREFIX)/lib/libvits.a
	install -Dm644 -t $(DESTDIR)$(PREFIX)/include/vits $(vits_headers)
	sed -e "s|@PREFIX@|$(PREFIX)|" -e "s|@VERSION@|$(version)|" \
		vitsmod/libvits.pc.in | install -Dm644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/pkgconfig/libvits.pc
endef

#: make deb              Debian's package for arm64: build/dist/
deb: all man
	$(Q)rm -rf $(BUILD)/deb
	$(Q)$(MAKE) install-itsy DESTDIR=$(abspath $(BUILD))/deb PREFIX=/usr UNITDIR=/lib/systemd/system UDEVDIR=/lib/udev \
		SYSUSERSDIR=/usr/lib/sysusers.d >/dev/null
	$(Q)STRIP=$(CROSS_COMPILE)strip READELF=$(CROSS_COMPILE)readelf scripts/deb $(BUILD)/deb $(BUILD)/dist

#: make dist             a tarball whose program needs no library: build/dist/
tarball = $(BUILD)/dist/itsy-$(version)-arm64
dist: $(arm64)/itsy-static man
	$(Q)rm -rf $(tarball) $(tarball).stage
	$(Q)$(MAKE) install-itsy program=$(arm64)/itsy-static DESTDIR=$(abspath $(tarball)).stage PREFIX=/usr/local >/dev/null
	$(Q)mv $(tarball).stage/usr/local $(tarball) && rm -r $(tarball).stage
	$(Q)install -Dm644 -t $(tarball)/share/doc/itsy LICENSE README.md
	$(Q)$(CROSS_COMPILE)strip $(tarball)/bin/itsy
	$(Q)tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$(commit_time) -C $(BUILD)/dist \
		-cJf $(tarball).tar.xz $(notdir $(tarball))
	@echo $(tarball).tar.xz

#: make clean            removes what was compiled (rm -rf build: all of it)
compiled := arm64 native tsan bench
clean:
	rm -rf $(addprefix $(BUILD)/,$(compiled) $(compiled:%=%-clang))
	rm -rf $(addprefix $(BUILD)/,version man guest guest-images emuhost test-logs tmp deb dist)

help:
	@sed -n 's/^#:  *//p' Makefile

# =====================================================================================================
# How it is made
# =====================================================================================================

# What is missing gets installed in one go, before anything else: these groups of scripts/deps.
asked_for = $(filter $(1),$(MAKECMDGOALS))
deps_groups := build
deps_groups += $(if $(call asked_for,test test-all demo bench-routes bench-bringup bench-peers),emulate)
deps_groups += $(if $(call asked_for,bench-vits bench-peers),bench)
deps_groups += $(if $(call asked_for,guest-images guest-kernel install-guest-images bench-peers test-all),kernel)
deps_groups += $(if $(call asked_for,test test-all unit unit-programs libs check fuzz coverage),test)
deps_groups += $(if $(call asked_for,check),check)
deps_groups += $(if $(call asked_for,test test-all fuzz),fuzz)
deps_groups += $(if $(call asked_for,test test-all model),model)
deps_groups += $(if $(call asked_for,coverage),coverage)
deps_groups += $(if $(call asked_for,man install deb dist test-all),docs)
deps_groups += $(if $(call asked_for,test-all),package)
deps:
	@$(if $(filter no,$(DEPS)),:,scripts/deps $(deps_groups))

# Debian's arm64 files.
material: | deps
	@BUILD=$(BUILD) scripts/arm64-material $(root)

# What a newer kernel than this machine's says to programs: without them, a test is skipped.
headers: | deps
	@BUILD=$(BUILD) scripts/arm64-material --headers || :

# $(call say,WHAT,FILE) makes the folder, and prints a line unless V=1 shows the command.
say = @mkdir -p $(@D)$(if $(Q),; printf '  %-7s %s\n' '$(1)' '$(2)')
define link
$(call say,LD,$@)
$(Q)$(1)
endef

# ---- objects and libraries ----

# FOLDER/.flags holds the command line; what depends on it is made again when that changes.
$(arm64)/.flags: flags = $(arm64_cc) $(arm64_ld)
$(native)/.flags: flags = $(native_cc) $(native_ld)
$(tsan)/.flags: flags = $(tsan_cc) $(native_ld)
$(bench)/.flags: flags = $(bench_cc)
$(BUILD)/guest/obj/.flags: flags = $(payload_cc)
$(BUILD)/version/.flags: flags := $(shell git describe --always --dirty 2>/dev/null)
flag_files := $(arm64)/.flags $(native)/.flags $(tsan)/.flags $(bench)/.flags \
	$(BUILD)/guest/obj/.flags $(BUILD)/version/.flags
$(flag_files): FORCE
	@mkdir -p $(@D); echo '$(flags)' | cmp -s - $@ || echo '$(flags)' >$@

# Conversions between integers are looked at where bits of registers are put together.
conversion = $(if $(filter vitsmod/% vgicrmod/% vfio/%,$<),-Wconversion)

# The same rules for each kind of build. $(1) the folder, $(2) the variable with the compiler,
# $(3) what must be there first, $(4) the archiver
define compile_rules
$(1)/%.o: %.c $(1)/.flags | $(3)
	$$(call say,CC,$$@)
	$$(Q)$$($(2)) $$(conversion) -MMD -MP -c -o $$@ $$<

$(1)/libvits.a: $(call objects,$(1),$(wildcard vitsmod/*.c))
$(1)/libvgicr.a: $(call objects,$(1),$(wildcard vgicrmod/*.c))
$(1)/libvfio.a: $(call objects,$(1),$(wildcard vfio/*.c))
$(1)/libvmm.a: $(call objects,$(1),$(portable_src))
$(1)/libunit.a: $(call objects,$(1),$(unit_shared))
$(1)/liboracle.a: $(call objects,$(1),$(wildcard tests/oracle/*.c))
$(1)/lib%.a: | $(3)
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $(4) rcs $$@ $$(filter %.o,$$^)
endef
$(eval $(call compile_rules,$(arm64),arm64_cc,material,$(CROSS_COMPILE)ar))
$(eval $(call compile_rules,$(native),native_cc,deps,ar))
$(eval $(call compile_rules,$(tsan),tsan_cc,deps,ar))
$(eval $(call compile_rules,$(bench),bench_cc,deps,ar))

# ---- programs for arm64 ----

$(arm64)/itsy: $(arm64)/vmm/cli/main.o
$(arm64)/itsy-kvms-own: $(arm64)/vmm/cli/main.o $(arm64)/tests/bringup/kvms_own.o
$(arm64)/itsdiff: $(call objects,$(arm64),$(wildcard tests/diff/*.c)) $(arm64)/liboracle.a
$(arm64)/itsroutes: $(call objects,$(arm64),$(wildcard tests/routes/*.c))
$(arm64)/itsy $(arm64)/itsy-kvms-own $(arm64)/itsdiff $(arm64)/itsroutes: $(call objects,$(arm64),$(filter-out vmm/cli/main.c,$(vmm_src))) \
		$(arm64)/libvits.a $(arm64)/libvgicr.a $(arm64)/libvfio.a
	$(call link,$(arm64_cc) -o $@ -Xlinker --start-group $^ -Xlinker --end-group $(LDFLAGS_$(notdir $@)) $(arm64_ld))

# tests/routes/vcpu_turn.c
LDFLAGS_itsroutes := -Wl,--wrap=kvm_sys_kernel
# tests/bringup/kvms_own.c
LDFLAGS_itsy-kvms-own := -Wl,--wrap=vm_device_set,--wrap=kernel_redist_create,--wrap=kernel_redist_destroy \
	-Wl,--wrap=kernel_redist_add_to_bus,--wrap=kernel_redist_stats_get

# For hosts whose C library is another one, or an older one. The linker warns of getpwuid(3), which libconfuse has for what
# itsy does not call.
$(arm64)/itsy-static: $(arm64)/vmm/cli/main.o $(call objects,$(arm64),$(filter-out vmm/cli/main.c,$(vmm_src))) \
		$(arm64)/libvits.a $(arm64)/libvgicr.a $(arm64)/libvfio.a
	$(call link,$(arm64_cc) -static-pie -o $@ -Xlinker --start-group $^ -Xlinker --end-group $(filter-out -pie,$(arm64_ld)))

# The commit, whatever CFLAGS say; the guest that itsy bench runs is inside of the program.
$(arm64)/vmm/base/version.o: private override CFLAGS += -DITSY_COMMIT='"$(file <$(BUILD)/version/.flags)"'
$(arm64)/vmm/base/version.o: $(BUILD)/version/.flags
$(arm64)/vmm/bench/bench_payload.o: $(BUILD)/guest/latency.bin

$(agent): $(arm64)/tests/emuhost/agent.o
$(without): $(arm64)/tests/e2e/lib/without_io_uring.o
$(inject): $(arm64)/tests/e2e/lib/inject_call.o
$(nvme_vf): $(arm64)/tests/e2e/lib/nvme_vf.o
$(agent) $(without) $(inject) $(nvme_vf):
	$(call link,$(arm64_cc) -pie -o $@ $^)
# Static, for guests have no libc.
$(peers): $(arm64)/%: $(arm64)/tests/%.o $(arm64)/libvfio.a
	$(call link,$(arm64_cc) -static -o $@ $^)

# ---- programs for this machine ----

# tests/unit/vfio/no_holes.c
no_holes := -Wl,--wrap=vfio_holes_of_function,-u,__wrap_vfio_holes_of_function

LDFLAGS_test_vits_memory := -Wl,--wrap=calloc,--wrap=aligned_alloc
LDFLAGS_test_vgicr_create := -Wl,--wrap=calloc,--wrap=aligned_alloc
LDFLAGS_test_bench_run := -Wl,--wrap=pci_function_get $(no_holes)
LDFLAGS_test_run_guest := -Wl,--wrap=vm_init,--wrap=vm_needs_met,--wrap=vfio_reset_all,--wrap=vfio_reset_due \
	-Wl,--wrap=passthru_look_at_all,--wrap=passthru_bind,--wrap=passthru_open,--wrap=passthru_close,--wrap=passthru_give_back \
	-Wl,--wrap=vfio_container_create,--wrap=vfio_dma_map_in_pieces,--wrap=vfio_device_notice $(no_holes)
LDFLAGS_test_run_guest_stop := $(LDFLAGS_test_run_guest)
LDFLAGS_test_run_guest_panic := $(LDFLAGS_test_run_guest)
LDFLAGS_test_power_button := -Wl,--wrap=clock_gettime
LDFLAGS_test_rtc := -Wl,--wrap=clock_gettime
LDFLAGS_test_check_place := -Wl,--wrap=placement_try_cpu
LDFLAGS_test_guest_look := -Wl,--wrap=self_lock_limit
LDFLAGS_test_guest_memory := -Wl,--wrap=vfio_container_holes
LDFLAGS_test_kernel_its := -Wl,--wrap=calloc,--wrap=mmap
LDFLAGS_test_vits_set := -Wl,--wrap=vits_enabled,--wrap=vits_nr_switches
LDFLAGS_test_machine := -Wl,--wrap=kvm_sys_kernel,--wrap=pthread_join
LDFLAGS_test_machine_create := -Wl,--wrap=kvm_sys_kernel,--wrap=calloc,--wrap=pthread_create
LDFLAGS_test_vcpu := -Wl,--wrap=pthread_create
LDFLAGS_test_vcpu_pause := -Wl,--wrap=clock_gettime
LDFLAGS_test_irq_function := -Wl,--wrap=calloc
LDFLAGS_test_passthru := -Wl,--wrap=calloc
# Of iommufd (vfio/iommufd_abi.h).
newest_headers := $(foreach kind,$(native) $(tsan),$(kind)/tests/unit/vfio/test_vfio_iommufd.o)
$(newest_headers): private override CFLAGS += -isystem $(BUILD)/linux-headers/usr/include
$(newest_headers): | headers
# What each unit test is linked with.
unit_libraries := unit oracle vmm vits vgicr vfio
$(units): %: %.o $(unit_libraries:%=$(native)/lib%.a)
	$(call link,$(native_cc) -o $@ $^ $(LDFLAGS_$(notdir $@)) $(native_ld))
$(threads): %-tsan: %.o $(unit_libraries:%=$(tsan)/lib%.a)
	$(call link,$(tsan_cc) -o $@ $^ $(LDFLAGS_$(notdir $*)) $(native_ld))
$(bench)/bench-vits: $(call objects,$(bench),$(wildcard tests/bench/*.c)) $(bench)/libvits.a
	$(call link,$(bench_cc) -o $@ $^ -ljansson -pthread $(LDFLAGS))

# ---- bare-metal guests ----

guest_objects := $(guest_shared:%=$(BUILD)/guest/obj/%.o)
$(BUILD)/guest/obj/%.o: % $(BUILD)/guest/obj/.flags | material
	$(call say,CC,$@)
	$(Q)$(payload_cc) -MMD -MP -c -o $@ $<
$(BUILD)/guest/obj/%.elf: $(BUILD)/guest/obj/%.c.o $(guest_objects) tests/guest/payload.ld
	$(call link,$(payload_cc) -Xlinker --build-id=none -T tests/guest/payload.ld -o $@ $(filter %.o,$^))

# $(call payload_rule,SOURCE): NAME.bin from wherever its source lies
define payload_rule
$(BUILD)/guest/$(basename $(notdir $(1))).bin: $(BUILD)/guest/obj/$(basename $(1)).elf
	$$(call say,BIN,$$@)
	$$(Q)$(CROSS_COMPILE)objcopy -O binary $$< $$@
endef
$(foreach source,$(guest_src),$(eval $(call payload_rule,$(source))))

# ---- manual pages ----

$(BUILD)/man/%: man/%.scd | deps
	$(call say,MAN,$@)
	$(Q)scdoc <$< >$@

# What each object was made of, as the compiler wrote it down.
object_folders := $(arm64) $(native) $(tsan) $(bench) $(BUILD)/guest/obj
-include $(shell find $(object_folders) -name '*.d' 2>/dev/null)
