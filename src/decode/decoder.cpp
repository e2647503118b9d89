// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decode/decoder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "decode/element_reader.h"

namespace torchinfer {
namespace {

// A model's own softmax may miss 0..1 by its rounding, in bfloat16 by a few thousandths.
constexpr double kSlack = 1.0 / 128.0;

/// Candidates keep the model's own value in `score` until the best are known: every activation is
/// monotonic, and values tell apart what it saturates.
bool better(const Class& a, const Class& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

std::string shape_of(const TensorView& output) {
  std::string text = "[";
  for (const auto dim : output.dims) {
    text += (text.size() > 1 ? "," : "") + std::to_string(dim);
  }
  return text + "]";
}

Status bad_output(const TensorView& output, const std::string& problem) {
  return Status(Code::kBadOutput, "The model's output \"" + output.name + "\" " + problem);
}

/// How many classes an output of one item holds: [C], with dims of 1 before or after it.
Result<std::size_t> class_count(const TensorView& output) {
  std::int64_t count = 1;
  for (const auto dim : output.dims) {
    if (dim < 1 || (dim > 1 && count > 1) || dim > std::numeric_limits<int>::max()) {
      return bad_output(output, "has the shape " + shape_of(output) +
                                    " for one frame; classification needs one number per class");
    }
    count *= dim;
  }
  return static_cast<std::size_t>(count);
}

/// Puts the `most` best values into `classes` as a heap whose front is the worst of them; returns
/// the index of the first value that no float can hold, or `count`.
template <class Reader>
std::size_t select_best(const Reader& value_of, std::size_t count, std::size_t most,
                        std::vector<Class>& classes) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < count; ++i) {
    const double value = value_of(i);
    if (!(std::abs(value) <= kLargest)) return i;  // NaN compares false
    const Class candidate{static_cast<int>(i), static_cast<float>(value)};
    if (classes.size() < most) {
      classes.push_back(candidate);
      std::push_heap(classes.begin(), classes.end(), better);
    } else if (better(candidate, classes.front())) {
      std::pop_heap(classes.begin(), classes.end(), better);
      classes.back() = candidate;
      std::push_heap(classes.begin(), classes.end(), better);
    }
  }
  return count;
}

/// Turns the model's values of `classes`, best first, into scores.
template <class Reader>
Status activate(Activation activation, const TensorView& output, const Reader& value_of,
                std::size_t count, std::vector<Class>& classes) {
  switch (activation) {
    case Activation::kSoftmax: {
      // The largest value is subtracted so that exp() cannot overflow. Not the best candidate's,
      // which float may have rounded.
      double largest = value_of(0);
      for (std::size_t i = 1; i < count; ++i) largest = std::max(largest, value_of(i));
      double sum = 0.0;
      for (std::size_t i = 0; i < count; ++i) sum += std::exp(value_of(i) - largest);
      for (auto& item : classes) {
        const double value = value_of(static_cast<std::size_t>(item.index));
        item.score = static_cast<float>(std::exp(value - largest) / sum);
      }
      return Status();
    }
    case Activation::kSigmoid:
      for (auto& item : classes) {
        item.score = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(item.score))));
      }
      return Status();
    case Activation::kNone:
      for (auto& item : classes) {
        if (item.score < -kSlack || item.score > 1.0 + kSlack) {
          return bad_output(output, "gives " + std::to_string(item.score) + " for class " +
                                        std::to_string(item.index) +
                                        ", which is no score from 0 to 1; the model info says "
                                        "activation=none, where softmax or sigmoid may be meant");
        }
        item.score = std::clamp(item.score, 0.0F, 1.0F);
      }
      return Status();
  }
  return Status(Code::kInternal, "An activation is not handled");
}

template <class Reader>
Result<std::vector<Class>> decode(const DecodePlan& plan, const TensorView& output,
                                  std::size_t count, const Reader& value_of) {
  std::vector<Class> classes;
  const std::size_t most = std::min(count, static_cast<std::size_t>(std::max(plan.top_k, 1)));
  classes.reserve(most);
  const std::size_t stop = select_best(value_of, count, most, classes);
  if (stop != count) {
    const double value = value_of(stop);
    return bad_output(output, "gives " +
                                  std::string(std::isnan(value) ? "NaN" : "an infinite value") +
                                  " for class " + std::to_string(stop) +
                                  "; check the model's precision and its input ranges");
  }
  std::sort_heap(classes.begin(), classes.end(), better);
  Status status = activate(plan.model->decode.activation, output, value_of, count, classes);
  if (!status.ok()) return status;
  // Best first, so what follows the first class below the threshold is below it too.
  const auto end = std::find_if(classes.begin(), classes.end(),
                                [&](const Class& item) { return item.score < plan.threshold; });
  classes.erase(end, classes.end());
  return classes;
}

}  // namespace

Result<std::vector<Class>> decode_classification(const DecodePlan& plan,
                                                 std::span<const TensorView> outputs) {
  if (outputs.empty() || outputs.front().host == nullptr) {
    return Status(Code::kBadOutput, "The model gave no output");
  }
  const TensorView& output = outputs.front();
  const auto count = class_count(output);
  if (!count) return count.status();
  const auto& labels = plan.model->labels;
  if (!labels.empty() && labels.size() != *count) {
    return Status(Code::kBadLabels, "There are " + std::to_string(labels.size()) +
                                        " labels, but the model's output \"" + output.name +
                                        "\" has " + std::to_string(*count) +
                                        " classes; give the label file that belongs to this model");
  }
  return with_element_reader(output.dtype, output.host, [&](const auto& value_of) {
    return decode(plan, output, *count, value_of);
  });
}

}  // namespace torchinfer
