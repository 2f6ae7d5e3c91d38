# Everything the project does by itself is a target here; `make` alone lists them.
# Every variable can be given on the command line: make build GOARCH=arm64 BIN=/tmp/out

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-builtin-rules

GO          ?= go
BIN         ?= bin
CACHE       ?= .cache
PREFIX      ?= /usr/local
DESTDIR     ?=
VERSION     ?= $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null || echo 0.1.0-dev)
COMMIT      ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS     ?= -s -w -X main.version=$(VERSION:v%=%) -X main.commit=$(COMMIT) $(ENTRY)
BUILDFLAGS  ?= -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'
TESTFLAGS   ?= -count=1 -timeout 15m
FUZZTIME    ?= 5s
KILL_STEPS  ?= 40
SUDO        ?= $(if $(filter 0,$(shell id -u)),,sudo env "PATH=$(PATH)")

GOLANGCI_VERSION ?= v2.15.0
GOLANGCI    := $(CACHE)/tools/golangci-lint-$(GOLANGCI_VERSION)

# Debian packages, installed only when the command they bring is missing.
DEMO_NEEDS  := busybox:busybox-static
TEST_NEEDS  := busybox:busybox-static clang-14:clang-14 ld.lld-14:lld-14 gcc:gcc pkg-config:pkg-config \
               strace:strace jq:jq /usr/include/seccomp.h:libseccomp-dev newuidmap:uidmap tmux:tmux
ENGINE_NEEDS := busybox:busybox-static dockerd:docker.io docker-compose:docker-compose containerd:containerd podman:podman \
               buildah:buildah umoci:umoci skopeo:skopeo tini-static:tini iptables:iptables runc:runc jq:jq bc:bc wget:wget ip:iproute2 \
               /usr/lib/cni/bridge:containernetworking-plugins /usr/lib/podman/netavark:netavark newuidmap:uidmap \
               /usr/lib/podman/aardvark-dns:aardvark-dns slirp4netns:slirp4netns fuse-overlayfs:fuse-overlayfs mmdebstrap:mmdebstrap
CHECK_NEEDS := shellcheck:shellcheck
INIT_NEEDS  := clang-14:clang-14 ld.lld-14:lld-14 llvm-strip-14:llvm-14

INITSRC     := libcontainer/internal/initproc/csrc
SHELLSCRIPTS = $(shell git ls-files -co --exclude-standard -- '*.sh' .ci/run .ci/need tests/vm/guest | grep -v '\.service$$')
UNIT_PKGS    = $(shell $(GO) list ./... | grep -v /tests/integration)
SUMMARY     := $(CACHE)/testsum

export CGO_ENABLED ?= 0

# The garbage collector and the heap's address of before Go 1.26, as long as Go has both: see docs/adr/0017-collector.md.
ifeq ($(origin GOEXPERIMENT),undefined)
GOEXPERIMENT := $(shell for e in nogreenteagc norandomizedheapbase64; do \
                  GOEXPERIMENT=$$e $(GO) env GOVERSION >/dev/null 2>&1 && printf '%s,' $$e; done)
endif
export GOEXPERIMENT

# Where a static binary begins on amd64: see docs/adr/0018-entry.md.
ifeq ($(or $(GOARCH),$(shell $(GO) env GOARCH))-$(CGO_ENABLED),amd64-0)
ENTRY = -E github.com/ocirun/ocirun/libcontainer/internal/sys/entry.begin
endif

##@ Use it

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@ /            {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z][a-z-]*:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

build: ## Build the static binary bin/ocirun
	@mkdir -p $(BIN)
	$(GO) build $(BUILDFLAGS) -o $(BIN)/ocirun ./cmd/ocirun

demo: ## Build, make a busybox bundle, run it and look around inside
	@.ci/need $(DEMO_NEEDS)
	@$(MAKE) --no-print-directory build
	@$(SUDO) contrib/demo/demo.sh $(BIN)/ocirun

install: build ## Install binary, man pages, completions and the engines' configurator
	install -D -m 0755 $(BIN)/ocirun $(DESTDIR)$(PREFIX)/sbin/ocirun
	install -d $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 0644 docs/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -D -m 0644 contrib/completions/ocirun.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ocirun
	install -D -m 0644 contrib/completions/_ocirun $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_ocirun
	install -D -m 0644 contrib/completions/ocirun.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/ocirun.fish
	install -D -m 0755 contrib/install-runtime.sh $(DESTDIR)$(PREFIX)/share/ocirun/install-runtime.sh
	@echo "For an engine: $(PREFIX)/share/ocirun/install-runtime.sh docker|containerd|podman"

##@ Test it

test: test-needs $(SUMMARY) ## Install what tests need and run all tests as root
	@{ $(SUDO) $(GO) test -json $(TESTFLAGS) $(UNIT_PKGS) || true; \
	   $(call libseccomp_tests,-json) || true; \
	   $(call integration,host,-json) || true; \
	   $(call integration,v2,-json) || true; } 2>&1 | $(SUMMARY)

test-unit: ## Run the tests of the packages (some of them want root)
	$(GO) test $(TESTFLAGS) $(UNIT_PKGS)

test-root: test-needs ## Run the scenarios on the binary, in the host's and in the pure v2 cgroup view
	$(call integration,host,)
	$(call integration,v2,)

