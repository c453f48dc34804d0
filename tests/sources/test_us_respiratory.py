"""The three respiratory hubs as one source, from files as the hubs publish them."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sweeps import only_whole

from forecasting import sources
from forecasting.cli.main import main
from forecasting.data.kind import SHARE
from forecasting.data.us_states import FIPS
from forecasting.export.hub_rules import hub_rule_violations
from forecasting.preparation.gather_pool import gather_pool
from forecasting.preparation.prepare import prepare
from forecasting.sources.forecast_hubs import HubSource
from forecasting.sources.shared.hubs import HUBS
from forecasting.sources.us_respiratory import UsRespiratory
from forecasting.support.errors import RequestError, SourceError

ADMISSIONS = ("new_covid_admissions", "new_flu_admissions", "new_rsv_admissions")
SHARES = ("covid_ed_share", "flu_ed_share", "rsv_ed_share")
CODES = {**{postal: code for code, postal in FIPS.items()}, "US": "US"}
PLACES = ("AL", "OH", "TX", "US")
WEEKS = pd.date_range("2025-01-04", periods=24, freq="W-SAT")
#: From the end of a week to the day on which each hub publishes it.
DELAYS = {"covid": 4, "flu": 5, "rsv": 4}


def day(text):
    return pd.Timestamp(text)


def target_of(short):
    return f"wk inc {short} hosp"


def shares_of(short):
    return f"wk inc {short} prop ed visits"


def published(target, vintages, delay, level, places=PLACES):
    """A row a vintage, week and place; figures of the last week are three quarters of what they are later."""
    rows = [
        (WEEKS[last] + pd.Timedelta(days=delay), target, WEEKS[week], CODES[place], level * (1 + week + i) * late)
        for last in vintages
        for week in range(last + 1)
        for i, place in enumerate(places)
        for late in [0.75 if week == last else 1]
    ]
    return pd.DataFrame(rows, columns=["as_of", "target", "target_end_date", "location", "observation"])


def of_disease(short, admissions=range(10, 24), shares=range(14, 24), level=100):
    """A hub's rows: admissions of four places, shares of three of them."""
    delay = DELAYS[short]
    return pd.concat(
        [
            published(target_of(short), admissions, delay, level),
            published(shares_of(short), shares, delay, level / 1e6, PLACES[1:]),
        ],
        ignore_index=True,
    )


def parquet(table):
    body = io.BytesIO()
    days = {column: table[column].dt.date for column in ("as_of", "target_end_date")}
    # The hubs of COVID-19 and RSV call the week `date` or `target_end_date`.
    stored = table.assign(**days).rename(columns={"target_end_date": "date"})
    pq.write_table(pa.Table.from_pandas(stored, preserve_index=False), body)
    return body.getvalue()


def csv(table):
    rows = table.assign(location_name="", weekly_rate=0.5)
    return rows.to_csv(index=False, na_rep="NA").encode()


class Hubs:
    """The three hubs on loopback, each in its folder."""

    def __init__(self, publisher):
        self.url, self.folder, self.asked = publisher.url, publisher.folder, publisher.asked
        for hub in HUBS.values():
            (self.folder / hub.name).mkdir()

    def file(self, short):
        hub = next(hub for hub in HUBS.values() if hub.short == short)
        return self.folder / hub.name / hub.target_file

    def publish(self, short, table):
        self.file(short).write_bytes(csv(table) if short == "flu" else parquet(table))


@pytest.fixture
def hubs(publisher):
    hubs = Hubs(publisher)
    for short, level in (("covid", 100), ("flu", 1000), ("rsv", 50)):
        hubs.publish(short, of_disease(short, level=level))
    return hubs


@pytest.fixture
def live(hubs, clock):
    return UsRespiratory(hubs.url, now=clock)


