// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest-spi.h>

#include <cstdio>
#include <fstream>
#include <map>

#include "inference_fixture.h"
#include "support/pipeline.h"

// What holds for every property of every element, whatever it means.

namespace torchinfer::test {
namespace {

class EveryElement : public InferenceTest, public testing::WithParamInterface<const char*> {
 protected:
  static ElementPtr make() {
    return ElementPtr(
        GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make(GetParam(), nullptr))));
  }

  /// Those that the element does not have from GstElement.
  static std::vector<GParamSpec*> properties(const ElementPtr& element) {
    guint count = 0;
    GParamSpec** all = g_object_class_list_properties(G_OBJECT_GET_CLASS(element.get()), &count);
    std::vector<GParamSpec*> own;
    for (guint i = 0; i < count; i++)
      if (all[i]->owner_type == G_OBJECT_TYPE(element.get())) own.push_back(all[i]);
    g_free(all);
    return own;
  }

  static std::vector<GParamSpec*> writable_properties(const ElementPtr& element) {
    auto own = properties(element);
    std::erase_if(own, [](GParamSpec* spec) { return (spec->flags & G_PARAM_WRITABLE) == 0; });
    return own;
  }
};

INSTANTIATE_TEST_SUITE_P(, EveryElement,
                         testing::Values("torchinference", "classificationoverlay",
                                         "analyticsjson"),
                         [](const auto& param) { return std::string(param.param); });

/// A GValue that ends with its scope.
class Value {
 public:
  explicit Value(GType type) { g_value_init(&value_, type); }
  Value(Value&& other) noexcept : value_(std::exchange(other.value_, GValue G_VALUE_INIT)) {}
  ~Value() {
    if (G_IS_VALUE(&value_)) g_value_unset(&value_);
  }
  GValue* operator&() { return &value_; }

 private:
  GValue value_ = G_VALUE_INIT;
};

Value value_of(const ElementPtr& element, GParamSpec* spec) {
  Value value(spec->value_type);
  g_object_get_property(G_OBJECT(element.get()), spec->name, &value);
  return value;
}

Value text_value(GParamSpec* spec, const char* text) {
  Value value(spec->value_type);
  g_value_set_string(&value, text);
  return value;
}

/// The ends of a property's range, or all values where there are few.
std::vector<Value> extremes(GParamSpec* spec) {
  std::vector<Value> values;
  const auto add = [&](auto set, auto... numbers) {
    (
        [&] {
          Value value(spec->value_type);
          set(&value, numbers);
          values.push_back(std::move(value));
        }(),
        ...);
  };
  if (G_IS_PARAM_SPEC_INT(spec)) {
    const auto* range = G_PARAM_SPEC_INT(spec);
    add(g_value_set_int, range->minimum, range->maximum);
  } else if (G_IS_PARAM_SPEC_UINT(spec)) {
    const auto* range = G_PARAM_SPEC_UINT(spec);
    add(g_value_set_uint, range->minimum, range->maximum);
  } else if (G_IS_PARAM_SPEC_UINT64(spec)) {
    const auto* range = G_PARAM_SPEC_UINT64(spec);
    add(g_value_set_uint64, range->minimum, range->maximum);
  } else if (G_IS_PARAM_SPEC_FLOAT(spec)) {
    const auto* range = G_PARAM_SPEC_FLOAT(spec);
    add(g_value_set_float, range->minimum, range->maximum);
  } else if (G_IS_PARAM_SPEC_BOOLEAN(spec)) {
    add(g_value_set_boolean, FALSE, TRUE);
  } else if (G_IS_PARAM_SPEC_ENUM(spec)) {
    const auto* type = G_PARAM_SPEC_ENUM(spec)->enum_class;
    for (guint i = 0; i < type->n_values; i++) add(g_value_set_enum, type->values[i].value);
  } else if (G_IS_PARAM_SPEC_FLAGS(spec)) {
    add(g_value_set_flags, 0u, G_PARAM_SPEC_FLAGS(spec)->flags_class->mask);
  } else if (G_IS_PARAM_SPEC_STRING(spec)) {
    values.push_back(text_value(spec, "a text, with \"quotes\" and chat \xc3\xa0 neuf queues"));
  } else {
    ADD_FAILURE() << "no values are known for " << spec->name;
  }
  return values;
}

