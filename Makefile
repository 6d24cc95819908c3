# Builds three Apache modules, their unit tests and the tools around them.
#   make            the modules, in build/
#   make check      every test; make quick: under a minute
#   make demo / demo-stop   the reference site; demo-fleet: behind three Apaches
#   make check-worker / check-prefork   the suites with the other MPMs
#   make check-clients   the manager in a browser and with other clients (scripts/setup clients)
#   make check-applications   real PHP applications behind the modules and behind stock httpd
#   make asan       every test with AddressSanitizer and UBSan; make valgrind: some under memcheck
#   make bench      compares stock httpd, nginx, HAProxy and lighttpd; SECTIONS=overload: one part
#   make fuzz       libFuzzer on the parsers: SECONDS=60 for each of FUZZ="record params ..."
#   make tsan       unit tests that use threads, under ThreadSanitizer
#   make dist       the sources as a tarball; make deb: the Debian package
#   make faults     ten minutes of faults under load: FAULTS='--seconds=N --stock';
#                   five of a DNS that changes and fails: MEMBERS='--seconds=N';
#                   ten of a fleet whose fronts and store fail: FLEET_SECONDS=N;
#                   then ten of a hostile backend: HOSTILE='--seconds=N'
#   make lint       clang-tidy, cppcheck and shellcheck; exceptions are in .clang-tidy
#   make format     lays out the C sources; make format-check shows what it would change
#   make coverage   lines covered by the unit tests, and by TESTS if given
#   make rpm        the RPM; make man: pages of the manual; make sbom: what the modules are made of, as SPDX
#   make release    checks what is to be released, and makes its tarball and checksums
#   make install    into the Apache that apxs knows (DESTDIR honoured); make uninstall

APXS       ?= $(firstword $(shell command -v apxs2 apxs 2>/dev/null))
PKG_CONFIG ?= pkg-config
BUILD      := build

# ---- Compiler flags ------------------------------------------------------------------------
# Each compiler has its own: they are errors in CI (make WERROR=-Werror).
WERROR   ?=
WARNINGS := -Wall -Wextra $(WERROR) -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wno-unused-parameter \
            -Wno-missing-field-initializers
# clang looks into the macros of APR's rings, which cast volatile away.
ifneq ($(findstring clang,$(shell $(CC) --version 2>/dev/null)),)
WARNINGS += -Wno-cast-qual
endif
CFLAGS   ?= -O2 -g
BASE     := -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -fno-plt $(WARNINGS) $(SANITIZE)

# USDT probes (engine/probes.h) where <sys/sdt.h> is; make PROBES= leaves them out.
PROBES ?= $(shell $(CC) -E -include sys/sdt.h -x c /dev/null > /dev/null 2>&1 && echo -DFCGI_PROBES)
BASE   += $(PROBES)

# Several httpds as one (balancer_byrequests/fleet) where libhiredis is; make FLEET= leaves it out.
FLEET ?= $(shell $(PKG_CONFIG) --exists hiredis && echo -DLB_FLEET)
BASE  += $(FLEET)
NOT_BUILT := $(if $(FLEET),%/no_engine.c,%/redis_engine.c %/redis_link.c)
NO_UNIT   := $(if $(FLEET),,%/test_redis_engine.c)

# Invariants run (modules/shared/invariant.h) in what the sanitizers look at, and in unit tests, which
# link archives of their own for that.
CHECKS  := -DFC_CHECKS
ifeq ($(SANITIZE),)
CHECKED := $(BUILD)/checked
else
BASE    += $(CHECKS)
CHECKED := $(BUILD)
endif

ifneq ($(filter-out clean setup demo demo-fleet demo-stop check check-setup format format-check dist deb man install-man release,$(or $(MAKECMDGOALS),all)),)
ifeq ($(APXS),)
$(error apxs is missing: apt-get install apache2-dev, or run "make setup" as root)
endif
endif
ifneq ($(APXS),)
# The APR that this httpd was built with. System headers: their warnings are not ours.
APR_CONFIG := $(shell $(APXS) -q APR_CONFIG)
APU_CONFIG := $(shell $(APXS) -q APU_CONFIG)
HTTPD_INC  = $(patsubst -I%,-isystem %,-I$(shell $(APXS) -q INCLUDEDIR) $(shell $(APR_CONFIG) --includes) \
               $(shell $(APU_CONFIG) --includes))
