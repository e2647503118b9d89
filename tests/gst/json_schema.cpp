// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json_schema.h"

#include <gtest/gtest.h>

#include <fstream>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace torchinfer {
namespace {

const valijson::Schema& schema() {
  static const valijson::Schema* const kSchema = [] {
    auto* result = new valijson::Schema;
    std::ifstream file(ANALYTICS_FRAME_SCHEMA);
    const auto document = Json::parse(file);
    valijson::adapters::NlohmannJsonAdapter adapter(document);
    valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(adapter, *result);
    return result;
  }();
  return *kSchema;
}

}  // namespace

std::string schema_errors(const Json& line) {
  // Strong types: a number in quotes is no number.
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::ValidationResults results;
  valijson::adapters::NlohmannJsonAdapter adapter(line);
  std::string errors;
  if (validator.validate(schema(), adapter, &results)) return errors;
  for (valijson::ValidationResults::Error error; results.popError(error);) {
    for (const auto& part : error.context) errors += part;
    errors += ": " + error.description + "\n";
  }
  return errors;
}

Json parse_line(const std::string& text) {
  EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
  EXPECT_EQ(text.find('\r'), std::string::npos) << text;
  const auto line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  EXPECT_TRUE(line.is_object()) << text;
  EXPECT_EQ(schema_errors(line), "") << text;
  return line;
}

}  // namespace torchinfer
