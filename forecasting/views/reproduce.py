"""How to reproduce a view: a command line and a few lines of Python that make the same forecasts again.

Names come from strangers' files. Whatever they are, they stay one word of the shell and one string of Python, and no
comment holds them as they came.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import pandas as pd

from forecasting.data.columns import DATE
from forecasting.data.panel import Panel
from forecasting.data.series import Series
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.panel_file import may_be_totals

#: The prefix of the source name of a reader's own file.
UPLOAD_PREFIX = "yours-"
_FIGURES_FROM = "Figures from "
#: Letters of the longest mapping that stands in a command line; a longer one is a file beside it.
MAX_MAPPING_LETTERS = 2_000
#: The name of that file.
MAPPING_FILE = "mapping.json"


@dataclass(frozen=True)
class ReproducibleView:
    """Everything that determines the forecasts on a page.

    Attributes:
        panel: the figures, as they were asked for.
        region, statistic: whose forecasts, and of what.
        models: names, in the order of the page.
        horizon: periods ahead.
        series: what the models see.
        window: the last so many periods are learned from; None is all.
        covariates: further columns that are learned from.
        as_of: only what was known then; by default what the panel knows.
        file: where the panel comes from a reader's own file, how that is called.
        mapping: which column of that is what, where it is not as usual.
    """

    panel: Panel
    region: str
    statistic: str
    models: tuple[str, ...]
    horizon: int
    series: Series
    window: int | None = None
    covariates: tuple[str, ...] = ()
    as_of: pd.Timestamp | None = None
    file: str = ""
    mapping: ColumnMapping | None = None

    @property
    def needed_file(self) -> str:
        """The name of the reader's file that is needed to reproduce it; empty for a source that everybody has."""
        if self.file or not self.panel.source.startswith(UPLOAD_PREFIX):
            return self.file
        credit = self.panel.attribution
        return credit.removeprefix(_FIGURES_FROM) if credit.startswith(_FIGURES_FROM) else "your file"

    @property
    def known_date(self) -> pd.Timestamp:
        """The day that stands for what the panel knows: `Panel.as_of` gives the same figures for it.

        Of vintages those before a day are used, so it is the day after the newest one.
        """
        if self.as_of is not None:
            return self.as_of
        vintages = self.panel.vintages()
        if vintages:
            return vintages[-1].normalize() + pd.Timedelta(days=1)
        last = self.panel.table[DATE].max()
        return last if last == last.normalize() else last.normalize() + pd.Timedelta(days=1)

    @property
    def cumulative(self) -> bool:
        """Whether a reader's file must be said to hold running totals, beside what a mapping says."""
        return (
            bool(self.needed_file) and self.mapping is None and self.panel.statistic(self.statistic).reported_cumulative
        )

    @property
    def denies_totals(self) -> bool:
        """Whether the file's figures never fall and were taken for single ones all the same, which has to be said."""
        return bool(self.needed_file) and self.mapping is None and not self.cumulative and may_be_totals(self.panel)


def command_line(view: ReproducibleView) -> str:
    """A command line, for a POSIX shell, that writes the view's forecasts table; what it cannot do is a comment."""
    given = ["--input", _path(view.needed_file)] if view.needed_file else ["--source", view.panel.source]
    options = [
        given,
        ["--statistic=" + view.statistic],
        ["--region=" + view.region],
        ["--models", ",".join(view.models)],
        ["--horizon", str(view.horizon)],
        ["--as-of", f"{view.known_date:%Y-%m-%d}"],
        ["--output", "forecasts.csv"],
    ]
    if view.series.holidays:
        options.insert(-1, ["--holidays", view.series.holidays])
    if view.covariates:
        options.insert(-1, ["--covariates=" + ",".join(view.covariates)])
    if view.cumulative or view.denies_totals:
        options.insert(1, ["--cumulative" if view.cumulative else "--no-cumulative"])
    if view.mapping is not None:
        text = view.mapping.to_json()
        options.insert(1, ["--mapping", text if len(text) <= MAX_MAPPING_LETTERS else MAPPING_FILE])
    lines = ["python -m forecasting forecast", *("  " + shlex.join(option) for option in options)]
    return "\n".join([*_comments(view), *_not_here(view), " \\\n".join(lines)])


def python_snippet(view: ReproducibleView) -> str:
    """Python that makes the view's forecasts table, the training window included."""
    window = f", {view.window}" if view.window else ""
    covariates = f".with_covariates({list(view.covariates)!r})" if view.covariates else ""
    holidays = f".with_holidays({view.series.holidays!r})" if view.series.holidays else ""
    if view.mapping is not None:
        reader = "\n".join(
            [
                "from forecasting.tables.column_mapping import ColumnMapping",
                "from forecasting.tables.mapped_table import read_mapped_file",
            ]
        )
        text = view.mapping.to_json()
        mapping_text = (
            repr(text) if len(text) <= MAX_MAPPING_LETTERS else f'Path({MAPPING_FILE!r}).read_text(encoding="utf-8")'
        )
        panel = f"read_mapped_file({_path(view.needed_file)!r}, ColumnMapping.from_json({mapping_text}))[0]"
    elif view.needed_file:
        reader = "from forecasting.tables.panel_file import read_panel"
        said = f", cumulative={view.cumulative}" if view.cumulative or view.denies_totals else ""
        panel = f"read_panel({_path(view.needed_file)!r}{said})"
    else:
        reader = "from forecasting.sources import source"
        panel = f"source({view.panel.source!r}).panel()"
    return "\n".join(
        [
            *_comments(view),
            "from pathlib import Path",
            "",
            "import pandas as pd",
            "",
            "from forecasting import export",
            "from forecasting.services.service import Service, forecasts_table",
            reader,
            "",
            f"panel = {panel}.as_of(pd.Timestamp({f'{view.known_date:%Y-%m-%d}'!r}))",
            "service = Service()",
            "try:",
            f"    series = service.series(panel, {view.region!r}, {view.statistic!r}{window}){covariates}{holidays}",
            f"    if series.digest() != {view.series.digest()!r}:",
            '        print("The figures are not the same any more: they were revised since.")',
            f"    forecasts = [service.forecast(series, model, {view.horizon}) for model in {view.models!r}]",
            "finally:",
            "    service.close()",
            f"table = forecasts_table({view.region!r}, series, forecasts)",
            'Path("forecasts.csv").write_bytes(export.to_csv(table))',
        ]
    )


def _comments(view: ReproducibleView) -> list[str]:
    if not view.needed_file:
        return []
    needed = [f"# This needs the file {_path(view.needed_file)!r}, which only its owner has, in the current folder."]
    if view.mapping is not None and len(view.mapping.to_json()) > MAX_MAPPING_LETTERS:
        needed.append(f"# Beside it {MAPPING_FILE!r}, which of its columns is what: a download of Your data.")
    return needed


def _not_here(view: ReproducibleView) -> list[str]:
    if not view.window:
        return []
    steps = view.series.frequency.steps(view.window)
    return [f"# The page learns from the last {steps} only, the command line from all: use the Python instead."]


def _path(name: str) -> str:
    """A file's name on one line that no shell takes for an option or a folder."""
    bare = "".join(sign for sign in name.replace("\\", "/").rpartition("/")[2] if sign.isprintable()) or "file"
    return f"./{bare}" if bare.startswith("-") else bare
