// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/model_info.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "model/key_file_reader.h"
#include "model/text.h"

namespace torchinfer {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr int kMostPixels = 16384;  // a side
constexpr std::size_t kMostItemBytes = std::size_t{256} << 20;
constexpr std::int64_t kMostElements = std::int64_t{1} << 31;
constexpr std::size_t kMostDims = 8;
constexpr std::size_t kMostSections = 256;
constexpr double kLargestValue = 1e9;
constexpr double kLargestFloat16 = 65504.0;

constexpr const char* kHead = "modelinfo";      // GStreamer's section
constexpr const char* kOwn = "torchinference";  // ours

const KeyFileReader::Choices<std::optional<DType>>& types() {
  // Every type that GStreamer's format names; those without a value are not handled here.
  static const KeyFileReader::Choices<std::optional<DType>> kTypes = {
      {"float32", DType::kFloat32}, {"float16", DType::kFloat16}, {"bfloat16", DType::kBfloat16},
      {"float64", DType::kFloat64}, {"uint8", DType::kUint8},     {"int8", DType::kInt8},
      {"int16", DType::kInt16},     {"int32", DType::kInt32},     {"int64", DType::kInt64},
      {"int4", std::nullopt},       {"uint4", std::nullopt},      {"uint16", std::nullopt},
      {"uint32", std::nullopt},     {"uint64", std::nullopt}};
  return kTypes;
}

/// Fills a ModelInfo section by section; what is wrong or absent gathers in the reader.
class InfoParser {
 public:
  InfoParser(std::string_view text, std::string_view source) : reader_(text, source) {
    info_.source = source;
  }

  Result<ModelInfo> parse() {
    if (reader_.failed()) return reader_.status();
    parse_head();
    // Another major version may mean anything by its keys; do not complain about those.
    if (reader_.failed()) return reader_.status();
    if (reader_.sections().size() > kMostSections) {
      reader_.fail(Code::kBadModelInfo, "has " + std::to_string(reader_.sections().size()) +
                                            " sections; at most " + std::to_string(kMostSections) +
                                            " are taken");
      return reader_.status();
    }
    std::vector<std::string> inputs;
    for (const auto& section : reader_.sections()) {
      if (section == kHead || section == kOwn) continue;
      const auto dir =
          reader_.need_choice<bool>(section, "dir", {{"input", true}, {"output", false}});
      if (!dir) continue;
      if (*dir) {
        inputs.push_back(section);
      } else {
        parse_output(section);
      }
    }
    parse_own();
    if (inputs.empty()) {
      reader_.miss("a section named after the input tensor", "dir",
                   "input, with its type, dims and ranges");
      reader_.need(kOwn, "resize", "short-side, squash or letterbox");
    } else if (inputs.size() > 1) {
      reader_.fail(Code::kUnsupported, inputs[1], "dir",
                   "is a second input; models with one input are handled");
    } else {
      parse_input(inputs.front());
    }
    Status status = reader_.status();
    if (!status.ok()) return status;
    return std::move(info_);
  }

 private:
  void parse_head();
  void parse_own();
  void parse_input(const std::string& section);
  void parse_output(const std::string& section);

  std::optional<DType> parse_type(const std::string& section);
  std::optional<std::vector<std::int64_t>> parse_dims(const std::string& section);
  void parse_shape(const std::string& section, const std::vector<std::int64_t>& dims);
  std::optional<Layout> parse_layout(const std::string& section,
                                     const std::vector<std::int64_t>& dims);
  void parse_ranges(const std::string& section);
  void parse_color(const std::string& section);
  void parse_resize();
  std::optional<int> parse_number(const std::string& key, int least, int most, bool needed,
                                  const std::string& only_with);
  void refuse_col_major(const std::string& section);

