// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/file_bytes.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>
#include <stdexcept>
#include <utility>

#include "model/text.h"

namespace torchinfer {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

/// What a path that leads nowhere was probably meant to be.
std::string path_advice(std::string_view path) {
  if (path.find("://") != path.npos) return "a path is wanted, not a URI";
  if (path.starts_with('~')) {
    return "a \"~\" stands for no folder here (shells replace it at the start of a word only): "
           "write the path in full";
  }
  return "check the path";
}

Status open_error(int error, const std::string& name, std::string_view path) {
  if (error == ENOENT || error == ENOTDIR) {
    return Status(Code::kNotFound, name + " does not exist; " + path_advice(path));
  }
  const std::string remedy = error == EACCES || error == EPERM ? "; check its permissions" : "";
  return Status(Code::kUnreadable, name + " cannot be opened: " + g_strerror(error) + remedy);
}

bool resize(Bytes& bytes, std::size_t size) {
  try {
    bytes.resize(size);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  } catch (const std::length_error&) {
    return false;
  }
}

/// Reads until `bytes` is full and the file has ended.
Status fill(int fd, Bytes& bytes, const std::string& name) {
  // Linux caps one read() below 2 GiB anyway; smaller steps let a signal through.
  constexpr std::size_t kStep = std::size_t{16} << 20;
  Status changed(Code::kUnreadable,
                 name + " changed while it was read; start again when it is complete");
  std::size_t done = 0;
  std::byte beyond{};
  for (;;) {
    const bool full = done == bytes.size();
    std::byte* to = full ? &beyond : bytes.data() + done;
    const ssize_t count = read(fd, to, full ? 1 : std::min(kStep, bytes.size() - done));
    if (count < 0) {
      if (errno == EINTR) continue;
      return Status(Code::kUnreadable, name + " cannot be read: " + g_strerror(errno));
    }
    if (count == 0) return full ? Status() : changed;
    if (full) return changed;
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace

Result<Bytes> read_file(const std::string& path, std::uint64_t cap, std::string_view what) {
  const std::string name = "The " + std::string(what) + " " + quoted_path(path);
  // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever; regular files ignore it.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return open_error(errno, name, path);

  struct stat facts{};
  if (fstat(file.get(), &facts) != 0) return open_error(errno, name, path);
  if (!S_ISREG(facts.st_mode)) {
    return Status(Code::kUnreadable, name + " is " + std::string(kind_of(facts.st_mode)) +
                                         "; a regular file is needed");
  }
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (size > cap || size > std::numeric_limits<std::size_t>::max()) {
    return Status(Code::kTooLarge, name + " has " + std::to_string(size) + " bytes; more than " +
                                       std::to_string(cap) + " are not taken");
  }
  Bytes bytes;
  if (!resize(bytes, static_cast<std::size_t>(size))) {
    return Status(Code::kOutOfMemory, name + " has " + std::to_string(size) +
                                          " bytes, and there is no memory for them");
  }
  Status status = fill(file.get(), bytes, name);
  if (!status.ok()) return status;
  return bytes;
}

}  // namespace torchinfer
