import io
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecasting import sources
from forecasting.cli.main import main
from forecasting.data.us_states import FIPS
from forecasting.preparation.prepare import prepare
from forecasting.sources import source
from forecasting.sources.forecast_hubs import HubSource
from forecasting.sources.shared.http import DownloadLimits
from forecasting.sources.shared.hubs import HUBS
from forecasting.support.errors import RequestError, SourceError

CODES = {**{postal: code for code, postal in FIPS.items()}, "US": "US"}
COVID, ED = "wk inc covid hosp", "wk inc covid prop ed visits"
FLU = """"as_of","target","target_end_date","location","location_name","observation","weekly_rate"
2025-01-11,"wk inc flu hosp",2025-01-04,"01","Alabama",30,0.5
2025-01-11,"wk inc flu hosp",2025-01-11,"01","Alabama",20,0.4
2025-01-11,"wk inc flu hosp",2025-01-04,"US","US",3000,0.9
2025-01-11,"wk inc flu hosp",2025-01-11,"US","US",2500,0.7
2025-07-09,"wk inc flu hosp",2025-01-04,"01","Alabama",31,0.5
2025-07-09,"wk inc flu hosp",2025-01-11,"01","Alabama",NA,NA
2025-07-09,"wk inc flu hosp",2025-01-04,"US","US",3001,0.9
2025-07-09,"wk inc flu hosp",2025-01-11,"US","US",2900,0.8
2025-07-09,"wk inc flu prop ed visits",2025-01-11,"US","US",0.04,NA
"""


def day(text):
    return pd.Timestamp(text)


def as_published(vintages, target=COVID, week="target_end_date"):
    """A `vintages` table (as_of, region, date, value) in the columns, order and types of the COVID-19 hub."""
    return pd.DataFrame(
        {
            week: vintages["date"].dt.date,
            "observation": vintages["value"].astype(float),
            "location": vintages["region"].map(CODES),
            "as_of": vintages["as_of"].dt.date,
            "target": target,
        }
    )


def parquet(table):
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), body)
    return body.getvalue()


@pytest.fixture(scope="module")
def vintages(shared):
    return pd.read_csv(shared / "hub-dev" / "vintages.csv.gz", parse_dates=["as_of", "date"])


@pytest.fixture
def publish(publisher):
    def write(table):
        (publisher.folder / "time-series.parquet").write_bytes(parquet(table))

    return write


@pytest.fixture
def covid(publisher, clock, publish, vintages):
    visits = as_published(vintages.head(200).assign(value=0.01), ED)
    publish(pd.concat([as_published(vintages), visits]))
    return HubSource(HUBS["cdc_covid"], publisher.url, now=clock)


@pytest.fixture
def flu(publisher, clock):
    publisher.write("time-series.csv", FLU)
    return HubSource(HUBS["flusight"], publisher.url, now=clock)


def test_the_real_addresses_are_the_hubs_own():
    covid, flu = source("cdc_covid"), source("flusight")
    assert covid.base + covid.files[0] == (
        "https://raw.githubusercontent.com/CDCgov/covid19-forecast-hub/main/target-data/time-series.parquet"
    )
    assert flu.base + flu.files[0] == (
        "https://raw.githubusercontent.com/cdcepi/FluSight-forecast-hub/main/target-data/time-series.csv"
    )


def test_regions_go_by_name_and_the_nation_stands_first(covid):
    panel = covid.panel()
    regions = panel.regions()
    assert regions[:3] == ["United States", "Alabama", "Alaska"]
    assert regions[1:] == sorted(regions[1:])
    assert {"District of Columbia", "Puerto Rico"} <= set(regions)
    assert len(regions) == 53
    assert panel.parents["Puerto Rico"] == "United States"
    assert "United States" not in panel.parents


def test_the_statistic_is_new_admissions_by_the_week_to_saturday(covid, flu):
    for hub in (covid, flu):
        panel = hub.panel()
        (statistic,) = panel.statistics
        assert (statistic.name, statistic.label, statistic.unit) == (
            "new_admissions",
            "New hospital admissions",
            "admissions",
        )
        assert panel.frequencies[statistic.column].alias == "W-SAT"
        assert (panel.counts("United States").index.day_name() == "Saturday").all()


def test_every_vintage_is_kept_with_its_figures(covid, vintages):
    panel = covid.panel()
    assert panel.has_vintages()
    assert panel.vintages() == sorted(vintages["as_of"].unique())
    assert len(panel.table) == len(vintages)
    for at in panel.vintages()[::7]:
        then = vintages[(vintages["as_of"] == at) & (vintages["region"] == "TX")]
        counts = panel.as_of(at + pd.Timedelta(days=1)).counts("Texas")
        assert counts.to_dict() == then.set_index("date")["value"].to_dict()