/// Values just outside a property's range; none where its type ends with it.
std::vector<Value> outside(GParamSpec* spec) {
  std::vector<Value> values;
  const auto add = [&](bool wanted, auto set, auto number) {
    if (!wanted) return;
    Value value(spec->value_type);
    set(&value, number);
    values.push_back(std::move(value));
  };
  if (G_IS_PARAM_SPEC_INT(spec)) {
    const auto* range = G_PARAM_SPEC_INT(spec);
    add(range->minimum > G_MININT, g_value_set_int, range->minimum - 1);
    add(range->maximum < G_MAXINT, g_value_set_int, range->maximum + 1);
  } else if (G_IS_PARAM_SPEC_UINT(spec)) {
    const auto* range = G_PARAM_SPEC_UINT(spec);
    add(range->minimum > 0, g_value_set_uint, range->minimum - 1);
    add(range->maximum < G_MAXUINT, g_value_set_uint, range->maximum + 1);
  } else if (G_IS_PARAM_SPEC_FLOAT(spec)) {
    const auto* range = G_PARAM_SPEC_FLOAT(spec);
    add(true, g_value_set_float, range->minimum - 0.001F);
    add(true, g_value_set_float, range->maximum + 0.001F);
  } else if (G_IS_PARAM_SPEC_ENUM(spec)) {
    add(true, g_value_set_enum, 4711);
  } else if (G_IS_PARAM_SPEC_FLAGS(spec)) {
    add(true, g_value_set_flags, 1u << 30);
  }
  return values;
}

TEST_P(EveryElement, BeginsWithTheDefaultsItDeclares) {
  const auto element = make();
  for (GParamSpec* spec : writable_properties(element)) {
    auto value = value_of(element, spec);
    EXPECT_TRUE(g_param_value_defaults(spec, &value)) << spec->name;
  }
}

TEST_P(EveryElement, GivesBackWhatItWasSetTo) {
  const auto element = make();
  for (GParamSpec* spec : writable_properties(element))
    for (auto& value : extremes(spec)) {
      g_object_set_property(G_OBJECT(element.get()), spec->name, &value);
      auto got = value_of(element, spec);
      EXPECT_EQ(g_param_values_cmp(spec, &value, &got), 0) << spec->name;
    }
}

TEST_P(EveryElement, GoesBackToTheDefaultWhereAStringIsTakenAway) {
  const auto element = make();
  for (GParamSpec* spec : writable_properties(element)) {
    if (!G_IS_PARAM_SPEC_STRING(spec)) continue;
    for (const char* text : {"a text", static_cast<const char*>(nullptr)}) {
      auto value = text_value(spec, text);
      g_object_set_property(G_OBJECT(element.get()), spec->name, &value);
    }
    auto got = value_of(element, spec);
    EXPECT_TRUE(g_param_value_defaults(spec, &got)) << spec->name;
  }
}

TEST_P(EveryElement, RefusesWhatIsOutsideItsRange) {
  const auto element = make();
  for (GParamSpec* spec : writable_properties(element))
    for (auto& value : outside(spec)) {
      EXPECT_NONFATAL_FAILURE(g_object_set_property(G_OBJECT(element.get()), spec->name, &value),
                              "out of range");
      auto got = value_of(element, spec);
      EXPECT_TRUE(g_param_value_defaults(spec, &got)) << spec->name;
    }
}

TEST_P(EveryElement, WritesItsPropertiesDownAndReadsThemAgain) {
  const auto element = make();
  for (GParamSpec* spec : writable_properties(element))
    for (auto& value : extremes(spec)) {
      const std::unique_ptr<gchar, void (*)(gpointer)> text(gst_value_serialize(&value), g_free);
      Value read(spec->value_type);
      ASSERT_TRUE(gst_value_deserialize_with_pspec(&read, text.get(), spec))
          << spec->name << ": " << text.get();
      EXPECT_EQ(g_param_values_cmp(spec, &value, &read), 0) << spec->name << ": " << text.get();
    }
}

