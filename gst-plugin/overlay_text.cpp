// SPDX-License-Identifier: LGPL-2.1-or-later
#include "overlay_text.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "overlay_palette.h"

namespace {

// Longer labels could never be seen whole, and Pango's time grows with the length.
constexpr int kMaxCharacters = 160;

struct CairoDestroy {
  void operator() (cairo_t *cr) const { cairo_destroy (cr); }
};
struct SurfaceDestroy {
  void operator() (cairo_surface_t *surface) const { cairo_surface_destroy (surface); }
};

void
set_color (cairo_t *cr, std::uint32_t argb) {
  cairo_set_source_rgba (cr, ((argb >> 16) & 0xFF) / 255.0, ((argb >> 8) & 0xFF) / 255.0,
      (argb & 0xFF) / 255.0, (argb >> 24) / 255.0);
}

void
rounded_rectangle (cairo_t *cr, double x, double y, double width, double height, double radius) {
  const double r = std::min ({radius, width / 2, height / 2});
  cairo_new_sub_path (cr);
  cairo_arc (cr, x + width - r, y + r, r, -M_PI_2, 0);
  cairo_arc (cr, x + width - r, y + height - r, r, 0, M_PI_2);
  cairo_arc (cr, x + r, y + height - r, r, M_PI_2, M_PI);
  cairo_arc (cr, x + r, y + r, r, M_PI, 3 * M_PI_2);
  cairo_close_path (cr);
}

std::string
label_text (const OverlayRow &row) {
  const gchar *label = g_quark_to_string (row.label);
  gchar *valid = g_utf8_make_valid (label != nullptr ? label : "", -1);
  std::string text;
  int count = 0;
  for (const gchar *c = valid; *c != '\0' && count < kMaxCharacters;
      c = g_utf8_next_char (c), count++) {
    const gunichar character = g_utf8_get_char (c);
    const auto kind = g_unichar_type (character);
    // Line breaks and other controls would draw as boxes or symbols of some other font.
    if (g_unichar_iscntrl (character) || kind == G_UNICODE_LINE_SEPARATOR ||
        kind == G_UNICODE_PARAGRAPH_SEPARATOR)
      text += ' ';
    else
      text.append (c, g_utf8_next_char (c));
  }
  g_free (valid);
  if (row.track) {
    text += text.empty () ? "#" : " #";
    text += std::to_string (*row.track);
  }
  return text;
}

GObjectPtr<PangoContext>
make_context () {
  const GObjectPtr<PangoFontMap> fonts (pango_cairo_font_map_new ());
  GObjectPtr<PangoContext> context (pango_font_map_create_context (fonts.get ()));
  cairo_font_options_t *options = cairo_font_options_create ();
  // Subpixel colours would be wrong on video, whose chroma is scaled and coded.
  cairo_font_options_set_antialias (options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style (options, CAIRO_HINT_STYLE_SLIGHT);
  cairo_font_options_set_hint_metrics (options, CAIRO_HINT_METRICS_ON);
  pango_cairo_context_set_font_options (context.get (), options);
  cairo_font_options_destroy (options);
  return context;
}

int
round_up_to_even (int value) {
  return (value + 1) & ~1;
}

}  // namespace

/// Distances in pixels, all in proportion to the text.
struct OverlayText::Metrics {
  explicit Metrics (int font_size)
      : padding (std::max (font_size * 3 / 10, 3)),
        inset (std::max (font_size * 2 / 5, 4)),
        spacing (std::max (font_size / 8, 1)),
        group_gap (std::max (font_size / 3, 3)),
        column_gap (font_size * 3 / 4),
        radius (font_size / 4.0) {}

