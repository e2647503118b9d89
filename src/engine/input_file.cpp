// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/input_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "model/text.h"

namespace torchinfer {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
/// Version 1's length takes two bytes, later ones' four.
constexpr std::size_t kPrefix1 = 10, kPrefix2 = 12;
/// NumPy writes less than 200 bytes for an array of four dimensions.
constexpr std::size_t kLongestHeader = 4096;
constexpr std::int64_t kLargestDim = std::int64_t{1} << 24;

constexpr char kByteOrder = std::endian::native == std::endian::little ? '<' : '>';

struct NumpyType {
  DType dtype;
  std::string_view code;  ///< without the byte order
};
constexpr std::array<NumpyType, 4> kTypes{{
    {DType::kFloat32, "f4"},
    {DType::kFloat16, "f2"},
    {DType::kBfloat16, "u2"},
    {DType::kUint8, "u1"},
}};

Status unreadable(const std::string& what) {
  return {Code::kUnreadable, "it is no NumPy file of a model's input: " + what};
}
Status unsupported(const std::string& what) { return {Code::kUnsupported, what}; }

/// The header's Python dictionary, of which NumPy writes three keys.
class Dictionary {
 public:
  explicit Dictionary(std::string_view text) : rest_(text) {}

  bool read() {
    if (!take("{")) return false;
    while (!take("}")) {
      const auto key = word();
      if (!take(":")) return false;
      if (key == "descr")
        type = word();
      else if (key == "fortran_order" ? !order() : key != "shape" || !numbers())
        return false;
      if (!take(",") && !rest_.starts_with('}')) return false;
    }
    return rest_.find_first_not_of(" \n") == rest_.npos;
  }

  std::string_view type;
  bool fortran = false;
  std::vector<std::int64_t> shape;

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

  bool take(std::string_view token) {
    skip_space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    skip_space();
    return true;
  }

  /// In quotes; empty where there is none.
  std::string_view word() {
    skip_space();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) return {};
    const auto end = rest_.find(rest_[0], 1);
    if (end == rest_.npos) return {};
    const auto text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  bool order() {
    fortran = take("True");
    return fortran || take("False");
  }

  bool numbers() {
    if (!take("(")) return false;
    while (!take(")")) {
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
      if (error != std::errc()) return false;
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      shape.push_back(number);
      if (!take(",") && !rest_.starts_with(')')) return false;
    }
    return true;
  }

  std::string_view rest_;
};

std::size_t byte_at(std::string_view text, std::size_t place) {
  return static_cast<unsigned char>(text[place]);
}

std::string header_text(const InputSpec& input, std::int64_t items) {
  const auto* type = std::ranges::find(kTypes, input.dtype, &NumpyType::dtype);
  const auto c = std::to_string(input.channels), h = std::to_string(input.height),
             w = std::to_string(input.width);
  std::string text(kMagic);
  const std::size_t length = kInputHeaderBytes - kPrefix1;
  text += {'\1', '\0', static_cast<char>(length % 256), static_cast<char>(length / 256)};
  text += "{'descr': '";
  text += input.dtype == DType::kUint8 ? '|' : kByteOrder;
  text += std::string(type->code) + "', 'fortran_order': False, 'shape': (" +
          std::to_string(items) + ", " +
          (input.layout == Layout::kNchw ? c + ", " + h + ", " + w : h + ", " + w + ", " + c) +
          "), }";
  text.resize(kInputHeaderBytes - 1, ' ');
  return text + '\n';
}

std::string error_text() { return std::generic_category().message(errno); }

/// Closed when it goes, and a lock on it with it.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// All of them, or false with errno.
bool write_at(int fd, const std::byte* data, std::size_t count, std::uint64_t offset) {
  while (count > 0) {
    const auto done = pwrite(fd, data, count, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    data += done;
    count -= static_cast<std::size_t>(done);
    offset += static_cast<std::uint64_t>(done);
  }
  return true;
}

/// How many there were, up to `count`; -1 with errno.
ssize_t read_at(int fd, std::byte* data, std::size_t count, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < count) {
    const auto more = pread(fd, data + done, count - done, static_cast<off_t>(offset + done));
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return -1;
    if (more == 0) break;
    done += static_cast<std::size_t>(more);
  }
  return static_cast<ssize_t>(done);
}

class Writer final : public InputFileWriter {
 public:
  Writer(Descriptor file, std::string path, const InputSpec& input, std::uint64_t most_bytes)
      : file_(std::move(file)), path_(std::move(path)), input_(input), most_bytes_(most_bytes) {}