TEST_P(EveryElement, TakesItsPropertiesInEveryStateAndKeepsThemOnTheWay) {
  const auto element = make();
  const auto model = write_model("");
  const bool loads = g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()), "model-file");
  if (loads)
    g_object_set(element.get(), "model-file", model.c_str(), "workers", 1, "threads", 1, nullptr);
  for (const auto state : {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING}) {
    ASSERT_EQ(gst_element_set_state(element.get(), state), GST_STATE_CHANGE_SUCCESS);
    for (GParamSpec* spec : writable_properties(element)) {
      auto before = value_of(element, spec);
      for (auto& value : extremes(spec)) {
        g_object_set_property(G_OBJECT(element.get()), spec->name, &value);
        auto got = value_of(element, spec);
        EXPECT_EQ(g_param_values_cmp(spec, &value, &got), 0) << spec->name;
      }
      g_object_set_property(G_OBJECT(element.get()), spec->name, &before);
    }
  }
  const auto write_down = [&] {
    std::vector<std::string> written;
    for (GParamSpec* spec : writable_properties(element)) {
      auto value = value_of(element, spec);
      const std::unique_ptr<gchar, void (*)(gpointer)> text(gst_value_serialize(&value), g_free);
      written.emplace_back(text ? text.get() : "NULL");
    }
    return written;
  };
  const auto before = write_down();
  for (const auto state : {GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL}) {
    ASSERT_EQ(gst_element_set_state(element.get(), state), GST_STATE_CHANGE_SUCCESS);
    EXPECT_EQ(write_down(), before);
  }
}

TEST_P(EveryElement, DescribesEachPropertyAndWhenItMayChange) {
  const auto element = make();
  for (GParamSpec* spec : properties(element)) {
    EXPECT_STRNE(g_param_spec_get_nick(spec), spec->name) << spec->name;
    ASSERT_NE(g_param_spec_get_blurb(spec), nullptr) << spec->name;
    EXPECT_GT(std::string(g_param_spec_get_blurb(spec)).size(), 15u) << spec->name;
    EXPECT_EQ(spec->flags & G_PARAM_STATIC_STRINGS, G_PARAM_STATIC_STRINGS) << spec->name;
    if ((spec->flags & G_PARAM_WRITABLE) == 0) continue;
    const bool ready = (spec->flags & GST_PARAM_MUTABLE_READY) != 0;
    const bool playing = (spec->flags & GST_PARAM_MUTABLE_PLAYING) != 0;
    EXPECT_NE(ready, playing) << spec->name;
  }
}

/// The lines of docs/elements.md below the heading of an element; a backslash at an end joins two.
std::vector<std::string> lines_about(const std::string& element) {
  std::ifstream file(ELEMENTS_DOCUMENT);
  std::vector<std::string> lines;
  bool found = false, goes_on = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) found = line == "## " + element;
    if (!found) continue;
    if (goes_on)
      lines.back() += line;
    else
      lines.push_back(line);
    goes_on = lines.back().ends_with('\\');
    if (goes_on) lines.back().pop_back();
  }
  return lines;
}

std::vector<std::string> split(const std::string& line, const std::string& separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + separator.size()) {
    end = line.find(separator, at);
    parts.push_back(line.substr(at, end - at));
  }
  return parts;
}

/// A default as the document writes it, as GStreamer does.
std::string as_serialized(const std::string& cell) {
  static const std::map<std::string, std::string> others = {
      {"none", "NULL"},
      {"2^64 - 1", "18446744073709551615"},
      {"1 s", "1000000000"},
      {"0xFFFFFFFF", "4294967295"},
  };
  const auto found = others.find(cell);
  return found != others.end() ? found->second : cell;
}

