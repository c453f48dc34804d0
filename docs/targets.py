"""The figures of docs/benchmarks.md: which results are shown, what was wanted of them, and why a target is missed."""

from __future__ import annotations

import re
from typing import NamedTuple


class Target(NamedTuple):
    """One row of the table of figures.

    Attributes:
        name: the result's name in `benchmarks/results`; the benchmark is the part before the first slash.
        what: what was measured, in words.
        kind: ``"value"`` or ``"ratio"``: which field of the result is shown.
        wanted: the target, as ``≥ 0.99``, ``≤ 5 s``, ``0.45–0.55`` or ``200``; ``–`` and ``~ 0`` are not checked.
    """

    name: str
    what: str
    kind: str
    wanted: str

    def is_met(self, figure: float) -> bool:
        """Whether `figure` is what was wanted."""
        if limits := re.fullmatch(r"([\d.]+)–([\d.]+)", self.wanted):
            return float(limits[1]) <= figure <= float(limits[2])
        if limit := re.match(r"([≥≤<]) ([\d.]+)", self.wanted):
            target = float(limit[2])
            return {"≥": figure >= target, "≤": figure <= target, "<": figure < target}[limit[1]]
        return not re.fullmatch(r"[\d.]+", self.wanted) or figure == float(self.wanted)