HTTPD_DEF := $(shell $(APR_CONFIG) --cppflags)
# What older ones lack stands in compat/, before their own headers.
HTTPD_FLAGS := -Imodules/shared/compat $(HTTPD_INC) $(HTTPD_DEF)
LIBEXECDIR = $(shell $(APXS) -q LIBEXECDIR)
SYSCONFDIR = $(shell $(APXS) -q SYSCONFDIR)
endif
JANSSON_LIBS = $(shell $(PKG_CONFIG) --libs jansson)
CRYPTO_LIBS  = $(shell $(PKG_CONFIG) --libs libcrypto)
CARES_LIBS   = $(shell $(PKG_CONFIG) --libs libcares)
HIREDIS_LIBS = $(if $(FLEET),$(shell $(PKG_CONFIG) --libs hiredis))
LUA_CFLAGS   = $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags lua5.1))
LUA_LIBS     = $(shell $(PKG_CONFIG) --libs lua5.1)
CHECK_CFLAGS = $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags check))
CHECK_LIBS   = $(shell $(PKG_CONFIG) --libs check)

# ---- Who may include whom: each folder sees itself and the folders named here, which lie below --
# From the ground up. What names no $(HTTPD_FLAGS) is plain C11 and compiles without httpd's headers.
M := modules
inc = $(addprefix -I$(M)/,$(1))

INC_shared := -Iinclude $(HTTPD_FLAGS)

F := proxy_fastcgi
INC_$(F)/protocol := $(call inc,shared)
INC_$(F)/engine   := $(call inc,shared $(F)/protocol) -Iinclude $(HTTPD_FLAGS)
INC_$(F)/trace    := $(call inc,shared) -Iinclude $(HTTPD_FLAGS)
INC_$(F)/http     := $(call inc,shared $(F)/protocol $(F)/engine $(F)/trace) -Iinclude $(HTTPD_FLAGS)
INC_$(F)/backend  := $(INC_$(F)/http) $(call inc,$(F)/http)
INC_$(F)/check    := $(INC_$(F)/backend) $(call inc,$(F)/backend)
INC_$(F)/job      := $(INC_$(F)/check)
INC_$(F)          := $(INC_$(F)/check) $(call inc,$(F)/check $(F)/job)

B := balancer_byrequests
INC_$(B)/policy      := $(call inc,shared) -Iinclude
INC_$(B)/table       := $(call inc,shared $(B)/policy) -Iinclude
INC_$(B)/config      := $(call inc,shared $(B)/policy) -Iinclude $(HTTPD_FLAGS)
INC_$(B)/dns         := $(call inc,shared $(B)/policy $(B)/config) -Iinclude $(HTTPD_FLAGS)
INC_$(B)/members     := $(call inc,shared $(B)/policy $(B)/table $(B)/config) -Iinclude $(HTTPD_FLAGS)
INC_$(B)/persistence := $(INC_$(B)/members) $(call inc,$(B)/members)
INC_$(B)/health      := $(INC_$(B)/persistence) $(call inc,$(B)/persistence)
INC_$(B)/discovery   := $(INC_$(B)/health) $(call inc,$(B)/health $(B)/dns)
INC_$(B)/request     := $(INC_$(B)/health) $(call inc,$(B)/health)
INC_$(B)/admin       := $(INC_$(B)/request) $(call inc,$(B)/request)
INC_$(B)/fleet       := $(INC_$(B)/admin) $(call inc,$(B)/admin $(B)/discovery)
INC_$(B)             := $(INC_$(B)/fleet) $(call inc,$(B)/fleet)

G := balancer_manager
INC_$(G)/output  := $(call inc,shared) -Iinclude $(HTTPD_FLAGS)
INC_$(G)/request := $(INC_$(G)/output) $(call inc,$(G)/output)
INC_$(G)/change  := $(INC_$(G)/request) $(call inc,$(G)/request)
INC_$(G)/views   := $(INC_$(G)/request) $(call inc,$(G)/request)
INC_$(G)/page    := $(INC_$(G)/views) $(call inc,$(G)/change $(G)/views)
INC_$(G)/api     := $(INC_$(G)/page)
INC_$(G)         := $(INC_$(G)/api) $(call inc,$(G)/page $(G)/api)

