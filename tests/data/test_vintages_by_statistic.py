"""A panel whose statistics were published on different days: what was known on a day is the newest vintage of each."""

import numpy as np
import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.data import panel_cache
from forecasting.data.formatting import format_date
from forecasting.data.frequency import weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.data.revisions import expected_revisions, revisions
from forecasting.evaluation.backtest import rolling_origins, series_at_cutoff
from forecasting.models import model
from forecasting.preparation.gather_pool import gather_pool
from forecasting.preparation.prepare import prepare
from forecasting.services.data_notes import lost_region_notes
from forecasting.support.errors import RequestError

STATISTICS = tuple(Statistic(f"new_{name}", f"New {name}", name, name) for name in ("colds", "fevers"))
WEEKS = pd.date_range("2024-01-06", periods=30, freq="W-SAT")


def day(text):
    return pd.Timestamp(text)


def published(column, delay, weeks, share=0.8, regions=("A", "B")):
    """A vintage a week, `delay` days after it ended; the last figure is a `share` of what it is a week later."""
    rows = [
        (region, column, WEEKS[week], (100.0 + week + place) * (share if week == last else 1), WEEKS[last] + delay)
        for place, region in enumerate(regions)
        for last in weeks
        for week in range(last + 1)
    ]
    return pd.DataFrame(rows, columns=["region", "statistic", "date", "value", "as_of"])


def panel_of(*tables):
    table = pd.concat(tables, ignore_index=True)
    return Panel("test", table, STATISTICS, {one.column: weekly("SAT") for one in STATISTICS}, "", "")


@pytest.fixture
def colds():
    """Published on Wednesdays."""
    return published("colds", pd.Timedelta(days=4), range(10, 30))


@pytest.fixture
def fevers():
    """Published on Fridays, in every other week, until the 25th."""
    return published("fevers", pd.Timedelta(days=6), range(12, 26, 2), share=0.5)


@pytest.fixture
def panel(colds, fevers):
    return panel_of(colds, fevers)


def test_before_each_day_every_statistic_has_its_own_newest_vintage(panel, colds, fevers):
    for date in pd.date_range("2024-03-01", "2024-08-15"):
        for statistic, alone in zip(STATISTICS, (colds, fevers), strict=True):
            then = alone[alone["as_of"] < date]
            known = panel.as_of(date) if (panel.table["as_of"] < date).any() else None
            if then.empty:
                assert known is None or known.regions(statistic.name) == []
                continue
            newest = then[(then["as_of"] == then["as_of"].max()) & (then["region"] == "B")].set_index("date")["value"]
            assert known.counts("B", statistic.name).to_dict() == newest.to_dict()
            assert known.published_on(statistic.name) == then["as_of"].max()


def test_the_newest_figures_of_a_statistic_that_stopped_are_still_there(panel, fevers):
    last = fevers[(fevers["as_of"] == fevers["as_of"].max()) & (fevers["region"] == "A")]
    assert panel.regions("new_fevers") == ["A", "B"]
    assert panel.counts("A", "new_fevers").tolist() == last["value"].tolist()
    assert panel.published_on("new_fevers") == fevers["as_of"].max() < panel.published_on("new_colds")
    assert panel.lost_regions("new_fevers") == []


def test_vintages_are_told_of_all_and_of_one(panel, colds, fevers):
    assert panel.vintages_of("new_fevers") == sorted(fevers["as_of"].unique())
    assert panel.vintages_of() == panel.vintages_of("new_colds") == sorted(colds["as_of"].unique())
    assert panel.vintages() == sorted({*colds["as_of"], *fevers["as_of"]})
    assert panel.as_of(None).vintages_of("new_colds") == []


def test_every_row_of_a_cut_is_the_same_as_where_the_statistic_stands_alone(colds, fevers, panel):
    date = day("2024-06-13")
    parts = [panel_of(alone).as_of(date).table for alone in (colds, fevers)]
    pd.testing.assert_frame_equal(panel.as_of(date).table.reset_index(drop=True), pd.concat(parts, ignore_index=True))