  KeyFileReader reader_;
  ModelInfo info_;
};

void InfoParser::parse_head() {
  const auto version = reader_.need(kHead, "version", "1.0");
  if (version) {
    const auto dot = version->find('.');
    const std::string_view text(*version);
    const auto major = parse_integer(text.substr(0, dot));
    const auto minor =
        dot == std::string::npos ? std::nullopt : parse_integer(text.substr(dot + 1));
    if (!major || !minor || *major < 0 || *minor < 0) {
      reader_.fail(Code::kBadModelInfo, kHead, "version",
                   quoted(*version) + " is not major.minor; use 1.0");
    } else if (*major != 1) {
      reader_.fail(Code::kUnsupported, kHead, "version",
                   quoted(*version) + " is not handled; versions 1.x are");
    }
  }
  info_.group_id = reader_.find(kHead, "group-id").value_or("");
}

void InfoParser::parse_own() {
  static const std::vector<std::string_view> kKeys = {
      "name",        "task",   "resize",     "resize-size", "interpolation",
      "color-order", "layout", "activation", "pad-value",   "quantized-engine"};
  if (reader_.has_section(kOwn)) {
    for (const auto& key : reader_.keys(kOwn)) {
      // A misspelt optional key would else be a silent default.
      if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
        reader_.fail(Code::kBadModelInfo, kOwn, key,
                     "is no key of this section; it takes " + join_choices(kKeys));
        break;
      }
    }
  }
  info_.name = reader_.find(kOwn, "name").value_or("");
  if (const auto task = reader_.need_choice<ModelTask>(
          kOwn, "task", {{"classification", ModelTask::kClassification}})) {
    info_.decode.task = *task;
  }
  if (const auto activation = reader_.need_choice<Activation>(kOwn, "activation",
                                                              {{"softmax", Activation::kSoftmax},
                                                               {"sigmoid", Activation::kSigmoid},
                                                               {"none", Activation::kNone}})) {
    info_.decode.activation = *activation;
  }
  if (const auto interpolation = reader_.need_choice<Interpolation>(
          kOwn, "interpolation",
          {{"bilinear", Interpolation::kBilinear}, {"bicubic", Interpolation::kBicubic}})) {
    info_.preprocess.interpolation = *interpolation;
  }
  // The engines that libtorch knows by these names; whether this libtorch has one shows at load.
  info_.quantized_engine =
      reader_
          .find_choice<std::string>(
              kOwn, "quantized-engine",
              {{"onednn", "onednn"}, {"qnnpack", "qnnpack"}, {"fbgemm", "fbgemm"}, {"x86", "x86"}})
          .value_or("");
}

void InfoParser::parse_input(const std::string& section) {
  refuse_col_major(section);
  const auto type = parse_type(section);
  if (type) {
    const bool usable = *type == DType::kFloat32 || *type == DType::kFloat16 ||
                        *type == DType::kBfloat16 || *type == DType::kUint8;
    if (!usable) {
      reader_.fail(Code::kUnsupported, section, "type",
                   std::string(to_string(*type)) +
                       " is not handled for inputs; float32, float16, bfloat16 and uint8 are");
    }
    info_.preprocess.input.dtype = *type;
  }
  const auto dims = parse_dims(section);
  if (dims) parse_shape(section, *dims);
  // What follows is checked against type and shape; without them only its absence can be told.
  if (!type || !dims || reader_.failed()) {
    if (type != DType::kUint8 && !reader_.has_key(section, "ranges")) {
      reader_.miss(section, "ranges", "min,max for each channel, separated by semicolons");
    }
    reader_.need(kOwn, "resize", "short-side, squash or letterbox");
    return;
  }
  parse_ranges(section);
  parse_color(section);
  parse_resize();
}

void InfoParser::parse_output(const std::string& section) {
  refuse_col_major(section);
  OutputInfo output;
  output.name = section;
  output.id = reader_.find(section, "id").value_or("");
  const auto type = parse_type(section);
  const auto dims = parse_dims(section);
  if (!type || !dims) return;
  output.dtype = *type;
  output.dims.assign(dims->begin() + 1, dims->end());
  info_.outputs.push_back(std::move(output));
}

std::optional<DType> InfoParser::parse_type(const std::string& section) {
  const auto type = reader_.need_choice<std::optional<DType>>(section, "type", types());
  if (!type) return std::nullopt;
  if (!*type) {
    reader_.fail(Code::kUnsupported, section, "type",
                 quoted(reader_.find(section, "type").value_or("")) + " is not handled");
  }
  return *type;
}

std::optional<std::vector<std::int64_t>> InfoParser::parse_dims(const std::string& section) {
  const auto text = reader_.need(section, "dims", "numbers, the batch first, -1 = any");
  if (!text) return std::nullopt;
  std::vector<std::int64_t> dims;
  for (const auto part : split_list(*text, ',')) {
    const auto dim = parse_integer(part);
    if (!dim || *dim == 0 || *dim < -1 || *dim > kMostElements) {
      reader_.fail(Code::kBadModelInfo, section, "dims",
                   quoted(part) + " is no dimension; use numbers from 1, or -1 for any");
      return std::nullopt;
    }
    dims.push_back(*dim);
  }
  if (dims.empty() || dims.size() > kMostDims) {
    reader_.fail(Code::kBadModelInfo, section, "dims",
                 "has " + std::to_string(dims.size()) + " numbers; 1 to " +
                     std::to_string(kMostDims) + " are taken");
    return std::nullopt;
  }
  if (dims.front() != -1 && dims.front() != 1) {
    reader_.fail(Code::kUnsupported, section, "dims",
                 "the first number is the batch, and " + std::to_string(dims.front()) +
                     " is neither -1 (any) nor 1; export the model with one of these");
    return std::nullopt;
  }
  return dims;
}

