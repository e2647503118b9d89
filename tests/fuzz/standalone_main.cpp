// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a fuzzer's entry without libFuzzer: each seed as it is, then `runs` times with random
// damage. The damage is the same in every run, so a failure can be run again. Usage: fuzzer RUNS
// SEED...
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes damaged(Bytes bytes, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  const auto at = [&](std::size_t offset) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(offset);
  };
  for (std::size_t hits = 1 + below(4); hits > 0 && !bytes.empty(); --hits) {
    const std::size_t place = below(bytes.size());
    switch (below(5)) {
      case 0: bytes[place] = static_cast<std::uint8_t>(random()); break;
      case 1: bytes[place] ^= static_cast<std::uint8_t>(1U << below(8)); break;
      case 2: bytes.erase(at(place), at(place + below(bytes.size() - place))); break;
      case 3: bytes[place] = static_cast<std::uint8_t>("0123456789-,;=\n"[below(15)]); break;
      default: {
        const Bytes piece(at(place), at(place + below(bytes.size() - place)));
        bytes.insert(at(below(bytes.size())), piece.begin(), piece.end());
      }
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s RUNS SEED...\n", argv[0]);
    return 2;
  }
  std::vector<Bytes> seeds;
  for (int i = 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read the seed %s\n", argv[i]);
      return 2;
    }
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    LLVMFuzzerTestOneInput(seeds.back().data(), seeds.back().size());
  }
  std::mt19937 random(1);
  const long runs = std::strtol(argv[1], nullptr, 10);
  for (long run = 0; run < runs; ++run) {
    const Bytes bytes = damaged(seeds[random() % seeds.size()], random);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%ld runs over %zu seeds\n", runs, seeds.size());
  return 0;
}
