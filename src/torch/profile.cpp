// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/profile.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <utility>

#include "torch/errors.h"
#include "torch/forms.h"
#include "torch/program.h"
#include "torch/runtime.h"
#include "torch/self_test.h"
#include "torch/timed_graph.h"

namespace torchinfer {
namespace {

constexpr int kWarmUps = 2;
constexpr int kMostRuns = 10'000, kMostBatch = 64;
constexpr const char* kInterpreter = "(interpreter)";

double ms(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// Fills batch after batch from the items, in turn.
class Feed {
 public:
  explicit Feed(const ProfileRequest& request) : request_(request) {
    if (request.items.empty()) noise_ = noise_batch(request.input, request.batch);
  }

  at::Tensor next() {
    if (noise_.defined()) return noise_.clone();  // a model may write to its input
    const auto bytes = request_.input.bytes();
    std::vector<std::byte> batch(bytes * static_cast<std::size_t>(request_.batch));
    for (int i = 0; i < request_.batch; ++i, ++at_)
      std::memcpy(batch.data() + bytes * static_cast<std::size_t>(i),
                  request_.items[at_ % request_.items.size()].data(), bytes);
    return batch_tensor(request_.input, batch.data(), request_.batch).clone();
  }

 private:
  const ProfileRequest& request_;
  at::Tensor noise_;
  std::size_t at_ = 0;
};

/// Calls `forward` once and says how long it took.
Result<Duration> time_forward(const Program& program, Feed& feed) {
  auto input = feed.next();
  const auto start = steady_clock().now();
  const auto outputs = program.run(std::move(input));
  const auto time = steady_clock().now() - start;
  if (!outputs) return outputs.status();
  return time;
}

/// Adds what a part took in one of `runs` forwards.
void add(ProfileLine& line, const TimedGraph::Part& part, double runs) {
  line.calls += static_cast<double>(part.calls) / runs;
  line.self_ms += ms(part.total - part.inner) / runs;
  line.total_ms += ms(part.total) / runs;
}

std::vector<ProfileLine> operator_lines(const TimedGraph& graph, double forward_ms, double runs) {
  std::map<std::string, ProfileLine> lines;
  double sum = 0.0;
  for (const auto& part : graph.parts()) {
    add(lines[part.op], part, runs);
    sum += ms(part.total - part.inner) / runs;
  }
  auto& rest = lines[kInterpreter];
  rest.calls = 1.0;
  rest.self_ms = rest.total_ms = std::max(0.0, forward_ms - sum);
  std::vector<ProfileLine> list;
  for (auto& [name, line] : lines) {
    line.name = name;
    if (line.calls > 0.0) list.push_back(std::move(line));
  }
  std::ranges::stable_sort(list, std::greater(), &ProfileLine::self_ms);
  return list;
}

std::string parent_of(const std::string& path) {
  const auto dot = path.rfind('.');
  return dot == path.npos ? std::string() : path.substr(0, dot);
}

/// By path, with the sums over what lies below.
std::vector<ProfileLine> module_lines(const TimedGraph& graph, double runs) {
  std::map<std::string, ProfileLine> lines;
  for (const auto& part : graph.parts()) {
    const auto self = ms(part.total - part.inner) / runs;
    auto& own = lines[part.module];
    own.calls += static_cast<double>(part.calls) / runs;
    own.self_ms += self;
    for (auto above = part.module; !above.empty(); above = parent_of(above))
      lines[above].total_ms += self;
    lines[""].total_ms += self;
  }
  std::vector<ProfileLine> list;
  for (auto& [path, line] : lines) {
    line.name = path;
    list.push_back(std::move(line));
  }
  return list;
}

Result<ProfiledForm> profile_form(const std::string& name, const torch::jit::Module& module,
                                  const ProfileRequest& request) {
  const auto program = as_loaded(module);
  Feed feed(request);
  for (int i = 0; i < kWarmUps; ++i)
    if (auto time = time_forward(program, feed); !time) return time.status();
  std::vector<Duration> times;
  for (int i = 0; i < request.runs; ++i) {
    const auto time = time_forward(program, feed);
    if (!time) return time.status();
    times.push_back(*time);
  }
  TimedGraph graph(module);
  for (int i = 0; i < kWarmUps; ++i) graph.run(feed.next());
  graph.reset();
  for (int i = 0; i < request.runs; ++i) graph.run(feed.next());
  ProfiledForm form;
  form.name = name;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>((times.size() - 1) / 2);
  std::ranges::nth_element(times, middle);
  form.forward_ms = ms(*middle);
  const double runs = request.runs;
  form.observed_ms = ms(graph.time()) / runs;
  form.operators = operator_lines(graph, form.observed_ms, runs);
  form.modules = module_lines(graph, runs);
  return form;
}

Status check(const ProfileRequest& request) {
  const auto bytes = request.input.bytes();
  if (bytes == 0 || request.batch < 1 || request.batch > kMostBatch || request.threads < 1 ||
      request.runs < 1 || request.runs > kMostRuns)
    return {Code::kInvalidArgument, "the input, batch, threads or runs are out of range"};
  const auto has_size = [&](const std::vector<std::byte>& item) { return item.size() == bytes; };
  if (!std::ranges::all_of(request.items, has_size))
    return {Code::kInvalidArgument, "the items are not of the size of the model's input"};
  return {};
}

/// The form that torchinference would run.
Result<Selection> choose_form(const torch::jit::Module& module, const ProfileRequest& request) {
  auto test = SelfTest::start(as_loaded(module), request.input);
  if (!test) return test.status();
  return select_fp32(*test, request.batch);
}

}  // namespace

Result<ProfileReport> profile_model(const torch::jit::Module& module,
                                    const ProfileRequest& request) {
  using R = Result<ProfileReport>;
  if (auto status = check(request); !status.ok()) return status;
  return guarded(Code::kForwardFailed, "the profile failed", [&]() -> R {
    const ScopedThreads threads(request.threads);
    ProfileReport report;
    report.input = request.input;
    report.batch = request.batch;
    report.threads = request.threads;
    report.runs = request.runs;
    report.frames = request.items.size();
    auto form = profile_form("as loaded", module, request);
    if (!form) return form.status();
    report.forms.push_back(std::move(*form));
    const auto chosen = choose_form(module, request);
    if (!chosen) {
      report.optimisation_problem = chosen.status().message();
    } else if (chosen->optimisation == "none") {
      report.optimisation_problem = chosen->optimisation_reason;
    } else {
      auto optimised = profile_form(chosen->optimisation, chosen->program.module(), request);
      if (!optimised) return optimised.status();
      report.forms.push_back(std::move(*optimised));
    }
    return report;
  });
}

}  // namespace torchinfer