folders = $(patsubst INC_%,%,$(filter INC_$(1) INC_$(1)/%,$(.VARIABLES)))
FOLDERS := shared $(call folders,$(F)) $(call folders,$(B)) $(call folders,$(G))
NAMES   := $(F) $(B) $(G)
FACES   := $(foreach name,$(NAMES),$(name)/mod_$(name))
MODULES := $(addprefix $(BUILD)/,$(addsuffix .so,$(notdir $(FACES))))
SOURCES := $(filter-out $(NOT_BUILT),$(wildcard $(foreach folder,$(FOLDERS),$(M)/$(folder)/*.c)))

# folder -> the objects of its archive (all sources but the face)
sources  = $(filter-out $(NOT_BUILT) $(addprefix $(M)/,$(addsuffix .c,$(FACES))),$(wildcard $(M)/$(1)/*.c))
objects  = $(patsubst $(M)/%.c,$(or $(2),$(BUILD))/obj/%.o,$(call sources,$(1))) $(GENERATED_$(1))
archive  = $(or $(2),$(BUILD))/lib/$(subst /,_,$(1)).a

# The manager's assets, as C: the description of its API with the schemas that it refers to.
ASSETS   := $(wildcard $(M)/balancer_manager/assets/*)
EMBEDDED := $(patsubst %/openapi.json,$(BUILD)/openapi.json,$(ASSETS))
GENERATED_$(G)/request := $(BUILD)/obj/$(G)/request/asset_bytes.o

GENERATED_shared := $(BUILD)/obj/contract_stamp.o

# The script that Redis runs for the fleet's shares, as C.
GENERATED_$(B)/fleet := $(BUILD)/obj/$(B)/fleet/share_script.o

.PHONY: all setup check check-setup quick compile_commands check-unit check-apache check-parked check-worker \
        check-prefork check-clients check-applications asan valgrind tsan tsan-run fuzz lint format format-check \
        coverage faults hostile install install-man uninstall dist deb rpm man sbom release demo demo-fleet demo-stop bench \
        bench-programs clean print
.DELETE_ON_ERROR:
.SECONDARY:

all: $(MODULES)

# folder, where to, with what besides
define FOLDER_RULES
$(2)/obj/$(1)/%.o: $(M)/$(1)/%.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(CC) $$(BASE) $(3) $$(CFLAGS) $$(INC_$(1)) -MMD -MP -c -o $$@ $$<
$(call archive,$(1),$(2)): $(call objects,$(1),$(2))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^
-include $(patsubst %.o,%.d,$(call objects,$(1),$(2)))
endef
$(foreach folder,$(FOLDERS),$(eval $(call FOLDER_RULES,$(folder),$(BUILD))))
ifneq ($(CHECKED),$(BUILD))
$(foreach folder,$(FOLDERS),$(eval $(call FOLDER_RULES,$(folder),$(CHECKED),$(CHECKS))))
endif
-include $(addprefix $(BUILD)/obj/,$(addsuffix .d,$(FACES)))

$(BUILD)/openapi.json: scripts/bundle-openapi $(filter %/openapi.json %/status.schema.json,$(ASSETS))
	@mkdir -p $(@D)
	$^ > $@
$(BUILD)/asset_bytes.c: scripts/embed-assets $(M)/balancer_manager/assets $(EMBEDDED)
	@mkdir -p $(@D)
	scripts/embed-assets $(EMBEDDED) > $@
$(GENERATED_$(G)/request): $(BUILD)/asset_bytes.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) -I$(M)/$(G)/request $(INC_$(G)/request) -MMD -MP -c -o $@ $<

# What the modules must agree about (contract_stamp.h).
$(BUILD)/contract_stamp.c: $(wildcard include/*.h) $(M)/shared/housekeeper.h
	@mkdir -p $(@D)
	@echo "const char fc_contract_stamp[] = \"$$(cat $^ | sha256sum | cut -c1-12)\";" > $@
$(GENERATED_shared): $(BUILD)/contract_stamp.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) -c -o $@ $<

$(BUILD)/share_script.c: scripts/embed-script $(M)/$(B)/fleet/share_script.lua
	@mkdir -p $(@D)
	$^ > $@
$(GENERATED_$(B)/fleet): $(BUILD)/share_script.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) $(INC_$(B)/fleet) -I$(M)/$(B)/fleet -MMD -MP -c -o $@ $<

# Other flags, another build.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) $(HTTPD_FLAGS)' | cmp -s - $@ || \
	  echo '$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) $(HTTPD_FLAGS)' > $@
.PHONY: FORCE
FORCE:

LINK = $(CC) -shared $(SANITIZE) $(LDFLAGS) -o $@

# The face and the archives of all its folders; only shared/ is in more than one module.
define MODULE_RULE
$(BUILD)/mod_$(1).so: $(BUILD)/obj/$(1)/mod_$(1).o $(foreach f,$(call folders,$(1)) shared,$(call archive,$(f)))
	$$(LINK) -Wl,--start-group $$^ -Wl,--end-group -Wl,--as-needed $$(JANSSON_LIBS) $$(CRYPTO_LIBS) $$(CARES_LIBS) $$(HIREDIS_LIBS)
endef
$(foreach module,$(NAMES),$(eval $(call MODULE_RULE,$(module))))

# ---- Unit tests: one program for each t/unit/test_*.c -----------------------------------------
# test_X links what the folder of X.c may see; httpd itself is not there, so only code that needs
# none is tested so, or what t/unit/balancer_alone.h stands in for.
UNIT_OF_admission_stress := admission
UNIT_OF_overload         := admission
UNIT_OF_availability     := contract
UNIT_OF_slate            := contract
UNIT_OF_invariant        := worker_url
UNIT_OF_span             := worker_url
UNIT_ALSO_availability   := proxy_fastcgi/http

unit_of     = $(or $(UNIT_OF_$(1)),$(1))
folder_of   = $(patsubst $(M)/%/,%,$(dir $(filter %/$(1).c,$(SOURCES))))
below       = $(filter $(FOLDERS),$(patsubst -I$(M)/%,%,$(INC_$(1))))
unit_folder = $(call folder_of,$(call unit_of,$(1)))
unit_libs   = $(foreach f,$(call unit_folder,$(1)) $(call below,$(call unit_folder,$(1))) \
                $(UNIT_ALSO_$(1)),$(call archive,$(f),$(CHECKED)))
UNIT_INC    = $(addprefix -I$(M)/,$(FOLDERS)) -Iinclude -It/unit $(HTTPD_FLAGS) $(LUA_CFLAGS)
UNIT_LINK   = -Wl,--as-needed -lm -ldl $(JANSSON_LIBS) $(CRYPTO_LIBS) $(CARES_LIBS) $(HIREDIS_LIBS) $(LUA_LIBS) \
              $(shell $(APU_CONFIG) --link-ld) $(shell $(APR_CONFIG) --link-ld)
together    = -Wl,--start-group $(1) -Wl,--end-group

UNIT   := $(patsubst t/unit/%.c,$(BUILD)/unit/%,$(filter-out $(NO_UNIT),$(wildcard t/unit/test_*.c)))
REPLAY := $(patsubst t/fuzz/fuzz_%.c,$(BUILD)/fuzz/replay_%,$(wildcard t/fuzz/fuzz_*.c))
.SECONDEXPANSION:
$(BUILD)/unit/test_%: t/unit/test_%.c $$(call unit_libs,$$*) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(filter-out -fvisibility=hidden,$(BASE)) $(CHECKS) $(CFLAGS) -pthread $(UNIT_INC) $(CHECK_CFLAGS) \
	  -MMD -MP -o $@ $< $(call together,$(call unit_libs,$*)) $(LDFLAGS) $(UNIT_LINK) $(CHECK_LIBS)
-include $(wildcard $(BUILD)/unit/*.d)

# Check's own limit of time for a test is 4 s: too little on a busy machine.
export CK_TIMEOUT_MULTIPLIER ?= 20

# RUN says how in emulation (scripts/foreign).
check-unit: $(UNIT) $(REPLAY)
	@for t in $(UNIT); do $(RUN) $$t || exit 1; done
	@for r in $(REPLAY); do $(RUN) $$r t/fuzz/corpus/$${r##*/replay_} || exit 1; done

# ---- ThreadSanitizer: the case "threads" of those that have one; it does not follow forks ------
TSAN = $(patsubst t/unit/test_%.c,%,$(shell grep -l '"threads"' t/unit/test_*.c))

tsan:
	+$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan SANITIZE='$(TSAN_FLAGS)' \
	  CFLAGS='-O1 -g' tsan-run

tsan-run: $(patsubst %,$(BUILD)/unit/test_%,$(TSAN))
	@for t in $^; do CK_FORK=no CK_RUN_CASE=threads TSAN_OPTIONS=halt_on_error=1 $$t || exit 1; done

# ---- Fuzzing: t/fuzz/fuzz_NAME.c is libFuzzer's way in, t/fuzz/corpus/NAME what is kept -------
CLANG   ?= clang
SECONDS ?= 60
FUZZ    := $(patsubst t/fuzz/fuzz_%.c,%,$(wildcard t/fuzz/fuzz_*.c))
FUZZERS  = $(addprefix $(BUILD)/fuzz/fuzz_,$(FUZZ))

FUZZ_H   := $(wildcard t/fuzz/*.h t/unit/httpd_alone.h)

# fuzz_X links what the folder of X.c may see, built by clang into a tree of its own.
FUZZ_FLAGS  = -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz_libs   = $(patsubst $(CHECKED)/%,$(BUILD)/fuzz/clang/%,$(call unit_libs,$(1)))
.PHONY: fuzz-libs
fuzz-libs:
	@command -v $(CLANG) > /dev/null || { echo 'clang is missing: scripts/setup fuzz'; exit 1; }
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz/clang CC=$(CLANG) CFLAGS='-O1 -g' \
	  SANITIZE='$(FUZZ_FLAGS) -fsanitize=fuzzer-no-link' \
	  $(sort $(foreach name,$(FUZZ),$(call fuzz_libs,$(name))))

$(BUILD)/fuzz/fuzz_%: t/fuzz/fuzz_%.c $(FUZZ_H) fuzz-libs
	@mkdir -p $(@D)
	$(CLANG) -std=c11 -D_GNU_SOURCE $(WARNINGS) -Wno-cast-qual -O1 -g -fsanitize=fuzzer $(FUZZ_FLAGS) \
	  -It/fuzz $(UNIT_INC) -o $@ $< $(call together,$(call fuzz_libs,$*)) $(UNIT_LINK)

fuzz: $(FUZZERS)
	scripts/fuzz $(SECONDS) $(FUZZERS)

# The same entry points without libFuzzer, for check-unit.
$(BUILD)/fuzz/replay_%: t/fuzz/replay.c t/fuzz/fuzz_%.c $$(call unit_libs,$$*) $(FUZZ_H) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(filter-out -fvisibility=hidden,$(BASE)) $(CFLAGS) -It/fuzz $(UNIT_INC) -o $@ \
	  $(filter %.c,$^) $(call together,$(call unit_libs,$*)) $(LDFLAGS) $(UNIT_LINK)

check-apache: all $(BUILD)/fast_backend
	t/TEST $(TESTS)

# The same with every wait made without a thread (event MPM).
check-parked: all $(BUILD)/fast_backend
	TEST_PARKING=always t/TEST $(or $(TESTS),proxy failover balancer reuse)

# The same with the other MPMs.
MPM_TESTS = proxy reuse failover balancer health manager parking overload discovery fleet
check-worker check-prefork: check-%: all $(BUILD)/fast_backend
	TEST_MPM=$* t/TEST $(or $(TESTS),$(MPM_TESTS))

# ---- Browsers and other clients of the manager: scripts/setup clients --------------------------
$(BUILD)/clients/node_modules: t/clients/package.json t/clients/package-lock.json t/clients/.npmrc
	@mkdir -p $(@D)
	cp $^ $(@D)
	@command -v npm > /dev/null || { echo 'npm is missing: scripts/setup clients'; exit 1; }
	cd $(@D) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

check-clients: all $(BUILD)/clients/node_modules
	BUILD=$(BUILD) t/TEST $(or $(TESTS),clients)

# ---- Real PHP applications: WordPress and others, unpacked into the build ----------------------
$(BUILD)/applications/complete: scripts/applications
	scripts/applications $(@D)

check-applications: all $(BUILD)/applications/complete
	BUILD=$(BUILD) TEST_LIMIT=3600 t/TEST $(or $(TESTS),applications)
	@BUILD=$(BUILD) perl -It/lib -MPhpApplication -e 'print PhpApplication::table()'

# ---- Under a minute: what a commit should not break --------------------------------------------
SMOKE = guards/source_rules guards/documentation proxy/response proxy/request_body failover/member_dies \
        balancer/shares balancer/limit health/three_strikes reuse/limits parking/when discovery/addresses manager/status \
        manager/form
# What scripts/httpd-matrix runs with each httpd.
MATRIX_TESTS = $(filter-out guards/%,$(SMOKE)) proxy/httpd_version
quick: all check-unit $(BUILD)/fast_backend
	t/TEST $(SMOKE)

# For clangd and other tools.
compile_commands: clean
	bear -- $(MAKE) all

check: check-setup
	+$(MAKE) --no-print-directory all check-unit check-apache check-parked

check-setup setup:
	scripts/setup

# ---- Bugs of memory: a finding fails the test that met it -------------------------------------
# Everything is slower then: TEST_STRETCH gives the tests more time.
ASAN_FLAGS := -fsanitize=address,undefined -fno-omit-frame-pointer
TSAN_FLAGS := -fsanitize=thread

asan:
	+$(MAKE) SANITIZE='$(ASAN_FLAGS)' \
	  BUILD=$(BUILD)/asan all check-unit $(BUILD)/asan/fast_backend
	HTTPD=$(CURDIR)/scripts/httpd-asan BUILD=$(BUILD)/asan TEST_STRETCH=3 t/TEST $(TESTS)

VALGRIND_TESTS = $(addprefix proxy/,response request_body tls_backend internal_redirect sendfile \
                   error_text expect_continue) failover reuse/limits \
                 balancer/stock_configuration manager parking/clients
valgrind: all $(BUILD)/fast_backend
	HTTPD=$(CURDIR)/scripts/httpd-valgrind BUILD=$(BUILD) TEST_STRETCH=8 t/TEST $(or $(TESTS),$(VALGRIND_TESTS))

# ---- Lint --------------------------------------------------------------------------------------
LINT_INC = $(addprefix -I$(M)/,$(FOLDERS)) -Iinclude
SCRIPTS  = $(shell grep -slE '^\#!/(usr/)?bin/(env )?(ba)?sh' scripts/* scripts/packaging/* scripts/packaging/*/* t/package/* .ci/* docs/examples/*/*)

TIDY     = $(patsubst $(M)/%.c,$(BUILD)/tidy/%,$(SOURCES))

# make -j2 lint: clang-tidy is asked about each source again when anything changed. Most of its three minutes
# is the analyzer's: CI has TIDY_FLAGS='--checks=-clang-analyzer-*'.
TIDY_FLAGS ?=
lint: $(TIDY)
	shellcheck $(SCRIPTS)
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --suppress=missingIncludeSystem --error-exitcode=1 $(LINT_INC) $(M) t/backend

$(BUILD)/tidy/%: $(M)/%.c $(wildcard $(M)/*/*.h $(M)/*/*/*.h include/*.h) .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $(TIDY_FLAGS) $< -- -std=c11 $(LINT_INC) $(HTTPD_FLAGS) 2> /dev/null && touch $@

format:
	scripts/format

format-check:
	scripts/format --check

# ---- Coverage: of the parts that need no httpd, 95 % of lines by unit tests alone -----------------
PURE = $(foreach t,$(UNIT),$(filter %/$(call unit_of,$(patsubst test_%,%,$(notdir $(t)))).c,$(SOURCES)))
COVERAGE = gcovr --root . --sort-uncovered

coverage:
	+$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage \
	  SANITIZE='--coverage -fprofile-update=atomic' CFLAGS='-O0 -g' check-unit
	$(COVERAGE) $(addprefix --filter ,$(PURE)) --fail-under-line 95 $(BUILD)/coverage/obj

FLEET_SECONDS ?= 600
faults: all
	t/faults/campaign $(FAULTS)
	t/faults/members $(MEMBERS)
	FLEET_SECONDS=$(FLEET_SECONDS) t/TEST fleet/limits fleet/limits_apart
	FLEET_SECONDS=60 t/TEST fleet/engine_away
	+$(MAKE) --no-print-directory hostile

# A backend that does everything wrong, under the sanitizers.
hostile:
	+$(MAKE) --no-print-directory SANITIZE='$(ASAN_FLAGS)' BUILD=$(BUILD)/asan all
	HTTPD=$(CURDIR)/scripts/httpd-asan BUILD=$(BUILD)/asan TEST_STRETCH=3 t/faults/hostile $(HOSTILE)

# The fast FastCGI responder that load tests and the bench run against.
$(BUILD)/fast_backend: t/backend/fast_backend.c
	@mkdir -p $(@D)
	$(CC) -O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra $(WERROR) -o $@ $<

# ---- The reference site ----------------------------------------------------------------------
demo:
	scripts/demo start

demo-fleet:
	scripts/demo fleet

demo-stop:
	scripts/demo stop

# ---- Side by side with stock httpd, nginx, HAProxy and lighttpd ------------------------------
BENCH_LIBS = $(foreach f,$(B)/table $(B)/policy shared,$(call archive,$(f)))
$(BUILD)/bench_%: t/bench/bench_%.c $(BENCH_LIBS) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) -pthread $(INC_$(B)) -o $@ \
	  $(filter %.c %.a,$^) $(LDFLAGS)

# All of the balancer, and what t/unit has in the place of httpd.
$(BUILD)/bench_election: t/bench/bench_election.c t/unit/balancer_alone.h \
                         $(foreach f,$(B) $(call below,$(B)),$(call archive,$(f))) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) -pthread $(UNIT_INC) $(CHECK_CFLAGS) -o $@ $< \
	  $(call together,$(filter %.a,$^)) $(LDFLAGS) $(UNIT_LINK) $(CHECK_LIBS)

$(BUILD)/offered_load: t/bench/offered_load.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) -o $@ $< $(LDFLAGS) -lm

# What the sections run beside the servers.
BENCH_balancer := bench_election bench_measures
BENCH_overload := offered_load
BENCH_PROGRAMS  = fast_backend $(foreach s,$(or $(SECTIONS),balancer overload),$(BENCH_$(s)))
bench-programs: all $(addprefix $(BUILD)/,$(BENCH_PROGRAMS))

bench: bench-programs
	BUILD=$(BUILD) scripts/bench $(SECTIONS)

# ---- Install ---------------------------------------------------------------------------------
# On Debian what a2enmod enables goes to mods-available.
MODS_AVAILABLE = $(SYSCONFDIR)/mods-available
A2ENMOD := $(addsuffix .load,$(NAMES)) proxy_fastcgi.conf balancer_byrequests.conf

install: all
	install -d $(DESTDIR)$(LIBEXECDIR)
	install -m 644 $(MODULES) $(DESTDIR)$(LIBEXECDIR)
	@if [ -d $(MODS_AVAILABLE) ]; then \
	  install -d $(DESTDIR)$(MODS_AVAILABLE) && for file in $(A2ENMOD); do \
	    sed 's|/usr/lib/apache2/modules|$(LIBEXECDIR)|' conf.d/$$file \
	      > $(DESTDIR)$(MODS_AVAILABLE)/$$file || exit 1; \
	  done; \
	  echo 'Now: a2dismod --force proxy_balancer && a2enmod $(NAMES)'; \
	fi

# The references of the modules as mod_...(7).
MANDIR ?= /usr/local/share/man
MAN    := $(foreach name,$(NAMES),$(BUILD)/man/mod_$(name).7)
man: $(MAN)

$(BUILD)/man/mod_%.7: $(M)/%/README.md $(wildcard scripts/packaging/man/*) scripts/version include/fastcgi_version.h CHANGELOG.md
	@mkdir -p $(@D)
	scripts/packaging/man/page $* > $@

install-man: man
	install -d $(DESTDIR)$(MANDIR)/man7
	install -m 644 $(MAN) $(DESTDIR)$(MANDIR)/man7

uninstall:
	rm -f $(addprefix $(DESTDIR)$(LIBEXECDIR)/,$(notdir $(MODULES)))
	rm -f $(addprefix $(DESTDIR)$(MODS_AVAILABLE)/,$(A2ENMOD))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man7/,$(notdir $(MAN)))

# ---- Packages --------------------------------------------------------------------------------
dist:
	scripts/dist $(BUILD)/dist

deb:
	scripts/deb $(BUILD)/deb

rpm:
	scripts/packaging/rpm/build $(BUILD)/rpm

sbom: all
	CC='$(CC)' APXS='$(APXS)' scripts/packaging/sbom $(BUILD) > $(BUILD)/fastcgi-cluster.spdx.json

release:
	scripts/packaging/release $(BUILD)/release

clean:
	rm -rf $(BUILD)

# For the guards: make print VARIABLE=INC_proxy_fastcgi/protocol
print:
	@echo '$($(VARIABLE))'