def test_as_of_a_date_means_the_newest_vintage_before_it_and_not_on_it(covid):
    panel = covid.panel()
    second, third = panel.vintages()[1:3]
    before = panel.as_of(third)
    assert before.counts("Texas").equals(panel.as_of(second + pd.Timedelta(days=1)).counts("Texas"))
    assert len(panel.as_of(third + pd.Timedelta(days=1)).counts("Texas")) == len(before.counts("Texas")) + 1
    with pytest.raises(RequestError, match="'cdc_covid' has no vintage before 2024-11-20"):
        panel.as_of(day("2024-11-20"))


def test_without_a_date_the_newest_vintage_is_meant(covid, vintages):
    newest = vintages[vintages["as_of"] == vintages["as_of"].max()].set_index(["region", "date"])["value"]
    panel = covid.panel()
    assert panel.counts("Ohio").to_dict() == newest["OH"].to_dict()
    series = prepare(panel, "Ohio")
    assert len(series.values) + (0 if series.provisional is None else len(series.provisional)) == len(newest["OH"])


def test_poisoning_later_vintages_changes_nothing_of_an_earlier_one(covid, publish, vintages, clock):
    date = day("2025-02-01")
    known = covid.panel().as_of(date)
    clock.pass_(days=2)
    poisoned = vintages.assign(value=vintages["value"].where(vintages["as_of"] < date, 1e6))
    publish(as_published(poisoned))
    panel = covid.panel()
    assert panel.counts("Ohio").min() == 1e6
    pd.testing.assert_frame_equal(panel.as_of(date).table, known.table)
    for region in ("United States", "Ohio"):
        np.testing.assert_array_equal(prepare(panel.as_of(date), region).values, prepare(known, region).values)


def test_other_targets_in_the_file_are_left_out(covid, flu):
    assert covid.panel().table["value"].max() > 1
    assert set(covid.panel().table["statistic"]) == {"admissions"}
    assert flu.panel().counts("United States").tolist() == [3001, 2900]


def test_the_older_name_of_the_week_is_understood_and_csv_as_well(publisher, clock, vintages):
    few = as_published(vintages[vintages["region"].isin(["AL", "US"])], week="date")
    (publisher.folder / "time-series.parquet").write_bytes(few.assign(state="AL").to_csv(index=False).encode())
    panel = HubSource(HUBS["cdc_covid"], publisher.url, now=clock).panel()
    assert panel.regions() == ["United States", "Alabama"]
    assert len(panel.vintages()) == vintages["as_of"].nunique()


def test_a_vintage_called_by_its_last_week_counts_from_the_wednesday_after(flu):
    panel = flu.panel()
    assert panel.vintages() == [day("2025-01-15"), day("2025-07-09")]
    with pytest.raises(RequestError, match="no vintage before 2025-01-13"):
        panel.as_of(day("2025-01-13"))
    assert panel.as_of(day("2025-01-18")).counts("Alabama").tolist() == [30, 20]


def test_a_figure_that_was_not_published_is_missing_and_not_zero(flu):
    assert np.isnan(flu.panel().counts("Alabama").iloc[-1])


def test_of_a_figure_that_a_vintage_has_twice_the_later_row_counts(publisher, flu):
    publisher.write("time-series.csv", FLU + '2025-07-09,"wk inc flu hosp",2025-01-11,"US","US",2901,0.8\n')
    assert flu.panel().counts("United States").tolist() == [3001, 2901]


def test_codes_of_no_known_place_are_left_out_and_named(publisher, flu):
    publisher.write("time-series.csv", FLU.replace('"01","Alabama"', '"HHS 4","Region 4"'))
    panel = flu.panel()
    assert panel.regions() == ["United States"]
    assert panel.notes[1] == "Left out, because the codes are of no known place: HHS 4."


def test_a_second_start_reads_the_parsed_table_and_gives_the_same(covid, publisher, clock, monkeypatch):
    first = covid.panel()
    again = HubSource(HUBS["cdc_covid"], publisher.url, now=clock)
    monkeypatch.setattr(again, "read", None)
    pd.testing.assert_frame_equal(again.panel().table, first.table)


@pytest.mark.parametrize(
    ("column", "renamed"),
    [
        ("observation", "value"),
        ("as_of", "issued"),
        ("location", "fips"),
        ("target", "what"),
        ("target_end_date", "week"),
    ],
)
def test_a_changed_column_is_named_and_the_last_good_copy_stays(covid, publish, vintages, column, renamed):
    before = covid.panel().counts("Ohio")
    publish(as_published(vintages).rename(columns={column: renamed}))
    assert covid.fetch() == (
        "The COVID-19 Forecast Hub sent something else than usual (time-series.parquet: the header lacks the column "
        f"'{column}'); these figures are from just now."
    )
    assert covid.panel().counts("Ohio").equals(before)


