"""What `--format hubverse` writes, rule by rule, on real figures through the command line; and the checker itself."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import model
from forecasting.cli.main import main
from forecasting.data.forecast import QUANTILES
from forecasting.data.frequency import weekly
from forecasting.data.panel import Statistic
from forecasting.data.series import Series
from forecasting.data.us_states import FIPS, hub_locations
from forecasting.export import hub_format
from forecasting.export.hub_format import hub_target
from forecasting.export.hub_rules import hub_rule_violations
from forecasting.sources import source
from forecasting.support.errors import DataError
from forecasting.tables.cells import date_formats
from forecasting.tables.forecast_file import read_forecasts

COLUMNS = "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value"
LEVELS = [str(level) for level in QUANTILES]
WEEKS = pd.date_range("2024-11-09", periods=12, freq="W-SAT")


def written(path: Path, *arguments: str, code: int = 0) -> pd.DataFrame:
    """The file that the command line writes, as text."""
    assert main(["forecast", *arguments, "--format", "hubverse", "--output", str(path)]) == code
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module", autouse=True)
def _at_home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("FORECAST_OFFLINE", "1")
        patch.setenv("FORECAST_WORKERS", "1")
        yield


@pytest.fixture(scope="module")
def bundled(tmp_path_factory) -> pd.DataFrame:
    """Every US place of the bundled figures, with more steps than a hub takes."""
    path = tmp_path_factory.mktemp("hub") / "bundled.csv"
    arguments = ["--source", "bundled", "--statistic", "new_admissions", "--models", "ets", "--horizon", "6"]
    return written(path, *arguments)


@pytest.fixture(scope="module")
def vintage(tmp_path_factory, shared) -> pd.DataFrame:
    """The table of 26 December 2024, of whose last week three states' figures were not believable."""
    path = tmp_path_factory.mktemp("hub") / "vintage.csv"
    figures = str(shared / "hub-dev" / "vintages.csv.gz")
    return written(path, "--input", figures, "--as-of", "2024-12-28", "--models", "naive", "--horizon", "4")


@pytest.fixture(scope="module", params=["bundled", pytest.param("vintage", marks=pytest.mark.shared)])
def table(request) -> pd.DataFrame:
    return request.getfixturevalue(request.param)


def test_the_columns_are_the_hub_s_and_in_its_order(table):
    assert ",".join(table) == COLUMNS


def test_a_file_has_one_reference_date_and_it_is_the_saturday_after_the_last_published_week(bundled):
    """The bundled figures end with the week to 28 March 2026, which was not believed anywhere."""
    assert set(bundled["reference_date"]) == {"2026-04-04"}
    assert pd.Timestamp("2026-04-04").day_name() == "Saturday"


@pytest.mark.shared
def test_weeks_that_are_published_but_not_believed_do_not_move_the_reference_date(vintage):
    assert set(vintage["reference_date"]) == {"2024-12-28"}
    assert set(vintage.loc[vintage["location"].isin(["04", "35", "72"]), "horizon"]) == set("0123")


def test_every_target_ends_a_week_after_the_reference_date_for_each_step_of_its_horizon(table):
    ends = pd.to_datetime(table["reference_date"]) + pd.to_timedelta(7 * table["horizon"].astype(int), unit="D")
    assert (ends == pd.to_datetime(table["target_end_date"])).all()


def test_horizons_are_0_to_3_and_nothing_else_for_every_place(table):
    assert table.groupby("location")["horizon"].unique().map(sorted).map("".join).eq("0123").all()


def test_places_go_by_two_digits_and_the_nation_by_its_letters(table):
    assert set(table["location"]) == ({*FIPS} - {"60", "66", "69", "78"}) | {"US"}


def test_every_row_is_a_quantile_and_every_task_has_the_23_levels_as_plain_decimals(table):
    assert set(table["output_type"]) == {"quantile"}
    levels = table.groupby(["target", "location", "horizon"])["output_type_id"].agg(list)
    assert levels.map(lambda given: given == LEVELS).all()


