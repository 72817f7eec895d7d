# Sheetbend: one makefile for everything.
#
#   make                      programs into bin/
#   make demo [CMD=...]       set up, start sshd on loopback, log in
#   make test                 set up, then every test
#   make check                tests that need no root and no peer
#   make SAN=address,undefined check
#   make V=1                  show the commands

VERSION := 0.1.0

CC       ?= gcc
PREFIX   ?= /usr/local
SYSCONFDIR ?= /etc/ssh
LIBEXECDIR ?= $(PREFIX)/libexec/sheetbend
BINDIR   ?= $(PREFIX)/bin
SBINDIR  ?= $(PREFIX)/sbin
MANDIR   ?= $(PREFIX)/share/man
SAN      ?=
V        ?= 0

# ---- variants: objects in build/<variant>/, programs in bin/ ----

comma := ,
cc_name := $(notdir $(lastword $(CC)))
# scripts/run-fuzz sets VARIANT=fuzz.
ifeq ($(SAN),)
VARIANT ?= $(if $(filter clang%,$(cc_name)),clang,release)
else
VARIANT ?= san-$(subst $(comma),-,$(SAN))
endif
B := build/$(VARIANT)
BIN := $(if $(filter release,$(VARIANT)),bin,$(B)/bin)

# ---- flags ----

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wwrite-strings -Wpointer-arith -Wundef -Wformat=2 -Wno-unused-parameter \
	-Werror=implicit-function-declaration
DEFS := -D_GNU_SOURCE -DSHEETBEND_VERSION='"$(VERSION)"' \
	-DSHEETBEND_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DSHEETBEND_LIBEXECDIR='"$(LIBEXECDIR)"' -DSHEETBEND_BINDIR='"$(BINDIR)"'
HARDEN := -fPIE -fstack-protector-strong -fno-plt
HARDEN_LD := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed
# Flags that not every compiler and machine has.
try = $(shell echo 'int main(void){return 0;}' | $(CC) -Werror $(1) -x c - -o /dev/null 2>/dev/null && echo $(1))
HARDEN += $(call try,-fcf-protection=full) $(call try,-fstack-clash-protection)
OPT ?= -O2 -g1
ifeq ($(SAN),)
HARDEN += -D_FORTIFY_SOURCE=2
else
OPT := -O1 -g
SANFLAGS := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

# Layers under the sanitizers and fuzzers use the same flags.
override CPPFLAGS += -I. $(DEFS)
CFLAGS_ALL = -std=c11 $(OPT) $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
LDFLAGS_ALL = $(HARDEN_LD) $(SANFLAGS) $(LDFLAGS)
LIBS := -lcrypto -lz

# ---- sources: one list per folder ----

