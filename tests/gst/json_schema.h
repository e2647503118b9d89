// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace torchinfer {

using Json = nlohmann::json;

/// What is wrong with `line` by docs/analytics-frame.schema.json, as text; empty if nothing is.
std::string schema_errors(const Json& line);

/// Parses one line that analyticsjson wrote. Fails the running test unless it is one JSON object
/// that the schema accepts, ended by the only line break in it.
Json parse_line(const std::string& text);

}  // namespace torchinfer
