// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_properties.h"

GST_DEBUG_CATEGORY_EXTERN (gst_torch_inference_debug);
#define GST_CAT_DEFAULT gst_torch_inference_debug

namespace {

constexpr guint kMaxBatchSize = 1024;
constexpr gint kMaxThreads = 1024;
constexpr GstClockTime kMaxBatchTimeout = 10 * GST_SECOND;

const auto kReady =
    static_cast<GParamFlags> (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
const auto kLive = static_cast<GParamFlags> (
    G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);

/**
 * GstTorchPrecision:
 * @auto: what is exact on the device: float32 on the CPU
 * @fp32: 32-bit floating point
 * @bf16: bfloat16
 * @fp16: 16-bit floating point
 *
 * Since: 0.1
 */
GType
precision_type () {
  using torchinfer::Precision;
  static const GEnumValue values[] = {
      {static_cast<gint> (Precision::kAuto), "What is exact on the device: float32 on the CPU",
          "auto"},
      {static_cast<gint> (Precision::kFp32), "32-bit floating point", "fp32"},
      {static_cast<gint> (Precision::kBf16), "bfloat16: faster where the CPU has it, less exact",
          "bf16"},
      {static_cast<gint> (Precision::kFp16), "16-bit floating point: for GPUs", "fp16"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static ("GstTorchPrecision", values);
  return type;
}

/**
 * GstTorchOverloadPolicy:
 * @auto: skip where the stream is live, wait otherwise
 * @wait: hold upstream until the model has time
 * @skip: pass the frame on without results
 * @drop: drop the frame
 *
 * Since: 0.1
 */
GType
overload_policy_type () {
  static const GEnumValue values[] = {
      {GST_TORCH_OVERLOAD_POLICY_AUTO, "Skip where the stream is live, wait otherwise", "auto"},
      {GST_TORCH_OVERLOAD_POLICY_WAIT, "Hold upstream until the model has time", "wait"},
      {GST_TORCH_OVERLOAD_POLICY_SKIP, "Pass the frame on without results", "skip"},
      {GST_TORCH_OVERLOAD_POLICY_DROP, "Drop the frame", "drop"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static ("GstTorchOverloadPolicy", values);
  return type;
}

/**
 * GstTorchErrorPolicy:
 * @fail: post an error and end the stream
 * @pass: post a warning, once, and pass frames on without results
 *
 * Since: 0.1
 */
GType
error_policy_type () {
  static const GEnumValue values[] = {
      {GST_TORCH_ERROR_POLICY_FAIL, "Post an error and end the stream", "fail"},
      {GST_TORCH_ERROR_POLICY_PASS, "Post a warning, once, and pass frames on without results",
          "pass"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static ("GstTorchErrorPolicy", values);
  return type;
}

/**
 * GstTorchAttachFlags:
 * @results: classes, as analytics metadata
 *
 * Since: 0.1
 */
GType
attach_type () {
  static const GFlagsValue values[] = {
      {GST_TORCH_ATTACH_RESULTS, "Classes, as analytics metadata", "results"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_flags_register_static ("GstTorchAttachFlags", values);
  return type;
}

void
install_strings (GObjectClass *klass) {
  const auto add = [klass] (guint id, const char *name, const char *nick, const char *blurb,
                       GParamFlags flags) {
    g_object_class_install_property (
        klass, id, g_param_spec_string (name, nick, blurb, nullptr, flags));
  };
  /**
   * GstTorchInference:model-file:
   *
   * The TorchScript archive to run. What the model expects, and its labels, may lie inside it or
   * beside it.
   *
   * Set while the element is PAUSED or PLAYING, the same name included, it is read anew and loaded
   * beside the model that runs. The new model takes over between two frames and the element message
   * torchinference-loaded says so, or a warning says why the old one stays. Of several settings in
   * a row the last one counts. NULL is refused then. #GstTorchInference:model-info-file,
   * #GstTorchInference:label-file and #GstTorchInference:model-sha256 take effect with it: set
   * them before, or all of them in one g_object_set().
   *
   * Since: 0.1
   */
  add (GST_TORCH_PROP_MODEL_FILE, "model-file", "Model file",
      "TorchScript archive to run. Set while playing, the new model takes over between two frames "
      "once it is loaded, or a warning says why not",
      kLive);
  /**
   * GstTorchInference:model-info-file:
   *
   * A .modelinfo key file that says what the model expects and gives. Unset, it is model-file with
   * `.modelinfo` added, or in the place of its extension, where there is one, otherwise the one
   * inside the archive. While playing it takes effect when #GstTorchInference:model-file is set.
   *
   * Since: 0.1
   */
  add (GST_TORCH_PROP_MODEL_INFO_FILE, "model-info-file", "Model info file",
      "What the model expects and gives, as a .modelinfo key file (NULL = model-file with "
      ".modelinfo added, or in the place of its extension, else the one inside the archive). While "
      "playing it takes effect when model-file is set",
      kLive);
  /**
   * GstTorchInference:label-file:
   *
   * Names of the classes, one a line, class 0 first. Unset, they are those inside the archive;
   * without any, classes are named by their numbers. While playing it takes effect when
   * #GstTorchInference:model-file is set.
   *
   * Since: 0.1
   */
  add (GST_TORCH_PROP_LABEL_FILE, "label-file", "Label file",
      "Names of the classes, one a line, class 0 first (NULL = those inside the archive). While "
      "playing it takes effect when model-file is set",
      kLive);
  /**
   * GstTorchInference:model-sha256:
   *
   * Refuse a model file with another SHA-256. A model is code: this is what makes it trusted.
   * While playing it takes effect when #GstTorchInference:model-file is set.
   *
   * Since: 0.1
   */
  add (GST_TORCH_PROP_MODEL_SHA256, "model-sha256", "Model SHA-256",
      "Refuse a model file with another SHA-256; 64 hexadecimal digits (NULL = any). A model is "
      "code: pin what you trust. While playing it takes effect when model-file is set",
      kLive);
  /**
   * GstTorchInference:device:
   *
   * Where the model runs: `auto`, `cpu`, `cuda` or `cuda:N`.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_DEVICE,
      g_param_spec_string (
          "device", "Device", "Where the model runs: auto, cpu, cuda or cuda:N", "auto", kReady));
  /**
   * GstTorchInference:engine-name:
   *
   * Streams share a loaded model only if they name the same engine. Unset is a name, too.
   *
   * Since: 0.1
   */
  add (GST_TORCH_PROP_ENGINE_NAME, "engine-name", "Engine name",
      "Streams of one process share a loaded model if they name the same engine (NULL is a name "
      "too) and agree on model, device, "
      "precision, batch-size, workers and threads",
      kReady);
}

void
install_engine (GObjectClass *klass) {
  /**
   * GstTorchInference:precision:
   *
   * The arithmetic the model runs in.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_PRECISION,
      g_param_spec_enum ("precision", "Precision", "Arithmetic the model runs in",
          precision_type (), static_cast<gint> (torchinfer::Precision::kAuto), kReady));
  /**
   * GstTorchInference:batch-size:
   *
   * How many frames run through the model at once, of all streams that share it. 0 keeps the
   * smallest size that is about as fast as any, as measured when the model is loaded. A model that
   * cannot take so many gets fewer. Loading runs whole batches of this size, so a large one takes
   * long to load, a minute and more in the hundreds, and its frames wait for each other.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_BATCH_SIZE,
      g_param_spec_uint ("batch-size", "Batch size",
          "Frames that run through the model at once, of all streams that share it "
          "(0 = the smallest that is about as fast as any, "
          "measured when the model is loaded). Loading runs whole batches: with hundreds it can "
          "take minutes",
          0, kMaxBatchSize, 0, kReady));
  /**
   * GstTorchInference:workers:
   *
   * How many batches run at once. -1 or 0 is one for each core at hand, at most 4.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_WORKERS,
      g_param_spec_int ("workers", "Workers",
          "Batches that run at once (-1 or 0 = one a core, at most 4)", -1, kMaxThreads, -1,
          kReady));
  /**
   * GstTorchInference:threads:
   *
   * Threads of each worker. -1 or 0 is what the workers leave of the cores, at least 1.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_THREADS,
      g_param_spec_int ("threads", "Threads",
          "Threads of each worker (-1 or 0 = what the workers leave of the cores)", -1, kMaxThreads,
          -1, kReady));
  /**
   * GstTorchInference:attach:
   *
   * What frames carry away. With nothing no model is loaded, and frames pass as through a queue.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_ATTACH,
      g_param_spec_flags ("attach", "Attach",
          "What frames carry away (nothing = no model is loaded, frames pass as through a queue)",
          attach_type (), GST_TORCH_ATTACH_RESULTS, kReady));
  /**
   * GstTorchInference:dump-inputs:
   *
   * A file that is to hold what the model is given of this stream, for tests and reports: a NumPy
   * file (.npy), an array of N inputs that numpy.load() reads and gst-torch-bench replays. It is
   * made anew on each way to PAUSED and holds at most 1 GiB. The stream waits while it is
   * written; where that fails a warning says so, and the stream goes on.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_DUMP_INPUTS,
      g_param_spec_string ("dump-inputs", "Dump inputs",
          "NumPy file (.npy) to write what the model is given of this stream to, at most 1 GiB; "
          "made anew on each way to PAUSED (NULL = none)",
          nullptr, kReady));
}

void
install_live (GObjectClass *klass) {
  const GstTorchLiveSettings defaults;
  /**
   * GstTorchInference:batch-timeout:
   *
   * How long a batch that is not full may wait for more frames, in nanoseconds. More than 10
   * seconds counts as 10, but the maximum is automatic: 0 for live streams, 40 ms otherwise. The
   * wait ends sooner where no stream can add to the batch.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_BATCH_TIMEOUT,
      g_param_spec_uint64 ("batch-timeout", "Batch timeout",
          "How long a batch that is not full may wait for more frames, in ns; more than 10 s "
          "counts as 10 s (18446744073709551615 = auto: 0 for live streams, 40 ms otherwise)",
          0, G_MAXUINT64, defaults.batch_timeout, kLive));
  /**
   * GstTorchInference:inference-interval:
   *
   * Give every Nth frame to the model. All frames go on.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_INFERENCE_INTERVAL,
      g_param_spec_uint ("inference-interval", "Inference interval",
          "Give every Nth frame to the model; all frames go on", 1, G_MAXUINT,
          defaults.inference_interval, kLive));
  /**
   * GstTorchInference:top-k:
   *
   * How many classes a frame gets at most, best first.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_TOP_K,
      g_param_spec_uint ("top-k", "Top k", "Classes to attach to a frame at most, best first", 1,
          65536, defaults.top_k, kLive));
  /**
   * GstTorchInference:class-confidence-threshold:
   *
   * Classes with a lower score are left out.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_CLASS_CONFIDENCE_THRESHOLD,
      g_param_spec_float ("class-confidence-threshold", "Class confidence threshold",
          "Leave out classes with a lower score", 0.0F, 1.0F, defaults.class_confidence_threshold,
          kLive));
  /**
   * GstTorchInference:overload-policy:
   *
   * What happens to a frame that comes while as many of its stream as may be are at the engine.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_OVERLOAD_POLICY,
      g_param_spec_enum ("overload-policy", "Overload policy",
          "What happens to a frame that the model has no time for", overload_policy_type (),
          defaults.overload_policy, kLive));
  /**
   * GstTorchInference:qos:
   *
   * Frames that are late at the sink go on without results, but for one a second.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_QOS,
      g_param_spec_boolean ("qos", "QoS",
          "Pass frames that are late at the sink on without results, but for one a second",
          defaults.qos, kLive));
  /**
   * GstTorchInference:error-policy:
   *
   * What happens to the stream when the model fails on a frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_ERROR_POLICY,
      g_param_spec_enum ("error-policy", "Error policy",
          "What happens when the model fails on a frame", error_policy_type (),
          defaults.error_policy, kLive));
  /**
   * GstTorchInference:stats-interval:
   *
   * Time between two `torchinference-stats` messages, in nanoseconds. 0 is one at the end of the
   * stream.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_TORCH_PROP_STATS_INTERVAL,
      g_param_spec_uint64 ("stats-interval", "Statistics interval",
          "Time between torchinference-stats messages, in ns (0 = one at the end of the stream)", 0,
          G_MAXUINT64, defaults.stats_interval, kLive));
}

std::string
string_of (const GValue *value) {
  const auto text = g_value_get_string (value);
  return text ? text : "";
}

void
give_string (GValue *value, const std::string &text) {
  g_value_set_string (value, text.empty () ? nullptr : text.c_str ());
}

GstClockTime
capped_timeout (GstClockTime timeout) {
  if (!GST_CLOCK_TIME_IS_VALID (timeout) || timeout <= kMaxBatchTimeout)
    return timeout;
  GST_WARNING ("batch-timeout %" GST_TIME_FORMAT " is above its limit, using %" GST_TIME_FORMAT,
      GST_TIME_ARGS (timeout), GST_TIME_ARGS (kMaxBatchTimeout));
  return kMaxBatchTimeout;
}

}  // namespace

void
gst_torch_properties_install (GObjectClass *object_class) {
  install_strings (object_class);
  install_engine (object_class);
  install_live (object_class);
  /**
   * GstTorchInference:stats:
   *
   * Counters, batch sizes and times of this stream and of its engine, in nanoseconds: the same
   * structure that the `torchinference-stats` message carries.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, GST_TORCH_PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters, batch sizes and times of this stream and its engine (times in ns)",
          GST_TYPE_STRUCTURE,
          static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  for (const auto type :
      {precision_type (), overload_policy_type (), error_policy_type (), attach_type ()})
    gst_type_mark_as_plugin_api (type, static_cast<GstPluginAPIFlags> (0));
}

bool
gst_torch_properties_set (GstTorchSettings &settings, guint id, const GValue *value) {
  auto &live = settings.live;
  switch (id) {
    case GST_TORCH_PROP_MODEL_FILE: settings.model_file = string_of (value); return true;
    case GST_TORCH_PROP_MODEL_INFO_FILE: settings.model_info_file = string_of (value); return true;
    case GST_TORCH_PROP_LABEL_FILE: settings.label_file = string_of (value); return true;
    case GST_TORCH_PROP_MODEL_SHA256: settings.model_sha256 = string_of (value); return true;
    case GST_TORCH_PROP_DEVICE:
      settings.device = g_value_get_string (value) ? g_value_get_string (value) : "auto";
      return true;
    case GST_TORCH_PROP_PRECISION:
      settings.precision = static_cast<torchinfer::Precision> (g_value_get_enum (value));
      return true;
    case GST_TORCH_PROP_BATCH_SIZE: settings.batch_size = g_value_get_uint (value); return true;
    case GST_TORCH_PROP_WORKERS: settings.workers = g_value_get_int (value); return true;
    case GST_TORCH_PROP_THREADS: settings.threads = g_value_get_int (value); return true;
    case GST_TORCH_PROP_ENGINE_NAME: settings.engine_name = string_of (value); return true;
    case GST_TORCH_PROP_ATTACH: settings.attach = g_value_get_flags (value); return true;
    case GST_TORCH_PROP_DUMP_INPUTS: settings.dump_inputs = string_of (value); return true;
    case GST_TORCH_PROP_BATCH_TIMEOUT:
      live.batch_timeout = capped_timeout (g_value_get_uint64 (value));
      return true;
    case GST_TORCH_PROP_INFERENCE_INTERVAL:
      live.inference_interval = g_value_get_uint (value);
      return true;
    case GST_TORCH_PROP_TOP_K: live.top_k = g_value_get_uint (value); return true;
    case GST_TORCH_PROP_CLASS_CONFIDENCE_THRESHOLD:
      live.class_confidence_threshold = g_value_get_float (value);
      return true;
    case GST_TORCH_PROP_OVERLOAD_POLICY:
      live.overload_policy = static_cast<GstTorchOverloadPolicy> (g_value_get_enum (value));
      return true;
    case GST_TORCH_PROP_QOS: live.qos = g_value_get_boolean (value); return true;
    case GST_TORCH_PROP_ERROR_POLICY:
      live.error_policy = static_cast<GstTorchErrorPolicy> (g_value_get_enum (value));
      return true;
    case GST_TORCH_PROP_STATS_INTERVAL:
      live.stats_interval = g_value_get_uint64 (value);
      return true;
    default: return false;
  }
}

bool
gst_torch_properties_get (const GstTorchSettings &settings, guint id, GValue *value) {
  const auto &live = settings.live;
  switch (id) {
    case GST_TORCH_PROP_MODEL_FILE: give_string (value, settings.model_file); return true;
    case GST_TORCH_PROP_MODEL_INFO_FILE: give_string (value, settings.model_info_file); return true;
    case GST_TORCH_PROP_LABEL_FILE: give_string (value, settings.label_file); return true;
    case GST_TORCH_PROP_MODEL_SHA256: give_string (value, settings.model_sha256); return true;
    case GST_TORCH_PROP_DEVICE: give_string (value, settings.device); return true;
    case GST_TORCH_PROP_PRECISION:
      g_value_set_enum (value, static_cast<gint> (settings.precision));
      return true;
    case GST_TORCH_PROP_BATCH_SIZE: g_value_set_uint (value, settings.batch_size); return true;
    case GST_TORCH_PROP_WORKERS: g_value_set_int (value, settings.workers); return true;
    case GST_TORCH_PROP_THREADS: g_value_set_int (value, settings.threads); return true;
    case GST_TORCH_PROP_ENGINE_NAME: give_string (value, settings.engine_name); return true;
    case GST_TORCH_PROP_ATTACH: g_value_set_flags (value, settings.attach); return true;
    case GST_TORCH_PROP_DUMP_INPUTS: give_string (value, settings.dump_inputs); return true;
    case GST_TORCH_PROP_BATCH_TIMEOUT: g_value_set_uint64 (value, live.batch_timeout); return true;
    case GST_TORCH_PROP_INFERENCE_INTERVAL:
      g_value_set_uint (value, live.inference_interval);
      return true;
    case GST_TORCH_PROP_TOP_K: g_value_set_uint (value, live.top_k); return true;
    case GST_TORCH_PROP_CLASS_CONFIDENCE_THRESHOLD:
      g_value_set_float (value, live.class_confidence_threshold);
      return true;
    case GST_TORCH_PROP_OVERLOAD_POLICY:
      g_value_set_enum (value, live.overload_policy);
      return true;
    case GST_TORCH_PROP_QOS: g_value_set_boolean (value, live.qos); return true;
    case GST_TORCH_PROP_ERROR_POLICY: g_value_set_enum (value, live.error_policy); return true;
    case GST_TORCH_PROP_STATS_INTERVAL:
      g_value_set_uint64 (value, live.stats_interval);
      return true;
    default: return false;
  }
}
