# SPDX-License-Identifier: LGPL-2.1-or-later
# The build folder, and the variables that make a command find what is built there and nothing else of that kind.
# shellcheck shell=bash

# Sets BUILD_NAME, relative to the clone, and BUILD.
choose_build_folder() {
  case ${VARIANT-} in
    '' | asan | tsan) ;;
    *) die "VARIANT is \"$VARIANT\"; it can be asan or tsan" ;;
  esac
  case $PLACE in
    native) BUILD_NAME=build/native ;;
    inside) SUITE=$(sed -n 's/^name: \([a-z]*\)-.*/\1/p' "$ROOT_MARK") BUILD_NAME=build/$SUITE ;;
    root)
      SUITE=${SUITE:-trixie}
      case $SUITE in
        trixie | forky) ;;
        *) die "SUITE is \"$SUITE\"; it can be trixie or forky" ;;
      esac
      BUILD_NAME=build/$SUITE
      ;;
  esac
  BUILD_NAME+=${VARIANT:+-$VARIANT}
  BUILD=$CLONE/$BUILD_NAME
}

# A root has no business with what the host's variables say about the host's libraries.
forget_host() {
  unset LD_LIBRARY_PATH LD_PRELOAD PYTHONPATH PYTHONHOME PKG_CONFIG_PATH PKG_CONFIG_LIBDIR GI_TYPELIB_PATH \
    GST_PLUGIN_SYSTEM_PATH GST_PLUGIN_SYSTEM_PATH_1_0 GST_PLUGIN_PATH_1_0 GST_PLUGIN_SCANNER GST_PLUGIN_SCANNER_1_0
  # The compiler's cache goes by the language as well.
  # shellcheck disable=SC2086
  unset LANGUAGE ${!LC_@}
  export LANG=C.UTF-8 LC_ALL=C.UTF-8 PYTHONNOUSERSITE=1
}

# Exports all but PATH, which is for the command alone: INSIDE_PATH.
export_paths() {
  INSIDE_PATH=$BUILD/apps:$CLONE/apps:$PATH
  if [ "$PLACE" != native ]; then
    forget_host
    INSIDE_PATH=$BUILD/apps:$CLONE/apps:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  fi
  export GST_PLUGIN_PATH=$BUILD/gst-plugin GST_REGISTRY=$BUILD/gst-registry.bin
  export CCACHE_DIR=$CACHE/ccache CCACHE_BASEDIR=$CLONE CCACHE_NOHASHDIR=1 PIP_CACHE_DIR=$CACHE/pip
  [ -z "${VARIANT-}" ] || export_sanitizers
}

# What the sanitizers' runtimes shall do. A program that is not instrumented itself (gst-launch-1.0) must load the
# runtime before the plugin: the wrappers in tools/sanitized see to it, and the plugin scanner, which is such a program
# too, is not used.
export_sanitizers() {
  local suppressions=$CLONE/tests/suppressions
  export VARIANT GST_REGISTRY_FORK=no
  export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1
  export LSAN_OPTIONS=suppressions=$suppressions/lsan.txt:print_suppressions=0
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:suppressions=$suppressions/ubsan.txt
  # Too large an allocation is libtorch's to refuse, as without TSan.
  export TSAN_OPTIONS=allocator_may_return_null=1:second_deadlock_stack=1:suppressions=$suppressions/tsan.txt
  INSIDE_PATH=$CLONE/tools/sanitized:$INSIDE_PATH
  # The OpenMP runtime is not instrumented: with more than one thread TSan sees races that are none.
  [ "$VARIANT" != tsan ] || export OMP_NUM_THREADS=1
}