def test_values_are_never_negative_and_never_fall_as_the_level_rises(table):
    values = table["value"].astype(float)
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert (values.groupby([table["location"], table["horizon"]]).diff().dropna() >= 0).all()


def test_the_checker_finds_nothing_to_complain_of(table):
    assert hub_rule_violations(table) == []


def test_the_target_is_what_the_hub_calls_it(bundled):
    assert set(bundled["target"]) == {"wk inc covid hosp"}
    assert hub_target(source("flusight").statistics()[0]) == "wk inc flu hosp"
    assert hub_target(source("cdc_covid").statistics()[0]) == "wk inc covid hosp"
    assert hub_target(Statistic("rsv_hosp", "", "", "")) == "wk inc rsv hosp"
    assert hub_target(Statistic("wk inc rsv hosp", "", "", "")) == "wk inc rsv hosp"


@pytest.mark.shared
def test_weeks_before_the_reference_date_are_forecast_and_not_written(shared, vintage, tmp_path):
    """Arizona's last week was not believed: horizon 0 is two steps ahead of the last that was."""
    figures, path = str(shared / "hub-dev" / "vintages.csv.gz"), tmp_path / "tidy.csv"
    arguments = ["--input", figures, "--as-of", "2024-12-28", "--region", "AZ", "--models", "naive", "--horizon", "5"]
    assert main(["forecast", *arguments, "--output", str(path)]) == 0
    tidy = pd.read_csv(path, dtype=str)
    assert tidy["origin"].unique().tolist() == ["2024-12-14"]
    expected = tidy.loc[tidy["horizon"] > "1", ["date", "value"]].to_numpy().tolist()
    assert vintage.loc[vintage["location"] == "04", ["target_end_date", "value"]].to_numpy().tolist() == expected


@pytest.mark.parametrize("name", ["team-model.csv", "team-model.parquet"])
def test_what_is_written_is_read_back_for_scoring_with_the_right_horizons(name, tmp_path):
    path, tidy = tmp_path / name, tmp_path / "tidy.csv"
    arguments = ["--source", "bundled", "--statistic", "new_admissions", "--region", "Texas", "--models", "naive"]
    arguments += ["--as-of", "2026-03-21"]
    assert main(["forecast", *arguments, "--horizon", "4", "--format", "hubverse", "--output", str(path)]) == 0
    assert main(["forecast", *arguments, "--horizon", "4", "--output", str(tidy)]) == 0
    read, ours = read_forecasts(path, regions=["Texas"]), read_forecasts(tidy)
    assert (read.pop("model") == "team-model").all()
    pd.testing.assert_frame_equal(read, ours.drop(columns="model"), check_dtype=False)


