"""Several regions on one chart: units, the mean of the others, tables and sentences of made-up forecasts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.data.forecast import MEDIAN
from forecasting.data.frequency import weekly
from forecasting.data.population import population
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.services.region_forecasts import RegionForecast
from forecasting.views import regions_chart, regions_summary
from forecasting.views.palette import DARK, LIGHT
from forecasting.views.regions_chart import AGAINST_MEAN, COUNTED, INDEXED, MEAN_LABEL, PER_100K, ChartChoices

WEEKS = 60
START = pd.Timestamp("2025-01-04")
NOW = START + pd.Timedelta(weeks=WEEKS - 1)


def part(region, level, weeks=WEEKS, slope=0.0):
    values = level * (1 + slope * np.arange(weeks))
    series = Series(START, weekly("SAT"), values, region=region)
    return RegionForecast(region, series, model("naive").forecast(series, 4))


@pytest.fixture
def parts():
    return [part("Ohio", 200.0, slope=0.01), part("Maine", 10.0), part("Texas", 1000.0, slope=0.02)]


def drawn(parts, **choices):
    return regions_chart.regions_chart(parts, ChartChoices(**choices), "new cases")


def traces(chart, theme=LIGHT):
    return {trace["uid"]: trace for trace in regions_chart.regions_figure(chart, theme)["data"]}


def test_each_region_has_a_line_a_dotted_forecast_and_its_eighty_percent_band_in_one_colour(parts):
    found = traces(drawn(parts))
    for one in parts:
        line, ahead, band = (found[f"{kind}{one.region}"] for kind in ("", "ahead-", "band-"))
        assert line["y"] == pytest.approx(one.series.values.round(1))
        assert ahead["y"][0] == line["y"][-1], "the forecast begins where the figures end"
        assert ahead["y"][1:] == pytest.approx(one.forecast.values[:, MEDIAN].round(1))
        assert ahead["line"]["color"] == line["line"]["color"]
        assert ahead["line"]["dash"] == "dot"
        assert max(band["y"]) >= max(ahead["y"])
        assert {trace["legendgroup"] for trace in (line, ahead, band)} == {one.region}
    assert len({found[one.region]["line"]["color"] for one in parts}) == 3


def test_per_100_000_people_each_region_is_divided_by_its_own_population(parts):
    among = ("Ohio", "Maine", "Texas", "Ward 7")
    chart = drawn([*parts, part("Ward 7", 5.0)], unit=PER_100K, among=among)
    assert [line.name for line in chart.lines] == ["Ohio", "Maine", "Texas"]
    for line, one in zip(chart.lines, parts, strict=True):
        assert line.past[-1] == pytest.approx(one.series.values[-1] * 100_000 / population(one.region, among).people)
    assert chart.left_out == ("The population of Ward 7 is not known here, so it is not drawn.",)
    assert chart.unit == "new cases per 100,000 people"
    assert regions_chart.population_sources(among, among)[0].startswith("Populations: US Census Bureau")


def test_figures_per_100_000_people_are_offered_where_some_population_is_known(parts):
    counts = parts[0].series
    assert list(regions_chart.units_of(counts, ["Ohio", "Ward 7"], ("Ohio", "Ward 7"))) == [COUNTED, PER_100K, INDEXED]
    assert list(regions_chart.units_of(counts, ["Ward 7"], ("Ward 7",))) == [COUNTED, INDEXED]


def test_an_index_is_100_on_the_start_or_on_the_first_date_after_it(parts):
    start = START + pd.Timedelta(days=10)
    chart = drawn(parts, unit=INDEXED, start=start)
    for line, one in zip(chart.lines, parts, strict=True):
        assert line.past[2] == pytest.approx(100)
        assert line.middle / one.forecast.values[:, MEDIAN] == pytest.approx(100 / one.series.values[2])
    assert chart.unit == "new cases, 14 Jan 2025 = 100"
    assert chart.begins == start, "the start is on show"


def test_on_a_log_axis_zeros_on_show_lie_on_its_edge_and_are_told(parts):
    empty = replace(parts[1], series=replace(parts[1].series, values=np.r_[parts[1].series.values[:-1], 0.0]))
    chart = drawn([parts[0], empty], log=True)
    figure = regions_chart.regions_figure(chart)
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert min(traces(chart)["Maine"]["y"]) == figure["layout"]["meta"]["edge"]
    assert regions_chart.zeros_sentences(chart)[0].startswith("A log axis has no zero: 1 zero")
    assert regions_chart.zeros_sentences(drawn([parts[0], empty])) == []


def test_a_region_without_a_figure_at_the_start_is_left_out_and_said_so(parts):
    empty = replace(parts[1], series=replace(parts[1].series, values=np.r_[0.0, parts[1].series.values[1:]]))
    chart = drawn([parts[0], empty, parts[2]], unit=INDEXED, start=START)
    assert [line.name for line in chart.lines] == ["Ohio", "Texas"]
    assert chart.left_out == ("Maine has no figure above zero on 4 Jan 2025, so it has no index and is not drawn.",)


def test_one_region_stands_against_the_mean_of_the_others_each_counted_alike(parts):
    chart = drawn(parts, lines=AGAINST_MEAN)
    one, mean = chart.lines
    assert (one.name, mean.name) == ("Ohio", MEAN_LABEL)
    assert mean.past == pytest.approx((parts[1].series.values + parts[2].series.values) / 2)
    low, high = regions_chart.LEVEL_INDEX[0.1], regions_chart.LEVEL_INDEX[0.9]
    for end, column in ((mean.low, low), (mean.high, high)):
        assert end == pytest.approx((parts[1].forecast.values[:, column] + parts[2].forecast.values[:, column]) / 2)
    ratio = one.past[-1] / mean.past[-1]
    sentence = regions_summary.against_mean_sentence(chart)
    assert sentence.startswith(
        f"On 21 Feb 2026 Ohio stands at {ratio:.2f} times the mean of the others; on 21 Mar 2026"
    )


def test_the_mean_is_of_dates_that_all_others_have_and_none_is_said(parts):
    shorter = part("Maine", 10.0, weeks=WEEKS - 2)
    mean = drawn([parts[0], shorter, parts[2]], lines=AGAINST_MEAN).lines[1]
    assert (mean.origin, mean.ahead[-1]) == (shorter.series.origin, shorter.forecast.dates[-1])
    odd = RegionForecast(
        "Guam",
        *(lambda s: (s, model("naive").forecast(s, 4)))(
            Series(START + pd.Timedelta(days=1), weekly("SUN"), np.full(WEEKS, 5.0))
        ),
    )
    chart = drawn([parts[0], odd, parts[2]], lines=AGAINST_MEAN)
    assert [line.name for line in chart.lines] == ["Ohio"]
    assert "no dates in common" in chart.left_out[0]
    assert regions_summary.against_mean_sentence(chart) == ""


def test_running_totals_are_drawn_as_running_totals():
    one = part("Ohio", 5.0)
    series = replace(one.series, cumulative=True, before=100.0)
    line = regions_chart.region_line(replace(one, series=series), smooth=False)
    assert line.past[0] == 105
    assert line.past[-1] == 100 + 5 * WEEKS
    assert line.middle[0] >= line.past[-1]


def test_regions_are_told_from_the_highest_rise_to_the_deepest_fall(parts):
    fall = replace(parts[1], forecast=replace(parts[1].forecast, values=parts[1].forecast.values * 0.5))
    told = regions_summary.order_sentence([fall, parts[2]])
    assert told.startswith("Expected change in 4 weeks, largest rise first: Texas")
    assert told.endswith("Maine −50 %.")


def test_tables_have_a_row_a_line_and_a_row_a_date(parts):
    chart = drawn(parts)
    summary = regions_summary.summary_table(chart)
    assert summary["Region"].tolist() == ["Ohio", "Maine", "Texas"]
    assert summary["Now"].tolist() == [one.series.values[-1] for one in parts]
    numbers = regions_summary.numbers_table(chart)
    assert len(numbers) == 3 * (WEEKS + 4)
    ohio = numbers[(numbers["region"] == "Ohio") & (numbers["kind"] == "forecast")]
    assert ohio["value"].to_numpy() == pytest.approx(parts[0].forecast.values[:, MEDIAN])
    assert (ohio["lower_80"] <= ohio["value"]).all()
    dates = regions_summary.dates_table(chart)
    assert dates["Date"].iloc[0] == parts[0].forecast.dates[-1], "the newest first"
    assert "(" in dates["Maine"].iloc[0]
    assert dates["Maine"].iloc[-1] == "10"


def test_what_is_not_drawn_as_published_is_said(parts):
    late = pd.Series([3.0], pd.DatetimeIndex([NOW + pd.Timedelta(weeks=1)]))
    corrected = replace(parts[0].series, reported=parts[0].series.tail(1) and pd.Series([1.0], [NOW]))
    notes = regions_summary.figure_notes(
        [replace(parts[0], series=corrected), replace(parts[1], series=replace(parts[1].series, provisional=late))]
    )
    assert notes == [
        "The last figures of Ohio are drawn as what they are expected to become.",
        "Provisional figures of Maine are neither used nor drawn.",
    ]


def test_the_legend_is_at_the_foot_and_leaves_the_top_to_the_chart_s_buttons(parts):
    layout = regions_chart.regions_figure(drawn(parts), DARK)["layout"]
    assert (layout["legend"]["yref"], layout["legend"]["y"]) == ("container", 0)
    assert layout["margin"]["t"] >= 30
