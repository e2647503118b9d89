// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_ANALYTICS_JSON (gst_analytics_json_get_type ())
G_DECLARE_FINAL_TYPE (GstAnalyticsJson, gst_analytics_json, GST, ANALYTICS_JSON, GstElement)

GST_ELEMENT_REGISTER_DECLARE (analyticsjson)

G_END_DECLS
