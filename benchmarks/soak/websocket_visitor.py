"""Simulated visitors without a browser: Streamlit's WebSocket protocol, many of them in one event loop.

Each opens a link, and every so often changes something as a person would: another region, horizon, choice of models, or page.
While the server wants a fragment to be run again and again, it is asked for as a browser does it: on the clock, whether the
last answer has come or not. Charts of more than 10 KB that were received lately need not be sent again, as in a browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from benchmarks._server import HOST

#: Seconds in which a connection must be open, and a run of a page must have ended.
LIMIT = 60.0
#: Elements that are charts, of the app and of the bare page.
CHARTS = ("bidi_component", "plotly_chart")
#: Elements that a visitor can change.
CONTROLS = ("selectbox", "slider", "button_group")
#: Script runs for which received messages stay cached, as in a browser.
KEPT = 2

Message = Any


@dataclass(frozen=True)
class Answer:
    """The outcome of one action of a visitor.

    Attributes:
        action: "open", or what was changed.
        seconds: until the run had ended; None if it has not.
        chart: seconds until the first chart was there; None if the page has none.
        wrong: what was not as it should be, a sentence each.
    """

    action: str
    seconds: float | None
    chart: float | None
    wrong: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return self.seconds is not None and not self.wrong


@dataclass
class _Run:
    """An action whose answer is on its way."""

    action: str
    start: float
    begun: bool = False
    chart: float | None = None
    wrong: list[str] = field(default_factory=list)


class Visitor:
    """One open page of a Streamlit app, opened by `visit`.

    Attributes:
        answers: of all actions so far.
        polled: fragments that were run again by themselves.
        pages: the app's other pages, by name.
        controls: those on the page now, by what they are called.
        sentences, warnings: what the page has said since the last action, in plain text and in boxes.
    """

    def __init__(self, connection: ClientConnection, **state: str) -> None:
        self._connection = connection
        self._query = urlencode(state)
        self._run: _Run | None = None
        self._ended = asyncio.Event()
        self._reading = asyncio.create_task(self._read())
        self._polling: asyncio.Task[None] | None = None
        self._values: dict[str, WidgetState] = {}
        self._cached: dict[str, int] = {}
        self._runs = 0
        self._lost: str = ""
        self._page = ""
        self.answers: list[Answer] = []
        self.polled = 0
        self.pages: dict[str, str] = {}
        self.controls: dict[str, Message] = {}
        self.sentences: list[str] = []
        self.warnings: list[str] = []

    @property
    def link(self) -> str:
        """What stands behind the question mark of the page's address."""
        return self._query

    async def open(self) -> Answer:
        """Run the page for the first time."""
        return await self._act("open")

    async def choose(self, control: str, value: str | float | list[str]) -> Answer:
        """Set a control of the page, by its key or its label."""
        state = WidgetState(id=self.controls[control].id)
        if isinstance(value, str):
            state.string_value = value
        elif isinstance(value, list):
            state.string_array_value.data.extend(value)
        else:
            state.double_array_value.data.append(value)
        self._values[state.id] = state
        return await self._act(control)

    async def go(self, page: str) -> Answer:
        """Go to another page."""
        self._page = self.pages[page]
        return await self._act(page)

    async def change(self, dice: random.Random) -> Answer:
        """Change something at random, as a person might."""
        others = [name for name, number in self.pages.items() if number != self._page]
        likely: list[tuple[int, Callable[[], Any]]] = []
        if "region" in self.controls or "Region" in self.controls:
            name = "region" if "region" in self.controls else "Region"
            likely.append((9, lambda: self.choose(name, dice.choice(list(self.controls[name].options)))))
        if "horizon_daily" in self.controls:
            likely.append((4, lambda: self.choose("horizon_daily", float(dice.randrange(7, 61)))))
        if "models" in self.controls:
            labels = [option.content for option in self.controls["models"].options]
            likely.append((3, lambda: self.choose("models", dice.sample(labels[:6], 3))))
        if others:
            explore = [name for name in others if name == "Explore"]  # where most people are most of the time
            likely.append((4, lambda: self.go(dice.choice(explore or others))))
        (act,) = dice.choices([act for _, act in likely], [weight for weight, _ in likely])
        answer: Answer = await act()
        return answer

    async def close(self) -> None:
        """Closes the page."""
        self._stop_polling()
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        await self._connection.close()

    async def _act(self, action: str) -> Answer:
        self._stop_polling()
        self._ended.clear()
        self.sentences, self.warnings = [], []
        run = self._run = _Run(action, time.perf_counter())
        seconds: float | None = None
        try:
            await self._send(ClientState(query_string=self._query, page_script_hash=self._page))
            async with asyncio.timeout(LIMIT):
                await self._ended.wait()
            seconds = None if self._lost else time.perf_counter() - run.start
        except TimeoutError:
            run.wrong.append(f"The page had not run {LIMIT:g} seconds after '{action}'.")
        except WebSocketException as error:
            self._lost = str(error)
        if self._lost:
            run.wrong.append(f"The connection was lost: {self._lost}")
        self._run = None
        answer = Answer(action, seconds, run.chart, tuple(run.wrong))
        self.answers.append(answer)
        return answer

    async def _send(self, state: ClientState) -> None:
        state.widget_states.widgets.extend(self._values.values())
        state.cached_message_hashes.extend(self._cached)
        await self._connection.send(BackMsg(rerun_script=state).SerializeToString())

    async def _read(self) -> None:
        try:
            async for data in self._connection:
                assert isinstance(data, bytes)
                self._hear(ForwardMsg.FromString(data))
            self._lost = "the server has closed it"
        except WebSocketException as error:
            self._lost = str(error)
        self._ended.set()

    def _hear(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if message.metadata.cacheable and message.hash:
            self._cached[message.hash] = self._runs
        if kind == "new_session":
            self._begin(message)
        elif kind in ("delta", "ref_hash"):
            self._draw(message)
        elif kind == "navigation":
            self.pages = {page.page_name: page.page_script_hash for page in message.navigation.app_pages}
            self._page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._poll(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            self._stop_polling()
        elif kind == "script_finished":
            self._finish(message.script_finished)

    def _begin(self, message: ForwardMsg) -> None:
        self._runs += 1
        self._cached = {name: at for name, at in self._cached.items() if self._runs - at <= KEPT}
        if self._run:
            self._run.begun = True

    def _draw(self, message: ForwardMsg) -> None:
        if message.WhichOneof("type") == "ref_hash":  # only what is as large as a chart is sent like that
            self._note_chart()
            return
        if message.delta.WhichOneof("type") != "new_element":
            return
        element: Message = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind in CHARTS:
            self._note_chart()
        elif kind in CONTROLS:
            control = getattr(element, kind)
            self.controls[_name(control)] = control
        elif kind == "markdown":
            self.sentences.append(element.markdown.body)
        elif kind == "alert":
            self.warnings.append(element.alert.body)
        elif kind == "exception" and self._run:
            self._run.wrong.append(f"{element.exception.type}: {element.exception.message}"[:300])

    def _note_chart(self) -> None:
        if self._run and self._run.begun and self._run.chart is None:
            self._run.chart = time.perf_counter() - self._run.start

    def _finish(self, how: Any) -> None:
        if how == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
            self.polled += 1
        elif how == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            if self._run:
                self._run.wrong.append("The script does not compile.")
            self._ended.set()
        elif how == ForwardMsg.FINISHED_SUCCESSFULLY and (self._run is None or self._run.begun):
            self._ended.set()

    def _poll(self, fragment: str, interval: float) -> None:
        self._stop_polling()

        async def poll() -> None:
            with contextlib.suppress(WebSocketException):
                while True:
                    await asyncio.sleep(interval)
                    await self._send(
                        ClientState(
                            query_string=self._query,
                            page_script_hash=self._page,
                            fragment_id=fragment,
                            is_auto_rerun=True,
                        )
                    )

        self._polling = asyncio.create_task(poll())

    def _stop_polling(self) -> None:
        if self._polling:
            self._polling.cancel()
            self._polling = None


def _name(control: Message) -> str:
    """What the script calls it: its key, which ends its number; else its label."""
    key = str(control.id).split("-", 2)[-1]
    return key if key and key != "None" else str(control.label)


@asynccontextmanager
async def visit(port: int, **state: str) -> AsyncIterator[Visitor]:
    """Open a page of a local server by a link with `state` in its query; closed after the block."""
    connection = await connect(
        f"ws://{HOST}:{port}/_stcore/stream",
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
        proxy=None,
        compression=None,
        open_timeout=LIMIT,
        ping_interval=None,
    )
    visitor = Visitor(connection, **state)
    try:
        await visitor.open()
        yield visitor
    finally:
        await visitor.close()