std::optional<Layout> InfoParser::parse_layout(const std::string& section,
                                               const std::vector<std::int64_t>& dims) {
  const auto fits = [](std::int64_t channels) { return channels == 1 || channels == 3; };
  const bool nchw = fits(dims[1]);
  const bool nhwc = fits(dims[3]);
  if (const auto layout = reader_.find_choice<Layout>(
          kOwn, "layout", {{"nchw", Layout::kNchw}, {"nhwc", Layout::kNhwc}})) {
    const bool first = *layout == Layout::kNchw;
    if (first ? nchw : nhwc) return layout;
    reader_.fail(Code::kBadModelInfo, kOwn, "layout",
                 std::string(first ? "nchw" : "nhwc") + " puts the channels at number " +
                     (first ? "2" : "4") + " of [" + section + "] dims, which is " +
                     std::to_string(dims[first ? 1 : 3]) + ", not 1 or 3");
    return std::nullopt;
  }
  if (reader_.has_key(kOwn, "layout")) return std::nullopt;
  if (nchw != nhwc) return nchw ? Layout::kNchw : Layout::kNhwc;
  if (nchw) {
    reader_.miss(kOwn, "layout", "nchw or nhwc; [" + section + "] dims could be either");
  } else {
    reader_.fail(Code::kUnsupported, section, "dims",
                 "has 1 or 3 channels neither at its second number (nchw) nor at its fourth "
                 "(nhwc); other channel counts are not handled");
  }
  return std::nullopt;
}

void InfoParser::parse_shape(const std::string& section, const std::vector<std::int64_t>& dims) {
  if (dims.size() != 4) {
    reader_.fail(Code::kUnsupported, section, "dims",
                 "has " + std::to_string(dims.size()) +
                     " numbers; an image input has four: batch, channels, height, width, or "
                     "batch, height, width, channels");
    return;
  }
  const auto layout = parse_layout(section, dims);
  if (!layout) return;
  const bool first = *layout == Layout::kNchw;
  const std::int64_t height = dims[first ? 2 : 1];
  const std::int64_t width = dims[first ? 3 : 2];
  for (const auto side : {height, width}) {
    if (side == -1) {
      reader_.fail(Code::kBadModelInfo, section, "dims",
                   "leaves height or width open; give the size to which frames shall be brought");
      return;
    }
    if (side > kMostPixels) {
      reader_.fail(Code::kBadModelInfo, section, "dims",
                   "asks for " + std::to_string(side) + " pixels; at most " +
                       std::to_string(kMostPixels) + " a side are taken");
      return;
    }
  }
  InputSpec& input = info_.preprocess.input;
  input.layout = *layout;
  input.channels = static_cast<int>(dims[first ? 1 : 3]);
  input.height = static_cast<int>(height);
  input.width = static_cast<int>(width);
  if (input.bytes() > kMostItemBytes) {
    reader_.fail(Code::kBadModelInfo, section, "dims",
                 "asks for " + std::to_string(input.bytes()) + " bytes a frame; at most " +
                     std::to_string(kMostItemBytes) + " are taken");
  }
}

void InfoParser::parse_ranges(const std::string& section) {
  const InputSpec& input = info_.preprocess.input;
  const bool bytes = input.dtype == DType::kUint8;
  // Bytes go in as they are, so uint8 has one possible range.
  const auto text = bytes ? reader_.find(section, "ranges")
                          : reader_.need(section, "ranges",
                                         "min,max for each channel, separated by semicolons: what "
                                         "pixel values 0 and 255 become");
  if (!text) return;
  const auto pairs = split_list(*text, ';');
  if (pairs.size() != 1 && pairs.size() != static_cast<std::size_t>(input.channels)) {
    reader_.fail(Code::kBadModelInfo, section, "ranges",
                 "has " + std::to_string(pairs.size()) + " pairs for " +
                     std::to_string(input.channels) + " channels; give one for all, or one each");
    return;
  }
  const double largest = input.dtype == DType::kFloat16 ? kLargestFloat16 : kLargestValue;
  auto& ranges = info_.preprocess.ranges;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const auto pair = pairs[std::min(i, pairs.size() - 1)];
    const auto numbers = split_list(pair, ',');
    const auto min = numbers.size() == 2 ? parse_double(numbers[0]) : std::nullopt;
    const auto max = numbers.size() == 2 ? parse_double(numbers[1]) : std::nullopt;
    if (!min || !max || std::abs(*min) > largest || std::abs(*max) > largest || *min == *max) {
      reader_.fail(Code::kBadModelInfo, section, "ranges",
                   quoted(pair) + " is no pair of two different numbers within +-" +
                       std::to_string(static_cast<std::int64_t>(largest)) +
                       "; for values from 0 to 1 write 0,1");
      return;
    }
    ranges[i] = {*min, *max};
    if (bytes && ranges[i] != ValueRange{0.0, 255.0}) {
      reader_.fail(Code::kBadModelInfo, section, "ranges",
                   quoted(pair) +
                       " contradicts type=uint8, which takes the bytes as they are; "
                       "write 0,255 or remove the line");
      return;
    }
  }
}