std::string serialized(const GValue* value) {
  if (G_VALUE_HOLDS_STRING(value) && g_value_get_string(value) == nullptr) return "NULL";
  if (G_VALUE_HOLDS_ENUM(value)) {
    auto* const type = static_cast<GEnumClass*>(g_type_class_peek(G_VALUE_TYPE(value)));
    return g_enum_get_value(type, g_value_get_enum(value))->value_nick;
  }
  if (G_VALUE_HOLDS_FLAGS(value)) {
    auto* const type = static_cast<GFlagsClass*>(g_type_class_peek(G_VALUE_TYPE(value)));
    return g_flags_get_first_value(type, g_value_get_flags(value))->value_nick;
  }
  const std::unique_ptr<gchar, void (*)(gpointer)> text(gst_value_serialize(value), g_free);
  // 1.0 and 1 are the same.
  double number;
  return G_VALUE_HOLDS_FLOAT(value) && std::sscanf(text.get(), "%lf", &number) == 1
             ? std::to_string(static_cast<int>(number))
             : text.get();
}

TEST_P(EveryElement, HasThePropertiesAndDefaultsOfItsDocumentAndNoOthers) {
  const auto element = make();
  std::map<std::string, GParamSpec*> undocumented;
  for (GParamSpec* spec : properties(element)) undocumented[spec->name] = spec;
  std::vector<std::string> head;
  for (const auto& line : lines_about(GetParam())) {
    if (!line.starts_with("| ")) continue;
    const auto cells = split(line.substr(2), " | ");
    if (cells.front() == "property") head = cells;
    if (head.empty() || cells.front() == "property" || cells.front() == "---") continue;
    for (const auto& name : split(cells.front(), ", ")) {
      ASSERT_TRUE(undocumented.contains(name)) << "there is no " << name;
      GParamSpec* spec = undocumented[name];
      undocumented.erase(name);
      if ((spec->flags & G_PARAM_WRITABLE) == 0) continue;
      for (std::size_t i = 1; i < head.size() && i < cells.size(); i++) {
        if (head[i] == "default") {
          EXPECT_EQ(serialized(g_param_spec_get_default_value(spec)), as_serialized(cells[i]))
              << name;
        }
        if (head[i] == "when") {
          EXPECT_EQ((spec->flags & GST_PARAM_MUTABLE_READY) != 0, cells[i] == "READY") << name;
        }
      }
    }
  }
  for (const auto& [name, spec] : undocumented) ADD_FAILURE() << name << " is not documented";
}

TEST_P(EveryElement, PlaysTheExamplesOfItsDocument) {
  const auto replace = [](std::string& line, const std::string& from, const std::string& to) {
    if (const auto at = line.find(from); at != std::string::npos) line.replace(at, from.size(), to);
  };
  int played = 0;
  for (auto line : lines_about(GetParam())) {
    if (!line.starts_with("... ! ") && !line.starts_with("gst-launch-1.0 ")) continue;
    replace(line, "gst-launch-1.0 -m filesrc location=clip.mp4 ! decodebin3", "...");
    replace(line, "...", "videotestsrc num-buffers=3");
    replace(line, "model.pt", write_model(""));
    replace(line, "autovideosink", "fakevideosink");
    replace(line, "results.jsonl", folder.path("results.jsonl"));
    Pipeline pipeline(line);
    pipeline.set_state(GST_STATE_PLAYING);
    EXPECT_TRUE(pipeline.reaches_eos()) << line;
    played++;
  }
  EXPECT_GT(played, 0);
}

TEST_P(EveryElement, DeclaresItsOwnTypesAsItsApi) {
  const auto element = make();
  for (GParamSpec* spec : properties(element)) {
    if (G_IS_PARAM_SPEC_ENUM(spec) || G_IS_PARAM_SPEC_FLAGS(spec)) {
      EXPECT_TRUE(gst_type_is_plugin_api(spec->value_type, nullptr)) << spec->name;
    }
  }
}

TEST_P(EveryElement, SaysWhatItIs) {
  const auto element = make();
  auto* const klass = GST_ELEMENT_GET_CLASS(element.get());
  for (const char* key : {GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_KLASS,
                          GST_ELEMENT_METADATA_DESCRIPTION, GST_ELEMENT_METADATA_AUTHOR})
    EXPECT_GT(std::string(gst_element_class_get_metadata(klass, key)).size(), 8u) << key;
  GstElementFactory* factory = gst_element_get_factory(element.get());
  EXPECT_EQ(gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(factory)), GST_RANK_NONE);
  EXPECT_EQ(gst_element_factory_get_num_pad_templates(factory), 2u);
}

}  // namespace
}  // namespace torchinfer::test
