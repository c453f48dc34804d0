"""Foreign ONNX forecasters: what is let in, what is not, and how what was let in forecasts."""

import json

import numpy as np
import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.data.forecast import QUANTILES
from forecasting.data.frequency import DAILY, weekly
from forecasting.data.kind import AMOUNT
from forecasting.data.series import Series
from forecasting.export.model_files import foreign_model
from forecasting.models import imported, model, models
from forecasting.support.errors import DataError, ModelError

onnx = pytest.importorskip("onnx", reason="it is optional")
helper, numpy_helper, TensorProto = onnx.helper, onnx.numpy_helper, onnx.TensorProto

HORIZON = 5
SIGNATURE = {
    "format": "forecast-explorer",
    "format_version": "1",
    "model": "last_figure",
    "label": "Last figure",
    "kind": "count",
    "cycle": "7",
    "horizon": str(HORIZON),
    "shortest": "3",
    "levels": json.dumps(list(QUANTILES)),
    "licence": "CC0",
}


def node(operator, inputs, outputs, **attributes):
    return helper.make_node(operator, inputs, outputs, **attributes)


def constant(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


#: The last figure, between half of it and twice as much.
NODES = [
    node("Slice", ["history", "minus_one", "end", "one"], ["last"]),
    node("Unsqueeze", ["last", "two"], ["lasts"]),
    node("Mul", ["lasts", "factors"], ["quantiles"]),
]
CONSTANTS = [
    constant("minus_one", np.array([-1])),
    constant("end", np.array([2**62])),
    constant("one", np.array([1])),
    constant("two", np.array([2])),
    constant("factors", np.tile(np.geomspace(0.5, 2, 23), (1, HORIZON, 1))),
]


def onnx_file(
    nodes=NODES,
    constants=CONSTANTS,
    inputs=("history",),
    outputs=("quantiles",),
    changed=None,
    opsets=None,
    output_shape=("series", HORIZON, 23),
):
    graph = helper.make_graph(
        list(nodes),
        "forecast",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["series", "periods"]) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, list(output_shape)) for name in outputs],
        list(constants),
    )
    made = helper.make_model(graph, opset_imports=opsets or [helper.make_opsetid("", 18)], ir_version=8)
    properties = {name: value for name, value in (SIGNATURE | (changed or {})).items() if value is not None}
    helper.set_model_props(made, properties)
    return made


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    monkeypatch.setenv("FORECAST_WORKERS", "1")
    return tmp_path


def days(count=30, **others):
    return Series(pd.Timestamp("2024-01-01"), DAILY, np.arange(1.0, count + 1), **others)


@pytest.fixture
def last_figure(at_home):
    path = at_home / "last.onnx"
    path.write_bytes(onnx_file().SerializeToString())
    assert main(["import", str(path)]) == 0
    return model("last_figure")


def test_an_imported_model_is_in_every_list_and_forecasts_in_the_background(last_figure, at_home, capsys):
    assert "last_figure" in models()
    assert main(["models"]) == 0
    assert "last_figure" in capsys.readouterr().out.splitlines()
    table = at_home / "table.csv"
    arguments = ["--source", "bundled", "--region", "Italy", "--models", "last_figure", "--horizon", "5"]
    assert main(["forecast", *arguments, "--output", str(table)]) == 0
    rows = pd.read_csv(table)
    assert set(rows["model"]) == {"last_figure"}
    quantiles = rows["value"].to_numpy().reshape(5, 23)
    assert quantiles[0, 0] > 0
    np.testing.assert_allclose(quantiles, np.tile(quantiles[0, 0] * np.geomspace(1, 4, 23), (5, 1)))


def test_it_says_in_one_sentence_what_it_cannot_forecast(last_figure):
    assert last_figure.forecast(days(), 3).values.shape == (3, 23)
    with pytest.raises(ModelError, match="forecasts 5 steps, not 6"):
        last_figure.forecast(days(), 6)
    with pytest.raises(ModelError, match="is for counts with 7 periods in a season; these are amounts with 7"):
        last_figure.forecast(days(kind=AMOUNT), 3)
    with pytest.raises(ModelError, match="these are counts with 52"):
        last_figure.forecast(Series(pd.Timestamp("2024-01-06"), weekly(), np.arange(30.0)), 3)
    assert "needs 3" in last_figure.forecast(days(2), 3).notes[0]


