# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws the report's plots, each as an <svg> to be put into the page. Their
colours are the page's CSS variables, so that they follow its scheme, and their
letters its font. No name that comes from a file is drawn: matplotlib would take
it for mathematics; names stand in the captions. `scale` is report.py's: how feature
MSE is written."""

import io
import math
import re
from html import escape

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, MaxNLocator

# matplotlib knows no CSS: each of these stands for a variable of the page.
INK, SOFT, LINE, PLAIN, ENHANCED, PAPER = (f"#01020{i}" for i in range(1, 7))
VARIABLES = {INK: "--ink", SOFT: "--soft", LINE: "--line", PLAIN: "--plain",
             ENHANCED: "--enhanced", PAPER: "--paper-figures"}

WIDTH = 340  # of a plot, in CSS pixels where the page shows it at its own size
STYLE = {
    "svg.fonttype": "none", "font.size": 11, "axes.labelsize": 11,
    "xtick.labelsize": 11, "ytick.labelsize": 11, "axes.titlesize": 11,
    "text.color": INK, "axes.labelcolor": SOFT, "axes.titlecolor": INK,
    "xtick.color": LINE, "ytick.color": LINE,
    "xtick.labelcolor": SOFT, "ytick.labelcolor": SOFT,
    "axes.edgecolor": LINE, "grid.color": LINE, "grid.linewidth": 0.7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
    "axes.grid": True, "axes.grid.axis": "y", "axes.axisbelow": True,
    "ytick.major.size": 0, "xtick.major.size": 3,
    "axes.unicode_minus": True, "figure.constrained_layout.use": True,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
}
# Without and with differ by more than their colour.
WITHOUT = {"color": PLAIN, "lw": 1.3, "ls": (0, (4, 2)), "marker": "o", "ms": 5,
           "mfc": "none", "mew": 1.3}
WITH = {"color": ENHANCED, "lw": 1.6, "marker": "o", "ms": 5}
INTERVAL = {"fmt": "none", "ecolor": ENHANCED, "elinewidth": 1.3, "capsize": 3}


def figure(rows, height, ratios=None):
    return pyplot.subplots(rows, 1, sharex=True, squeeze=False,
                           figsize=(WIDTH / 72, height / 72),
                           gridspec_kw={"height_ratios": ratios})


def to_svg(drawn, name, title, description):
    """-> the figure as an <svg> whose ids begin with `name`, which is unique on
    the page."""
    file = io.StringIO()
    nothing = dict.fromkeys(["Creator", "Date", "Format", "Type"])
    with matplotlib.rc_context({"svg.hashsalt": name}):
        drawn.savefig(file, format="svg", dpi=72, metadata=nothing)
    pyplot.close(drawn)
    svg = file.getvalue()
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg,
                 flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', svg).group()
    opening = (f'<svg {box} role="img" aria-labelledby="{name}-title {name}-text">'
               f'<title id="{name}-title">{escape(title)}</title>'
               f'<desc id="{name}-text">{escape(description)}</desc>')
    svg = re.sub(r"<svg[^>]*>", lambda _: opening, svg, count=1)
    svg = re.sub(rf'(\bid="|href="#|url\(#)(?!{name}-)', rf"\1{name}-", svg)
    svg = svg.replace("xlink:href", "href")
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r"font: ([0-9.]+px) [^;\"]*", r"font-size: \1", svg)
    return re.sub(r"\n\s*", "\n", svg)


def plain_number(value, _=None):
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def number_axis(axis, bins=4):
    axis.yaxis.set_major_locator(MaxNLocator(bins))
    axis.yaxis.set_major_formatter(FuncFormatter(plain_number))


def rates_axis(axis, rates):
    """Ticks where there are values, and air beside a lone one."""
    room = 0.08 * (max(rates) - min(rates)) or 5
    axis.set_xlim(min(rates) - room, max(rates) + room)
    axis.set_xticks(rates)


def title_left(axis, text):
    axis.set_title(text, loc="left", color=SOFT)


# ---- The plots -------------------------------------------------------------

def over_rate(name, rows, scale, paper_percent):
    """rows: of one codec, a rate each. Above the feature MSE, below its change
    with the 95 % interval and the paper's range."""
    rates = [row["rate"] for row in rows]
    with pyplot.rc_context(STYLE):
        drawn, ((above,), (below,)) = figure(2, 330, [3, 2])
        plain = [row["plain"] / scale.factor for row in rows]
        enhanced = [row["enhanced"] / scale.factor for row in rows]
        above.plot(rates, plain, **WITHOUT)
        above.plot(rates, enhanced, **WITH)
        above.errorbar(rates, enhanced, yerr=ends(
            rows, "delta", "delta_low", "delta_high", scale.factor), **INTERVAL)
        title_left(above, f"Feature MSE{scale.unit}")
        highest = [(row["plain"] + row["delta_high"]) / scale.factor for row in rows]
        above.set_ylim(0, 1.08 * max(plain + enhanced + highest) or 1)
        number_axis(above)

        # None where frames without an error leave nothing to be a part of.
        changed = [row for row in rows if math.isfinite(row["percent"])]
        below.axhspan(*paper_percent, color=PAPER, alpha=0.25, lw=0)
        below.axhline(0, color=SOFT, lw=0.8)
        if changed:
            below.errorbar([row["rate"] for row in changed],
                           [row["percent"] for row in changed],
                           yerr=ends(changed, "percent", "percent_low", "percent_high"),
                           **{**INTERVAL, "fmt": "o", "color": ENHANCED, "ms": 5})
        title_left(below, "Change, %")
        number_axis(below)
        rates_axis(below, rates)
        below.set_xlabel("rate")
    changes = ", ".join(f"{row['percent']:+.1f} % at rate {row['rate']}" for row in changed)
    return to_svg(drawn, name, "Feature MSE over rate",
                  f"With sympieenhance the feature MSE changes by {changes or 'nothing'}. "
                  "The table has all the values.")