@pytest.mark.shared
def test_what_is_written_can_be_scored_by_the_command_line(shared, vintage, tmp_path, capsys):
    path = tmp_path / "ours.csv"
    vintage.to_csv(path, index=False)
    assert main(["score", "--forecasts", str(path), "--truth", str(shared / "hub-dev" / "truth.csv.gz")]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["ours", "212"]


def test_a_parquet_file_holds_days_not_moments(tmp_path):
    path = tmp_path / "hub.parquet"
    arguments = ["--source", "bundled", "--statistic", "new_admissions", "--region", "Ohio", "--models", "naive"]
    assert main(["forecast", *arguments, "--horizon", "1", "--format", "hubverse", "--output", str(path)]) == 0
    table = pd.read_parquet(path, dtype_backend="pyarrow")
    assert str(table["reference_date"].dtype) == str(table["target_end_date"].dtype) == "date32[day][pyarrow]"
    assert hub_rule_violations(pd.read_parquet(path)) == []


def test_steps_beyond_the_hub_s_are_left_out_with_a_word_and_fewer_are_written_as_they_are(tmp_path, capsys):
    arguments = ["--source", "bundled", "--statistic", "new_admissions", "--region", "Ohio", "--models", "naive"]
    assert set(written(tmp_path / "long.csv", *arguments, "--horizon", "9")["horizon"]) == set("0123")
    assert "horizons 0 to 3" in capsys.readouterr().err
    assert set(written(tmp_path / "short.csv", *arguments, "--horizon", "2")["horizon"]) == set("01")
    assert "A hub takes" not in capsys.readouterr().err


def figures(**weeks: int) -> pd.DataFrame:
    """So many weeks of each region."""
    parts = [pd.DataFrame({"region": region, "date": WEEKS[:n], "value": 50.0}) for region, n in weeks.items()]
    return pd.concat(parts)


def saved(table: pd.DataFrame, path: Path) -> str:
    table.to_csv(path, index=False)
    return str(path)


def test_a_region_that_ends_before_the_others_is_forecast_for_the_same_weeks(tmp_path):
    file = saved(figures(Ohio=12, Utah=10), tmp_path / "figures.csv")
    table = written(tmp_path / "hub.csv", "--input", file, "--models", "naive", "--horizon", "4")
    assert set(table["reference_date"]) == {"2025-02-01"}
    assert sorted(table[["location", "horizon"]].drop_duplicates().itertuples(index=False, name=None)) == [
        (place, horizon) for place in ("39", "49") for horizon in "0123"
    ]
    alone = written(tmp_path / "a.csv", "--input", file, "--region", "Utah", "--models", "naive", "--horizon", "4")
    assert alone.equals(table[table["location"] == "49"].reset_index(drop=True))


def test_a_region_that_ended_long_before_is_a_failure_with_its_reason_and_the_others_are_written(tmp_path, capsys):
    file = saved(figures(Ohio=12, Utah=3), tmp_path / "figures.csv")
    table = written(tmp_path / "hub.csv", "--input", file, "--models", "naive", "--horizon", "4", code=1)
    assert set(table["location"]) == {"39"}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Utah (value): its last usable week ends on 2024-11-23")


def test_cells_that_are_still_empty_do_not_move_the_reference_date(tmp_path):
    late = figures(Ohio=12, Utah=12).assign(value=lambda t: t["value"].where(t["date"] < WEEKS[11]))
    table = written(
        tmp_path / "hub.csv", "--input", saved(late, tmp_path / "f.csv"), "--models", "naive", "--horizon", "4"
    )
    assert set(table["reference_date"]) == {f"{WEEKS[11]:%Y-%m-%d}"}
    assert hub_rule_violations(table) == []


def test_several_statistics_are_told_apart_by_their_target_and_share_the_reference_date(tmp_path):
    flu, covid = figures(Ohio=12, US=12), figures(Ohio=11)
    both = pd.concat([flu.assign(statistic="flu_hosp"), covid.assign(statistic="covid_hosp")])
    table = written(
        tmp_path / "hub.csv", "--input", saved(both, tmp_path / "f.csv"), "--models", "naive", "--horizon", "4"
    )
    places = table.groupby("target")["location"].unique().map(sorted).to_dict()
    assert places == {"wk inc covid hosp": ["39"], "wk inc flu hosp": ["39", "US"]}
    assert hub_rule_violations(table) == []


def test_running_totals_are_left_out_with_a_word(tmp_path, capsys):
    totals = figures(Ohio=12).assign(value=lambda t: t["value"].cumsum())
    file = saved(totals, tmp_path / "f.csv")
    arguments = ["--input", file, "--cumulative", "--models", "naive", "--horizon", "4"]
    table = written(tmp_path / "hub.csv", *arguments)
    assert set(table["target"]) == {"wk inc value"}
    assert "cumulative_value is a running total" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "bundled", "--models", "naive", "--horizon", "4"], "new_cases is daily"),
        (["--source", "bundled", "--statistic", "cumulative_cases", "--models", "naive", "--horizon", "4"], "total"),
        (["--source", "bundled", "--statistic", "new_admissions", "--models", "naive,ets", "--horizon", "4"], "naive, ets"),
        (["--source", "bundled", "--statistic", "new_admissions", "--models", "naive", "--horizon", "0"], "1 to 400"),
        (["--source", "bundled", "--statistic", "new_admissions", "--models", "naive", "--horizon", "401"], "1 to 400"),
        (["--input", "{sundays}", "--models", "naive", "--horizon", "4"], "say so with --weeks-begin"),
        (["--input", "{twice}", "--models", "naive", "--horizon", "4"], "'OH' and 'Ohio' are the same place, 39"),
    ],
)  # fmt: skip
def test_what_no_hub_would_take_is_one_line_and_exit_code_2(arguments, words, tmp_path, capsys):
    sundays = saved(figures(Ohio=12).assign(date=lambda t: t["date"] + pd.Timedelta(days=1)), tmp_path / "s.csv")
    twice = saved(figures(OH=12, Ohio=12), tmp_path / "t.csv")
    arguments = [argument.format(sundays=sundays, twice=twice) for argument in arguments]
    assert main(["forecast", *arguments, "--format", "hubverse"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_region_whose_weeks_end_on_another_day_is_named_and_the_others_are_written(tmp_path, capsys):
    saturdays, mondays = figures(Ohio=12), figures(Utah=11)
    mixed = pd.concat([saturdays, mondays.assign(date=lambda table: table["date"] + pd.Timedelta(days=2))])
    given = saved(mixed, tmp_path / "mixed.csv")
    table = written(tmp_path / "out.csv", "--input", str(given), "--models", "naive", "--horizon", "4", code=1)
    assert set(table["location"]) == {"39"}
    assert "Utah" in (said := capsys.readouterr().err)
    assert "of weeks that end on Mondays" in said


def test_places_are_recognised_by_name_by_letters_and_by_digits_and_others_keep_their_names():
    named = {"Ohio": "39", "OH": "39", "39": "39", "1": "01", "United States": "US", "US": "US", "DC": "11"}
    assert hub_locations(named) == named
    assert hub_locations(["Virgin Islands", "Bavaria"]) == {"Virgin Islands": "78", "Bavaria": "Bavaria"}


def test_letters_are_a_state_only_among_states():
    europe = ["DE", "FR", "IT", "ES", "Poland", "Georgia", "Puerto Rico"]
    assert hub_locations(europe) == {name: name for name in europe[:6]} | {"Puerto Rico": "72"}
    assert hub_locations(["DE"], among=europe) == {"DE": "DE"}
    assert hub_locations(["DE", "Georgia"]) == {"DE": "10", "Georgia": "13"}


@pytest.fixture(scope="module")
def good() -> pd.DataFrame:
    series = Series(WEEKS[0], weekly("SAT"), np.linspace(100.0, 60.0, 12))
    return hub_format.to_hub_table(model("naive").forecast(series, 4).table("Ohio"))


@pytest.mark.parametrize("typed", [True, False])
def test_the_checker_takes_a_good_table_typed_or_as_text(good, typed, tmp_path):
    good.to_csv(tmp_path / "good.csv", index=False)
    assert hub_rule_violations(good if typed else pd.read_csv(tmp_path / "good.csv", dtype=str)) == []


SATURDAY = pd.Timestamp("2025-02-08")


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (lambda t: t.drop(columns="target"), "The columns are"),
        (lambda t: t[list(reversed(t.columns))], "The columns are"),
        (lambda t: t.assign(model="naive"), "The columns are"),
        (lambda t: t.iloc[:0], "no row"),
        (lambda t: t.assign(reference_date="soon"), "is not a date"),
        (lambda t: t.assign(reference_date=t["reference_date"].mask(t["horizon"] > 2, SATURDAY)), "2 reference dates"),
        (lambda t: t.assign(reference_date=SATURDAY - pd.Timedelta(days=1)), "Friday"),
        (lambda t: t.assign(target_end_date=t["target_end_date"] + pd.Timedelta(days=7)), "A target_end_date"),
        (lambda t: t.assign(horizon=t["horizon"] + 1), "A horizon is 4"),
        (lambda t: t.assign(horizon=t["horizon"] - 1), "A horizon is -1"),
        (lambda t: t.assign(horizon=t["horizon"] + 0.5), "A horizon is 0.5"),
        (lambda t: t.assign(target="covid"), "A target is 'covid'"),
        (lambda t: t.assign(location="Ohio"), "'Ohio' must be written '39'"),
        (lambda t: t.assign(location="1"), "'1' must be written '01'"),
        (lambda t: t.assign(location=39), "A location is empty or not text"),
        (lambda t: t.assign(location=" "), "A location is empty or not text"),
        (lambda t: t.assign(output_type="mean"), "An output_type is 'mean'"),
        (lambda t: t.iloc[1:], "has 22 quantiles"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "has 24 quantiles"),
        (lambda t: t.assign(output_type_id=t["output_type_id"].replace(0.01, 0.02)), "has 23 quantiles"),
        (lambda t: t.assign(output_type_id=t["output_type_id"].map("{:.1e}".format)), "write it as 0.025"),
        (lambda t: t.assign(value=t["value"] - 1e6), "counts are not negative"),
        (lambda t: t.assign(value=t["value"].max() - t["value"]), "cross"),
        (lambda t: t.assign(value=t["value"].mask(t["horizon"] == 1)), "no finite number"),
        (lambda t: t.assign(value="many"), "no finite number"),
    ],
)
def test_every_rule_that_is_broken_is_a_sentence(good, spoilt, words):
    assert any(words in sentence for sentence in hub_rule_violations(spoilt(good)))