# Where several programs share a folder, the name of a file says whose it is:
# PROGRAM_*.c, and the rest is common to them.
common_src := $(wildcard common/*/*.c)
ssh_src := $(filter-out ssh/keysign%,$(wildcard ssh/*.c))
# ssh-keysign reads the configuration of ssh.
keysign_src := $(wildcard ssh/keysign*.c ssh/option*.c)
keyscan_src := $(wildcard keygen/keyscan*.c)
keygen_src := $(filter-out $(keyscan_src),$(wildcard keygen/*.c))
agent_src := $(wildcard agent/agent*.c)
add_src := $(wildcard agent/add*.c)
pkcs11_helper_src := $(wildcard agent/pkcs11_helper*.c)
sk_helper_src := $(wildcard agent/sk_helper*.c)
# The SFTP coder and the server's engine, which sshd has inside too.
sftp_server_src := $(wildcard sftp/protocol*.c sftp/server*.c)
sftp_client_src := $(wildcard sftp/protocol*.c sftp/client*.c)
sftp_src := $(sftp_client_src) $(wildcard sftp/sftp*.c)
scp_src := $(sftp_client_src) $(wildcard sftp/scp*.c)
# sshd-session is sshd under another name, see sshd/README.md.
sshd_src := $(wildcard sshd/*.c) $(filter-out sftp/server_main.c,$(sftp_server_src))

# Of each program: its sources; built when they are there.
ssh_program_src := $(ssh_src)
sshd_program_src := $(sshd_src)
ssh-keygen_program_src := $(keygen_src)
ssh-keyscan_program_src := $(keyscan_src)
ssh-agent_program_src := $(agent_src)
ssh-add_program_src := $(add_src)
ssh-keysign_program_src := $(keysign_src)
ssh-pkcs11-helper_program_src := $(pkcs11_helper_src)
ssh-sk-helper_program_src := $(sk_helper_src)
sftp_program_src := $(if $(wildcard sftp/sftp*.c),$(sftp_src))
scp_program_src := $(if $(wildcard sftp/scp*.c),$(scp_src))
sftp-server_program_src := $(if $(wildcard sftp/server_main.c),$(sftp_server_src))

# What each program needs beside the common libraries.
sshd_program_libs := -lcrypt
ssh-agent_program_libs := -lpthread
ssh-keygen_program_libs := -lpthread
ssh-keyscan_program_libs := -lpthread
ssh-pkcs11-helper_program_libs := -ldl
sftp_program_libs := -ldl
ssh-sk-helper_program_libs := -ldl

# People run these; the others are run by programs.
user_programs := ssh ssh-keygen ssh-keyscan ssh-agent ssh-add sftp scp
system_programs := sshd
helper_programs := ssh-keysign ssh-pkcs11-helper ssh-sk-helper sftp-server
linked_programs := $(foreach p,$(user_programs) $(system_programs) \
	$(helper_programs),$(if $($(p)_program_src),$(p)))
PROGRAMS := $(linked_programs) sshd-session

lib := $(B)/libsheetbend.a
obj = $(patsubst %.c,$(B)/%.o,$(1))

.PHONY: all
all: $(addprefix $(BIN)/,$(PROGRAMS))

# ---- compile ----

ifeq ($(V),1)
say = @:
run :=
else
say = @echo "  $(1)"
run := @
endif

.DELETE_ON_ERROR:
.SUFFIXES:

# Hot loops of integer vectors: the compiler vectorises them at -O3.
$(B)/common/crypto/mlkem768.o $(B)/common/crypto/sntrup761_ring.o \
$(B)/common/crypto/keccak.o $(B)/common/crypto/umac.o \
$(B)/common/crypto/mldsa44.o $(B)/common/crypto/mldsa44_ring.o: OPT_FILE := -O3

$(B)/%.o: %.c $(B)/flags
	$(call say,CC $<)
	@mkdir -p $(@D)
	$(run)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(OPT_FILE) -MMD -MP -c $< -o $@

# Rebuild when the flags change.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(subst ','\'',$(CPPFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL))' > $@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv -f $@.new $@; fi
.PHONY: FORCE
FORCE:

$(lib): $(call obj,$(common_src))
	$(call say,AR $@)
	@rm -f $@
	$(run)ar rcs $@ $^

link = @mkdir -p $(@D); $(CC) $(LDFLAGS_ALL) $(filter %.o,$^) $(filter %.a,$^) $(1) -o $@

define program
$$(BIN)/$(1): $$(call obj,$$($(1)_program_src)) $$(lib)
	$$(call say,LD $$@)
	$$(call link,$$(LIBS) $$($(1)_program_libs))
endef
$(foreach p,$(linked_programs),$(eval $(call program,$(p))))
$(BIN)/sshd-session: $(BIN)/sshd
	$(call say,LN $@)
	$(run)ln -sf sshd $@

# ---- tests in C: build/<variant>/tests/unit/<module>_test, .../sim/<name>,
#      .../negative/<name>, .../bench/<name> ----

unit_tests := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*_test.c))
unit_support := $(B)/tests/unit/unit.o $(B)/tests/unit/json.o $(B)/tests/unit/pair.o

# Tests of what belongs to a program link those objects of it.
ssh_options := $(call obj,$(wildcard ssh/option*.c))
sshd_options := $(call obj,$(wildcard sshd/option*.c))
$(B)/tests/unit/ssh_options_test: $(ssh_options)
$(B)/tests/unit/sshd_options_test: $(sshd_options)
ssh_placement := $(call obj,$(wildcard ssh/placement*.c) ssh/parent.c ssh/widen.c)
$(B)/tests/unit/ssh_placement_test: $(ssh_placement)
$(B)/tests/unit/sshd_monitor_test: $(call obj,$(filter-out sshd/sshd_main.c,$(sshd_src)))
$(B)/tests/unit/sshd_admission_test: $(call obj,sshd/admission.c sshd/penalties.c)
$(B)/tests/unit/sshd_trusted_hosts_test: $(call obj,sshd/trusted_hosts.c)
$(B)/tests/unit/sshd_authorized_keys_test: $(call obj,sshd/authorized_keys.c)
$(B)/tests/unit/sftp_protocol_test: $(call obj,$(wildcard sftp/protocol*.c))
$(B)/tests/unit/scp_match_test: $(call obj,sftp/scp_match.c)
$(B)/tests/unit/sftp_copy_test: $(call obj,$(sftp_client_src))
$(addprefix $(B)/tests/unit/,sftp_server_test sftp_confine_test): $(call obj,$(filter-out sftp/server_main.c,$(sftp_server_src)))

agent_engine := $(call obj,$(addprefix agent/agent_,server.c sign.c keys.c extension.c provider.c permission.c store.c))
$(B)/tests/unit/agent_server_test: $(agent_engine)

$(B)/tests/unit/%_test: $(B)/tests/unit/%_test.o $(unit_support) $(lib)
	$(call say,LD $@)
	$(call link,$(LIBS) -lcrypt)
.PRECIOUS: $(B)/tests/%.o

sim_src := $(wildcard tests/sim/*.c)
$(B)/tests/sim/sim: $(call obj,$(sim_src)) $(lib)
	$(call say,LD $@)
	$(call link,$(LIBS) -lcrypt)

negative_src := $(wildcard tests/negative/*.c)
$(B)/tests/negative/negative: $(call obj,$(negative_src)) $(lib)
	$(call say,LD $@)
	$(call link,$(LIBS) -lcrypt)

# Small programs of the benchmark and of the bats tests: one file each.
bench_src := $(wildcard tests/bench/bench*.c)
tools := $(B)/tests/bench/bench $(B)/tests/bench/relay \
	$(patsubst %.c,$(B)/%,$(filter-out tests/cli/tools/sk_software.c,$(wildcard tests/cli/tools/*.c))) \
	$(B)/tests/cli/tools/sk_software.so
$(B)/tests/bench/bench: $(call obj,$(bench_src)) $(lib)
	$(call say,LD $@)
	$(call link,$(LIBS) -lutil)
$(B)/tests/bench/relay: $(B)/tests/bench/relay.o $(lib)
	$(call say,LD $@)
	$(call link,$(LIBS))
$(B)/tests/cli/tools/%: $(B)/tests/cli/tools/%.o $(lib)
	$(call say,LD $@)
	$(call link,$(LIBS) -lutil)

# A security key in software, a library that OpenSSH's programs load too: by
# itself, without sanitizers.
$(B)/tests/cli/tools/sk_software.so: tests/cli/tools/sk_software.c common/agent/sk_api.h $(B)/flags
	$(call say,LD $@)
	@mkdir -p $(@D)
	$(run)$(CC) $(CPPFLAGS) -std=c11 $(OPT) $(WARN) -fPIC -shared $< -lcrypto -o $@

.PHONY: unit tools check-unit
unit: $(unit_tests)
tools: $(tools)
check-unit: unit
	@scripts/run-unit $(unit_tests)

# ---- set-up, demonstration, tests, benchmark ----

.PHONY: demo test check check-openssh bench fuzz-targets
demo:
	@scripts/setup build
	@$(MAKE) -s -j$$(nproc) all
	@scripts/demo $(if $(CMD),'$(subst ','\'',$(CMD))')

test:
	@scripts/setup test
	@scripts/test

# What needs no root, no network peer and no clang.
check: all unit $(B)/tests/sim/sim check-layers check-headers check-docs
	@scripts/run-unit $(unit_tests)
	@$(B)/tests/sim/sim -n 200 -j 2

check-openssh: all
	@scripts/check-openssh

bench: all tools
	@$(B)/tests/bench/bench $(BENCH)

# ---- fuzzing: clang, libFuzzer; `scripts/run-fuzz` builds and runs them ----

fuzz_targets := $(patsubst tests/fuzz/%_fuzz.c,$(B)/tests/fuzz/%_fuzz,$(wildcard tests/fuzz/*_fuzz.c))
fuzz_support := $(call obj,$(filter-out %_fuzz.c,$(wildcard tests/fuzz/*.c)))
# Objects of the programs that a target exercises (everything but the mains).
fuzz_sshd := $(call obj,$(filter-out sshd/sshd_main.c,$(sshd_src)))
$(addprefix $(B)/tests/fuzz/,authorized_keys_fuzz trusted_hosts_fuzz monitor_fuzz sshd_config_fuzz): $(fuzz_sshd)
$(B)/tests/fuzz/ssh_config_fuzz: $(ssh_options)
$(B)/tests/fuzz/sftp_protocol_fuzz: $(call obj,$(wildcard sftp/protocol*.c))
$(B)/tests/fuzz/sftp_server_fuzz: $(call obj,$(filter-out sftp/server_main.c,$(sftp_server_src)))
$(B)/tests/fuzz/agent_server_fuzz: $(agent_engine)
$(B)/tests/fuzz/sftp_client_fuzz: $(call obj,$(sftp_client_src))
$(B)/tests/fuzz/placement_fuzz: $(ssh_placement)
ifeq ($(VARIANT),fuzz)
SANFLAGS += -fsanitize=fuzzer-no-link
endif
$(B)/tests/fuzz/%_fuzz: $(B)/tests/fuzz/%_fuzz.o $(fuzz_support) $(lib)
	$(call say,LD $@)
	$(call link,-fsanitize=fuzzer $(LIBS) -lcrypt)
fuzz-targets: $(fuzz_targets)

# ---- checks of the tree ----

.PHONY: check-layers check-headers check-docs format compile_commands.json clean install
check-layers:
	@scripts/check-layers

check-docs:
	@scripts/check-docs

check-headers:
	@for h in $$(git ls-files '*.h'); do \
		echo "#include \"$$h\"" | $(CC) $(CPPFLAGS) -std=c11 $(WARN) -fsyntax-only -x c - || exit 1; \
	done

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

compile_commands.json:
	@{ echo '['; sep=; for f in $$(git ls-files '*.c'); do \
		printf '%s{"directory":"%s","file":"%s","arguments":["cc"' "$$sep" "$(CURDIR)" "$$f"; \
		for a in $(CPPFLAGS) $(CFLAGS_ALL); do \
			printf ',"%s"' "$$(printf %s "$$a" | sed 's/["\\]/\\&/g')"; done; \
		printf ',"-c","%s"]}\n' "$$f"; sep=,; done; echo ']'; } > $@

man_pages := $(wildcard man/*.[158])
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) $(DESTDIR)$(LIBEXECDIR)
	install -m 755 $(addprefix $(BIN)/,$(filter $(user_programs),$(PROGRAMS))) $(DESTDIR)$(BINDIR)
	install -m 755 $(addprefix $(BIN)/,$(filter $(system_programs),$(PROGRAMS))) $(DESTDIR)$(SBINDIR)
	for p in $(filter $(helper_programs),$(PROGRAMS)); do \
		case $$p in ssh-keysign) mode=4711 ;; *) mode=755 ;; esac; \
		install -m $$mode $(BIN)/$$p $(DESTDIR)$(LIBEXECDIR) || exit 1; done
	ln -sf $(SBINDIR)/sshd $(DESTDIR)$(LIBEXECDIR)/sshd-session
	for m in $(man_pages); do \
		install -d $(DESTDIR)$(MANDIR)/man$${m##*.} && \
		install -m 644 $$m $(DESTDIR)$(MANDIR)/man$${m##*.} || exit 1; done

clean:
	rm -rf build $(addprefix bin/,$(PROGRAMS))

-include $(shell find $(B) -name '*.d' 2>/dev/null)