def test_the_addresses_are_the_hubs_own():
    asked = [hub.base + hub.files[0] for hub in sources.source("us_respiratory").hubs]
    assert asked == [
        "https://raw.githubusercontent.com/CDCgov/covid19-forecast-hub/main/target-data/time-series.parquet",
        "https://raw.githubusercontent.com/cdcepi/FluSight-forecast-hub/main/target-data/time-series.csv",
        "https://raw.githubusercontent.com/CDCgov/rsv-forecast-hub/main/target-data/time-series.parquet",
    ]


def test_it_has_three_diseases_with_two_statistics_each(live):
    panel = live.panel()
    assert tuple(one.name for one in panel.statistics) == ADMISSIONS + SHARES
    assert panel.statistics == live.statistics()
    assert [one.target for one in panel.statistics] == [
        *(target_of(short) for short in DELAYS),
        *(shares_of(short) for short in DELAYS),
    ]
    assert [one.label for one in panel.statistics[:3]] == [
        "New COVID-19 hospital admissions",
        "New influenza hospital admissions",
        "New RSV hospital admissions",
    ]
    assert panel.statistic("flu_ed_share").label == "Influenza share of emergency visits"
    assert [one.kind is SHARE for one in panel.statistics] == [False] * 3 + [True] * 3
    assert {panel.frequencies[one.column].alias for one in panel.statistics} == {"W-SAT"}
    for name in ADMISSIONS:
        assert panel.regions(name) == ["United States", "Alabama", "Ohio", "Texas"]
    for name in SHARES:
        assert panel.regions(name) == ["United States", "Ohio", "Texas"]
    assert panel.parents == dict.fromkeys(("Alabama", "Ohio", "Texas"), "United States")
    assert panel.absent == {}


def test_each_statistic_is_as_its_hub_published_it_at_every_date(live):
    panel = live.panel()
    for short in DELAYS:
        for target, name in ((target_of(short), f"new_{short}_admissions"), (shares_of(short), f"{short}_ed_share")):
            rows = of_disease(short, level={"covid": 100, "flu": 1000, "rsv": 50}[short])
            rows = rows[(rows["target"] == target) & (rows["location"] == CODES["OH"])]
            assert panel.vintages_of(name) == sorted(rows["as_of"].unique())
            for date in pd.date_range(rows["as_of"].min() + pd.Timedelta(days=1), "2025-07-01", freq="5D"):
                then = rows[rows["as_of"] < date]
                then = then[then["as_of"] == then["as_of"].max()].set_index("target_end_date")["observation"]
                assert panel.as_of(date).counts("Ohio", name).to_dict() == then.to_dict()


def test_on_a_day_between_two_hubs_each_has_its_own_newest_vintage(live):
    wednesday = WEEKS[20] + pd.Timedelta(days=4)
    known = live.panel().as_of(wednesday + pd.Timedelta(days=1))
    assert known.published_on("new_covid_admissions") == known.published_on("rsv_ed_share") == wednesday
    assert known.published_on("new_flu_admissions") == WEEKS[19] + pd.Timedelta(days=5)
    assert {len(known.counts("Ohio", name)) for name in ("new_covid_admissions", "new_rsv_admissions")} == {21}
    assert len(known.counts("Ohio", "new_flu_admissions")) == 20


def test_the_share_beside_admissions_is_what_was_published_by_then(live):
    panel = live.panel()
    assert panel.covariates() == ["ed_share"]
    for place in (12, 15, 20):
        known = panel.as_of(WEEKS[place] + pd.Timedelta(days=6))
        table = known.table[known.table["statistic"] == "flu_admissions"]
        beside = table[table["region"] == "Ohio"].set_index("date")["ed_share"]
        if place < 14:
            assert beside.isna().all()
            continue
        assert beside.to_dict() == known.counts("Ohio", "flu_ed_share").to_dict()
        assert table[table["region"] == "Alabama"]["ed_share"].isna().all()


