// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "engine/back_end.h"

namespace torchinfer::test {

/// A back-end without libtorch whose models do what a test wants (fake_model_text.h): real blocks,
/// real preprocessing, an output that proves its input, and every fault that a real one can have.
class FakeBackEnd final : public BackEnd {
 public:
  Result<ArchiveFacts> inspect(const ModelFile& file, const ModelCaps& caps) override;
  Result<std::shared_ptr<Model>> load(const ModelFile& file, const LoadOptions& options) override;
  std::string description() const override { return "fake back-end"; }
};

}  // namespace torchinfer::test