#: Every row of the table of figures.
TARGETS = (
    Target("us_december_2020/United States/sarima/cumulative", "US, SARIMA from 30 Nov 2020 to 1 Jan 2021: accuracy of the running total", "value", "≥ 0.99"),
    Target("us_december_2020/United States/sarima/growth", "US, the same period: accuracy of the growth alone", "value", "≥ 0.97"),
    Target("us_december_2020/United Kingdom/sarima/growth", "UK, the same period, when a new variant spread: accuracy of the growth alone", "value", "–"),
    Target("first_forecast/page_load", "opening a page with its first forecast, over a bare Streamlit page with a chart", "ratio", "≤ 1.3"),
    Target("first_forecast/new_region", "picking a new region until its first forecast is drawn, over a click on the bare page", "ratio", "≤ 2"),
    Target("first_forecast/stored_forecast", "a stored forecast: time on the server", "value", "≤ 0.3 s"),
    Target("first_forecast/sarima_and_prophet", "SARIMA and Prophet of a daily series: time until both are drawn", "value", "≤ 5 s"),
    Target("responsiveness/p95", "p95 of a page's rerun while four searches run, over idle", "ratio", "≤ 1.5"),
    Target("memory/peak", "memory of the whole process tree after every model has run", "value", "< 1000 MB"),
    Target("backtest/four_models", "backtest of four models over 12 origins of a daily series", "value", "≤ 10 s"),
    Target("backtest/weekly_ets", "backtest of ETS for 53 regions over 8 weekly origins", "value", "≤ 60 s"),
    Target("backtest/over_statsforecast", "backtest of ETS for 53 regions, over statsforecast's cross-validation", "ratio", "≤ 1.5"),
    Target("at_once/pretrained", "the network from 52 origins of 53 regions, all at once, over one by one", "ratio", "≤ 0.2"),
    Target("at_once/theta", "theta from the same", "ratio", "–"),
    Target("at_once/naive", "seasonal naive from the same", "ratio", "–"),
    Target("backtest/year/ets/processor", "backtest of ETS for 53 regions over 52 weekly origins through the service: processor time", "value", "≤ 3 s"),
    Target("backtest/year/theta/processor", "the same of Theta", "value", "≤ 3 s"),
    Target("backtest/command/ets/processor", "the same of ETS by the command, with starting, reading, scoring and writing: processor time in s", "value", "–"),
    Target("at_once/ets/from_panel", "ETS from 52 origins of 53 regions in one process, prepared and forecast", "value", "≤ 3 s"),
    Target("at_once/theta/from_panel", "theta of the same", "value", "≤ 3 s"),
    Target("at_once/naive/from_panel", "seasonal naive of the same", "value", "≤ 3 s"),
    Target("inference/pretrained/onnx/64 steps", "one pass of 64 steps of the exported network, over 64 passes of one", "ratio", "≤ 0.1"),
    Target("inference/pretrained/onnx/28×100", "the network exported as ONNX, 100 series 28 steps ahead, over this program", "ratio", "–"),
    Target("score_file/csv/seconds", "scoring a forecasts file of 609,500 rows", "value", "≤ 5 s"),
    Target("score_file/csv/peak", "scoring that file: memory", "value", "< 1000 MB"),
    Target("hub_file/both/seconds", "a hub's file of 2.6 million rows of vintages: processor time to read it, over the reader before", "ratio", "≤ 0.5"),
    Target("hub_file/both/memory", "the same file: memory, over the reader before", "ratio", "≤ 0.5"),
    Target("coverage/hub weekly/ets/50", "the hub's vintages, four weeks ahead: outcomes in the 50 % band of ETS", "value", "0.45–0.55"),
    Target("coverage/hub weekly/ets/95", "the hub's vintages, four weeks ahead: outcomes in the 95 % band of ETS", "value", "0.92–0.97"),
    Target("coverage/simulated daily/sarima/50", "simulated epidemics, 28 days ahead: outcomes in the 50 % band of SARIMA", "value", "0.45–0.55"),
    Target("coverage/simulated daily/sarima/95", "simulated epidemics, 28 days ahead: outcomes in the 95 % band of SARIMA", "value", "0.92–0.97"),
    Target("calibrate/elsewhere/europe daily/ets/95", "European countries by day, scale learned elsewhere: outcomes in the 95 % band of ETS", "value", "0.92–0.97"),
    Target("sarima_search/times_faster_than_pmdarima", "choosing a SARIMA: times faster than pmdarima, median", "value", "≥ 20"),
    Target("sarima_search/mase_mean_beside_pmdarima", "the chosen SARIMA's mean MASE, over pmdarima's", "ratio", "≤ 1"),
    Target("sarima_search/mase_mean_beside_statsforecast", "the chosen SARIMA's mean MASE, over statsforecast's", "ratio", "≤ 1"),
    Target("hub_dev/ensemble/log1p", "the hub's task, Ensemble: WIS on log1p over the hub's baseline", "value", "≤ 0.74"),
    Target("hub_dev/ensemble/natural", "the hub's task, Ensemble: WIS on counts over the hub's baseline", "value", "≤ 0.95"),
    Target("hub_dev/ensemble/held 50 %", "the hub's task, Ensemble: outcomes in the 50 % band", "value", "0.45–0.55"),
    Target("hub_dev/ensemble/held 95 %", "the hub's task, Ensemble: outcomes in the 95 % band", "value", "0.92–0.97"),
    Target("horizon/sarima/28/extend", "SARIMA extended over five new days, over its fit, 28 days ahead", "ratio", "≤ 0.1"),
    Target("horizon/ets/28/extend", "ETS extended over five new days, over its fit, 28 days ahead", "ratio", "≤ 0.1"),
    Target("horizon/ets/365/extend", "ETS extended over five new days, over its fit, a year ahead", "ratio", "≤ 0.1"),
    Target("horizon/sarima/365/fit", "SARIMA for a year ahead, over one for 7 days", "ratio", "–"),
    Target("load/csv/seconds", "1,000,000 rows of CSV read and ready to pick from", "value", "≤ 5 s"),
    Target("load/csv/seconds", "1,000,000 rows of CSV read and ready to pick from, over plain `pandas.read_csv`", "ratio", "≤ 1.5"),
    Target("load/csv/memory", "1,000,000 rows of CSV: memory", "value", "≤ 500 MB"),
    Target("load/parquet/seconds", "1,000,000 rows of Parquet read and ready to pick from", "value", "≤ 2 s"),
    Target("many/ets/10000", "ETS of 10,000 series of 100 days by the command line", "value", "≤ 10 s"),
    Target("many/ets/10000", "ETS of 10,000 series, over ten times what 1,000 take", "ratio", "–"),
    Target("many/pooled/10000", "Pooled of 10,000 series, over ten times what 1,000 take", "ratio", "–"),
    Target("many/ets/over_statsforecast", "ETS of 2,000 weekly series with all quantiles, over the means of statsforecast's AutoETS", "ratio", "≤ 0.2"),
    Target("many/theta/over_statsforecast", "Theta of the same, over AutoTheta", "ratio", "≤ 0.2"),
    Target("many/ets/10000/again", "ETS of 10,000 series when the command is run again, over the first time", "ratio", "–"),
    Target("pooled/53x90", "Pooled on 53 regions of 90 weeks with 26 earlier vintages", "value", "≤ 5 s"),
    Target("pooled/1000x365", "Pooled on 1,000 regions of 365 days", "value", "≤ 30 s"),
    Target("api/p95", "stored forecasts through the API while fits run, 100 requests a second: p95 in ms", "value", "≤ 20"),
    Target("pretrain/efficiency", "two Dask workers on two cores: seconds of one worker over twice those of two", "value", "≥ 0.9"),
    Target("pretrain/side_by_side", "processor seconds of the fits on two cores, over those on one: the machine's own loss", "ratio", "–"),
    Target("pretrain/linear", "pretraining all regions, over twice the seconds of half of them", "ratio", "~ 1"),
    Target("drift/daily/false alarms", "false alarms of all drift tests, a year of a daily series", "value", "≤ 1"),
    Target("drift/weekly/false alarms", "false alarms of all drift tests, a year of a weekly series", "value", "≤ 1"),
    Target("stream/lost", "10,000 messages a second for a minute from Redis while two pages are open: messages lost", "value", "0"),
    Target("stream/rate", "the same: messages a second that the sender got rid of", "value", "–"),
    Target("stream/server/processor", "the same: processor time of the server for each 10,000 messages, its pages included", "value", "≤ 1 s"),
    Target("stream/all/processor", "the same, of server, workers, sender, Redis and browser together; two cores have 2 s", "value", "≤ 2 s"),
    Target("stream/page/behind/p95", "the same: p95 of how long ago the last figure on a page was sent", "value", "≤ 2 s"),
    Target("stream/memory", "the same: memory of the server without its workers", "value", "< 1000 MB"),
    Target("stream/extend", "a draft of 1,200 minutes and one more by ETS, over its fit", "ratio", "–"),
    Target("soak/visitors/loaded", "200 visitors at once while fits run: script runs that ended well, of all", "ratio", "1"),
    Target("soak/visitors/p95", "200 visitors at once: p95 from a click to the first chart, over that of a bare page", "ratio", "≤ 2"),
    Target("soak/visitors/median", "200 visitors at once: median from a click to the first chart", "value", "–"),
    Target("soak/visits/loaded", "4,000 visits one after the other: script runs that ended well, of all", "ratio", "1"),
    Target("soak/visits/slope", "4,000 visits: memory gained per 1,000 of them over the last 2,000, in MB", "value", "~ 0"),
    Target("soak/kills/processes", "workers and servers killed at random under load", "value", "200"),
    Target("soak/kills", "promises about results, answers and processes that were kept under those kills, of all", "ratio", "1"),
    Target("events/ensemble/all/said 30 %", "events that the Ensemble gives 25 to 35 %, on the hubs' tasks: the share that came", "value", "0.25–0.35"),
    Target("events/pretrained/all/said 30 %", "the same of the pretrained network", "value", "0.25–0.35"),
    Target("events/ets/all/said 30 %", "the same of ETS", "value", "0.25–0.35"),
    Target("events/ensemble/all/brier", "all events: squared error of the Ensemble's probabilities, over that of always saying how often they come", "ratio", "≤ 0.7"),
    Target("events/futures/4 weeks", "sampling the futures of a forecast of four weeks: processor time in ms", "value", "≤ 2"),
    Target("like_when/all/8 weeks/3", "mean of what followed the three nearest past courses of eight weeks: error over that of no change, mean of five sets", "value", "–"),
    Target("like_when/all/8 weeks/10", "the same of the ten nearest", "value", "–"),
    Target("like_when/speed/53x300", "the first search for past courses in 53 regions of 300 weeks: processor time in ms", "value", "≤ 100"),
    Target("like_when/speed/1000x365", "the same in 1,000 regions of 365 days", "value", "≤ 100"),
    Target("regions/stored", "53 regions on the screen from the store", "value", "≤ 2 s"),
    Target("cold_start/first_chart", "from the command to the first chart, over the bare page", "ratio", "≤ 1.5"),
)  # fmt: skip