def test_nothing_that_a_hub_would_refuse_is_exported():
    series = Series(WEEKS[0], weekly("SAT"), np.linspace(100.0, 60.0, 12))
    table = model("naive").forecast(series, 4).table("Ohio")
    with pytest.raises(DataError, match=r"A hub would refuse these forecasts\. .* cross"):
        hub_format.to_hub_table(table.assign(value=table["value"].to_numpy()[::-1]))


def test_a_week_with_a_wrong_year_does_not_move_the_reference_date_of_the_others(tmp_path, capsys, monkeypatch):
    for module in (hub_format, date_formats):
        monkeypatch.setattr(module, "today", lambda: date(2025, 2, 3))
    table = figures(Ohio=12, Utah=12, Iowa=12)
    table.iloc[-1, 1] = pd.Timestamp("2030-01-22")
    file = saved(table, tmp_path / "figures.csv")
    made = written(tmp_path / "hub.csv", "--input", file, "--models", "naive", "--horizon", "4", code=1)
    assert set(made["reference_date"]) == {"2025-02-01"}
    assert {"39", "49"} >= set(made["location"]) > {"39"}
    assert "Iowa" in capsys.readouterr().err


# Places that no hub knows, and weeks that a hub dates otherwise


def test_a_place_that_no_hub_knows_fails_alone_before_the_fit_and_is_named(tmp_path, capsys):
    file = saved(figures(Ohio=12, Utah=12, Atlantis=12), tmp_path / "figures.csv")
    table = written(tmp_path / "hub.csv", "--input", file, "--models", "naive", "--horizon", "4", code=1)
    assert set(table["location"]) == {"39", "49"}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Atlantis (value): no forecast hub has a place 'Atlantis'; give it the hub's name or code")