  Status begin() {
    if (ftruncate(file_.get(), 0) != 0) return failure();
    return write_header(0);
  }

  Status add(std::span<const std::byte> item) override {
    if (item.size() != input_.bytes())
      return {Code::kInternal, "an item of " + std::to_string(item.size()) + " bytes for " + path_};
    const auto end = bytes();
    if (end + item.size() > most_bytes_)
      return {Code::kTooLarge, quoted_path(path_) + " is full: it holds " + std::to_string(items_) +
                                   " inputs, and more than " + std::to_string(most_bytes_) +
                                   " bytes are not written"};
    if (!write_at(file_.get(), item.data(), item.size(), end)) {
      Status status = failure();
      // Half an item is of no use; that it may stay behind the last whole one does no harm.
      (void)!ftruncate(file_.get(), static_cast<off_t>(end));
      return status;
    }
    auto status = write_header(items_ + 1);
    if (status.ok()) ++items_;
    return status;
  }

  std::int64_t items() const override { return items_; }
  std::uint64_t bytes() const override {
    return kInputHeaderBytes + static_cast<std::uint64_t>(items_) * input_.bytes();
  }

 private:
  Status write_header(std::int64_t items) {
    const auto text = header_text(input_, items);
    const auto data = std::as_bytes(std::span(text));
    return write_at(file_.get(), data.data(), data.size(), 0) ? Status() : failure();
  }
  Status failure() const {
    return {Code::kUnreadable, quoted_path(path_) + " cannot be written: " + error_text()};
  }

  const Descriptor file_;
  const std::string path_;
  const InputSpec input_;
  const std::uint64_t most_bytes_;
  std::int64_t items_ = 0;
};

class Reader final : public InputFileReader {
 public:
  Reader(Descriptor file, std::string path, const InputHeader& header)
      : file_(std::move(file)), path_(std::move(path)), header_(header) {}

  const InputHeader& header() const override { return header_; }

  bool fits(const InputSpec& input) const override {
    const std::int64_t c = input.channels, h = input.height, w = input.width;
    const auto wanted = input.layout == Layout::kNchw ? std::array{c, h, w} : std::array{h, w, c};
    return header_.dtype == input.dtype && header_.dims == wanted;
  }

  Status read(std::int64_t index, std::span<std::byte> item) const override {
    if (index < 0 || index >= header_.items || item.size() != header_.item_bytes())
      return {Code::kInternal, "there is no such item in " + path_};
    const auto offset = header_.data_offset + static_cast<std::uint64_t>(index) * item.size();
    const auto count = read_at(file_.get(), item.data(), item.size(), offset);
    if (count < 0)
      return {Code::kUnreadable, quoted_path(path_) + " cannot be read: " + error_text()};
    if (static_cast<std::size_t>(count) != item.size())
      return {Code::kUnreadable, quoted_path(path_) + " became shorter while it was read"};
    return {};
  }

 private:
  const Descriptor file_;
  const std::string path_;
  const InputHeader header_;
};

}  // namespace

std::size_t InputHeader::item_bytes() const {
  return size_of(dtype) * static_cast<std::size_t>(dims[0] * dims[1] * dims[2]);
}

