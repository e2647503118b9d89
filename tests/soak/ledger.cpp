// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger.h"

#include <algorithm>

namespace torchinfer::soak {

Counts& Counts::operator+=(const Counts& other) {
  entered += other.entered;
  left += other.left;
  flushed += other.flushed;
  dropped += other.dropped;
  lost += other.lost;
  wrong += other.wrong;
  return *this;
}

void Ledger::watch(GstElement* element) {
  constexpr auto kTypes =
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                   GST_PAD_PROBE_TYPE_EVENT_FLUSH);
  GstPad* sink = gst_element_get_static_pad(element, "sink");
  gst_pad_add_probe(sink, GST_PAD_PROBE_TYPE_BUFFER, at_sink, this, nullptr);
  gst_object_unref(sink);
  GstPad* src = gst_element_get_static_pad(element, "src");
  gst_pad_add_probe(src, kTypes, at_src, this, nullptr);
  gst_object_unref(src);
}

GstPadProbeReturn Ledger::at_sink(GstPad*, GstPadProbeInfo* info, gpointer self) {
  auto* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  static_cast<Ledger*>(self)->enter(buffer);
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn Ledger::at_src(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<Ledger*>(data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    self->leave(GST_PAD_PROBE_INFO_BUFFER(info));
    return GST_PAD_PROBE_OK;
  }
  const auto type = GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info));
  const std::lock_guard lock(self->lock_);
  if (type == GST_EVENT_FLUSH_STOP) {
    self->counts_.flushed += self->inside_.size();
    self->inside_.clear();
  } else if (type == GST_EVENT_EOS) {
    self->vanish();
    ++self->eos_;
    self->changed_.notify_all();
  }
  return GST_PAD_PROBE_OK;
}

void Ledger::enter(GstBuffer* buffer) {
  const std::lock_guard lock(lock_);
  GST_BUFFER_OFFSET(buffer) = next_;
  inside_.push_back(next_++);
  ++counts_.entered;
}

void Ledger::leave(GstBuffer* buffer) {
  const std::lock_guard lock(lock_);
  const auto found = std::ranges::find(inside_, GST_BUFFER_OFFSET(buffer));
  if (found == inside_.end()) {
    ++counts_.wrong;
    return;
  }
  const auto before = static_cast<std::uint64_t>(found - inside_.begin());
  (drops_allowed_ ? counts_.dropped : counts_.lost) += before;
  inside_.erase(inside_.begin(), found + 1);
  ++counts_.left;
  changed_.notify_all();
}

/// With the lock held.
void Ledger::vanish() {
  (drops_allowed_ ? counts_.dropped : counts_.lost) += inside_.size();
  inside_.clear();
}

void Ledger::clear() {
  const std::lock_guard lock(lock_);
  counts_.flushed += inside_.size();
  inside_.clear();
}

void Ledger::allow_drops() {
  const std::lock_guard lock(lock_);
  drops_allowed_ = true;
}

bool Ledger::wait_for_eos(std::uint64_t before, std::chrono::seconds patience) {
  std::unique_lock lock(lock_);
  const bool came = changed_.wait_for(lock, patience, [&] { return eos_ > before; });
  drops_allowed_ = false;
  return came;
}

bool Ledger::wait_for_frame(std::chrono::seconds patience) {
  std::unique_lock lock(lock_);
  const std::uint64_t before = counts_.left;
  return changed_.wait_for(lock, patience, [&] { return counts_.left > before; });
}

std::uint64_t Ledger::eos_count() const {
  const std::lock_guard lock(lock_);
  return eos_;
}

Counts Ledger::counts() const {
  const std::lock_guard lock(lock_);
  return counts_;
}

}  // namespace torchinfer::soak
