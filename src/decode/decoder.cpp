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

/// Orders candidates by the model's own values, best first: every activation is monotonic, and
/// values tell apart what it saturates. Reads the values again rather than keeping them, since
/// Class::score is too narrow for float64 and int64.
template <class Reader>
struct Better {
  const Reader& value_of;
  double value(const Class& item) const { return value_of(static_cast<std::size_t>(item.index)); }
  bool operator()(const Class& a, const Class& b) const {
    const double left = value(a);
    const double right = value(b);
    return left > right || (left == right && a.index < b.index);
  }
};

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

/// Puts the `most` best into `classes` as a heap whose front is the worst of them; returns the
/// index of the first value that no float can hold, or `count`.
template <class Reader>
std::size_t select_best(const Reader& value_of, std::size_t count, std::size_t most,
                        std::vector<Class>& classes) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  const Better<Reader> better{value_of};
  double worst = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const double value = value_of(i);
    if (!(std::abs(value) <= kLargest)) return i;  // NaN compares false
    // Indices grow, so an equal value is never better.
    if (classes.size() == most && value <= worst) continue;
    if (classes.size() == most) {
      std::pop_heap(classes.begin(), classes.end(), better);
      classes.pop_back();
    }
    classes.push_back({static_cast<int>(i), 0.0F});
    std::push_heap(classes.begin(), classes.end(), better);
    worst = better.value(classes.front());
  }
  std::sort_heap(classes.begin(), classes.end(), better);
  return count;
}

/// Fills in the scores of `classes`, best first.
template <class Reader>
Status activate(Activation activation, const TensorView& output, const Reader& value_of,
                std::size_t count, std::vector<Class>& classes) {
  const Better<Reader> better{value_of};
  switch (activation) {
    case Activation::kSoftmax: {
      // The largest value is subtracted so that exp() cannot overflow.
      const double largest = better.value(classes.front());
      double sum = 0.0;
      for (std::size_t i = 0; i < count; ++i) sum += std::exp(value_of(i) - largest);
      for (auto& item : classes) {
        item.score = static_cast<float>(std::exp(better.value(item) - largest) / sum);
      }
      return Status();
    }
    case Activation::kSigmoid:
      for (auto& item : classes) {
        item.score = static_cast<float>(1.0 / (1.0 + std::exp(-better.value(item))));
      }
      return Status();
    case Activation::kNone:
      for (auto& item : classes) {
        const double value = better.value(item);
        if (value < -kSlack || value > 1.0 + kSlack) {
          return bad_output(output, "gives " + std::to_string(value) + " for class " +
                                        std::to_string(item.index) +
                                        ", which is no score from 0 to 1; the model info says "
                                        "activation=none, where softmax or sigmoid may be meant");
        }
        item.score = static_cast<float>(std::clamp(value, 0.0, 1.0));
      }
      return Status();
  }
  return Status(Code::kInternal, "An activation is not handled");
}

template <class Reader>
Status decode(const DecodePlan& plan, const TensorView& output, std::size_t count,
              const Reader& value_of, std::vector<Class>& classes) {
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
  Status status = activate(plan.model->decode.activation, output, value_of, count, classes);
  if (!status.ok()) return status;
  // Best first, so what follows the first class below the threshold is below it too.
  const auto end = std::find_if(classes.begin(), classes.end(),
                                [&](const Class& item) { return item.score < plan.threshold; });
  classes.erase(end, classes.end());
  return {};
}

}  // namespace

Status decode_classification(const DecodePlan& plan, std::span<const TensorView> outputs,
                             std::vector<Class>& classes) {
  classes.clear();
  if (outputs.empty() || outputs.front().host == nullptr) {
    return Status(Code::kBadOutput, "The model gave no output");
  }
  const TensorView& output = outputs.front();
  const auto count = class_count(output);
  if (!count) return count.status();
  const auto& labels = plan.model->labels;
  if (!labels.empty() && labels.size() != *count) {
    return Status(Code::kBadLabels,
                  "The labels (" + std::to_string(labels.size()) +
                      ") are not as many as the classes of the model's output \"" + output.name +
                      "\" (" + std::to_string(*count) +
                      "); give the label file that belongs to this model");
  }
  Status status = with_element_reader(output.dtype, output.host, [&](const auto& value_of) {
    return decode(plan, output, *count, value_of, classes);
  });
  if (!status.ok()) classes.clear();
  return status;
}

}  // namespace torchinfer
