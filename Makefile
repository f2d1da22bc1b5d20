# The two commands of the README are "make image" and "make test".

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# What to build AmiGO from: a directory, a git URL or an archive. Without it,
# the sample AmiGO in examples/amigo/sample.
AMIGO_SOURCE ?=
# A git ref of AMIGO_SOURCE.
AMIGO_REF ?=
# The checksum of an AMIGO_SOURCE that is an archive, like sha256:...
AMIGO_CHECKSUM ?=

# A release of the Gene Ontology: current, the date of one, or the directory or
# address of what is laid out like one.
GO_RELEASE ?=

# A finished index of GOlr, a directory or a tar, and which release it is:
# golr_timestamp.log and release-archive-doi.json. Without it, the sample's data.
GOLR_INDEX ?=
GOLR_TIMESTAMP_LOG ?=
GOLR_RELEASE_DOI ?=

GOLANGCI_LINT := build/golangci-lint
GOLANGCI_LINT_VERSION := v2.6.2
ACTIONLINT := build/actionlint
ACTIONLINT_VERSION := v1.7.12
DEADCODE := build/deadcode
DEADCODE_VERSION := v0.48.0
GO_LICENSES := build/go-licenses
GO_LICENSES_VERSION := v2.0.1
VALE := build/vale
VALE_VERSION := v3.21.0
GOVULNCHECK := build/govulncheck
GOVULNCHECK_VERSION := v1.9.0
# The rules of accessible pages.
AXE := build/axe/node_modules/axe-core/axe.min.js
AXE_VERSION := 4.14.1
# A grammar of PowerShell, for the page's lines.
POWERSHELL := build/powershell/bin/python
POWERSHELL_GRAMMAR := tree-sitter==0.26.1 tree-sitter-pwsh==0.38.1
# Servers for the tests of publishing: S3, Google Cloud Storage and Azure. Later
# versions of Azurite need a newer Node than Debian's.
VERSITYGW := build/versitygw
VERSITYGW_VERSION := v1.8.0
FAKE_GCS := build/fake-gcs-server
FAKE_GCS_VERSION := v1.56.1
AZURITE := build/azurite/node_modules/.bin/azurite-blob
AZURITE_VERSION := 3.35.0
STORES := $(VERSITYGW) $(FAKE_GCS) $(AZURITE)

# Without tables for debuggers, and without the gRPC that Google's storage
# library would use inside Google's cloud: that is 40 % of a program. The same
# code gives the same program, whichever commit, directory and C library.
GO_FLAGS := -trimpath -buildvcs=false -tags disable_grpc_modules
GO_LDFLAGS := -s -w
GO_BUILD := CGO_ENABLED=0 go build $(GO_FLAGS) -ldflags '$(GO_LDFLAGS)'

# What "make dist" makes the archives of, like v0.1.0; what is being developed
# without it.
RELEASE ?=

# The release of Debian that images are made of: trixie or bookworm.
DEBIAN ?=

# Their processor: amd64 or arm64. Without it, this host's own.
ARCH ?=

# list makes one in HCL of words: ["a","b"].
comma := ,
list = [$(subst $() ,$(comma),$(patsubst %,"%",$(strip $(1))))]

VARIABLES = $(if $(AMIGO_SOURCE),-var amigo_source=$(AMIGO_SOURCE)) \
	$(if $(AMIGO_REF),-var amigo_ref=$(AMIGO_REF)) \
	$(if $(AMIGO_CHECKSUM),-var amigo_checksum=$(AMIGO_CHECKSUM)) \
	$(if $(GO_RELEASE),-var golr_release=$(GO_RELEASE)) \
	$(if $(ONTOLOGY),-var 'ontology=$(call list,$(ONTOLOGY))') \
	$(if $(ANNOTATIONS),-var 'annotations=$(call list,$(ANNOTATIONS))') \
	$(if $(GOLR_INDEX),-var golr_index=$(GOLR_INDEX)) \
	$(if $(GOLR_TIMESTAMP_LOG),-var golr_timestamp_log=$(GOLR_TIMESTAMP_LOG)) \
	$(if $(DEBIAN),-var release=$(DEBIAN)) \
	$(if $(ARCH),-var architecture=$(ARCH)) \
	$(if $(GOLR_RELEASE_DOI),-var golr_release_doi=$(GOLR_RELEASE_DOI))