@pytest.mark.parametrize("regions", [{"Atlantis": 12}, {"Ohio": 12, "Atlantis": 12}])
def test_a_place_that_no_hub_knows_is_refused_when_it_is_asked_for_or_there_is_nothing_else(regions, tmp_path, capsys):
    file = saved(figures(**regions), tmp_path / "figures.csv")
    arguments = ["--input", file, "--models", "naive", "--horizon", "4", "--format", "hubverse"]
    assert main(["forecast", *arguments, *(["--region", "Atlantis"] if len(regions) > 1 else [])]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no forecast hub has a place 'Atlantis'" in line


def test_codes_of_other_countries_are_places_of_their_hubs(tmp_path):
    file = saved(figures(DE=12, AT=12, PL=12), tmp_path / "figures.csv")
    table = written(tmp_path / "hub.csv", "--input", file, "--models", "naive", "--horizon", "4")
    assert set(table["location"]) == {"AT", "DE", "PL"}


def sundays(**weeks: int) -> pd.DataFrame:
    """The same weeks dated by their first day."""
    return figures(**weeks).assign(date=lambda t: t["date"] - pd.Timedelta(days=6))


@pytest.mark.parametrize(
    ("column", "option"), [("date", ["--weeks-begin"]), ("week_beginning", []), ("start of week", [])]
)
def test_weeks_dated_by_their_first_day_are_dated_by_their_saturday_where_the_user_or_the_file_says_so(
    column, option, tmp_path
):
    random = np.random.default_rng(0)
    ends = figures(Ohio=12, Utah=12).assign(value=random.poisson(50, 24))
    begins = ends.assign(date=ends["date"] - pd.Timedelta(days=6)).rename(columns={"date": column})
    arguments = ["--models", "naive", "--horizon", "4"]
    option = option or ["--mapping", json.dumps({"date": column, "region": "region", "value": "value"})]
    wanted = written(tmp_path / "ends.csv", "--input", saved(ends, tmp_path / "e.csv"), *arguments)
    begun = written(tmp_path / "begins.csv", "--input", saved(begins, tmp_path / "b.csv"), *option, *arguments)
    pd.testing.assert_frame_equal(begun, wanted)


def test_a_region_whose_weeks_begin_on_another_day_fails_alone(tmp_path, capsys):
    mixed = pd.concat(
        [sundays(Ohio=12, Utah=12), figures(Iowa=12).assign(date=lambda t: t["date"] + pd.Timedelta(2, "D"))]
    )
    arguments = ["--input", saved(mixed, tmp_path / "m.csv"), "--models", "naive", "--horizon", "4", "--weeks-begin"]
    table = written(tmp_path / "hub.csv", *arguments, code=1)
    assert set(table["location"]) == {"39", "49"}
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Iowa")]
    assert "its weeks do not end on Saturdays" in line


def test_the_user_s_own_dates_stay_in_a_tidy_table(tmp_path, capsys):
    file, output = saved(sundays(Ohio=12), tmp_path / "s.csv"), tmp_path / "tidy.csv"
    arguments = ["--input", file, "--models", "naive", "--horizon", "1", "--weeks-begin", "--output", str(output)]
    assert main(["forecast", *arguments]) == 0
    assert pd.read_csv(output)["date"].unique().tolist() == ["2025-01-26"]
    assert "--weeks-begin changes nothing but the dates of --format hubverse." in capsys.readouterr().err


def test_statistics_that_no_hub_takes_are_left_out_with_a_word_where_there_are_others(tmp_path, capsys):
    weeks = figures(Ohio=12).assign(statistic="weeks")
    days = pd.DataFrame(
        {"region": "Ohio", "date": pd.date_range("2025-01-01", periods=30), "value": 9, "statistic": "days"}
    )
    file = saved(pd.concat([weeks, days]), tmp_path / "both.csv")
    table = written(tmp_path / "hub.csv", "--input", file, "--models", "naive", "--horizon", "4")
    assert set(table["target"]) == {"wk inc weeks"}
    assert "days is daily; choose weekly figures, or --format tidy. It is left out." in capsys.readouterr().err