def test_a_target_that_is_there_no_more_is_named(covid, publish, vintages):
    publish(as_published(vintages, ED))
    with pytest.raises(SourceError, match=r"there is no row of the target 'wk inc covid hosp'"):
        covid.panel()


def test_damaged_parquet_is_refused_in_one_line(covid, publisher):
    (publisher.folder / "time-series.parquet").write_bytes(b"PAR1 is how it begins, and then it is nothing of the kind")
    with pytest.raises(SourceError, match=r"time-series\.parquet: it cannot be read as Parquet"):
        covid.panel()


def test_an_error_page_instead_of_the_figures_is_refused(flu, publisher):
    publisher.write("time-series.csv", "<!DOCTYPE html>\n<p>Too many requests</p>\n")
    with pytest.raises(SourceError, match="FluSight sent something else than usual"):
        flu.panel()


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        ("missing", "could not be reached (it answered 404 Not Found)"),
        ("truncated", "broke off before the end of the file"),
        ("silent", "could not be reached (no answer within 0.5 s)"),
    ],
)
def test_when_a_download_fails_the_last_copy_stays_and_the_note_says_why(covid, publisher, clock, failure, why):
    before = covid.panel().table
    if failure == "silent":
        covid.downloads.limits = DownloadLimits(stall=0.5, total=60)
    publisher.failure = failure
    clock.pass_(days=3)
    panel = covid.panel()
    assert panel.notes[0] == f"The COVID-19 Forecast Hub {why}; these figures are from 3 days ago."
    pd.testing.assert_frame_equal(panel.table, before)


def test_much_fewer_vintages_than_before_are_not_believed(covid, publish, vintages):
    covid.panel()
    publish(as_published(vintages[vintages["as_of"] < "2025-03-01"]))
    assert "sent much less than before" in covid.fetch()
    assert covid.panel().vintages()[-1] > day("2025-06-01")


def test_asking_again_for_regions_and_counts_costs_no_new_cut(covid):
    panel = covid.panel()
    panel.regions()
    start = time.process_time()
    for _ in range(20):
        covid.panel().counts("Texas")
    assert (time.process_time() - start) / 20 < 0.005
    assert covid.panel().as_of(None).table is panel.as_of(None).table


def test_a_file_without_its_newest_vintage_and_negative_admissions_keep_the_last_copy(covid, publish, vintages):
    before = covid.panel()
    publish(as_published(vintages[vintages["as_of"] < vintages["as_of"].max()]))
    assert "The COVID-19 Forecast Hub left out the newest vintage, 2 Jul 2025 (now" in covid.fetch()
    publish(as_published(vintages.assign(value=-vintages["value"])))
    said = covid.panel().notes[0]
    assert "--accept" not in said
    assert covid.panel().table is before.table
    said = covid.fetch()
    assert said.startswith("The COVID-19 Forecast Hub sent figures that cannot be (as −")
    assert said.endswith(
        "these figures are from just now. "
        "To take what is sent now all the same: python -m forecasting fetch --source cdc_covid --accept"
    )


def test_a_person_can_have_a_smaller_file_taken_on_the_command_line(covid, publish, vintages, monkeypatch, capsys):
    covid.panel()
    monkeypatch.setitem(sources._in_this_folder(), "cdc_covid", covid)
    publish(as_published(vintages[vintages["region"] != "US"][::2]))
    assert main(["fetch", "--source", "cdc_covid"]) == 0
    assert "sent much less than before" in capsys.readouterr().out
    assert main(["fetch", "--source", "cdc_covid", "--accept"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "These figures of the COVID-19 Forecast Hub are from just now. Taken as you asked, although the "
    )
    assert "COVID-19 Forecast Hub sent much less than before (" in said
    assert "United States" not in covid.panel().regions()
    assert covid.fetch() == "These figures of the COVID-19 Forecast Hub are from just now."


def test_a_first_file_that_is_not_believed_says_how_to_accept_it(flu, publisher):
    publisher.write("time-series.csv", FLU.replace(",30,0.5", ",-30,0.5"))
    with pytest.raises(
        SourceError, match=r"cannot be \(as −30\), and there is no earlier copy here; .* flusight --accept"
    ):
        flu.fetch()
    flu.fetch(accept=True)
    assert flu.panel().counts("United States").tolist() == [3001, 2900]