  int padding;     // panel's edge to the bars
  int inset;       // bar's edge to the text
  int spacing;     // between rows
  int group_gap;   // between the rows of two models
  int column_gap;  // label to score
  double radius;   // of the panel's corners
};

struct OverlayText::Line {
  GObjectPtr<PangoLayout> label, score;
  int label_width, score_width, text_height;
};

GObjectPtr<PangoLayout>
OverlayText::make_layout (const std::string &text, int font_size, bool strong) const {
  GObjectPtr<PangoLayout> layout (pango_layout_new (context_.get ()));
  PangoFontDescription *font = pango_font_description_from_string (strong ? "Sans Bold" : "Sans");
  pango_font_description_set_absolute_size (font, double (font_size) * PANGO_SCALE);
  pango_layout_set_font_description (layout.get (), font);
  pango_font_description_free (font);
  pango_layout_set_single_paragraph_mode (layout.get (), TRUE);
  pango_layout_set_ellipsize (layout.get (), PANGO_ELLIPSIZE_END);
  pango_layout_set_text (layout.get (), text.data (), static_cast<int> (text.size ()));
  return layout;
}

OverlayText::Line
OverlayText::make_line (const OverlayRow &row, int font_size) const {
  Line line = {make_layout (label_text (row), font_size, row.strong),
      make_layout (row.score, font_size, row.strong), 0, 0, 0};
  int label_height = 0, score_height = 0;
  pango_layout_get_pixel_size (line.label.get (), &line.label_width, &label_height);
  pango_layout_get_pixel_size (line.score.get (), &line.score_width, &score_height);
  line.text_height = std::max (label_height, score_height);
  return line;
}

GstMiniPtr<GstBuffer>
OverlayText::draw (std::span<const OverlayRow> rows, int font_size, std::uint32_t text_color,
    const TextLimits &limits) {
  if (!context_)
    context_ = make_context ();
  const Metrics m (font_size);

  // Rows share one height, the tallest script's, and are taken while they fit.
  std::vector<Line> lines;
  int label_width = 0, score_width = 0, row_height = 0, gaps = 0, fitting_gaps = 0;
  for (const auto &row : rows) {
    auto line = make_line (row, font_size);
    const int height = std::max (row_height, line.text_height);
    gaps += row.gap ? m.group_gap : 0;
    const int count = static_cast<int> (lines.size ()) + 1;
    if (2 * m.padding + count * height + (count - 1) * m.spacing + gaps > limits.max_height)
      break;
    row_height = height;
    fitting_gaps = gaps;
    label_width = std::max (label_width, line.label_width);
    score_width = std::max (score_width, line.score_width);
    lines.push_back (std::move (line));
  }
  const int around = 2 * (m.padding + m.inset);
  int column_gap = score_width > 0 ? m.column_gap : 0;
  if (lines.empty () || limits.max_width < around + 2 * font_size)
    return nullptr;
  // Where both do not fit, the name is worth more than the number: the bar says it, too.
  if (limits.max_width < around + 3 * font_size + column_gap + score_width)
    score_width = column_gap = 0;

  const int count = static_cast<int> (lines.size ());
  const int natural = around + label_width + column_gap + score_width;
  const int width = round_up_to_even (std::max (natural, limits.min_width)) <= limits.max_width
                        ? round_up_to_even (std::max (natural, limits.min_width))
                        : limits.max_width & ~1;
  const int used = 2 * m.padding + count * row_height + (count - 1) * m.spacing + fitting_gaps;
  const int height =
      round_up_to_even (used) <= limits.max_height ? round_up_to_even (used) : used & ~1;
  label_width = width - around - column_gap - score_width;

  const int stride = width * 4;
  GstMiniPtr<GstBuffer> buffer (
      gst_buffer_new_allocate (nullptr, gsize (stride) * height, nullptr));
  if (!buffer)
    throw std::bad_alloc ();
  gst_buffer_add_video_meta (buffer.get (), GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  GstMapInfo map;
  if (!gst_buffer_map (buffer.get (), &map, GST_MAP_WRITE))
    throw std::bad_alloc ();
  std::fill_n (map.data, map.size, 0);
  {
    std::unique_ptr<cairo_surface_t, SurfaceDestroy> surface (
        cairo_image_surface_create_for_data (map.data, CAIRO_FORMAT_ARGB32, width, height, stride));
    std::unique_ptr<cairo_t, CairoDestroy> cr_owner (cairo_create (surface.get ()));
    cairo_t *cr = cr_owner.get ();

    rounded_rectangle (cr, 0, 0, width, height, m.radius);
    set_color (cr, kPanelColor);
    cairo_fill (cr);

    double y = (height - used) / 2.0 + m.padding;
    const double bar_width = width - 2 * m.padding;
    for (int i = 0; i < count; i++) {
      y += i > 0 ? m.spacing + (rows[i].gap ? m.group_gap : 0) : 0;
      if (rows[i].fill > 0) {
        rounded_rectangle (cr, m.padding, y, std::max (bar_width * rows[i].fill / 100, 2.0),
            row_height, m.radius / 2);
        set_color (cr, 0xE0000000u | kPalette[rows[i].color % kPalette.size ()].bar);
        cairo_fill (cr);
      }
      set_color (cr, text_color);
      const auto show = [&] (PangoLayout *layout, int x, int text_width, PangoAlignment alignment) {
        int text_height = 0;
        pango_layout_set_width (layout, text_width * PANGO_SCALE);
        pango_layout_set_alignment (layout, alignment);
        pango_layout_get_pixel_size (layout, nullptr, &text_height);
        cairo_move_to (cr, x, y + std::floor ((row_height - text_height) / 2.0));
        pango_cairo_show_layout (cr, layout);
      };
      show (lines[i].label.get (), m.padding + m.inset, label_width, PANGO_ALIGN_LEFT);
      if (score_width > 0)
        show (lines[i].score.get (), width - m.padding - m.inset - score_width, score_width,
            PANGO_ALIGN_RIGHT);
      y += row_height;
    }
    cairo_surface_flush (surface.get ());
  }
  gst_buffer_unmap (buffer.get (), &map);
  return buffer;
}
