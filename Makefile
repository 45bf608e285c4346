# SPDX-License-Identifier: MIT
#
# itsy - one Makefile for everything; "make help" lists the targets.
#
#   V=1          shows the commands		BUILD=DIR   puts what is made elsewhere (default: build)
#   CC=clang     builds with clang		CI=true     makes warnings errors
#   CFLAGS=...   is added to our own flags	CROSS_COMPILE=PREFIX   another arm64 toolchain
#   DEPS=no      installs nothing			HOST_KERNEL=backports   tests and demo on a newer host
#
# Below build/: arm64/ the program; bench/ the same for this machine; native/ and tsan/ with sanitizers, for unit
# tests; guest/ payloads; guest-images/; man/; arm64-root/ Debian's arm64 files. With clang: arm64-clang/, ...

BUILD := build
machine := $(shell uname -m)
jobs := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
MAKEFLAGS += --no-builtin-rules --no-print-directory $(jobs)
.DELETE_ON_ERROR .SECONDARY .SUFFIXES:

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
Q := $(if $(filter 1,$(V)),,@)
say = @mkdir -p $(@D)$(if $(Q),; printf '  %-7s %s\n' '$(1)' '$(2)')
define link
$(call say,LD,$@)
$(Q)$(1)
endef

# --- compilers ---------------------------------------------------------------------------------------
clang := $(findstring clang,$(notdir $(firstword $(CC))))
kinds := arm64 native tsan bench
$(foreach kind,$(kinds),$(eval $(kind) := $(BUILD)/$(kind)$(if $(clang),-clang)))
root := $(BUILD)/arm64-root

CROSS_COMPILE ?= $(if $(filter aarch64,$(machine)),,aarch64-linux-gnu-)
sysroot := $(if $(filter aarch64,$(machine)),,--sysroot=$(abspath $(root)))
for_arm64 := $(if $(sysroot), --target=aarch64-linux-gnu --gcc-toolchain=/usr)
ARM64_CC := $(if $(clang),$(CC)$(for_arm64),$(CROSS_COMPILE)$(CC))
$(if $(findstring NDEBUG,$(CFLAGS) $(CPPFLAGS) $(CC)),$(error assertions stay on: no build with NDEBUG))

warnings := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	$(if $(filter true,$(CI)),-Werror)
common := -std=gnu17 -D_GNU_SOURCE -I. -g $(warnings) $(CPPFLAGS)
hardening := -O2 -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
sanitizers := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined

arm64_cc = $(ARM64_CC) $(sysroot) $(common) -DITSY_PAYLOADS=$(BUILD)/guest $(hardening) $(CFLAGS)
native_cc = $(CC) $(common) $(sanitizers) $(CFLAGS)
tsan_cc = $(CC) $(common) -O1 -fno-omit-frame-pointer -fsanitize=thread $(CFLAGS)
bench_cc = $(CC) $(common) -gdwarf-4 $(hardening) $(CFLAGS) # valgrind 3.19 cannot read DWARF 5 of clang
payload_cc = $(ARM64_CC) -std=gnu17 -g -O2 -I. -Itests/guest $(warnings) -ffreestanding -nostdlib -static \
	-mgeneral-regs-only -mstrict-align -fno-pic -fno-pie -fno-stack-protector
arm64_ld = -pie -Wl,-z,relro,-z,now $(patsubst %,-l:lib%.a,fdt uring confuse jansson z) -lm -pthread $(LDFLAGS)
native_ld = -lcmocka -lfdt -luring -lconfuse -ljansson -lz -lm -pthread $(LDFLAGS)