def test_a_share_that_is_published_after_the_admissions_is_not_beside_them(hubs, clock):
    late = published(shares_of("rsv"), range(14, 24), DELAYS["rsv"] + 2, 5e-5)
    hubs.publish("rsv", pd.concat([published(target_of("rsv"), range(10, 24), DELAYS["rsv"], 50), late]))
    panel = UsRespiratory(hubs.url, now=clock).panel()
    known = panel.as_of(WEEKS[20] + pd.Timedelta(days=7))
    table = known.table[(known.table["statistic"] == "rsv_admissions") & (known.table["region"] == "Ohio")]
    beside, shares = table.set_index("date")["ed_share"], known.counts("Ohio", "rsv_ed_share")
    assert np.isnan(beside[WEEKS[20]])
    assert beside[WEEKS[19]] == pytest.approx(0.75 * shares[WEEKS[19]])
    assert beside[WEEKS[18]] == shares[WEEKS[18]]


def test_covariates_come_along_with_the_pool_of_admissions(live):
    series = prepare(live.panel(), "Ohio", "new_covid_admissions").with_covariates(["ed_share"])
    pool = gather_pool(series.pool)
    place = pool.regions.index("Ohio")
    beside = pool.covariates["ed_share"][:, place]
    assert beside.tolist() == live.panel().counts("Ohio", "covid_ed_share").tolist()
    assert np.isnan(pool.covariates["ed_share"][:, pool.regions.index("Alabama")]).all()


@pytest.mark.parametrize(
    ("short", "publisher_name"), [("covid", "The COVID-19 Forecast Hub"), ("rsv", "The RSV Forecast Hub")]
)
def test_where_a_hub_is_missing_the_others_are_there_and_a_sentence_names_it(hubs, clock, short, publisher_name):
    hubs.file(short).unlink()
    live = UsRespiratory(hubs.url, now=clock)
    panel = live.panel()
    disease = {"covid": "COVID-19", "rsv": "RSV"}[short]
    said = (
        f"{publisher_name} could not be reached (it answered 404 Not Found), so there are no figures of {disease} here; "
        "ask again later."
    )
    assert [note for note in panel.notes if "404" in note] == [said]
    assert {one.name for one in panel.statistics} == {name for name in ADMISSIONS + SHARES if short not in name}
    with pytest.raises(RequestError, match="no figures of"):
        panel.statistic(f"new_{short}_admissions")
    assert len(prepare(panel, "Ohio", "new_flu_admissions").values) == 24
    # When it is back, so are its statistics.
    hubs.publish(short, of_disease(short))
    clock.pass_(hours=1)
    assert live.panel().statistics == live.statistics()
    assert not [note for note in live.panel().notes if "404" in note]


def test_where_all_hubs_are_missing_it_is_an_error(publisher, clock):
    publisher.failure = "missing"
    with pytest.raises(SourceError, match="could not be reached"):
        UsRespiratory(publisher.url, now=clock).panel()


def test_offline_the_copies_of_before_are_used_and_without_any_there_is_one_sentence(live, monkeypatch, clock, hubs):
    before = live.panel()
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    clock.pass_(days=3)
    again = UsRespiratory(hubs.url, now=clock).panel()
    pd.testing.assert_frame_equal(again.table, before.table)
    assert again.notes[0] == (
        "The COVID-19 Forecast Hub was not asked, as this installation is set to work without a network; these figures are from 3 days ago."
    )


def test_a_hub_whose_file_is_not_believed_can_be_accepted(hubs, clock):
    hubs.publish("rsv", of_disease("rsv").assign(observation=-1.0))
    live = UsRespiratory(hubs.url, now=clock)
    said = live.fetch()
    assert "The RSV Forecast Hub sent figures that cannot be (as −1), so there are no figures of RSV here" in said
    assert said.endswith(" python -m forecasting fetch --source us_respiratory --accept")
    assert "Taken as you asked, although the RSV Forecast Hub sent figures that" in live.fetch(accept=True)
    assert "new_rsv_admissions" in {one.name for one in live.panel().statistics}


def test_it_says_from_when_its_figures_are(live, clock):
    assert live.age() is None
    said = "These figures of the COVID-19 Forecast Hub, FluSight, the RSV Forecast Hub are from just now."
    assert live.fetch() == said
    assert live.panel().notes == (said,)
    clock.pass_(hours=5)
    assert live.age().total_seconds() == 5 * 3600


