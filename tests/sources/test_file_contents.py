"""Files that can be read and are not believed: what changed is said, and the last good copy stays."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.kind import SHARE
from forecasting.data.panel import Statistic, new_and_cumulative
from forecasting.sources.shared.file_contents import FileContents, table_contents, why_not_believed

WEEKS = pd.date_range("2025-01-04", periods=10, freq="W-SAT")
CASES, TOTALS = (
    new_and_cumulative("cases", reported_cumulative=False),
    new_and_cumulative("totals", reported_cumulative=True),
)
STATISTICS = (*CASES, *TOTALS, Statistic("share", "Share", "shares", "share", kind=SHARE))


def table(values=None, statistic="cases", vintages=()):
    """Ten weeks of one region; with `vintages`, the whole of it at each."""
    weeks = pd.DataFrame({"region": "A", "statistic": statistic, "date": WEEKS})
    weeks["value"] = np.arange(1.0, 11) if values is None else values
    return pd.concat([weeks.assign(as_of=pd.Timestamp(one)) for one in vintages]) if vintages else weeks


def why(new, old=None):
    return why_not_believed(table_contents(new, STATISTICS), None if old is None else table_contents(old, STATISTICS))


def test_the_same_figures_revised_ones_and_more_of_them_are_believed():
    assert why(table()) == why(table(), table()) == ""
    assert why(table(np.arange(3.0, 13)), table()) == ""
    assert why(table(vintages=["2025-04-01", "2025-04-08"]), table(vintages=["2025-04-01"])) == ""
    assert why(table(np.r_[np.zeros(4), np.ones(6)]), table(np.r_[0, np.ones(9)])) == ""


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (table().head(8), table(), "sent much less than before (8 figures instead of 10) and left out the newest figures "
                                   "(they end on 22 Feb 2025 instead of 8 Mar 2025)"),
        (table().iloc[:9], table(), "left out the newest figures (they end on 1 Mar 2025 instead of 8 Mar 2025)"),
        (
            table(vintages=["2025-04-01"] * 2),
            table(vintages=["2025-04-01", "2025-04-08"]),
            "left out the newest vintage, 8 Apr 2025 (now the newest is 1 Apr 2025)",
        ),
        (table(np.zeros(10)), table(), "sent zeros only"),
        (table(np.zeros(10)), None, "sent zeros only"),
        (table(np.r_[np.zeros(7), np.ones(3)]), table(), "sent far more zeros than before (70% of the newest, before 0%)"),
        (table(np.r_[-5, np.ones(9)]), table(), "sent figures that cannot be (as −5)"),
        (table(np.r_[-5, np.ones(9)]), None, "sent figures that cannot be (as −5)"),
        (table(np.full(10, 2.0), "share"), None, "sent figures that cannot be (as 2)"),
    ],
)  # fmt: skip
def test_what_is_odd_is_said_in_words(new, old, said):
    assert why(new, old) == said


def test_running_totals_below_zero_are_believed_of_a_first_copy_and_more_of_them_later_are_not():
    negative = table(np.r_[-1, np.ones(9)], "totals")
    assert why(negative) == why(negative, negative) == ""
    assert why(negative, table(statistic="totals")) == "sent figures that cannot be (as −1)"


def test_zeros_in_the_newest_vintage_alone_are_seen():
    good = table(vintages=["2025-04-01"])
    broken = pd.concat([good, table(np.zeros(10), vintages=["2025-04-08"])])
    assert why(broken, good) == "sent zeros only"


def test_a_day_to_come_is_seen_unless_the_copy_before_has_it():
    mistyped = table(vintages=["2125-04-01"])
    assert why(mistyped) == "sent figures of a day to come (1 Apr 2125)"
    assert why(mistyped, mistyped) == ""
    soon = table().assign(date=WEEKS - WEEKS[-1] + pd.Timestamp.now().normalize() + pd.Timedelta(days=6))
    assert why(soon) == ""


def test_of_several_statistics_the_one_that_is_odd_is_named():
    both = pd.concat([table(), table(np.full(10, 0.5), "share")])
    assert why(pd.concat([table(), table(np.zeros(10), "share")]), both) == (
        "sent far more zeros of 'share' than before (100% of the newest, before 0%)"
    )
    assert why(pd.concat([table(), table(np.full(10, 0.5), "share").head(8)]), both).startswith(
        "sent much less than before (8 figures of 'share' instead of 10)"
    )
    assert why(table(), both) == (
        "sent much less than before (10 figures instead of 20) and left out all figures of 'share'"
    )


def test_what_the_copy_before_has_as_well_is_no_reason():
    negative = table(np.r_[-5, np.ones(9)])
    assert why(negative, negative) == ""
    assert why(table(np.zeros(10)), table(np.zeros(10))) == ""


def test_a_copy_of_which_only_the_size_is_known_is_compared_by_that():
    assert why_not_believed(table_contents(table(), STATISTICS), FileContents(10)) == ""
    assert "10 figures instead of 20" in why_not_believed(table_contents(table(), STATISTICS), FileContents(20))


def test_what_a_file_holds_is_kept_as_json():
    held = table_contents(table(vintages=["2025-04-01"]), STATISTICS)
    assert FileContents.from_json(held.figures, held.to_json()) == held
    assert held.statistics["cases"].published == "2025-04-01"
    with pytest.raises(TypeError):
        FileContents.from_json(1, {"cases": {"other": 1}})