Result<InputHeader> parse_input_header(std::string_view begin) {
  if (!begin.starts_with(kMagic) || begin.size() < kPrefix2)
    return unreadable("it does not begin as one");
  const auto version = byte_at(begin, 6);
  if (version < 1 || version > 3) return unsupported("its version is not 1 to 3");
  const auto prefix = version == 1 ? kPrefix1 : kPrefix2;
  std::size_t length = 0;
  for (auto place = prefix; place > 8; --place) length = length * 256 + byte_at(begin, place - 1);
  if (length > kLongestHeader || begin.size() < prefix + length)
    return unreadable("its header is too long, or cut off");

  Dictionary dictionary(begin.substr(prefix, length));
  if (!dictionary.read()) return unreadable("its header is damaged");
  const auto code = dictionary.type;
  const auto* type = std::ranges::find_if(kTypes, [&](const NumpyType& known) {
    if (code.size() != 3 || code.substr(1) != known.code) return false;
    return code[0] == kByteOrder || known.dtype == DType::kUint8;
  });
  if (type == kTypes.end())
    return unsupported("its numbers are of the type " + quoted(code) +
                       "; float32, float16, uint8 and the bits of bfloat16 (uint16) are read");
  if (dictionary.fortran) return unsupported("it is in Fortran order");
  const auto& shape = dictionary.shape;
  if (shape.size() != 4)
    return unsupported("it has " + std::to_string(shape.size()) +
                       " dimensions; a model's inputs have four, the batch first");
  if (shape[0] < 0 ||
      std::ranges::any_of(
          shape, [](auto n) { return n > kLargestDim; }) ||
      std::any_of(shape.begin() + 1, shape.end(), [](auto n) { return n < 1; }))
    return unreadable("its shape is none");
  constexpr auto kMost = std::int64_t{1} << 40;
  if (shape[1] * shape[2] > kMost / shape[3]) return unreadable("its items are too large");
  return InputHeader{type->dtype, shape[0], {shape[1], shape[2], shape[3]}, prefix + length};
}

Result<std::unique_ptr<InputFileWriter>> InputFileWriter::create(const std::string& path,
                                                                 const InputSpec& input,
                                                                 std::uint64_t most_bytes) {
  const auto failed = [&](const std::string& why) {
    return Status(Code::kUnreadable, quoted_path(path) + " cannot be written: " + why);
  };
  // O_NONBLOCK: a pipe that nobody reads must not stop a stream. What is there is emptied when it
  // is known to be such a file, and nobody else's: a slip of the pen must not cost a model.
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  Descriptor file(::open(path.c_str(), kFlags, 0666));
  if (file.get() < 0) return failed(error_text());
  struct stat facts{};
  if (fstat(file.get(), &facts) != 0) return failed(error_text());
  if (!S_ISREG(facts.st_mode)) return failed("it is no regular file");
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return failed(errno == EWOULDBLOCK ? "it is being written already; name another for each stream"
                                       : error_text());
  std::array<char, kMagic.size()> begin{};
  const auto count =
      read_at(file.get(), std::as_writable_bytes(std::span(begin)).data(), begin.size(), 0);
  if (count < 0) return failed(error_text());
  if (count > 0 && std::string_view(begin.data(), static_cast<std::size_t>(count)) != kMagic)
    return failed("it is no .npy file and would be lost; remove it or name another");
  auto writer = std::make_unique<Writer>(std::move(file), path, input, most_bytes);
  Status status = writer->begin();
  if (!status.ok()) return status;
  return std::unique_ptr<InputFileWriter>(std::move(writer));
}

Result<std::unique_ptr<InputFileReader>> InputFileReader::open(const std::string& path) {
  const auto failed = [&](Code code, const std::string& why) {
    return Status(code, quoted_path(path) + " cannot be read: " + why);
  };
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0)
    return failed(errno == ENOENT ? Code::kNotFound : Code::kUnreadable, error_text());
  struct stat facts{};
  if (fstat(file.get(), &facts) != 0) return failed(Code::kUnreadable, error_text());
  if (!S_ISREG(facts.st_mode)) return failed(Code::kUnreadable, "it is no regular file");

  std::string begin(kPrefix2 + kLongestHeader, '\0');
  const auto count =
      read_at(file.get(), std::as_writable_bytes(std::span(begin)).data(), begin.size(), 0);
  if (count < 0) return failed(Code::kUnreadable, error_text());
  begin.resize(static_cast<std::size_t>(count));
  const auto header = parse_input_header(begin);
  if (!header) return failed(header.status().code(), header.status().message());
  // It may be growing: the size counts that it has after its header was read.
  if (fstat(file.get(), &facts) != 0) return failed(Code::kUnreadable, error_text());
  const auto room = static_cast<std::uint64_t>(facts.st_size) - header->data_offset;
  if (static_cast<std::uint64_t>(header->items) > room / header->item_bytes())
    return failed(Code::kUnreadable, "it is shorter than its header says");
  return std::unique_ptr<InputFileReader>(std::make_unique<Reader>(std::move(file), path, *header));
}

}  // namespace torchinfer
