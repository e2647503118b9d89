# SPDX-License-Identifier: LGPL-2.1-or-later
# The words a person types. Each calls a program in tools/, which can be called by itself as well.
# SUITE=forky chooses Debian testing; PREFIX and DESTDIR are install's, MINUTES is soak's.

PREFIX ?= /usr/local
MINUTES ?= 10

.PHONY: help demo build test test-asan test-tsan test-valgrind test-env soak bench lint shell install clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r word text; do \
	  printf '  make %-14s %s\n' "$$word" "$$text"; done

demo: build ## classify two real clips: a labelled video, JSON lines and a contact sheet in out/
	tools/demo

build: ## build the plugin, its library and its programs
	tools/build

test: ## build and run all tests
	tools/test

test-asan: ## the tests with AddressSanitizer and UndefinedBehaviorSanitizer
	VARIANT=asan tools/test

test-tsan: ## the library's tests with ThreadSanitizer
	VARIANT=tsan tools/test

test-valgrind: ## the tests that need no libtorch under valgrind's memcheck, leaks included
	VALGRIND=1 tools/test

test-env: ## the tests of tools/env itself; they make small roots and take minutes
	tests/env/run

soak: ## random operations over eight streams, with a book of every frame (MINUTES=10)
	tools/soak --minutes $(MINUTES)

bench: ## measure speed on a quiet machine: a table, JSON and a chart in out/bench/; QUICK=1 only shows that it works
	tools/bench

lint: ## check format, style, scripts and the direction of includes
	tools/lint

shell: build ## a shell in which the plugin and the tools are found
	tools/env bash

install: ## install what is built natively (PREFIX, DESTDIR)
	tools/install "$(PREFIX)" "$(DESTDIR)"

clean: ## remove what was built and made: build/ and out/
	rm -rf build out
