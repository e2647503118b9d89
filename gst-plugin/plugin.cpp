// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include "gstanalyticsjson.h"
#include "gstclassificationoverlay.h"
#include "gsttorchinference.h"

// Registration only. Each element says GST_ELEMENT_REGISTER_DEFINE in its own file; nothing here may load libtorch.

static gboolean
plugin_init (GstPlugin *plugin) {
  gboolean any = FALSE;
  any |= GST_ELEMENT_REGISTER (analyticsjson, plugin);
  any |= GST_ELEMENT_REGISTER (classificationoverlay, plugin);
  any |= GST_ELEMENT_REGISTER (torchinference, plugin);
  return any;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, torch,
    "Runs TorchScript models on video and shows what they see", plugin_init, PACKAGE_VERSION,
    "LGPL", PACKAGE, GST_PACKAGE_ORIGIN)
