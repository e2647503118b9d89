// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>

#include "engine/session.h"
#include "gst_torch_settings.h"

// From an element's properties to a seat at an engine, and what the element says about it.

/// What `settings` ask of the engine. kInvalidArgument or kNotFound where a property cannot be
/// meant so.
torchinfer::Result<torchinfer::SessionRequest> gst_torch_session_request (
    const GstTorchSettings &settings);

/// What Session::open() said of a model, with the model's file and the remedy where the status does
/// not name them itself.
torchinfer::Status gst_torch_name_model (
    const torchinfer::Status &status, const torchinfer::SessionRequest &request);

/// Adds what both the message and the statistics say of the session's engine.
void gst_torch_set_engine (GstStructure *structure, const torchinfer::Session &session);

/// The torchinference-loaded message of `element`: what was loaded, how, and with whom it is
/// shared. `unchanged`: it is what ran before. docs/elements.md lists the fields.
GstMessage *gst_torch_loaded_message (GstElement *element,
    const torchinfer::SessionRequest &request, const torchinfer::Session &session,
    GstClockTime load_time, bool unchanged);

/// The same in one line, for the log.
std::string gst_torch_loaded_line (const torchinfer::SessionRequest &request,
    const torchinfer::Session &session, GstClockTime load_time);