#: Why a target is missed, by name and kind; shown for those that are. A test asks for a sentence for each of them.
REASONS = {
    ("responsiveness/p95", "ratio"): "Both workers fit all the time, and on a machine of two cores the server and the measuring client have to share them. The workers' lower priority keeps the loss down, but processor caches and memory are shared too.",
    ("backtest/over_statsforecast", "ratio"): "statsforecast is given figures that are prepared already. Ours starts from the panel: it prepares every region anew as it stood at each origin, and takes each fit through queue and store.",
    ("backtest/year/ets/processor", "value"): "It is the time of all processors together: for fitting, for preparing every region anew as it stood at each origin, and for storing 2,756 forecasts.",
    ("many/ets/10000", "value"): "Most of it is the fitting itself, in arrays already; then come starting three processes, preparing and storing.",
    ("at_once/ets/from_panel", "value"): "Half of it is preparing every region anew as it stood at each origin. The machine was shared while this was measured.",
    ("horizon/ets/365/extend", "ratio"): "Fit and extension both draw a thousand futures. A year ahead, that is most of the time of a model that is fitted in milliseconds.",
    ("load/csv/seconds", "ratio"): "pandas only parses the cells. Here the file is looked at first, the meaning of its columns is proposed, every cell is checked with its line number, and one region is prepared.",
    ("pretrain/efficiency", "value"): "Scheduler and command run on the same two cores as the two workers, and the cores share caches and memory (`pretrain/side_by_side`).",
    ("hub_dev/ensemble/held 50 %", "value"): "Errors of influenza's seasons, which Pooled learns its bands from beside so short a table, are larger than those of COVID-19 in that year.",
    ("hub_dev/ensemble/held 95 %", "value"): "The figures begin two weeks before the first date. Bands of such short histories are wide, because the few errors there are say little of rare ones.",
    ("events/ensemble/all/said 30 %", "value"): "The Ensemble's bands are too wide below the median on these tasks: falls below a level that it gives 30 % come in 19 % of cases, within a single week, too, so it is not how the sampled futures hang together. What it gives more than half comes as often as it says.",
    ("stream/page/behind/p95", "value"): "Measured while twenty other processes wanted the same two cores. The server needs a third of a core at this rate and got less, so messages waited at the broker and pages were as late as what is stored (`stream/stored/behind`).",
    ("soak/visitors/p95", "ratio"): "The bare page draws one fixed chart. Explore asks for jobs, prepares tables and draws components at every click, and 200 pages share one interpreter with the polling for running fits.",
}  # fmt: skip

#: Injected drifts in docs/monitoring.md: the results' prefix -> the drift in words.
DRIFTS = {
    "drift/daily/level halved": "reporting share halved",
    "drift/daily/level doubled": "reporting share doubled",
    "drift/daily/noise tripled": "noise tripled",
    "drift/daily/noise tripled in large counts": "noise tripled, more than 500 counts a day",
    "drift/daily/no weekend reporting": "no weekend reporting",
    "drift/daily/30 % missing": "30 % of days missing",
    "drift/daily/error doubled": "a model's error doubled",
    "drift/daily/bands halved": "a model's bands half as wide",
    "drift/weekly/level halved": "weekly counts: share halved",
    "drift/weekly/level doubled": "weekly counts: share doubled",
    "drift/weekly/30 % missing": "weekly counts: 30 % missing",
    "drift/weekly/error doubled": "forecasts every 7 days: error doubled",
    "drift/weekly/bands halved": "forecasts every 7 days: bands half as wide",
}
