"""The skill heatmap: for each date and horizon a tile that shows how much better a model was than seasonal naive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.columns import HORIZON, MODEL, ORIGIN
from forecasting.data.formatting import format_date
from forecasting.data.frequency import Frequency
from forecasting.views.charts import base_layout
from forecasting.views.palette import LIGHT, Theme

#: Horizons that share a row of the heatmap where steps are shorter than a day: half a day.
ROWS_A_DAY = 2
#: The ratio, and one over it, that has the strongest colour.
STRONGEST_RATIO = 4.0
#: The colour of worse ratios on light and on dark: with the next, vermilion and blue of Okabe & Ito (2008), which
#: colour-blind readers can tell apart.
WORSE_COLOURS = ("#c24e00", "#ff8a3d")
#: The colour of better ratios on light and on dark.
BETTER_COLOURS = ("#0067a5", "#3fa9f5")
#: The colour of a ratio of 1 on light and on dark.
EVEN_COLOURS = ("#eceff3", "#2b3646")


def skill_table(judged: pd.DataFrame, name: str, frequency: Frequency) -> pd.DataFrame:
    """One model's WIS over seasonal naive's, by origin (rows) and horizons (columns, called like ``"8–14"``).

    NaN where nothing has come yet, or seasonal naive was right to the count.
    """
    both = judged[judged[MODEL].isin([name, "naive"])]
    size = max(frequency.cycle // ROWS_A_DAY, 1) if frequency.minutes else frequency.cycle
    group = (both[HORIZON].astype(int) - 1) // size
    means = both.groupby([both[MODEL], both[ORIGIN], group])["wis"].mean().unstack(MODEL)
    ratio = means[name] / means["naive"].where(means["naive"] > 0) if name in means else means["naive"] * np.nan
    wide = ratio.unstack(HORIZON)
    wide.columns = [f"{size * g + 1}–{size * (g + 1)}" if size > 1 else str(g + 1) for g in wide.columns]
    return wide


def skill_heatmap(
    ratios: pd.DataFrame, step: str, chosen: pd.Timestamp, theme: Theme = LIGHT, names: dict[Any, str] | None = None
) -> dict[str, Any]:
    """The Plotly figure of `skill_table`: a row of tiles for each horizon, one for each date; the chosen date is framed.

    `names` are what the dates are called in the hover text.
    """
    names = names or {}
    shown = [names.get(origin, format_date(origin)) for origin in ratios.index]
    traces = []
    for column in ratios:
        values = ratios[column].to_numpy(float)
        text = [f"{value:.2f} times no change's" if np.isfinite(value) else "nothing to compare" for value in values]
        traces.append(
            {
                "type": "bar",
                "uid": f"row {column}",
                "name": str(column),
                "x": list(range(len(values))),
                "y": [1.0] * len(values),
                "marker": {
                    "color": [ratio_colour(value, theme) for value in values],
                    "line": {"width": 2, "color": theme.background},
                },
                "customdata": [list(pair) for pair in zip(shown, text, strict=True)],
                "hovertemplate": f"%{{customdata[0]}}<br>{step}s ahead: {column}<br>WIS %{{customdata[1]}}<extra></extra>",
                "showlegend": False,
            }
        )
    layout = base_layout(None, theme, f"{step}s ahead")
    layout |= {"barmode": "stack", "bargap": 0, "hovermode": "closest", "dragmode": False}
    ticks = _ticks(len(shown))
    layout["xaxis"] |= {
        "range": [-0.5, len(shown) - 0.5],
        "tickvals": ticks,
        "ticktext": [shown[i] for i in ticks],
        "tickangle": 0,
        "showline": False,
        "fixedrange": True,
    }
    rows = len(ratios.columns)
    layout["yaxis"] |= {
        "tickvals": [row + 0.5 for row in range(rows)],
        "ticktext": [str(column) for column in ratios],
        "tickformat": "",
        "gridcolor": "rgba(0,0,0,0)",
    }
    if chosen in ratios.index:
        at = int(ratios.index.get_loc(chosen))
        frame = {"type": "rect", "x0": at - 0.5, "x1": at + 0.5, "y0": 0, "y1": rows}
        layout["shapes"] = [{**frame, "line": {"color": theme.text, "width": 2}}]
    return {"data": traces, "layout": layout}


def _ticks(count: int, most: int = 4) -> list[int]:
    """The indices of a few labels, evenly apart."""
    step = max(-(-count // most), 1)
    return list(range(step // 2, count, step))


def ratio_colour(ratio: float, theme: Theme = LIGHT) -> str:
    """The colour of a ratio: blue below 1, vermilion above, as strong as its logarithm is large."""
    if not np.isfinite(ratio):
        return theme.background
    strength = float(np.clip(np.log(max(ratio, 1e-9)) / np.log(STRONGEST_RATIO), -1, 1))
    end = (WORSE_COLOURS if strength > 0 else BETTER_COLOURS)[theme.dark]
    return _mixed(EVEN_COLOURS[theme.dark], end, abs(strength))


def colour_key_html(theme: Theme = LIGHT) -> str:
    """The key to the heatmap's colours, in HTML."""
    better, worse = (colours[theme.dark] for colours in (BETTER_COLOURS, WORSE_COLOURS))
    strip = f"linear-gradient(90deg, {better}, {EVEN_COLOURS[theme.dark]}, {worse})"
    return (
        '<div style="display:flex;align-items:center;gap:.6rem;font-size:.85rem;flex-wrap:wrap">'
        f"<span>better ({1 / STRONGEST_RATIO:g}×)</span>"
        f'<span style="flex:1 1 6rem;max-width:16rem;height:.7rem;border-radius:.35rem;background:{strip}"></span>'
        f"<span>worse ({STRONGEST_RATIO:g}×)</span></div>"
    )


def _mixed(one: str, other: str, share: float) -> str:
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)
