// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/// Marks what libtorchinfer.so exports; everything else in it is hidden.
#define TORCHINFER_API __attribute__((visibility("default")))