def test_a_hub_that_fails_later_keeps_its_last_copy_and_is_named(live, hubs, clock):
    before = live.panel().table
    hubs.file("flu").unlink()
    clock.pass_(days=2)
    panel = live.panel()
    assert panel.notes == (
        "These figures of the COVID-19 Forecast Hub, the RSV Forecast Hub are from just now.",
        "FluSight could not be reached (it answered 404 Not Found); these figures are from 2 days ago.",
    )
    pd.testing.assert_frame_equal(panel.table, before)


@pytest.mark.parametrize(
    "content",
    only_whole(
        [b"<!DOCTYPE html><p>Too many requests</p>", b"PAR1 and then nothing of the kind", b"", b"a,b\n1,2\n"], b""
    ),
)
def test_a_bad_file_of_one_hub_costs_the_others_nothing(hubs, clock, content):
    hubs.file("rsv").write_bytes(content)
    panel = UsRespiratory(hubs.url, now=clock).panel()
    assert {one.name for one in panel.statistics} == {name for name in ADMISSIONS + SHARES if "rsv" not in name}
    (said,) = [note for note in panel.notes if "RSV Forecast Hub sent something else than usual" in note]
    assert said.endswith("so there are no figures of RSV here; ask again later.")


@pytest.mark.parametrize(
    ("cell", "why"),
    [("no figure", "'no figure' in the column 'observation' is not a number"), ("3.7", "3.7 is no share")],
)
def test_bad_shares_are_left_out_with_a_sentence_and_the_admissions_stay(hubs, clock, cell, why):
    table = of_disease("flu")
    table["observation"] = table["observation"].astype(object)
    table.loc[table.index[table["target"] == shares_of("flu")][5], "observation"] = cell
    hubs.publish("flu", table)
    panel = UsRespiratory(hubs.url, now=clock).panel()
    (said,) = [note for note in panel.notes if "influenza" in note]
    assert said.startswith("The shares of emergency visits for influenza cannot be read (")
    assert why in said
    assert len(panel.counts("Ohio", "new_flu_admissions")) == 24
    with pytest.raises(RequestError, match="FluSight gives no share of emergency visits that can be read"):
        panel.statistic("flu_ed_share")
    flu = panel.table[panel.table["statistic"] == "flu_admissions"]
    assert flu["ed_share"].isna().all()


def test_a_hub_without_shares_has_admissions_only(hubs, clock):
    hubs.publish("flu", published(target_of("flu"), range(10, 24), DELAYS["flu"], 1000))
    panel = UsRespiratory(hubs.url, now=clock).panel()
    assert tuple(one.name for one in panel.statistics) == (*ADMISSIONS, "covid_ed_share", "rsv_ed_share")
    assert len(panel.notes) == 1


def test_shares_that_stop_keep_their_last_vintage_and_end_beside_the_admissions(hubs, clock):
    hubs.publish("covid", of_disease("covid", shares=range(14, 19)))
    panel = UsRespiratory(hubs.url, now=clock).panel()
    shares = panel.counts("Ohio", "covid_ed_share")
    assert shares.index[-1] == WEEKS[18]
    assert panel.published_on("covid_ed_share") == WEEKS[18] + pd.Timedelta(days=4)
    newest = panel.as_of(None).table
    rows = newest[(newest["statistic"] == "covid_admissions") & (newest["region"] == "Ohio")]
    beside = rows.set_index("date")["ed_share"]
    assert beside[: WEEKS[18]].tolist() == shares.tolist()
    assert beside[WEEKS[19] :].isna().all()


def test_a_statistic_with_one_vintage_only_is_known_after_it_and_not_before(hubs, clock):
    hubs.publish("rsv", published(target_of("rsv"), [20], DELAYS["rsv"], 50))
    panel = UsRespiratory(hubs.url, now=clock).panel()
    at = WEEKS[20] + pd.Timedelta(days=4)
    assert panel.vintages_of("new_rsv_admissions") == [at]
    assert len(prepare(panel, "Ohio", "new_rsv_admissions").values) == 21
    assert len(panel.as_of(at).counts("Ohio", "new_covid_admissions")) == 20
    with pytest.raises(RequestError, match="had published nothing of new_rsv_admissions by"):
        prepare(panel.as_of(at), "Ohio", "new_rsv_admissions")


