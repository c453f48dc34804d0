"""Panel: many regions' counts in one tidy table, with what is known about where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd

from forecasting.data.columns import AS_OF, DATE, PANEL, REGION, STATISTIC, VALUE
from forecasting.data.formatting import within_sentence
from forecasting.data.frequency import Frequency
from forecasting.data.kind import COUNT, KINDS, Kind, kind_named
from forecasting.data.panel_cache import PanelCache, PerPanel
from forecasting.data.region_calendar import RegionCalendar
from forecasting.support.errors import DataError, RequestError

#: What zeros at the end of counts are taken for: true figures, or figures that are not in yet where the level rules zeros out.
TRUE_ZEROS, UNREPORTED_ZEROS = "true", "unreported"
#: The same as `UNREPORTED_ZEROS`, but nobody has said so: a note names both readings.
ASSUMED_UNREPORTED = "assumed unreported"
#: What a person may say.
ZEROS_CHOICES = (TRUE_ZEROS, UNREPORTED_ZEROS)


@dataclass(frozen=True)
class Statistic:
    """One thing that is counted or measured, as a person may ask for it.

    Attributes:
        name: what links and files call it, e.g. ``"new_cases"``.
        label: what a page calls it, e.g. ``"New cases"``.
        unit: what is counted, plural, e.g. ``"cases"``.
        column: the value of the table's ``statistic`` column that it is made from.
        reported_cumulative: the table holds running totals.
        shown_cumulative: the person wants to see running totals.
        target: what the forecast hubs call it, where they forecast it, e.g. ``"wk inc flu hosp"``.
        kind: what its figures are.
        kind_reason: why they are taken to be that, in a few words; empty where somebody said so.
        zeros_at_end: what zeros at the end of counts are taken for, where the level before rules zeros out.
        attribution, licence: whom to credit and under what terms, where that is not what holds for the whole panel.
    """

    name: str
    label: str
    unit: str
    column: str
    reported_cumulative: bool = False
    shown_cumulative: bool = False
    target: str = ""
    kind: Kind = COUNT
    kind_reason: str = ""
    zeros_at_end: str = UNREPORTED_ZEROS
    attribution: str = ""
    licence: str = ""

    @property
    def phrase(self) -> str:
        """Its label within a sentence: ``"new cases"``, ``"COVID-19 share of emergency visits"``."""
        return within_sentence(self.label)


@dataclass(frozen=True)
class Published:
    """Which vintage of which table a panel was cut from, so that its revisions can be learned.

    Attributes:
        whole: the owner of the table with every vintage there is. Who looks at those after `at` sees the future.
        at: when the newest of what was cut had been published.
    """

    whole: PanelCache
    at: pd.Timestamp

    @property
    def table(self) -> pd.DataFrame:
        """The table with every vintage."""
        return self.whole.table

    def date_of(self, column: str) -> pd.Timestamp | None:
        """When the figures of one statistic in it had been published, which may be before `at`; None where it has none."""
        dates = self.whole.vintages.of(column)
        count = int(dates.searchsorted(self.at, side="right"))
        return dates[count - 1] if count else None


@dataclass(frozen=True)
class Panel:
    """A table of counts of many regions, with the statistics, frequencies and terms of use that belong to it.

    Attributes:
        source: the name of the source it came from.
        table: columns ``region, statistic, date, value`` (`as_of` and covariates may follow); one row a region,
            statistic and date (and vintage), sorted; `value` is float, NaN where nothing was published. Nobody writes
            into it.
        statistics: what may be asked of it, the first being the default.
        frequencies: the spacing of each ``statistic`` column's dates.
        attribution: whom to credit, in one line.
        licence: under what terms, in a few words.
        notes: sentences a page shows beside the data (its age, a failed download, that it is simulated).
        parents: region -> its enclosing region, where there is one ("Scotland" -> "United Kingdom").
        calendars: the calendar of each region whose dates are not spaced as `frequencies` says, by ``statistic`` column
            and region.
        absent: the names of statistics that its source has and it has not, with the reason in a sentence.
        published: of a panel that was cut from one with vintages, where it comes from.
        cache: what has been worked out of `table`; panels of the same table share it.
    """

    source: str
    table: pd.DataFrame
    statistics: tuple[Statistic, ...]
    frequencies: dict[str, Frequency]
    attribution: str
    licence: str
    notes: tuple[str, ...] = ()
    parents: dict[str, str] = field(default_factory=dict)
    calendars: dict[tuple[str, str], RegionCalendar] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    published: Published | None = field(default=None, repr=False)
    cache: PanelCache = field(default=None, repr=False, compare=False)  # type: ignore[assignment]  # see __post_init__

    def __post_init__(self) -> None:
        missing = [column for column in PANEL if column not in self.table.columns]
        if missing:
            raise DataError(f"The table of '{self.source}' lacks the column {missing[0]!r}.")
        if self.cache is None or self.cache.table is not self.table:
            object.__setattr__(self, "cache", PanelCache(self.table))

    def statistic(self, name: str | None = None) -> Statistic:
        """The statistic called `name` (the default one without a name). Raises `RequestError` if there is none."""
        if name is None:
            return self.statistics[0]
        for statistic in self.statistics:
            if statistic.name == name:
                return statistic
        if name in self.absent:
            raise RequestError(self.absent[name])
        known = ", ".join(s.name for s in self.statistics)
        raise RequestError(f"'{self.source}' has no statistic '{name}'; it has {known}.")

    def attribution_of(self, statistic: str | None = None) -> str:
        """Whom to credit for the figures of one statistic, in one line."""
        return self.statistic(statistic).attribution or self.attribution

    def licence_of(self, statistic: str | None = None) -> str:
        """Under what terms the figures of one statistic are."""
        return self.statistic(statistic).licence or self.licence

    def with_kind(self, name: str) -> Panel:
        """The same panel, all of whose figures are of the kind that a person calls `name`.

        Raises `RequestError` for an unknown name, `DataError` where the figures cannot be of that kind.
        """
        return replace(self, statistics=tuple(self._with_kind(one, name) for one in self.statistics))

    def with_zeros_at_end(self, reading: str) -> Panel:
        """The same panel, zeros at the end of whose counts are ``"true"`` or ``"unreported"``.

        Raises `RequestError` for another reading.
        """
        if reading not in (*ZEROS_CHOICES, ASSUMED_UNREPORTED):
            raise RequestError(f"Zeros at the end are {' or '.join(ZEROS_CHOICES)}, not '{reading}'.")
        return replace(self, statistics=tuple(replace(one, zeros_at_end=reading) for one in self.statistics))

    @property
    def kind_sentences(self) -> tuple[str, ...]:
        """What the figures are taken for and why, a sentence a statistic, where they seem to be no counts."""
        several = len({one.column for one in self.statistics}) > 1
        return tuple(
            f"{f'{one.label}: taken' if several else 'Taken'} as {one.kind.label} ({one.kind_reason})."
            for one in self.statistics
            if one.kind is not COUNT and one.kind_reason
        )

    def _with_kind(self, statistic: Statistic, name: str) -> Statistic:
        values = self.table.loc[self.table[STATISTIC] == statistic.column, VALUE].to_numpy(float, na_value=float("nan"))
        kind = kind_named(name, values)
        plural = {one.plural for one in KINDS.values()}
        label = kind.plural if statistic.label in plural else statistic.label
        unit = label.lower() if statistic.unit.capitalize() in plural else statistic.unit
        return replace(statistic, kind=kind, kind_reason="", label=label, unit=unit)

    def regions(self, statistic: str | None = None) -> list[str]:
        """Every region that has figures for `statistic`, in the order of the table (of its newest vintage)."""
        column, newest = self.statistic(statistic).column, self._newest()
        return [*newest.get(_REGIONS, column, lambda: _listed(newest.table, column))]

    def regions_of_all_vintages(self, statistic: str | None = None) -> list[str]:
        """Every region that some vintage has figures for; those that the newest lacks come last."""
        newest = self.regions(statistic)
        if not self.has_vintages():
            return newest
        column = self.statistic(statistic).column
        every = self.cache.get(_REGIONS, (column, "all"), lambda: _listed(self.table, column))
        return list(dict.fromkeys([*newest, *every]))

    def frequency_of(self, statistic: str | None, region: str) -> Frequency:
        """The spacing of one region's dates: that of most regions, unless it has its own."""
        column = self.statistic(statistic).column
        own = self.calendars.get((column, region))
        return own.frequency if own else self.frequencies[column]

    def own_calendars(self, column: str) -> dict[str, RegionCalendar]:
        """The calendars of those regions that have another one than most, by region."""
        return {region: own for (name, region), own in self.calendars.items() if name == column}

    def lost_regions(self, statistic: str | None = None) -> list[str]:
        """Regions that an earlier vintage has and the newest lacks; of a panel that was cut, of those before the cut."""
        if self.published is None:
            return self.regions_of_all_vintages(statistic)[len(self.regions(statistic)) :]
        whole, at, column = self.published.table, self.published.at, self.statistic(statistic).column
        return [*self.cache.get(_REGIONS, (column, "lost"), lambda: _lost(whole, at, column, self.regions(statistic)))]

    def newest_statistic(self, region: str | None = None) -> Statistic:
        """The statistic with the newest figures, the first of those that are equal; of a `region`, if any has it."""
        dates = self.cache.get(_NEWEST, "", lambda: _newest_dates(self.table))
        held = [one for one in self.statistics if region is None or region in self.regions(one.name)]
        return max(held or self.statistics, key=lambda one: dates.get(one.column, pd.Timestamp.min))

    def covariates(self) -> list[str]:
        """Its further columns of numbers, which are known only for the past."""
        others = [column for column in self.table.columns if column not in (*PANEL, AS_OF)]
        return [column for column in others if pd.api.types.is_numeric_dtype(self.table[column])]

    def covariate(self, name: str) -> str:
        """`name`, if it is one of `covariates`. Raises `RequestError` otherwise."""
        if name not in self.covariates():
            raise RequestError(f"'{self.source}' has no column '{name}' to use as a covariate.")
        return name

    def has_vintages(self) -> bool:
        """Whether the table tells what was published when."""
        return AS_OF in self.table.columns

    def vintages(self) -> list[pd.Timestamp]:
        """When anything in the table was published, oldest first; empty without vintages."""
        return list(self.cache.vintages.dates) if self.has_vintages() else []

    def vintages_of(self, statistic: str | None = None) -> list[pd.Timestamp]:
        """When one statistic was published, oldest first; empty without vintages."""
        column = self.statistic(statistic).column
        return list(self.cache.vintages.of(column)) if self.has_vintages() else []

    def published_on(self, statistic: str | None = None) -> pd.Timestamp | None:
        """When the newest figures of one statistic that it knows were published; None where nothing tells."""
        if self.published is not None:
            return self.published.date_of(self.statistic(statistic).column)
        return max(self.vintages_of(statistic), default=None)

    def check_published(self, statistic: str | None = None) -> None:
        """Raises `RequestError` where the panel was cut before the first vintage of a statistic."""
        asked = self.statistic(statistic)
        if self.published is not None and self.published_on(asked.name) is None:
            raise RequestError(
                f"'{self.source}' had published nothing of {asked.name} by {self.published.at:%Y-%m-%d}."
            )

    def as_of(self, date: pd.Timestamp | None) -> Panel:
        """The panel as it stood before `date`: the newest vintage before it, or, without vintages, rows up to it.

        Of statistics that were published on different days each has its own newest vintage; one that had not been published
        yet has no rows. With vintages and no `date`, the newest ones. Raises `RequestError` when nothing is that old.
        """
        if self.has_vintages():
            known = self.cache.vintage_before(date)
            if known is None:
                when = "" if date is None else f" before {date:%Y-%m-%d}"
                raise RequestError(f"'{self.source}' has no vintage{when}.")
            published = Published(self.cache, self.cache.vintages.newest(date))
            return replace(self, table=known.table, published=published, cache=known)
        if date is None or (self.table[DATE] <= date).all():
            return self
        table = self.table[self.table[DATE] <= date]
        if table.empty:
            raise RequestError(f"'{self.source}' has no figures up to {date:%Y-%m-%d}.")
        return replace(self, table=table)

    def counts(self, region: str, statistic: str | None = None) -> pd.Series:
        """The raw published figures of one region: a float series by date, as they are in the table.

        Of a panel with vintages those of the newest. Raises `RequestError` when the panel has no such region.
        """
        column = self.statistic(statistic).column
        table = self._newest().table
        rows = table[(table[REGION] == region) & (table[STATISTIC] == column)]
        if rows.empty:
            self.check_published(statistic)
            at = self.published and self.published.date_of(column)
            vintage = f" in the vintage of {at:%Y-%m-%d}" if at else ""
            vintage = " in its newest vintage" if self.has_vintages() else vintage
            raise RequestError(f"'{self.source}' has no region '{region}' for {column}{vintage}.")
        return pd.Series(rows[VALUE].to_numpy(float), index=pd.DatetimeIndex(rows[DATE]), name=region)

    def _newest(self) -> PanelCache:
        """The owner of the table as it was published last."""
        known = self.cache.vintage_before(None) if self.has_vintages() else None
        return self.cache if known is None else known