# Tools that build images; and those that only the tests use besides.
HOST_ARCH := $(shell dpkg --print-architecture)
QEMU_amd64 := qemu-system-x86 ovmf
QEMU_arm64 := qemu-system-arm qemu-efi-aarch64
IMAGE_PACKAGES := mmdebstrap $(QEMU_$(HOST_ARCH)) qemu-utils bubblewrap uidmap fuse2fs \
	fdisk e2fsprogs dosfstools mtools git maven debian-archive-keyring ca-certificates
# What makes and runs images for another processor than the host's.
FOREIGN_PACKAGES := $(QEMU_amd64) $(QEMU_arm64) qemu-user-static binfmt-support arch-test
TEST_PACKAGES := $(FOREIGN_PACKAGES) binutils-aarch64-linux-gnu reprepro gnupg dnf zypper rpm createrepo-c openssh-server iproute2 binutils chromium w3m lynx jq minisign zstd nginx-light python3-venv man-db \
	apache2-bin bzip2 curl socat zsh virtinst vagrant vagrant-libvirt awscli cloud-image-utils slurm-wlm munge

.PHONY: image
image: packages $(if $(filter-out $(HOST_ARCH),$(ARCH)),foreign-packages) binaries ## build examples/amigo into output/
	bin/amigo-image build $(VARIABLES) examples/amigo

.PHONY: test
test: for-tests ## run the tests; they boot virtual machines
	./test/run

.PHONY: test-all
test-all: for-tests ## run every test, those that take long included
	./test/run long

.PHONY: for-tests
for-tests: packages test-packages binaries $(AXE) $(POWERSHELL) $(STORES)

.PHONY: coverage
coverage: packages test-packages ## show how much of each package the tests without VMs reach
	scripts/coverage

.PHONY: binaries
binaries: bin/amigo-image bin/packer-plugin-amigo

bin/amigo-image bin/packer-plugin-amigo &: FORCE
	@mkdir -p bin
	$(GO_BUILD) -o bin/amigo-image ./cmd/amigo-image
	$(GO_BUILD) -o bin/packer-plugin-amigo .

.PHONY: install
install: binaries ## install the plugin into Packer
	packer plugins install --path bin/packer-plugin-amigo github.com/geneontology/amigo

.PHONY: man
man: bin/amigo-image ## write the manual's pages into build/man
	bin/amigo-image man build/man

.PHONY: dist
dist: ## make the archives of a release in build/dist
	@scripts/packages zip
	GO_FLAGS='$(GO_FLAGS)' GO_LDFLAGS='$(GO_LDFLAGS)' scripts/dist build/dist $(RELEASE)

.PHONY: generate
generate: ## regenerate generated code and .web-docs
	go generate ./...
	scripts/web-docs

.PHONY: lint
lint: style prose workflows licenses deadcode module generated ## check style, prose, licences, workflows, and that nothing is dead or stale

.PHONY: style
style: $(GOLANGCI_LINT)
	$(GOLANGCI_LINT) run ./...

# Documents, comments and the help of every command.
.PHONY: prose
prose: $(VALE) bin/amigo-image
	rm -rf build/help
	bin/amigo-image man --format help build/help
	$(VALE) --config scripts/prose/vale.ini --output line $$(git ls-files '*.md' '*.go') build/help

# Without what happens to be installed: shellcheck and pyflakes.
.PHONY: workflows
workflows: $(ACTIONLINT)
	$(ACTIONLINT) -shellcheck= -pyflakes= .github/workflows/*.yml examples/*/github-actions.yml

# Licences that a program under BSD-3-Clause can be made with. MPL-2.0 is about
# the files that are under it, not about what they are linked into. The licence
# of go-jmespath is Apache-2.0, in a form that go-licenses does not know.
LICENSES := Apache-2.0,BSD-2-Clause,BSD-3-Clause,CC0-1.0,ISC,MIT,MPL-2.0,Unicode-DFS-2016,Unlicense

