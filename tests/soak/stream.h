// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "ledger.h"

namespace torchinfer::soak {

using Random = std::mt19937_64;

/// What streams are given, by chance.
struct Menu {
  std::vector<std::string> models;  ///< files
  std::vector<std::string> broken;  ///< files that are refused
  std::vector<std::string> batch_sizes{"1", "4", "8"};
};

/// Of this process, resident, in MB.
double resident_mb();

/// Reads the pipeline's bus to its end, which lets go of what the messages hold. Prints errors, and
/// is true if there was one; counts warnings.
bool has_failed(GstElement* pipeline, std::uint64_t& warnings);

/// One stream: a test source, torchinference, a sink. It is a pipeline of its own or a branch of
/// one that is shared. Live streams pace themselves by the clock, the others by a short sleep.
///
/// For the one thread that operates it.
class Stream {
 public:
  /// `shared` is null for a pipeline of its own; it outlives the stream.
  Stream(int number, GstElement* shared, bool live, const Menu& menu, Random& random);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void add();     ///< makes the elements and plays them
  void remove();  ///< to NULL, and away; add() makes new ones
  void change_state_and_back(GstState state);
  bool flush();  ///< by a seek, or from the element before; false on a stall
  void change_caps();
  void change_property();
  void swap_model(bool broken);
  /// Sends EOS, waits until all that was inside has left, and goes on. False on a stall.
  bool drain();
  bool makes_progress();
  /// For whoever looks into a stall: states, pads, statistics.
  std::string where_it_stands() const;

  int number() const { return number_; }
  Counts counts() const { return ledger_.counts(); }
  GstElement* bin() const { return bin_; }

 private:
  std::uint64_t pick(std::uint64_t count);
  std::string random_caps();
  void set_state(GstState state);
  void seek();
  bool flush_from_upstream();

  const int number_;
  GstElement* const shared_;
  const bool live_;
  const Menu& menu_;
  Random& random_;
  GstElement* bin_ = nullptr;
  GstElement* torch_ = nullptr;
  Ledger ledger_;
};

}  // namespace torchinfer::soak
