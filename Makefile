# SPDX-License-Identifier: MIT
#
# itsy - one Makefile for everything; "make help" lists the targets.
#
#   V=1          shows the commands		BUILD=DIR   puts what is made elsewhere (default: build)
#   CC=clang     builds with clang		CI=true     makes warnings errors
#   CFLAGS=...   is added to our own flags	CROSS_COMPILE=PREFIX   another arm64 toolchain
#   DEPS=no      installs nothing
#
# Folders below build/: arm64/ the program, native/ the same code for unit tests on this machine,
# guest/ bare-metal payloads, guest-images/ kernel and initramfs for guests, arm64-root/ Debian's
# arm64 files. With clang: arm64-clang/, native-clang/.

BUILD := build
machine := $(shell uname -m)
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(Q),@printf '  %-7s %s\n' '$(1)' '$(2)')

# --- compilers ---------------------------------------------------------------------------------------

clang := $(findstring clang,$(notdir $(firstword $(CC))))
arm64 := $(BUILD)/arm64$(if $(clang),-clang)
native := $(BUILD)/native$(if $(clang),-clang)
root := $(BUILD)/arm64-root

ifneq ($(machine),aarch64)
CROSS_COMPILE ?= aarch64-linux-gnu-
sysroot := --sysroot=$(abspath $(root))
endif
ifeq ($(clang),)
ARM64_CC := $(CROSS_COMPILE)$(CC)
else
ARM64_CC := $(CC)$(if $(sysroot), --target=aarch64-linux-gnu --gcc-toolchain=/usr)
endif
OBJCOPY := $(CROSS_COMPILE)objcopy

ifneq ($(findstring NDEBUG,$(CFLAGS) $(CPPFLAGS) $(CC)),)
$(error assertions stay on: itsy is not built with NDEBUG)
endif

warnings := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	$(if $(filter true,$(CI)),-Werror)
common := -std=gnu17 -D_GNU_SOURCE -I. -g $(warnings) $(CPPFLAGS)
strict := -Wconversion
hardening := -O2 -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
sanitizers := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined

arm64_cc = $(ARM64_CC) $(sysroot) $(common) $(hardening) $(CFLAGS)
native_cc = $(CC) $(common) $(sanitizers) $(CFLAGS)
payload_cc = $(ARM64_CC) -std=gnu17 -g -O2 -I. -Itests/guest $(warnings) -ffreestanding -nostdlib -static \
	-mgeneral-regs-only -mstrict-align -fno-pic -fno-pie -no-pie -fno-stack-protector
arm64_ld = -pie -Wl,-z,relro,-z,now -l:libfdt.a -l:liburing.a -l:libconfuse.a -l:libjansson.a -l:libz.a \
	-pthread $(LDFLAGS)
native_ld = -lcmocka -lfdt -luring -lconfuse -ljansson -lz -pthread $(LDFLAGS)

# --- sources -----------------------------------------------------------------------------------------

# The files of vmm/ that compile for arm64 only (registers of KVM's vCPUs and GIC), and the one with main():
# unit tests are linked with the others.
VMM_ARM64 := gic.c seal.c vcpu.c vm.c main.c