#: Regions by statistic: looked for at every run of a page, and long lists in some panels.
_REGIONS: PerPanel[tuple[str, ...]] = PerPanel(32)
_NEWEST: PerPanel[dict[str, pd.Timestamp]] = PerPanel(1)


def _newest_dates(table: pd.DataFrame) -> dict[str, pd.Timestamp]:
    """Each statistic's column with the last date that has a figure."""
    last = table.groupby(STATISTIC, observed=True, sort=False)[DATE].max()
    return {str(column): date for column, date in last.items()}


def _listed(table: pd.DataFrame, column: str) -> tuple[str, ...]:
    return tuple(table.loc[table[STATISTIC] == column, REGION].unique())


def _lost(whole: pd.DataFrame, at: pd.Timestamp, column: str, kept: list[str]) -> tuple[str, ...]:
    earlier = whole.loc[((whole[AS_OF] <= at) & (whole[STATISTIC] == column)).to_numpy(), REGION].unique()
    known = set(kept)
    return tuple(name for name in earlier if name not in known)


def new_and_cumulative(noun: str, *, reported_cumulative: bool) -> tuple[Statistic, Statistic]:
    """The two ways to ask for counts of `noun` (``"cases"``), which are also the table's ``statistic`` column."""
    return (
        Statistic(f"new_{noun}", f"New {noun}", noun, noun, reported_cumulative=reported_cumulative),
        Statistic(
            f"cumulative_{noun}",
            f"Cumulative {noun}",
            noun,
            noun,
            reported_cumulative=reported_cumulative,
            shown_cumulative=True,
        ),
    )