def test_the_sources_of_single_hubs_share_the_copies_and_have_the_same_figures(live, hubs, clock):
    panel = live.panel()
    asked = len(hubs.asked)
    for hub in HUBS.values():
        alone = HubSource(hub, f"{hubs.url}{hub.name}/", now=clock).panel()
        name = f"new_{hub.short}_admissions"
        assert [one.name for one in alone.statistics] == ["new_admissions"]
        assert alone.regions() == panel.regions(name)
        assert alone.vintages() == panel.vintages_of(name)
        for date in (None, *alone.vintages()[1::4]):
            assert alone.as_of(date).counts("Texas").equals(panel.as_of(date).counts("Texas", name).rename("Texas"))
            one, other = prepare(alone.as_of(date), "Texas"), prepare(panel.as_of(date), "Texas", name)
            assert one.digest() == other.digest()
            assert one.pool.others == ()
            np.testing.assert_array_equal(gather_pool(one.pool).values, gather_pool(other.pool).values)
    assert len(hubs.asked) == asked


def test_a_second_start_reads_the_parsed_table_and_gives_the_same(live, hubs, clock, monkeypatch):
    first = live.panel()
    monkeypatch.setattr("forecasting.sources.us_respiratory.read_hub_statistics", None)
    again = UsRespiratory(hubs.url, now=clock).panel()
    pd.testing.assert_frame_equal(again.table, first.table)
    assert again.statistics == first.statistics


def test_real_vintages_of_covid_and_influenza_stand_side_by_side(shared, hubs, clock):
    tables = {}
    for short, folder in (("covid", "hub-dev"), ("flu", "flu-dev")):
        table = pd.read_csv(shared / folder / "vintages.csv.gz", parse_dates=["as_of", "date"])
        table = table[table["as_of"] >= "2024-11-01"]
        tables[short] = table
        columns = {"date": "target_end_date", "value": "observation"}
        rows = table.assign(location=table["region"].map(CODES), target=target_of(short)).rename(columns=columns)
        hubs.publish(short, rows.drop(columns="region"))
    panel = UsRespiratory(hubs.url, now=clock).panel()
    assert len(panel.regions("new_covid_admissions")) == len(panel.regions("new_flu_admissions")) == 53
    for date in map(day, ("2024-12-01", "2025-02-15", "2025-06-28")):
        known = panel.as_of(date)
        for short, table in tables.items():
            # FluSight called these vintages by their last week, which counts from the Wednesday after.
            dates = table.groupby("as_of")["date"].transform("max")
            published = table["as_of"].where(table["as_of"] > dates, dates + pd.Timedelta(days=4))
            then = table[(published < date) & (table["region"] == "CA")]
            then = then[then["as_of"] == then["as_of"].max()].set_index("date")["value"].astype(float)
            assert known.counts("California", f"new_{short}_admissions").to_dict() == then.to_dict()


@pytest.fixture
def listed(live, monkeypatch):
    """The command line's own source, on loopback."""
    monkeypatch.setitem(sources._in_this_folder(), "us_respiratory", live)
    monkeypatch.setenv("FORECAST_WORKERS", "1")


def test_the_command_line_lists_it_and_its_regions(listed, capsys):
    assert main(["sources"]) == 0
    names = capsys.readouterr().out.split()
    assert {"cdc_covid", "flusight", "cdc_rsv", "us_respiratory"} <= set(names)
    assert main(["regions", "--source", "us_respiratory", "--json"]) == 0
    regions = {row["name"]: row["statistics"] for row in json.loads(capsys.readouterr().out)}
    assert regions["Ohio"] == [*ADMISSIONS, *SHARES]
    assert regions["Alabama"] == list(ADMISSIONS)
    assert main(["regions", "--source", "us_respiratory", "--statistic", "rsv_ed_share"]) == 0
    assert capsys.readouterr().out.splitlines() == ["United States", "Ohio", "Texas"]
    assert main(["fetch", "--source", "us_respiratory"]) == 0