void InfoParser::parse_color(const std::string& section) {
  const KeyFileReader::Choices<ColorOrder> choices = {
      {"rgb", ColorOrder::kRgb}, {"bgr", ColorOrder::kBgr}, {"gray", ColorOrder::kGray}};
  const bool single = info_.preprocess.input.channels == 1;
  if (single && !reader_.has_key(kOwn, "color-order")) {
    info_.preprocess.color = ColorOrder::kGray;
    return;
  }
  const auto color = reader_.has_key(kOwn, "color-order")
                         ? reader_.find_choice(kOwn, "color-order", choices)
                         : (reader_.miss(kOwn, "color-order", "rgb or bgr"), std::nullopt);
  if (!color) return;
  if (single != (*color == ColorOrder::kGray)) {
    reader_.fail(Code::kBadModelInfo, kOwn, "color-order",
                 "contradicts [" + section + "] dims, which has " +
                     std::to_string(info_.preprocess.input.channels) +
                     (single ? " channel; use gray" : " channels; use rgb or bgr"));
    return;
  }
  info_.preprocess.color = *color;
}

std::optional<int> InfoParser::parse_number(const std::string& key, int least, int most,
                                            bool needed, const std::string& only_with) {
  const std::string expected = std::to_string(least) + " to " + std::to_string(most);
  const auto text = needed ? reader_.need(kOwn, key, expected) : reader_.find(kOwn, key);
  if (!text) return std::nullopt;
  if (!needed) {
    reader_.fail(Code::kBadModelInfo, kOwn, key,
                 "has a meaning with resize=" + only_with + " only; remove it");
    return std::nullopt;
  }
  const auto number = parse_integer(*text);
  if (!number || *number < least || *number > most) {
    reader_.fail(Code::kBadModelInfo, kOwn, key,
                 quoted(*text) + " is not a number from " + expected);
    return std::nullopt;
  }
  return static_cast<int>(*number);
}

void InfoParser::parse_resize() {
  PreprocessParams& params = info_.preprocess;
  const auto resize = reader_.need_choice<ResizePolicy>(kOwn, "resize",
                                                        {{"short-side", ResizePolicy::kShortSide},
                                                         {"squash", ResizePolicy::kSquash},
                                                         {"letterbox", ResizePolicy::kLetterbox}});
  if (!resize) return;
  params.resize = *resize;
  // torchvision would pad a crop that is larger than the resized frame; nobody trains that way.
  const int least = std::max(params.input.height, params.input.width);
  const auto size = parse_number("resize-size", least, kMostPixels,
                                 *resize == ResizePolicy::kShortSide, "short-side");
  if (size) params.resize_size = *size;
  const auto pad =
      parse_number("pad-value", 0, 255, *resize == ResizePolicy::kLetterbox, "letterbox");
  if (pad) params.pad_value = *pad;
}

void InfoParser::refuse_col_major(const std::string& section) {
  const auto col_major =
      reader_.find_choice<bool>(section, "dims-order", {{"row-major", false}, {"col-major", true}});
  if (col_major == true) {
    reader_.fail(Code::kUnsupported, section, "dims-order",
                 "col-major is not handled; TorchScript models are row-major");
  }
}

}  // namespace

Result<ModelInfo> parse_model_info(std::string_view text, std::string_view source) {
  if (text.size() > kMostBytes) {
    return Status(Code::kTooLarge, "The model info " + quoted_path(source) + " has " +
                                       std::to_string(text.size()) + " bytes; more than " +
                                       std::to_string(kMostBytes) + " are not taken");
  }
  return InfoParser(text, source).parse();
}

}  // namespace torchinfer