def test_a_file_that_was_changed_does_not_run(last_figure):
    path = imported.folder() / f"{last_figure.signature.digest}.onnx"
    path.write_bytes(path.read_bytes() + b" ")
    imported._session.cache_clear()
    with pytest.raises(ModelError, match="gone or was changed; import it again"):
        last_figure.forecast(days(), 3)


def test_another_file_may_not_take_a_name_that_is_taken(last_figure, at_home, capsys):
    path = at_home / "other.onnx"
    path.write_bytes(onnx_file(changed={"licence": "other"}).SerializeToString())
    assert main(["import", str(path)]) == 2
    assert "another imported model 'last_figure'" in capsys.readouterr().err
    assert main(["import", str(path), "--name", "ets"]) == 2
    assert "'ets' is a model of this program" in capsys.readouterr().err
    assert main(["import", str(path), "--name", "other_one"]) == 0
    assert {"last_figure", "other_one"} <= set(models())


def test_an_imported_model_is_removed_by_its_name_and_no_other_is(last_figure, capsys):
    assert main(["import", "--remove", "last_figure"]) == 0
    assert "Last figure is removed." in capsys.readouterr().err
    assert "last_figure" not in models()
    assert not list(imported.folder().iterdir())
    assert main(["import", "--remove", "ets"]) == 2
    assert capsys.readouterr().err.strip() == "No imported model is called 'ets'; there is none."


@pytest.mark.parametrize("arguments", [[], ["file.onnx", "--remove", "mine"], ["--remove", "mine", "--name", "other"]])
def test_import_takes_either_a_file_or_the_name_of_a_model_to_remove(arguments, at_home, capsys):
    assert main(["import", *arguments]) == 2
    assert "either a FILE to import, perhaps with --name, or --remove NAME." in capsys.readouterr().err


def test_what_this_program_exports_it_imports(at_home):
    path = at_home / "pretrained.onnx"
    arguments = ["--source", "bundled", "--region", "Italy", "--horizon", "5", "--format", "onnx"]
    assert main(["export", *arguments, "--model", "pretrained", "--output", str(path)]) == 0
    assert main(["import", str(path), "--name", "mine"]) == 0
    series = days(100)
    wanted, found = (model(name).forecast(series, 5).values for name in ("pretrained", "mine"))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def loop():
    body = helper.make_graph([], "body", [], [])
    return node("Loop", ["", "", "history"], ["x"], body=body)


EXTERNAL = constant("factors", np.ones((1, HORIZON, 23)))
EXTERNAL.data_location = TensorProto.EXTERNAL
EXTERNAL.external_data.add(key="location", value="/etc/passwd")