@pytest.mark.parametrize("statistic", only_whole(ADMISSIONS + SHARES, *ADMISSIONS[1:], *SHARES[:2]))
def test_every_statistic_is_forecast_for_its_hub(listed, tmp_path, statistic):
    file = tmp_path / "hub.csv"
    arguments = ["--source", "us_respiratory", "--statistic", statistic, "--models", "naive", "--horizon", "4"]
    assert main(["forecast", *arguments, "--format", "hubverse", "--output", str(file)]) == 0
    table = pd.read_csv(file, dtype=str)
    assert hub_rule_violations(table) == []
    assert set(table["target"]) == {next(one.target for one in UsRespiratory().statistics() if one.name == statistic)}
    assert set(table["location"]) == {CODES[place] for place in (PLACES if statistic in ADMISSIONS else PLACES[1:])}
    values = table["value"].astype(float)
    assert values.max() <= 1 if statistic in SHARES else values.max() > 1
    assert set(table["reference_date"]) == {f"{WEEKS[-1] + pd.Timedelta(days=7):%Y-%m-%d}"}


def test_of_an_earlier_date_the_vintage_of_that_statistic_is_forecast(listed, capsys):
    wednesday = WEEKS[20] + pd.Timedelta(days=4)
    common = ["--source", "us_respiratory", "--region", "Ohio", "--models", "naive", "--horizon", "1"]
    date = ["--as-of", f"{wednesday + pd.Timedelta(days=1):%Y-%m-%d}"]
    for statistic, origin in (("new_covid_admissions", WEEKS[20]), ("new_flu_admissions", WEEKS[19])):
        assert main(["forecast", *common, "--statistic", statistic, *date]) == 0
        assert f"Ohio,naive,{origin:%Y-%m-%d},1," in capsys.readouterr().out
    assert main(["forecast", *common, "--statistic", "rsv_ed_share", "--as-of", "2025-04-01"]) == 2
    assert "had published nothing of rsv_ed_share by 2025-03-27" in capsys.readouterr().err


def test_a_look_back_on_the_command_line_goes_by_the_dates_of_its_statistic(listed, capsys):
    common = ["--source", "us_respiratory", "--region", "Ohio", "--models", "naive", "--horizon", "2"]
    assert main(["backtest", *common, "--statistic", "new_flu_admissions", "--origins", "3"]) == 0
    assert "naive" in capsys.readouterr().out


def test_the_share_is_a_covariate_of_the_admissions_also_where_there_is_none(listed, hubs, capsys):
    common = ["--source", "us_respiratory", "--models", "pooled", "--horizon", "2", "--covariates", "ed_share"]
    for statistic in ("new_covid_admissions", "covid_ed_share"):
        assert main(["forecast", *common, "--statistic", statistic]) == 0
        rows = capsys.readouterr().out.splitlines()
        assert len(rows) == 1 + (4 if statistic in ADMISSIONS else 3) * 2 * 23


def test_where_the_default_could_not_be_had_nothing_else_is_forecast_instead(hubs, clock, monkeypatch, capsys):
    hubs.file("covid").unlink()
    monkeypatch.setitem(sources._in_this_folder(), "us_respiratory", UsRespiratory(hubs.url, now=clock))
    common = ["forecast", "--source", "us_respiratory", "--region", "Ohio", "--models", "naive", "--horizon", "1"]
    assert main(common) == 2
    assert "The COVID-19 Forecast Hub could not be reached" in capsys.readouterr().err
    assert main([*common, "--statistic", "new_flu_admissions"]) == 0
    answer = capsys.readouterr()
    assert answer.err.count("so there are no figures of COVID-19 here") == 1
    assert len(answer.out.split()) == 1 + 23