.PHONY: licenses
licenses: $(GO_LICENSES)
	CGO_ENABLED=0 GOFLAGS=-tags=disable_grpc_modules $(GO_LICENSES) check --allowed_licenses=$(LICENSES) \
		--ignore github.com/jmespath/go-jmespath --logtostderr=false --stderrthreshold=FATAL --log_file=/dev/null \
		. ./cmd/amigo-image

.PHONY: deadcode
deadcode: $(DEADCODE)
	@dead=$$($(DEADCODE) -test -tags vm,long ./...); [ -z "$$dead" ] || { echo "$$dead" >&2; exit 1; }

# Two blocks in go.mod: what is used, and what that needs.
.PHONY: module
module:
	go mod tidy -diff
	cd examples/library && go mod tidy -diff
	@awk '/^require/ { block++; next } /^)/ { next } \
		block && /^\t/ && (block > 2 || (block == 2) != (/\/\/ indirect$$/)) { print "go.mod: wrong block: " $$1; wrong = 1 } \
		END { exit wrong }' go.mod

.PHONY: generated
generated: generate
	@stale=$$(git status --porcelain -- '*.hcl2spec.go' .web-docs); \
		[ -z "$$stale" ] || { echo "not as generated; commit these:"; echo "$$stale"; exit 1; } >&2

# Asks Go's database of vulnerabilities, so it is no part of lint.
.PHONY: vulnerabilities
vulnerabilities: $(GOVULNCHECK) ## look for known vulnerabilities in what the programs use
	$(GOVULNCHECK) -tags disable_grpc_modules ./...

.PHONY: packages
packages: npm
	@scripts/packages $(IMAGE_PACKAGES)

# Not with the others: Debian's npm needs many packages, and conflicts with Node's own package.
.PHONY: npm
npm:
	@command -v npm >/dev/null || scripts/packages npm

.PHONY: foreign-packages
foreign-packages:
	@scripts/packages $(FOREIGN_PACKAGES)
	@test -e /proc/sys/fs/binfmt_misc/status || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
	@arch-test $(ARCH) >/dev/null || update-binfmts --enable

.PHONY: test-packages
test-packages:
	@scripts/packages $(TEST_PACKAGES)

$(GOLANGCI_LINT):
	GOBIN=$(abspath build) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

$(ACTIONLINT):
	GOBIN=$(abspath build) go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)

$(DEADCODE):
	GOBIN=$(abspath build) go install golang.org/x/tools/cmd/deadcode@$(DEADCODE_VERSION)

$(VALE):
	GOBIN=$(abspath build) go install github.com/vale-cli/vale/v3/cmd/vale@$(VALE_VERSION)

$(GOVULNCHECK):
	GOBIN=$(abspath build) go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)

# In a module of its own, since "go install MODULE@VERSION" asks for the list of
# versions, too, which module proxies may not have of this one.
$(GO_LICENSES):
	rm -rf build/go-licenses.module
	mkdir -p build/go-licenses.module
	cd build/go-licenses.module && go mod init licenses && \
		go mod edit -require=github.com/google/go-licenses/v2@$(GO_LICENSES_VERSION) && \
		GOBIN=$(abspath build) go install -mod=mod github.com/google/go-licenses/v2

$(VERSITYGW):
	GOBIN=$(abspath build) go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION)

$(FAKE_GCS):
	GOBIN=$(abspath build) go install github.com/fsouza/fake-gcs-server@$(FAKE_GCS_VERSION)

$(AZURITE): | npm
	npm install --silent --no-save --ignore-scripts --no-audit --no-fund --prefix build/azurite azurite@$(AZURITE_VERSION)

$(AXE): | npm
	npm install --silent --no-save --ignore-scripts --no-audit --no-fund --prefix build/axe axe-core@$(AXE_VERSION)

.PHONY: axe
axe: $(AXE) ## get what checks the pages

$(POWERSHELL):
	@scripts/packages python3-venv
	python3 -m venv --clear build/powershell.partial
	build/powershell.partial/bin/pip install --quiet $(POWERSHELL_GRAMMAR)
	mv -T build/powershell.partial build/powershell

.PHONY: powershell
powershell: $(POWERSHELL) ## get what reads PowerShell

.PHONY: clean
clean: ## remove what was built; the cache stays
	rm -rf bin build output

.PHONY: help
help:
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

FORCE:
