// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads a TorchScript model with libtorch alone and runs it once: run_model MODEL.
// docs/torchscript.md says how to compile it.
#include <torch/script.h>

#include <exception>
#include <iostream>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: run_model MODEL\n";
    return 2;
  }
  try {
    // Loads the TorchScript model.
    auto module = torch::jit::load(argv[1]);
    module.eval();
    const c10::InferenceMode no_gradients;
    // What your task reads, here a ramp from 0 to 1 over an image of 3 x 224 x 224.
    std::vector<torch::jit::IValue> inputs;
    inputs.emplace_back(torch::linspace(0, 1, 3LL * 224 * 224).reshape({1, 3, 224, 224}));
    // Computes the result.
    auto output = module.forward(inputs).toTensor();
    std::cout << "shape " << output.sizes() << ", best class " << output.argmax(1).item<int64_t>()
              << ", value " << output.max().item<float>() << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "run_model: " << error.what() << '\n';
    return 1;
  }
}