vits_src := $(wildcard vitsmod/*.c)
vfio_src := $(wildcard vfio/*.c)
vmm_src := $(wildcard vmm/*.c)
portable_src := $(filter-out $(addprefix vmm/,$(VMM_ARM64)),$(vmm_src))
unit_src := $(wildcard tests/unit/test_*.c)
unit_shared := $(filter-out $(unit_src),$(wildcard tests/unit/*.c))
guest_src := $(filter-out tests/guest/start.S,$(wildcard tests/guest/*.c tests/guest/*.S))
guest_shared := $(wildcard tests/guest/start.S tests/guest/lib/*.c tests/guest/lib/*.S)

objects = $(patsubst %,$(1)/%.o,$(basename $(2)))
units := $(patsubst %.c,$(native)/%,$(unit_src))
payloads := $(patsubst tests/guest/%,$(BUILD)/guest/%.bin,$(basename $(guest_src)))
guest_objects := $(patsubst %,$(BUILD)/guest/obj/%.o,$(guest_src) $(guest_shared))

# --- targets -----------------------------------------------------------------------------------------

.PHONY: all libs unit unit-programs payloads guest-images test demo check clean install help deps material FORCE

all: $(arm64)/itsy

libs: $(arm64)/libvits.a $(arm64)/libvfio.a $(native)/libvits.a $(native)/libvfio.a $(native)/libvmm.a

help:
	@sed -n 's/^#:  *//p' Makefile

#: make                  the program: build/arm64/itsy (installs what is missing first, as do the others)
#: make unit             unit tests, on this machine, with sanitizers
#: make test             unit tests, then end-to-end tests on an emulated arm64 host
#: make demo             a guest with NVMe and NIC passed through, on an emulated arm64 host
#: make check            formatting, headers, scripts, lengths
#: make payloads         bare-metal guests of the tests: build/guest/*.bin
#: make guest-images     guest kernel and initramfs: build/guest-images/
#: make install          to $(DESTDIR)$(PREFIX) (default PREFIX: /usr/local)
#: make clean            removes what was compiled (rm -rf build removes Debian's files as well)

# What is missing gets installed in one go, before anything else.
deps_groups := build $(if $(filter test demo,$(MAKECMDGOALS)),emulate) \
	$(if $(filter test unit unit-programs libs check,$(MAKECMDGOALS)),test) \
	$(if $(filter check,$(MAKECMDGOALS)),check)
deps:
	@$(if $(filter no,$(DEPS)),:,scripts/deps $(deps_groups))
material: | deps
	@BUILD=$(BUILD) scripts/arm64-material $(root)

# A folder's objects are made again when its compiler or flags change.
define flags_file
$(1)/.flags: FORCE
	@mkdir -p $$(@D); echo '$(2)' | cmp -s - $$@ || echo '$(2)' >$$@
endef
$(eval $(call flags_file,$(arm64),$(arm64_cc) $(arm64_ld)))
$(eval $(call flags_file,$(native),$(native_cc) $(native_ld)))
$(eval $(call flags_file,$(BUILD)/guest/obj,$(payload_cc)))

# $(1) folder, $(2) name of the compiler variable, $(3) what must be there first
define rules
$(1)/%.o: %.c $(1)/.flags | $(3)
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$($(2)) $$(if $$(filter vitsmod/% vfio/%,$$<),$$(strict)) -MMD -MP -c -o $$@ $$<

$(1)/libvits.a: $(call objects,$(1),$(vits_src))
$(1)/libvfio.a: $(call objects,$(1),$(vfio_src))
$(1)/libvmm.a: $(call objects,$(1),$(portable_src))
$(1)/libunit.a: $(call objects,$(1),$(unit_shared))
$(1)/lib%.a: | $(3)
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $$(if $$(filter arm64%,$$(notdir $(1))),$(CROSS_COMPILE))ar rcs $$@ $$(filter %.o,$$^)
endef
$(eval $(call rules,$(arm64),arm64_cc,material))
$(eval $(call rules,$(native),native_cc,deps))

$(arm64)/itsy: $(call objects,$(arm64),$(vmm_src)) $(arm64)/libvits.a $(arm64)/libvfio.a
	$(call say,LD,$@)
	$(Q)$(arm64_cc) -o $@ $^ $(arm64_ld)

# The part of tests/emuhost that runs inside.
agent := $(arm64)/emuhost-agent
$(agent): $(arm64)/tests/emuhost/agent.o
	$(call say,LD,$@)
	$(Q)$(arm64_cc) -pie -o $@ $^

unit-programs: $(units)
$(units): %: %.o $(native)/libunit.a $(native)/libvmm.a $(native)/libvits.a $(native)/libvfio.a
	$(call say,LD,$@)
	$(Q)$(native_cc) -o $@ $^ $(LDFLAGS_$(notdir $@)) $(native_ld)

unit: unit-programs
	$(Q)BUILD=$(BUILD) tests/run --unit $(units)

payloads: $(payloads)
$(BUILD)/guest/obj/%.o: % $(BUILD)/guest/obj/.flags | material
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(payload_cc) -MMD -MP -c -o $@ $<
guest_elf = $(BUILD)/guest/obj/$(basename $(1)).elf
define guest_rule
$(call guest_elf,$(1)): $(patsubst %,$(BUILD)/guest/obj/%.o,$(1) $(guest_shared)) tests/guest/payload.ld
	$$(call say,LD,$$@)
	$$(Q)$$(payload_cc) -Wl,--build-id=none -Wl,-T,tests/guest/payload.ld -o $$@ $$(filter %.o,$$^)
endef
$(foreach src,$(guest_src),$(eval $(call guest_rule,$(src))))
$(BUILD)/guest/%.bin: $(BUILD)/guest/obj/tests/guest/%.elf
	$(call say,BIN,$@)
	$(Q)$(OBJCOPY) -O binary $< $@

guest-images: | material
	@BUILD=$(BUILD) guest-images/make-images

emuhost_env = BUILD=$(abspath $(BUILD)) ITSY=$(abspath $(arm64)/itsy)
test: all unit-programs payloads guest-images $(agent)
	$(Q)$(emuhost_env) tests/run --unit $(units) --e2e $(wildcard tests/emuhost/test-*.sh tests/e2e/*.sh)

demo: all guest-images $(agent)
	$(Q)$(emuhost_env) scripts/demo

check: | deps
	$(Q)scripts/check $(native_cc)

PREFIX ?= /usr/local
install: all
	install -Dm755 $(arm64)/itsy $(DESTDIR)$(PREFIX)/bin/itsy
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/doc/itsy/examples $(wildcard configs/*.conf)

clean:
	rm -rf $(BUILD)/arm64 $(BUILD)/arm64-clang $(BUILD)/native $(BUILD)/native-clang $(BUILD)/guest \
		$(BUILD)/guest-images $(BUILD)/emuhost $(BUILD)/test-logs $(BUILD)/tmp

-include $(shell find $(arm64) $(native) $(BUILD)/guest/obj -name '*.d' 2>/dev/null)