def over_bitrate(name, rows, bit_rates, scale):
    """rows: of one codec, a rate each, with the bit rates in kbit/s."""
    order = sorted(range(len(rows)), key=lambda i: bit_rates[i])
    rates = [bit_rates[i] for i in order]
    with pyplot.rc_context(STYLE):
        drawn, ((axis,),) = figure(1, 230)
        for side, style in (("plain", WITHOUT), ("enhanced", WITH)):
            axis.plot(rates, [rows[i][side] / scale.factor for i in order], **style)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(FuncFormatter(plain_number))
        axis.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        number_axis(axis)
        title_left(axis, f"Feature MSE{scale.unit}")
        axis.set_xlabel("kbit/s, mean over the clips")
    return to_svg(drawn, name, "Feature MSE over bit rate", "; ".join(
        f"{rate:.4g} kbit/s: {rows[i]['plain'] / scale.factor:.4g} without, "
        f"{rows[i]['enhanced'] / scale.factor:.4g} with sympieenhance"
        for rate, i in zip(rates, order)) + ".")


def ends(rows, value, low, high, factor=1):
    """The lengths of error bars, which matplotlib wants from the value on."""
    return [[max(0, row[value] - row[low]) / factor for row in rows],
            [max(0, row[high] - row[value]) / factor for row in rows]]


def over_frames(name, curves, scale):
    """Of one clip and codec; curves[rate]: frame numbers, feature MSE without,
    with. One strip a rate, each on a scale of its own: what counts is the
    distance of the two lines."""
    with pyplot.rc_context(STYLE):
        drawn, strips = figure(len(curves), 50 + 88 * len(curves))
        for (strip,), (rate, (frames, plain, enhanced)) in zip(strips, curves.items()):
            plain = [value / scale.factor for value in plain]
            enhanced = [value / scale.factor for value in enhanced]
            lone = len(frames) == 1
            strip.fill_between(frames, plain, enhanced, color=ENHANCED, alpha=0.22, lw=0)
            strip.plot(frames, plain, **{**WITHOUT, "marker": "o" if lone else None, "lw": 1})
            strip.plot(frames, enhanced, **{**WITH, "marker": "o" if lone else None, "lw": 1.2})
            number_axis(strip, 3)
            strip.margins(x=0.01, y=0.1)
            title_left(strip, f"rate {rate}" + (scale.unit if strip is strips[0, 0] else ""))
        strips[-1, 0].xaxis.set_major_locator(MaxNLocator(5, integer=True))
        strips[-1, 0].set_xlabel("frame")
    return to_svg(drawn, name, "Feature MSE frame by frame",
                  "One strip for each rate: " + "; ".join(
                      f"rate {rate}, {len(curve[0])} frames, "
                      f"{smaller(curve)} of them with a smaller error when enhanced"
                      for rate, curve in curves.items()) + ".")


def smaller(curve):
    _, plain, enhanced = curve
    return sum(b < a for a, b in zip(plain, enhanced))


def over_cost(name, rows, scale):
    """rows: of one clip, or of all, one for each interval of reuse: cost against
    feature MSE. The line across is the feature MSE without sympieenhance."""
    cost = [row["ms_per_frame"] for row in rows]
    error = [row["feature_mse"] / scale.factor for row in rows]
    with pyplot.rc_context(STYLE):
        drawn, ((axis,),) = figure(1, 250)
        axis.axhline(rows[0]["plain"] / scale.factor,
                     color=PLAIN, lw=1.3, ls=(0, (4, 2)))
        axis.errorbar(cost, error, yerr=ends(rows, "delta", "low", "high", scale.factor),
                      **INTERVAL)
        axis.plot(cost, error, **WITH)
        for x, y, row in zip(cost, error, rows):
            axis.annotate(f"{row['reuse']}", (x, y), xytext=(5, 6),
                          textcoords="offset points")
        axis.margins(0.12, 0.2)
        number_axis(axis)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.xaxis.set_major_formatter(FuncFormatter(plain_number))
        title_left(axis, f"Feature MSE{scale.unit}")
        axis.set_xlabel("milliseconds a frame")
    return to_svg(drawn, name, "Feature MSE over cost", "; ".join(
        f"parameters kept for {row['reuse']} frames: {row['ms_per_frame']:.2f} ms a frame, "
        f"{row['percent']:+.1f} %" for row in rows) + ".")
