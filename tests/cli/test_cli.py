import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.cli import forecast_batch
from forecasting.cli.main import main
from forecasting.data.forecast import QUANTILES
from forecasting.jobs import JobQueue
from forecasting.services.service import Service


@pytest.fixture
def two_regions(tmp_path):
    """A file of which one region can be forecast and one has nothing but empty cells."""
    dates = pd.date_range("2024-01-01", periods=60)
    good = pd.DataFrame({"region": "A", "date": dates, "value": [7 * i % 13 for i in range(60)]})
    empty = pd.DataFrame({"region": "B", "date": dates[:2], "value": [None, None]})
    path = tmp_path / "two.csv"
    pd.concat([good, empty]).to_csv(path, index=False)
    return path


def test_lists_are_one_name_a_line_or_json(capsys):
    assert main(["models"]) == 0
    assert capsys.readouterr().out.split()[:4] == ["ensemble", "sarima", "pooled", "ets"]
    assert main(["sources", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "bundled"
    assert main(["regions", "--source", "bundled", "--statistic", "new_admissions"]) == 0
    assert "Puerto Rico" in capsys.readouterr().out.splitlines()


def test_a_forecast_has_the_columns_of_the_contract_and_every_quantile(tmp_path):
    file = tmp_path / "out.csv"
    arguments = ["--source", "bundled", "--region", "Italy", "--models", "naive,ets", "--horizon", "5"]
    assert main(["forecast", *arguments, "--output", str(file)]) == 0
    table = pd.read_csv(file)
    assert list(table.columns) == ["region", "model", "origin", "horizon", "date", "quantile", "value"]
    assert len(table) == 2 * 5 * len(QUANTILES)
    assert set(table["horizon"]) == {1, 2, 3, 4, 5}
    assert (table["value"] >= 0).all()
    assert (table.groupby(["model", "horizon"])["value"].diff().dropna() >= 0).all()


def test_as_of_a_date_nothing_later_is_used(capsys):
    arguments = ["--source", "bundled", "--region", "Italy", "--models", "naive", "--horizon", "1"]
    assert main(["forecast", *arguments, "--as-of", "2020-11-30"]) == 0
    assert ",2020-11-30,1,2020-12-01," in capsys.readouterr().out


def test_of_vintages_the_newest_before_the_date_is_used(tmp_path, capsys):
    weeks = pd.date_range("2024-11-09", periods=6, freq="W-SAT")
    early = pd.DataFrame({"as_of": "2024-12-04", "region": "A", "date": weeks[:4], "value": [10, 10, 10, 10]})
    late = pd.DataFrame({"as_of": "2024-12-18", "region": "A", "date": weeks, "value": [90] * 6})
    path = tmp_path / "vintages.csv"
    pd.concat([early, late]).to_csv(path, index=False)
    arguments = ["--input", str(path), "--models", "naive", "--horizon", "1"]
    assert main(["forecast", *arguments, "--as-of", "2024-12-07"]) == 0
    median = [line for line in capsys.readouterr().out.splitlines() if ",0.5," in line]
    assert [round(float(line.split(",")[-1]), 6) for line in median] == [10]


@pytest.mark.parametrize(
    ("ending", "read"), [("parquet", pd.read_parquet), ("csv", pd.read_csv), ("xlsx", pd.read_excel)]
)
def test_one_region_that_fails_leaves_the_others_written_and_exits_with_1(two_regions, tmp_path, capsys, ending, read):
    file = tmp_path / f"out.{ending}"
    arguments = ["--input", str(two_regions), "--models", "ets", "--horizon", "3", "--output", str(file)]
    assert main(["forecast", *arguments]) == 1
    assert set(read(file)["region"]) == {"A"}
    assert capsys.readouterr().err.startswith("B (")


def test_the_hub_format_is_written_on_request(capsys):
    arguments = ["--source", "bundled", "--statistic", "new_admissions", "--region", "Ohio", "--models", "naive"]
    assert main(["forecast", *arguments, "--horizon", "4", "--format", "hubverse"]) == 0
    assert capsys.readouterr().out.startswith("reference_date,target,horizon,target_end_date,location,")


GOOD = ("--source", "bundled", "--region", "Italy", "--models", "naive", "--horizon", "3")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frobnicate"], "frobnicate"),
        ([], "Missing command"),
        (["forecast", "--source", "bundled", "--models", "naive"], "--horizon"),
        (["forecast", *GOOD[:-1], "soon"], "--horizon"),
        (["forecast", *GOOD[:-1], "0"], "from 1 to 400"),
        (["forecast", *GOOD, "--as-of", "last week"], "YYYY-MM-DD"),
        (["forecast", *GOOD, "--as-of", "1999-01-01"], "1999-01-01"),
        (["forecast", *GOOD, "--statistic", "deaths"], "deaths"),
        (["forecast", *GOOD, "--covariates", "rain"], "rain"),
        (["backtest", *GOOD, "--covariates", "rain"], "rain"),
        (["forecast", *GOOD, "--covariates", "value"], "'value'"),
        (["forecast", *GOOD, "--covariates", ""], "--covariates"),
        (["forecast", *GOOD, "--holidays", "XX"], "There are no holidays of 'XX'"),
        (["backtest", *GOOD, "--holidays", "Italy"], "There are no holidays of 'Italy'"),
        (["forecast", *GOOD, "--output", "forecast.doc"], ".parquet"),
        (["forecast", *GOOD, "--input", "x.csv"], "either"),
        (["forecast", *GOOD, "--workers", "0"], "--workers"),
        (["forecast", "--source", "bundled", "--region", "Atlantis", *GOOD[4:]], "Atlantis"),
        (["forecast", "--source", "nowhere", *GOOD[4:]], "nowhere"),
        (["forecast", "--input", "missing.csv", *GOOD[4:]], "missing.csv"),
        (["forecast", "--source", "bundled", "--models", "crystal_ball", "--horizon", "3"], "crystal_ball"),
        (["regions", "--source", "jhu"], "Johns Hopkins"),
        (["fetch", "--source", "jhu"], "Johns Hopkins"),
    ],
)
def test_bad_usage_is_one_line_that_names_it_and_exit_code_2(arguments, words, capsys):
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_backtest_forecasts_from_earlier_dates_scores_them_and_prints_the_leaderboard(tmp_path, capsys):
    forecasts, scores = tmp_path / "forecasts.csv", tmp_path / "scores.csv"
    arguments = [
        "--source",
        "bundled",
        "--region",
        "Italy",
        "--models",
        "naive,ets",
        "--horizon",
        "7",
        "--baseline",
        "naive",
    ]
    written = ["--output", str(forecasts), "--scores", str(scores)]
    assert main(["backtest", *arguments, "--origins", "2", "--step", "7", *written]) == 0
    table, cells = pd.read_csv(forecasts), pd.read_csv(scores)
    assert sorted(table["origin"].unique()) == ["2021-05-02", "2021-05-09"]
    assert len(cells) == 2 * 2 * 7
    assert {"wis", "wis_log", "ae", "coverage_50", "coverage_80", "coverage_95"} <= set(cells.columns)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["model", "ets", "naive"]