# --- sources -----------------------------------------------------------------------------------------
# The rooms of vmm/, from the ground up (vmm/README.md).
rooms := base kvm its irq config dev machine control check bench cli
vmm_src := $(wildcard $(rooms:%=vmm/%/*.c))
# What compiles for arm64 only, and the file with main(): unit tests get the others.
vmm_arm64_src := vmm/kvm/gic.c vmm/kvm/vcpu.c vmm/kvm/vm.c vmm/its/kernel_its.c \
	vmm/bench/bench.c vmm/bench/bench_device.c vmm/bench/bench_irq.c vmm/bench/bench_payload.c vmm/bench/rig.c
portable_src := $(filter-out $(vmm_arm64_src) vmm/cli/main.c,$(vmm_src))
unit_src := $(wildcard tests/unit/*/test_*.c)
unit_shared := $(filter-out $(unit_src),$(wildcard tests/unit/*/*.c))
guest_src := $(wildcard tests/guest/*.c guest-images/latency/*.c)
guest_shared := $(wildcard tests/guest/start.S tests/guest/lib/*.c tests/guest/lib/*.S)
objects = $(patsubst %,$(1)/%.o,$(basename $(2)))
units := $(patsubst %.c,$(native)/%,$(unit_src))
# Those with threads, under ThreadSanitizer too.
thread_src := tests/unit/irq/test_router.c tests/unit/vitsmod/test_vits_threads.c \
	tests/unit/vitsmod/test_vits_threads_chaos.c
threads := $(patsubst %.c,$(tsan)/%-tsan,$(thread_src))
man := $(patsubst man/%.scd,$(BUILD)/man/%,$(wildcard man/*.scd))
payloads := $(patsubst %.c,$(BUILD)/guest/%.bin,$(notdir $(guest_src)))
guest_objects := $(patsubst %,$(BUILD)/guest/obj/%.o,$(guest_shared))

# --- targets -----------------------------------------------------------------------------------------
.PHONY: all libs unit unit-programs payloads guest-images test demo bench-vits bench-routes bench-peers fuzz coverage \
	man check clean install help deps material FORCE

all: $(arm64)/itsy
libs: $(arm64)/libvits.a $(arm64)/libvfio.a $(native)/libvits.a $(native)/libvfio.a $(native)/libvmm.a

help:
	@sed -n 's/^#:  *//p' Makefile
#: make                  the program: build/arm64/itsy (installs what is missing first, as do the others)
#: make unit             unit tests, on this machine, with sanitizers
#: make test             unit tests, fuzzers for thirty seconds, end-to-end tests on an emulated arm64 host
#: make demo             a guest with NVMe and NIC passed through, on an emulated arm64 host
#: make bench-vits       what the ITS costs, in instructions, time and memory (BENCH='--plot FILE.svg', --help)
#: make bench-routes     ways from an eventfd to the guest, compared in instructions
#: make bench-peers      itsy, QEMU and the host's own drivers, and how itsy scales (tests/bench/RESULTS.md)
#: make fuzz, coverage   fuzzers for ten minutes; which lines of vitsmod/ the tests run
#: make man              manual pages: build/man/
#: make check            formatting, headers, scripts, lengths
#: make payloads         bare-metal guests of the tests: build/guest/*.bin (guest-images: kernel and initramfs)
#: make install          to $(DESTDIR)$(PREFIX) (default PREFIX: /usr/local)
#: make clean            removes what was compiled (rm -rf build removes Debian's files as well)

# What is missing gets installed in one go, before anything else.
goal = $(filter $(1),$(MAKECMDGOALS))
deps_groups := build $(if $(call goal,test demo bench-routes bench-peers),emulate) $(if $(call goal,bench-vits bench-peers),bench) \
	$(if $(call goal,test unit unit-programs libs check fuzz coverage),test) $(if $(call goal,check),check) \
	$(if $(call goal,test fuzz),fuzz) $(if $(call goal,coverage),coverage) $(if $(call goal,man install),docs)
deps:
	@$(if $(filter no,$(DEPS)),:,scripts/deps $(deps_groups))
material: | deps
	@BUILD=$(BUILD) scripts/arm64-material $(root)

# Objects are made again when compiler or flags change, or the commit that one of them tells (CFLAGS=... or not).
$(arm64)/vmm/base/version.o: private override CFLAGS += -DITSY_COMMIT='"$(file <$(BUILD)/version/.flags)"'
$(arm64)/vmm/base/version.o: $(BUILD)/version/.flags
$(BUILD)/version/.flags: flags := $(shell git describe --always --dirty 2>/dev/null)
$(BUILD)/guest/obj/.flags: flags = $(payload_cc)
$(addsuffix /.flags,$(foreach kind,$(kinds),$($(kind))) $(BUILD)/guest/obj $(BUILD)/version): FORCE
	@mkdir -p $(@D); echo '$(flags)' | cmp -s - $@ || echo '$(flags)' >$@

# $(1) folder, $(2) kind, $(3) what must be there first
define rules
$(1)/.flags: flags = $$($(2)_cc) $$($(2)_ld)
$(1)/%.o: %.c $(1)/.flags | $(3)
	$$(call say,CC,$$@)
	$$(Q)$$($(2)_cc) $$(if $$(filter vitsmod/% vfio/%,$$<),-Wconversion) -MMD -MP -c -o $$@ $$<

$(1)/libvits.a: $(call objects,$(1),$(wildcard vitsmod/*.c))
$(1)/libvfio.a: $(call objects,$(1),$(wildcard vfio/*.c))
$(1)/libvmm.a: $(call objects,$(1),$(portable_src))
$(1)/libunit.a: $(call objects,$(1),$(unit_shared))
$(1)/liboracle.a: $(call objects,$(1),$(wildcard tests/oracle/*.c))
$(1)/lib%.a: | $(3)
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $(if $(filter arm64,$(2)),$(CROSS_COMPILE))ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach kind,$(kinds),$(eval $(call rules,$($(kind)),$(kind),$(if $(filter arm64,$(kind)),material,deps))))

# What runs on the emulated host beside itsy: the host's own part; each tests/peers/*.c, in guests as well.
agent := $(arm64)/emuhost-agent
peers := $(patsubst tests/peers/%.c,$(arm64)/peers/%,$(wildcard tests/peers/*.c))
$(agent): $(arm64)/tests/emuhost/agent.o
$(peers): $(arm64)/%: $(arm64)/tests/%.o $(arm64)/libvfio.a
$(agent) $(peers):
	$(call link,$(arm64_cc) $(if $(filter $(peers),$@),-static,-pie) -o $@ $^)

$(arm64)/itsy: $(arm64)/vmm/cli/main.o
$(arm64)/itsdiff: $(call objects,$(arm64),$(wildcard tests/diff/*.c)) $(arm64)/liboracle.a
$(arm64)/itsroutes: $(call objects,$(arm64),$(wildcard tests/routes/*.c))
$(addprefix $(arm64)/its,y diff routes): $(call objects,$(arm64),$(filter-out vmm/cli/main.c,$(vmm_src))) \
		$(arm64)/libvits.a $(arm64)/libvfio.a
	$(call link,$(arm64_cc) -o $@ -Xlinker --start-group $^ -Xlinker --end-group $(arm64_ld))

unit-programs: $(units) $(threads)
LDFLAGS_test_vits_memory := -Wl,--wrap=calloc,--wrap=aligned_alloc
$(units): %: %.o $(native)/libunit.a $(native)/liboracle.a $(native)/libvmm.a $(native)/libvits.a $(native)/libvfio.a
	$(call link,$(native_cc) -o $@ $^ $(LDFLAGS_$(notdir $@)) $(native_ld))
$(threads): %-tsan: %.o $(tsan)/libunit.a $(tsan)/libvmm.a $(tsan)/libvits.a $(tsan)/libvfio.a
	$(call link,$(tsan_cc) -o $@ $^ $(native_ld))

$(bench)/bench-vits: $(call objects,$(bench),$(wildcard tests/bench/*.c)) $(bench)/libvits.a
	$(call link,$(bench_cc) -o $@ $^ -ljansson -pthread $(LDFLAGS))
bench-vits: $(bench)/bench-vits
	$(Q)$< $(BENCH)
unit: unit-programs
	$(Q)BUILD=$(BUILD) tests/run --unit $(units) $(threads)
payloads: $(payloads)
$(BUILD)/guest/obj/%.o: % $(BUILD)/guest/obj/.flags | material
	$(call say,CC,$@)
	$(Q)$(payload_cc) -MMD -MP -c -o $@ $<
$(BUILD)/guest/obj/%.elf: $(BUILD)/guest/obj/%.c.o $(guest_objects) tests/guest/payload.ld
	$(call link,$(payload_cc) -Xlinker --build-id=none -T tests/guest/payload.ld -o $@ $(filter %.o,$^))
$(foreach src,$(basename $(guest_src)),$(eval $(BUILD)/guest/$(notdir $(src)).bin: $(BUILD)/guest/obj/$(src).elf))
$(payloads):
	$(call say,BIN,$@)
	$(Q)$(CROSS_COMPILE)objcopy -O binary $< $@
$(arm64)/vmm/bench/bench_payload.o: $(BUILD)/guest/latency.bin

guest-images: | material
	@BUILD=$(BUILD) guest-images/make-images
emuhost_env = BUILD=$(abspath $(BUILD)) ITSY=$(abspath $(arm64)/itsy) $(HOST_KERNEL:%=ITSY_HOST_KERNEL=%)
test: all unit-programs payloads guest-images $(agent) $(peers) $(arm64)/itsdiff
	$(Q)$(emuhost_env) tests/run --unit $(units) $(threads) \
		--e2e $(wildcard tests/fuzz/*.sh tests/emuhost/test-*.sh tests/e2e/*.sh)
bench-routes: all $(agent) $(arm64)/itsroutes
	$(Q)$(emuhost_env) tests/emuhost/emuhost run --icount --file $(arm64)/itsroutes:/bin/itsroutes -- itsroutes $(BENCH)
bench-peers: all payloads guest-images $(agent) $(peers)
	$(Q)$(emuhost_env) tests/peers/run $(BENCH)
demo: all guest-images $(agent)
	$(Q)$(emuhost_env) scripts/demo
fuzz coverage: | deps
	$(Q)BUILD=$(BUILD) scripts/$@
man: $(man)
$(BUILD)/man/%: man/%.scd | deps
	$(call say,MAN,$@)
	$(Q)scdoc <$< >$@
check: | deps
	$(Q)scripts/check $(native_cc)

PREFIX ?= /usr/local
install: all man
	install -Dm755 $(arm64)/itsy $(DESTDIR)$(PREFIX)/bin/itsy
	sed "s|/usr/local/bin|$(PREFIX)/bin|" scripts/itsy.bt | install -Dm644 /dev/stdin $(DESTDIR)$(PREFIX)/share/itsy/itsy.bt
	$(foreach n,1 5 7,install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man$(n) $(filter %.$(n),$(man)) &&) \
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/doc/itsy/examples $(wildcard configs/*.conf)
clean:
	rm -rf $(addprefix $(BUILD)/,$(kinds) $(kinds:%=%-clang) version man guest guest-images emuhost test-logs tmp)

-include $(shell find $(foreach kind,$(kinds),$($(kind))) $(BUILD)/guest/obj -name '*.d' 2>/dev/null)