def test_what_is_learned_of_revisions_does_not_depend_on_the_other_statistic(colds, fevers, panel):
    for statistic, alone in zip(STATISTICS, (colds, fevers), strict=True):
        for date in (None, day("2024-06-13"), day("2024-06-20")):
            together, single = (prepare(one.as_of(date), "A", statistic.name) for one in (panel, panel_of(alone)))
            np.testing.assert_array_equal(together.values, single.values)
            assert (together.doubt, together.notes) == (single.doubt, single.notes)
        assert expected_revisions(panel, "A", statistic.name) == expected_revisions(
            panel_of(alone), "A", statistic.name
        )
        table = revisions(panel, "A", statistic.name)
        pd.testing.assert_frame_equal(table, revisions(panel_of(alone), "A", statistic.name))
    # Half of the last figure is missing on the day that it is published.
    assert prepare(panel_of(fevers).as_of(day("2024-07-01")), "A", "new_fevers").reported is not None


def test_a_look_back_stops_where_the_statistic_was_published(panel, fevers):
    found = rolling_origins(panel, "A", "new_fevers", horizon=2, count=6)
    assert len(found) > 2
    assert {date - pd.Timedelta(days=1) for date in found} <= set(panel.vintages_of("new_fevers"))
    origins = [series_at_cutoff(panel, "A", "new_fevers", date).origin for date in found]
    assert origins == sorted(set(origins))


def test_a_pool_has_the_vintages_of_its_own_statistic(panel, fevers):
    pool = gather_pool(prepare(panel.as_of(day("2024-06-13")), "A", "new_fevers").pool)
    dates = sorted(date for date in fevers["as_of"].unique() if date < day("2024-06-13"))
    assert [one.date for one in pool.snapshots] == dates[:-1]
    alone = gather_pool(prepare(panel_of(fevers).as_of(day("2024-06-13")), "A", "new_fevers").pool)
    np.testing.assert_array_equal(pool.values, alone.values)


def test_of_a_statistic_that_came_later_one_sentence_says_so(panel, colds):
    early = panel.as_of(day("2024-04-01"))
    assert early.regions("new_fevers") == []
    with pytest.raises(RequestError, match=r"^'test' had published nothing of new_fevers by 2024-03-27\.$"):
        prepare(early, "A", "new_fevers")
    assert len(model("naive").forecast(prepare(early, "A", "new_colds"), 2).median) == 2


def test_one_vintage_of_a_statistic_is_enough(colds):
    once = published("fevers", pd.Timedelta(days=6), [20])
    panel = panel_of(colds, once)
    assert panel.vintages_of("new_fevers") == [WEEKS[20] + pd.Timedelta(days=6)]
    assert len(prepare(panel, "A", "new_fevers").values) == 21
    with pytest.raises(RequestError, match="had published nothing of new_fevers"):
        panel.as_of(WEEKS[20] + pd.Timedelta(days=6)).counts("A", "new_fevers")


def test_a_region_that_the_newest_vintage_lacks_is_named_with_its_date(colds):
    fewer = published("fevers", pd.Timedelta(days=6), [20, 22])
    fewer = fewer[(fewer["region"] == "A") | (fewer["as_of"] < fewer["as_of"].max())]
    (said,) = lost_region_notes(panel_of(colds, fewer), ["new_colds", "new_fevers"])
    assert said.startswith(f"B is not in the newest vintage, of {format_date(WEEKS[22] + pd.Timedelta(days=6))}, but")


def test_cuts_of_many_rows_are_not_all_kept(panel, monkeypatch):
    dates = panel.vintages()
    rows = len(panel.as_of(None).table)
    monkeypatch.setattr(panel_cache, "MOST_ROWS", 3 * rows)
    cuts = [panel.as_of(date + pd.Timedelta(days=1)).table for date in dates]
    assert panel.as_of(dates[-1] + pd.Timedelta(days=1)).table is cuts[-1]
    assert panel.as_of(dates[0] + pd.Timedelta(days=1)).table is not cuts[0]


def test_the_command_line_says_which_statistic_had_not_come_and_forecasts_the_other(
    tmp_path, capsys, panel, monkeypatch
):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    path = tmp_path / "vintages.csv"
    panel.table.to_csv(path, index=False)
    common = ["forecast", "--input", str(path), "--models", "naive", "--horizon", "2", "--as-of", "2024-04-01"]
    assert main(common) == 1
    answer = capsys.readouterr()
    assert "had published nothing of fevers by 2024-03-27" in answer.err
    assert {line.split(",")[1] for line in answer.out.split()[1:]} == {"colds"}
    assert main([*common, "--statistic", "fevers"]) == 2
    assert "had published nothing of fevers by 2024-03-27" in capsys.readouterr().err
    assert main(["forecast", *common[1:-2], "--statistic", "fevers", "--as-of", "2024-08-01"]) == 0
    assert len(capsys.readouterr().out.split()) == 1 + 2 * 2 * 23