def test_a_backtest_at_given_dates_takes_the_newest_vintage_before_each(tmp_path, capsys):
    weeks = pd.date_range("2024-01-06", periods=30, freq="W-SAT")
    published = [
        pd.DataFrame({"as_of": weeks[n - 1] + pd.Timedelta(days=4), "region": "A", "date": weeks[:n], "value": 100 + n})
        for n in range(10, 31)
    ]
    path, output = tmp_path / "vintages.csv", tmp_path / "out.csv"
    pd.concat(published).to_csv(path, index=False)
    arguments = ["--input", str(path), "--models", "naive", "--horizon", "2", "--output", str(output)]
    assert main(["backtest", *arguments, "--at", f"{weeks[15]:%Y-%m-%d}"]) == 0
    table = pd.read_csv(output)
    assert set(table["origin"]) == {f"{weeks[14]:%Y-%m-%d}"}
    assert table.loc[table["quantile"] == 0.5, "value"].tolist() == pytest.approx([115.0, 115.0])


def test_a_date_that_is_of_no_use_fails_alone_and_the_other_dates_are_written(two_regions, tmp_path, capsys):
    output = tmp_path / "out.csv"
    arguments = ["--input", str(two_regions), "--region", "A", "--models", "naive", "--horizon", "2"]
    dates = ["--at", "2024-02-10", "--at", "2024-01-20", "--at", "2024-02-10", "--at", "2023-12-24"]
    assert main(["backtest", *arguments, *dates, "--output", str(output)]) == 1
    assert pd.read_csv(output)["origin"].unique().tolist() == ["2024-01-20", "2024-02-10"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("A at 2023-12-24: ")


def test_a_baseline_that_was_not_forecast_is_refused(capsys):
    assert main(["backtest", *GOOD, "--baseline", "ets"]) == 2
    assert "baseline 'ets'" in capsys.readouterr().err


@pytest.fixture
def with_covariates(tmp_path):
    """Three states' counts of weeks, with two further columns that move and one that does not.

    They are older than the epidemics that Pooled learns from beside a short table, which would take most of the time.
    """
    random, weeks = np.random.default_rng(0), pd.date_range("2020-01-04", periods=60, freq="W-SAT")
    states = [
        pd.DataFrame(
            {
                "region": state,
                "date": weeks,
                "value": random.poisson(80 * np.exp(np.sin(np.arange(60) / 5))),
                "rain": random.normal(size=60),
                "sun": np.sin(np.arange(60) / 5 + 0.4),
                "height": 300,
            }
        )
        for state in ("Ohio", "Utah", "Iowa")
    ]
    path = tmp_path / "states.csv"
    pd.concat(states).to_csv(path, index=False)
    return path


def test_models_that_use_covariates_forecast_with_them_and_the_others_say_once_that_they_do_not(
    with_covariates, tmp_path, capsys
):
    arguments = ["forecast", "--input", str(with_covariates), "--models", "naive,pooled,ets", "--horizon", "2"]
    tables = {}
    for name in (None, "rain,sun"):
        output = tmp_path / f"{name}.csv"
        assert main([*arguments, *(["--covariates", name] if name else []), "--output", str(output)]) == 0
        tables[name] = pd.read_csv(output)
    assert capsys.readouterr().err == "naive and ets do not use covariates; pooled, deep and ensemble do.\n"
    plain, further = (one.set_index(["model", "region", "horizon", "quantile"])["value"] for one in tables.values())
    pd.testing.assert_series_equal(further["naive"], plain["naive"])
    pd.testing.assert_series_equal(further["ets"], plain["ets"])
    assert (further["pooled"] != plain["pooled"]).any()


def test_a_covariate_that_cannot_be_used_is_said_and_changes_nothing(with_covariates, capsys):
    arguments = ["forecast", "--input", str(with_covariates), "--models", "pooled", "--horizon", "2"]
    assert main(arguments) == 0
    plain = capsys.readouterr()
    assert main([*arguments, "--covariates", "height"]) == 0
    further = capsys.readouterr()
    assert plain.err == ""
    assert further.out == plain.out
    assert further.err == "'height' never changes in any region, so it is not used.\n"


def test_of_a_file_with_one_region_covariates_cannot_be_learned_which_is_said(with_covariates, tmp_path, capsys):
    alone = tmp_path / "ohio.csv"
    table = pd.read_csv(with_covariates)
    table[table["region"] == "Ohio"].to_csv(alone, index=False)
    arguments = ["--input", str(alone), "--models", "pooled", "--horizon", "2", "--covariates", "rain"]
    sentence = "Ohio (value) has no other regions to learn from, so covariates are not used there.\n"
    assert main(["forecast", *arguments]) == 0
    assert capsys.readouterr().err == sentence
    assert main(["backtest", *arguments, "--origins", "2"]) == 0
    assert capsys.readouterr().err == sentence.replace(" (value)", "")


def test_a_region_may_be_forecast_alone_with_the_covariates_of_all(with_covariates, capsys):
    arguments = ["--input", str(with_covariates), "--models", "pooled", "--horizon", "2", "--covariates", "rain"]
    assert main(["forecast", *arguments]) == 0
    everything = capsys.readouterr()
    assert main(["forecast", *arguments, "--region", "Utah"]) == 0
    assert everything.err == ""
    assert set(capsys.readouterr().out.splitlines()) < set(everything.out.splitlines())


def test_a_backtest_uses_covariates_only_as_they_were_known_then(with_covariates, tmp_path, monkeypatch, capsys):
    arguments = ["backtest", "--models", "pooled,naive", "--horizon", "2", "--at", "2020-11-27", "--covariates", "sun"]
    poisoned = tmp_path / "poisoned.csv"
    table = pd.read_csv(with_covariates)
    table.assign(sun=table["sun"].where(table["date"] <= "2020-11-27", 1e9)).to_csv(poisoned, index=False)
    made = []
    for file, home in ((with_covariates, "one"), (poisoned, "other")):
        monkeypatch.setenv("FORECAST_HOME", str(tmp_path / home))
        output = tmp_path / f"{home}.csv"
        assert main([*arguments, "--input", str(file), "--output", str(output)]) == 0
        made.append(output.read_text())
        assert capsys.readouterr().err == "naive does not use covariates; pooled, deep and ensemble do.\n"
    assert made[0] == made[1]


def test_a_hub_s_file_is_made_with_covariates_too(with_covariates, capsys):
    arguments = ["--input", str(with_covariates), "--models", "pooled", "--horizon", "4", "--format", "hubverse"]
    made = []
    for further in ([], ["--covariates", "rain,sun"]):
        assert main(["forecast", *arguments, *further]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        made.append(printed.out)
    assert made[0].startswith("reference_date,")
    assert made[0] != made[1]
    assert len(made[0].splitlines()) == len(made[1].splitlines())


def test_models_that_use_holidays_forecast_with_them_and_the_others_say_that_they_do_not(tmp_path, capsys):
    tables = {}
    arguments = ["--source", "bundled", "--region", "Italy", "--models", "naive,pooled", "--horizon", "28"]
    dates = ["--as-of", "2020-12-22"]
    for code in (None, "it"):
        output = tmp_path / f"{code}.csv"
        options = ["--holidays", code] if code else []
        assert main(["forecast", *arguments, *dates, *options, "--output", str(output)]) == 0
        tables[code] = pd.read_csv(output)
    lines = capsys.readouterr().err.splitlines()
    assert lines.count("naive does not use holidays; pooled, prophet and ensemble do.") == 1
    assert not any("change nothing" in line for line in lines)
    plain, with_them = (one.set_index(["model", "date", "quantile"])["value"] for one in tables.values())
    pd.testing.assert_series_equal(with_them["naive"], plain["naive"])
    assert (with_them["pooled"] != plain["pooled"]).any()


def test_a_backtest_uses_holidays_too(tmp_path):
    made = []
    for options in ([], ["--holidays", "IT"]):
        output = tmp_path / f"{len(options)}.csv"
        arguments = ["--source", "bundled", "--region", "Italy", "--models", "pooled", "--horizon", "14"]
        assert main(["backtest", *arguments, "--at", "2020-12-22", *options, "--output", str(output)]) == 0
        made.append(pd.read_csv(output))
    assert len(made[0]) == len(made[1])
    assert (made[0]["value"] != made[1]["value"]).any()


def test_of_counts_of_weeks_holidays_change_nothing_which_is_said(with_covariates, capsys):
    arguments = ["--input", str(with_covariates), "--models", "pooled", "--horizon", "2"]
    for command in (["forecast"], ["backtest", "--origins", "1"]):
        assert main([*command, *arguments]) == 0
        plain = capsys.readouterr()
        assert main([*command, *arguments, "--holidays", "US"]) == 0
        further = capsys.readouterr()
        assert further.out == plain.out
        said = "Holidays are for figures of days, and these are weekly, so they change nothing."
        assert further.err.splitlines() == [*plain.err.splitlines(), said]


def test_what_was_done_to_the_figures_is_said_once_a_kind_with_the_number_of_regions(tmp_path, capsys):
    days, random = pd.date_range("2024-01-01", periods=90), np.random.default_rng(0)
    tables = {
        name: pd.DataFrame({"region": name, "date": days, "value": random.poisson(100, 90).astype(float)})
        for name in ("Alabama", "Iowa", "Ohio", "Utah")
    }
    for place, name in enumerate(("Alabama", "Ohio")):
        tables[name].loc[40 + place, "value"] = -30.0
    tables["Utah"].loc[50:52, "value"] = np.nan
    path = tmp_path / "days.csv"
    pd.concat(tables.values()).to_csv(path, index=False)
    arguments = ["--input", str(path), "--models", "naive", "--horizon", "1"]
    for command in (["forecast"], ["backtest", "--origins", "2"]):
        assert main([*command, *arguments]) == 0
        assert capsys.readouterr().err.splitlines() == [
            "2 of 4 regions: negative corrections spread over the days before (Alabama, Ohio).",
            "Utah: 3 days without a figure filled in from those around (the last on 22 Feb 2024).",
        ]


def test_a_region_that_the_newest_vintage_lacks_is_named(tmp_path, capsys):
    weeks, path = pd.date_range("2024-01-06", periods=30, freq="W-SAT"), tmp_path / "vintages.csv"
    tables = [
        pd.DataFrame({"as_of": as_of, "region": region, "date": weeks, "value": 50.0})
        for as_of, region in (("2024-08-01", "Aarau"), ("2024-08-01", "Chur"), ("2024-08-08", "Aarau"))
    ]
    pd.concat(tables).to_csv(path, index=False)
    arguments = ["forecast", "--input", str(path), "--models", "naive", "--horizon", "1"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "Chur" not in printed.out
    assert "Chur is not in the newest vintage, of 8 Aug 2024, but in earlier ones" in printed.err
    assert main([*arguments, "--as-of", "2024-08-05"]) == 0
    printed = capsys.readouterr()
    assert "Chur," in printed.out
    assert printed.err == ""
    assert main([*arguments, "--region", "Chur"]) == 2
    assert "has no region 'Chur' for value, which only earlier vintages had" in capsys.readouterr().err


def test_an_interrupted_run_writes_what_is_finished_and_the_next_one_goes_on(tmp_path, capsys, monkeypatch):
    file, fitted, enqueue = tmp_path / "out.csv", [], JobQueue._enqueue
    arguments = ["forecast", "--source", "bundled", "--models", "ets", "--horizon", "6", "--output", str(file)]
    run = Service.run

    def interrupted(self, requests):
        for number, done in enumerate(run(self, requests)):
            if number == 2:
                raise KeyboardInterrupt
            yield done

    monkeypatch.setattr(Service, "run", interrupted)
    assert main(arguments) == 1
    assert "Interrupted with 4 of 6 to go; the same command goes on from there." in capsys.readouterr().err
    assert pd.read_csv(file)["region"].nunique() == 2
    monkeypatch.setattr(Service, "run", run)
    monkeypatch.setattr(JobQueue, "_enqueue", lambda *asked: fitted.append(1) or enqueue(*asked))
    assert main(arguments) == 0
    assert pd.read_csv(file)["region"].nunique() == 6
    assert len(fitted) <= 4


def test_a_cluster_that_is_lost_costs_only_what_was_not_finished(tmp_path, capsys, monkeypatch):
    file, run = tmp_path / "out.csv", Service.run

    def lost(self, requests):
        for number, (request, job) in enumerate(run(self, requests)):
            if number == 2:
                monkeypatch.setattr(JobQueue, "trouble", "The cluster cannot be reached.")
            yield request, replace(job, forecast=None) if number >= 2 else job

    monkeypatch.setattr(Service, "run", lost)
    arguments = ["--source", "bundled", "--models", "naive", "--horizon", "2", "--output", str(file)]
    assert main(["forecast", *arguments]) == 1
    assert pd.read_csv(file)["region"].nunique() == 2
    errors = capsys.readouterr().err
    assert "The cluster cannot be reached. What was finished is in the store." in errors
    assert "4 of 6 to go" in errors


def test_a_region_whose_preparation_breaks_down_fails_alone(tmp_path, capsys, monkeypatch):
    prepared = forecast_batch.prepare

    def broken(panel, region, statistic):
        return 1 / 0 if region == "Spain" else prepared(panel, region, statistic)

    monkeypatch.setattr(forecast_batch, "prepare", broken)
    file = tmp_path / "out.csv"
    arguments = ["--source", "bundled", "--models", "naive", "--horizon", "2", "--output", str(file)]
    assert main(["forecast", *arguments]) == 1
    assert pd.read_csv(file)["region"].nunique() == 5
    assert "Spain (new_cases): it could not be prepared, which is a fault of the program" in capsys.readouterr().err
