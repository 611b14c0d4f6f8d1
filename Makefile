# Everything a person does with this tree. "make" alone prints the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
CACHE := $(CURDIR)/.cache
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
PROTOC_GEN_GO := google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
PROTOC_GEN_GO_GRPC := google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2

# The lab and the tests of rings 2 to 4 make network namespaces.
SUDO := $(shell [ $$(id -u) = 0 ] || echo sudo)
AS_ROOT := $(if $(SUDO),-exec 'sudo -E')

export CGO_ENABLED ?= 0

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

# The same source makes the same programs.
GO_BUILD := go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$(VERSION)"

.PHONY: build
build: ## dist/evenkeel, dist/evenkeel-forms, dist/evenkeel-lab and dist/init
	mkdir -p dist
	$(GO_BUILD) -o dist/evenkeel ./cmd/evenkeel
	$(GO_BUILD) -o dist/evenkeel-forms ./cmd/evenkeel-forms
	$(GO_BUILD) -o dist/evenkeel-lab ./cmd/evenkeel-lab
	$(GO_BUILD) -o dist/init ./cmd/init

# The image's files have the time of the commit that it is made of.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
MKIMAGE := go run ./cmd/mkimage --version $(VERSION) --cache $(CACHE)/debian
# A box takes updates that are signed: UPDATE_KEY is the secret key that signs, the public keys (*.pub) that are in the
# same folder go into the image. Without one the image takes no updates.
UPDATE_KEY ?=
UPDATE_KEYS ?= $(if $(UPDATE_KEY),$(dir $(UPDATE_KEY)))
SIGNED = $(if $(UPDATE_KEYS),--keys $(UPDATE_KEYS)) $(if $(UPDATE_KEY),--sign $(UPDATE_KEY))

.PHONY: image
image: build packages-image $(if $(UPDATE_KEY),packages-minisign) ## the disk image of the box, in dist/; about a minute; UPDATE_KEY=FILE signs updates
	$(MKIMAGE) --out dist $(SIGNED)
	$(if $(UPDATE_KEY),minisign -S -s $(UPDATE_KEY) -m dist/evenkeel-$(VERSION)-amd64.sha256)

KEY ?= $(CACHE)/update-key/update.key
.PHONY: update-key
update-key: packages-minisign ## a new key that signs updates: KEY=FILE.key or .cache/update-key/update.key; keep it
	mkdir -p $(dir $(KEY)) && umask 077 && minisign -G -W -s $(KEY) -p $(KEY:.key=.pub)

.PHONY: demo
demo: build packages-lab ## a pair of directors, three real servers and a client; half a minute
	$(SUDO) dist/evenkeel-lab setup uml
	$(SUDO) dist/evenkeel-lab demo --evenkeel dist/evenkeel

.PHONY: test
test: lint test-pure test-ns test-vm test-image ## all rings of tests, quick ones first; what is missing is installed
	@.ci/ring summary

.PHONY: test-pure
test-pure: packages-test ## ring 1: no root, no network, seconds
	.ci/ring run 1 pure -timeout 5m -skip '^Test(NS|VM|Image)' ./...

.PHONY: test-ns
test-ns: build packages-test packages-peers ## ring 2: real sockets between network namespaces (root)
	EVENKEEL=$(CURDIR)/dist/evenkeel .ci/ring run 2 namespaces -timeout 10m -p 1 -parallel 12 $(AS_ROOT) -run '^TestNS' ./...

.PHONY: test-vm
test-vm: build packages-test packages-peers ## ring 3: virtual machines with real IPVS (root)
	$(SUDO) dist/evenkeel-lab setup
	EVENKEEL=$(CURDIR)/dist/evenkeel .ci/ring run 3 'virtual machines' -timeout 25m -p 1 $(AS_ROOT) -run '^TestVM' ./image/...

.PHONY: test-image
test-image: build packages-image packages-peers packages-minisign ## ring 4: the image, built and booted from its disk (root)
	[ -e $(CACHE)/image/keys/test.key ] || $(MAKE) -s update-key KEY=$(CACHE)/image/keys/test.key
	$(MKIMAGE) --out $(CACHE)/image --formats img,img.zst,slot --keys $(CACHE)/image/keys --sign $(CACHE)/image/keys/test.key
	EVENKEEL_IMAGE=$(CACHE)/image/evenkeel-$(VERSION)-amd64.img .ci/ring run 4 'the image' -timeout 30m -p 1 -parallel 3 $(AS_ROOT) -run '^TestImage' ./image/...

.PHONY: race
race: packages-test ## ring 1 under the race detector
	CGO_ENABLED=1 go test -race -timeout 10m -skip '^Test(NS|VM|Image)' ./...

.PHONY: bench
bench: build packages-peers packages-bench ## performance beside keepalived; writes nothing, see docs/benchmarks.md
	$(SUDO) dist/evenkeel-lab setup
	$(SUDO) dist/evenkeel-lab bench --evenkeel dist/evenkeel

.PHONY: lint
lint: packages-proto ## formatting, vet, staticcheck, the conventions of DESIGN
	@bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "gofmt would change: $$bad"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go test -count=1 ./docs/conventions

.PHONY: proto
proto: packages-proto ## generate the Go code of the .proto files
	.ci/proto $(CACHE) $(PROTOC_GEN_GO) $(PROTOC_GEN_GO_GRPC)

.PHONY: clean
clean: ## remove what make made here
	rm -rf dist .cache

# Debian packages: installed when missing (as root, or through sudo), otherwise named in one line.
.PHONY: packages-lab packages-peers packages-bench packages-test packages-proto packages-image packages-minisign
packages-lab:
	@.ci/packages busybox-static ipvsadm iproute2
packages-peers: packages-lab
	@.ci/packages qemu-system-x86 keepalived
packages-bench:
	@.ci/packages gcc libc6-dev
packages-minisign:
	@.ci/packages minisign
packages-test: packages-minisign
	@.ci/packages nginx-light exim4-daemon-light vsftpd dovecot-imapd dovecot-pop3d slapd iproute2 openssl protobuf-compiler libprotobuf-dev
	@.ci/packages bind9 chrony freeradius kamailio-tls-modules socat dnsmasq-base udhcpd rsyslog rsyslog-gnutls
	@.ci/packages python3-grpcio python3-protobuf
	@.ci/packages mariadb-server postgresql redis-server openssh-server openssh-client snmpd tcpdump cryptsetup-bin
packages-image:
	@.ci/packages squashfs-tools cryptsetup-bin grub-common grub-emu mtools dosfstools zstd qemu-utils ovmf
packages-proto:
	@.ci/packages protobuf-compiler libprotobuf-dev
