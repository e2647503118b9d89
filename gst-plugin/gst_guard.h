// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <exception>
#include <new>
#include <utility>

// GStreamer is C: an exception that leaves a vfunc, a pad function or a callback ends in
// std::terminate at best. Each of them that can throw runs its body in here.

/// Tells the bus that C++ code below `element` failed. Takes no lock, so it may be called wherever
/// an element error may be posted.
inline void
gst_torch_post_exception (GstElement *element, const char *what) {
  GST_ELEMENT_ERROR (element, CORE, FAILED, ("Internal error in %s.", GST_OBJECT_NAME (element)),
      ("exception: %s", what));
}

/// Calls `body` and returns what it returns. When it throws, the element posts an error and the
/// call returns `failed`. `body` must hold no lock that the bus's synchronous handlers may take,
/// and must keep its own state destructible.
template <class Result, class Body>
Result
gst_torch_guard (GstElement *element, Result failed, Body &&body) noexcept {
  try {
    return std::forward<Body> (body) ();
  } catch (const std::bad_alloc &) {
    GST_ELEMENT_ERROR (element, RESOURCE, NO_SPACE_LEFT, ("Out of memory."), (nullptr));
  } catch (const std::exception &e) {
    gst_torch_post_exception (element, e.what ());
  } catch (...) {
    gst_torch_post_exception (element, "of an unknown type");
  }
  return failed;
}

/// The same for an entry into an object that an exception may have left half changed: once `broken`
/// is set, nothing is called any more and each call returns `failed`, until the object's owner has
/// made it whole.
template <class Result, class Body>
Result
gst_torch_guard (
    GstElement *element, std::atomic<bool> &broken, Result failed, Body &&body) noexcept {
  if (broken)
    return failed;
  bool returned = false;
  Result result = gst_torch_guard (element, failed, [&] {
    Result value = std::forward<Body> (body) ();
    returned = true;
    return value;
  });
  if (!returned)
    broken = true;
  return result;
}
