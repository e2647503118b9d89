// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/model_file.h"

#include <glib.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "model/file_bytes.h"
#include "model/text.h"

namespace torchinfer {
namespace {

constexpr std::size_t kDigits = 64;

std::string sha256_of(const Bytes& bytes) {
  const std::unique_ptr<GChecksum, decltype(&g_checksum_free)> sum(
      g_checksum_new(G_CHECKSUM_SHA256), g_checksum_free);
  // The length parameter is signed; steps keep it small whatever its width.
  constexpr std::size_t kStep = std::size_t{64} << 20;
  for (std::size_t at = 0; at < bytes.size(); at += kStep) {
    g_checksum_update(sum.get(), reinterpret_cast<const guchar*>(bytes.data() + at),
                      static_cast<gssize>(std::min(kStep, bytes.size() - at)));
  }
  return g_checksum_get_string(sum.get());
}

Result<std::string> normal_digest(std::string_view given) {
  std::string digest(given);
  for (char& digit : digest) digit = g_ascii_tolower(digit);
  if (digest.size() == kDigits &&
      digest.find_first_not_of("0123456789abcdef") == std::string::npos) {
    return digest;
  }
  return Status(Code::kInvalidArgument,
                "The expected SHA-256 " + quoted(given) +
                    " is none; give 64 hexadecimal digits, as sha256sum prints them");
}

}  // namespace

Result<ModelFile> read_model_file(const std::string& path, const std::string& expected_sha256,
                                  const ModelCaps& caps) {
  if (path.empty()) {
    return Status(Code::kNotFound, "No model file is set; set model-file to a TorchScript archive");
  }
  std::string expected;
  if (!expected_sha256.empty()) {
    auto digest = normal_digest(expected_sha256);
    if (!digest) return digest.status();
    expected = *digest;
  }
  auto bytes = read_file(path, caps.file_bytes, "model file");
  if (!bytes) return bytes.status();
  if (bytes->empty()) {
    return Status(Code::kUnreadable,
                  "The model file " + quoted_path(path) + " is empty; copy or export it again");
  }

  ModelFile file;
  file.path = path;
  file.sha256 = sha256_of(*bytes);
  if (!expected.empty() && expected != file.sha256) {
    return Status(Code::kDigestMismatch,
                  "The model file " + quoted_path(path) + " has the SHA-256 " + file.sha256 +
                      ", but " + expected +
                      " is expected; get the right file, or set model-sha256 to the digest of the "
                      "one that you trust");
  }
  file.bytes = std::make_shared<const Bytes>(std::move(*bytes));
  return file;
}

}  // namespace torchinfer
