// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "support/temp_folder.h"

namespace torchinfer::report::test {

/// Writes an uncompressed video (YUV4MPEG2) of 16x16 pixels, of which frame n is plain luma
/// 16 + 8n: each frame tells its number. Returns its path.
inline std::string write_gray_clip(const torchinfer::test::TempFolder& folder, int frames) {
  std::string clip = "YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\n";
  for (int i = 0; i < frames; ++i) {
    clip += "FRAME\n";
    clip.append(16 * 16, static_cast<char>(16 + 8 * i));
    clip.append(2 * 8 * 8, static_cast<char>(128));
  }
  return folder.write("clip.y4m", clip);
}

}  // namespace torchinfer::report::test