test-peers: test-needs ## Run the scenarios on Debian's newer crun and runc, in a root of their own
	$(call peers,crun,v2)
	$(call peers,crun,v1)
	$(call peers,runc,v2)

test-engines: build engine-needs ## Run Docker, containerd and Podman on it and on runc, write docs/engines.md
	$(call engines,--runtime runc=$(shell command -v runc || echo /usr/sbin/runc) $(if $(ENGINES)$(ENGINEFLAGS),,--write docs/engines.md))

test-engines-quick: build engine-needs ## Run the engines' most telling scenarios on it
	$(call engines,--quick)

test-engines-newer: build ## Run the scenarios of containerd and Podman with the next Debian's, in a root of their own
	$(SUDO) tests/engines/newer.sh $(CACHE)/newer-engines $(BIN)/ocirun $(ENGINEFLAGS) $(or $(ENGINES),containerd podman install)

test-libseccomp: test-needs ## Compare the seccomp compiler with libseccomp (needs cgo)
	$(call libseccomp_tests,)

test-vm: $(SUMMARY) ## Run the tests in virtual machines with systemd, cgroup v2 and AppArmor (VM=qemu: full emulation)
	@$(vm_lane) $(VM) | $(SUMMARY)

vm-image: ## Make, once, what the virtual machines boot from
	@$(vm_lane) image

vm_lane = $(SUDO) env GO=$(GO) VM_CACHE=$(abspath $(CACHE))/vm TESTS='$(TESTS)' VM_COUNT=$(VM_COUNT) VM_KEEP=$(VM_KEEP) tests/vm/run.sh

test-hybrid: $(SUMMARY) ## Run the scenarios of the systemd driver under a systemd in namespaces of this machine, on cgroup v1
	@$(SUDO) env GO=$(GO) VM_CACHE=$(abspath $(CACHE))/vm TESTS='$(TESTS)' tests/vm/hybrid.sh | $(SUMMARY)

test-race: ## Run the package tests under the race detector (needs cgo)
	CGO_ENABLED=1 $(GO) test -race $(TESTFLAGS) $(UNIT_PKGS)

test-needs:
	@.ci/need $(TEST_NEEDS)

engine-needs:
	@.ci/need $(ENGINE_NEEDS)

# Some engines, some scenarios: make test-engines ENGINES="docker podman" ENGINEFLAGS="--only ^exec"
engines = $(SUDO) env GO=$(GO) OE_CACHE=$(abspath $(CACHE))/engines OE_CRIU="$$($(SUDO) tests/criu.sh $(CACHE)/criu)" tests/engines/run.sh \
          --runtime ocirun=$(BIN)/ocirun $(1) $(ENGINEFLAGS) $(ENGINES)

needs:
	@.ci/need $(TEST_NEEDS) $(CHECK_NEEDS) $(INIT_NEEDS)

# The scenarios also run against a peer: make test-root RUNTIME=/usr/sbin/runc
integration = $(SUDO) env RUNTIME=$(RUNTIME) OCIRUN_TEST_CRIU="$$($(SUDO) tests/criu.sh $(CACHE)/criu)" OCIRUN_TEST_CGROUP=$(1) OCIRUN_TEST_KILL_STEPS=$(KILL_STEPS) \
              $(GO) test $(2) $(TESTFLAGS) ./tests/integration/...
peers = $(SUDO) tests/integration/peers.sh $(CACHE)/peers $(1) $(2) $(PEERFLAGS)
libseccomp_tests = $(SUDO) env CGO_ENABLED=1 $(GO) test $(1) $(TESTFLAGS) -tags libseccomp ./seccomp/...

$(SUMMARY): internal/testsum/main.go go.mod
	@mkdir -p $(@D)
	@$(GO) build -o $@ ./internal/testsum

fuzz: ## Run every fuzz target for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; done

bench: build ## Compare start times with other runtimes
	$(SUDO) $(GO) run ./tests/bench -ocirun $(abspath $(BIN)/ocirun) $(BENCHFLAGS)

##@ Keep it tidy

check: $(GOLANGCI) ## Formatting, vet, linters, shellcheck, structural tests
	@.ci/need $(CHECK_NEEDS)
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	  if [ -n "$$bad" ]; then echo "not gofmt-clean:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	$(GOLANGCI) run ./...
	shellcheck $(SHELLSCRIPTS)
	$(GO) test -count=1 ./internal/lint

$(GOLANGCI):
	@echo "building golangci-lint $(GOLANGCI_VERSION) (once, a few minutes)"
	@mkdir -p $(@D)
	@GOBIN=$(abspath $(@D)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(@D)/golangci-lint $@

docs: ## Write man pages, completions and docs/commands.md from the command table
	$(GO) generate ./cmd/ocirun

init: ## Rebuild the committed container init (clang and lld)
	@.ci/need $(INIT_NEEDS)
	$(INITSRC)/build.sh

verify-init: ## Rebuild the container init and compare it with the committed bytes
	@.ci/need $(INIT_NEEDS)
	$(INITSRC)/build.sh --verify

clean: ## Remove what the targets above made
	rm -rf $(BIN) $(CACHE)

.PHONY: help build demo install test test-unit test-root test-peers test-hybrid test-libseccomp test-vm vm-image test-race test-needs needs \
        test-engines test-engines-quick test-engines-newer engine-needs fuzz bench check docs init verify-init clean