BAD = {
    "a graph inside": (lambda: onnx_file([*NODES, loop()]), "uses the operator Loop"),
    "another domain": (
        lambda: onnx_file([*NODES[:2], node("Mul", ["lasts", "factors"], ["quantiles"], domain="com.microsoft")]),
        "uses the operator Mul of 'com.microsoft'",
    ),
    "a domain that it imports": (
        lambda: onnx_file(opsets=[helper.make_opsetid("", 18), helper.make_opsetid("evil", 1)]),
        "uses operators of 'evil'",
    ),
    "chance": (
        lambda: onnx_file([*NODES, node("RandomNormal", [], ["x"], shape=[2])]),
        "the same figures must have the same forecast",
    ),
    "numbers elsewhere": (lambda: onnx_file(constants=[*CONSTANTS[:4], EXTERNAL]), "in another file"),
    "no signature": (lambda: onnx_file(changed={"format": None}), "docs/export.md has the signature"),
    "another version": (lambda: onnx_file(changed={"format_version": "2"}), "format_version 1"),
    "half a signature": (lambda: onnx_file(changed={"cycle": None, "kind": None}), "lack kind, cycle"),
    "other levels": (lambda: onnx_file(changed={"levels": "[0.5]"}), "not the 23"),
    "no JSON": (lambda: onnx_file(changed={"horizon": "five"}), "cannot be imported"),
    "a horizon of 1,000": (lambda: onnx_file(changed={"horizon": "1000"}), "no whole number from 1 to 400"),
    "a path for a name": (lambda: onnx_file(changed={"model": "../../x"}), "is no name"),
    "an unknown kind": (lambda: onnx_file(changed={"kind": "cats"}), "no kind 'cats'"),
    "another input": (lambda: onnx_file(inputs=("history", "secret")), "inputs are history, secret"),
    "another output": (
        lambda: onnx_file([*NODES[:2], node("Mul", ["lasts", "factors"], ["x"])], outputs=("x",)),
        "not called quantiles",
    ),
    "another shape": (lambda: onnx_file(output_shape=("series", 7, 23)), "has shape"),
    "a shape that it does not keep": (
        lambda: onnx_file(
            constants=[*CONSTANTS[:4], constant("factors", np.ones((1, 3, 23)))], output_shape=("a", "b", "c")
        ),
        "cannot be imported",
    ),
    "no finite numbers": (
        lambda: onnx_file(constants=[*CONSTANTS[:4], constant("factors", np.full((1, HORIZON, 23), np.nan))]),
        "finite numbers",
    ),
    "ten gigabytes": (
        lambda: onnx_file(
            [
                node("Expand", ["history", "many"], ["large"]),
                node("ReduceSum", ["large"], ["sum"], keepdims=0),
                *NODES[:2],
                node("Add", ["lasts", "sum"], ["moved"]),
                node("Mul", ["moved", "factors"], ["quantiles"]),
            ],
            [*CONSTANTS, constant("many", np.array([10**6, 1, 1]))],
        ),
        "needs more than 1 GB",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_let_in_is_one_sentence(what, at_home, capsys):
    make, sentence = BAD[what]
    path = at_home / "bad.onnx"
    path.write_bytes(make().SerializeToString())
    assert main(["import", str(path)]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert sentence in said[0]
    assert "last_figure" not in models()
    assert not imported.folder().exists()


@pytest.mark.parametrize(
    "content", [b"", b"\x08\x07garbage" * 30, b"PK\x03\x04" + bytes(200), onnx_file().SerializeToString()[:-300]]
)
def test_damaged_files_are_one_sentence(content, at_home, capsys):
    path = at_home / "damaged.onnx"
    path.write_bytes(content)
    assert main(["import", str(path)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not imported.folder().exists()


def test_a_file_that_is_too_large_or_not_there_is_not_read(at_home, monkeypatch, capsys):
    path = at_home / "large.onnx"
    with path.open("wb") as file:
        file.truncate(imported.MOST_BYTES + 1)
    assert main(["import", str(path)]) == 2
    assert "a model has 50 at most" in capsys.readouterr().err
    assert main(["import", str(at_home / "nothing.onnx")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_a_trial_that_takes_too_long_is_ended(at_home, monkeypatch):
    path = at_home / "slow.onnx"
    path.write_bytes(onnx_file().SerializeToString())
    monkeypatch.setattr(foreign_model, "TRIAL_SECONDS", 0.01)
    with pytest.raises(DataError, match="took more than"):
        foreign_model.read_foreign_model(path)


def test_a_damaged_description_is_left_out_of_the_list(last_figure):
    path = imported.folder() / f"{last_figure.signature.digest}.json"
    for damaged in (
        "{",
        "[]",
        path.read_text().replace("last_figure", "../x"),
        path.read_text().replace("count", "cats"),
    ):
        path.unlink()
        path.write_text(damaged)
        imported._read.cache_clear()
        assert "last_figure" not in models()
        assert "naive" in models()


def test_a_horizon_of_one_and_figures_of_any_size_give_finite_numbers(last_figure):
    for size in (1e-9, 1.0, 1e12):
        found = last_figure.forecast(Series(pd.Timestamp("2024-01-01"), DAILY, np.full(20, size)), 1)
        assert found.is_finite
        np.testing.assert_allclose(found.median, size)
