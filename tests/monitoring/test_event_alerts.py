"""Rules that people are told by: kept once, told once, mailed, and removed without a word."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_string, policy
from pathlib import Path

import pandas as pd
import pytest

from forecasting.evaluation.event_record import EventRecord
from forecasting.evaluation.events import EventKind, EventQuestion
from forecasting.monitoring import event_alerts as module
from forecasting.monitoring.alert_mail import alert_message, mail_alerts
from forecasting.monitoring.alerts import Alerts, AlertSubject, EventNews
from forecasting.monitoring.event_alerts import EventAlerts, EventCheck, EventRule
from forecasting.monitoring.webhook import AlertMessage
from forecasting.support.errors import JobError, RequestError
from forecasting.support.settings import AlertMail, alert_mail

OHIO = AlertSubject("bundled", "Ohio", "new_admissions")
ABOVE = EventQuestion(EventKind.above, 500.0, 3)
RULE = EventRule(*OHIO, "ets", ABOVE, 0.3)
NEWS = EventNews(OHIO, "ets", pd.Timestamp("2026-03-21"), "Ohio: the chance of a week above 500 is about 4 in 10.")


class MailServer:
    """An SMTP server on loopback that keeps what it gets; it refuses the first `refusals` messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.refusals = 0
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 here")
                while line := self.rfile.readline().decode().strip():
                    command = line.upper()
                    if command.startswith("EHLO"):
                        self._say("250 here")
                    elif command == "DATA":
                        self._say("354 go on")
                        self._take()
                    else:
                        self._say("221 bye" if command == "QUIT" else "250 good")

            def _take(self) -> None:
                lines = []
                while (line := self.rfile.readline().decode()) != ".\r\n":
                    lines.append(line)
                if server.refusals:
                    server.refusals -= 1
                    self._say("451 later")
                else:
                    server.messages.append("".join(lines))
                    self._say("250 taken")

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.mail = AlertMail(
            "127.0.0.1", self._server.server_address[1], False, True, "", "", "from@example.org", ("to@example.org",)
        )

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[MailServer]:
    one = MailServer()
    yield one
    one.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'alerts.sqlite'}"


@pytest.fixture
def kept(url: str) -> Iterator[EventAlerts]:
    one = EventAlerts(url)
    yield one
    one.close()


def test_a_rule_is_kept_once_with_what_its_check_found(kept: EventAlerts):
    first = kept.add(RULE)
    assert kept.add(RULE).id == first.id
    assert kept.all() == [first]
    record = EventRecord(hits=2, misses=1, lead=2.0, first="2026-01-03", last="2026-02-07", frequency="W-SAT")
    kept.note(first.id, EventCheck(0.4, "About 4 in 10.", record=record))
    (found,) = kept.all()
    assert (found.rule, found.probability, found.sentence, found.record) == (RULE, 0.4, "About 4 in 10.", record)
    assert found.checked is not None
    assert "told of 2" in found.record_words
    assert found.to_json()["record"]["hits"] == 2
    assert found.rule.words == "Ohio (bundled, new_admissions): above 500 within 3 periods, told above 30 %, by ets"


def test_a_removed_rule_is_gone_and_what_is_not_there_cannot_be_removed(kept: EventAlerts):
    number = kept.add(RULE).id
    assert kept.remove(number).rule == RULE
    assert kept.all() == []
    kept.note(number, EventCheck(0.5))
    assert kept.all() == []
    with pytest.raises(RequestError, match=f"There is no alert {number}"):
        kept.remove(number)


def test_there_are_so_many_rules_at_most(kept: EventAlerts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_RULES", 1)
    kept.add(RULE)
    with pytest.raises(RequestError, match="There are 1 alerts already; remove one first"):
        kept.add(EventRule(*OHIO, "ets", ABOVE, 0.5))


def test_without_a_database_a_sentence_says_so():
    with pytest.raises(JobError, match="the database cannot be used"):
        EventAlerts("sqlite://").add(RULE)


@pytest.mark.parametrize(
    ("question", "chance", "sentence"),
    [
        (EventQuestion(EventKind.total), 0.3, "Nobody can be told of 'total'"),
        (EventQuestion(EventKind.above, 5.0), 0.3, "within how many periods"),
        (ABOVE, 1.0, "The chance is 100 %"),
    ],
)
def test_what_nobody_can_be_told_of_is_one_sentence(question: EventQuestion, chance: float, sentence: str):
    with pytest.raises(RequestError, match=sentence):
        EventRule(*OHIO, "ets", question, chance)


def test_an_event_is_told_once_and_checks_of_drift_leave_it_alone(url: str):
    one = Alerts(url, "")
    assert one.update({}, {}, {"event 1": NEWS}) == (1, 0)
    assert one.update({}, {}, {"event 1": NEWS}) == (0, 0)
    assert one.update({OHIO: []}) == (0, 0)
    assert one.open()["kind"].tolist() == ["event 1"]
    over = EventNews(NEWS.subject, NEWS.model, NEWS.since, "")
    assert one.update({}, {}, {"event 2": over}) == (0, 0)
    assert one.update({}, {}, {"event 1": over}) == (0, 1)
    one.close()


def test_alerts_are_mailed_once_and_again_after_the_next_check_where_that_failed(url: str, server: MailServer):
    server.refusals = 1
    one = Alerts(url, "", server.mail)
    for _ in range(3):
        one.update({}, {}, {"event 1": NEWS})
        one._thread and one._thread.join(30)
    one.update({}, {}, {"event 1": EventNews(NEWS.subject, NEWS.model, NEWS.since, "")})
    one.close()
    told = [message_from_string(text, policy=policy.default) for text in server.messages]
    assert [one["Subject"].strip() for one in told] == [
        f"Forecast Explorer: {NEWS.sentence}",
        f"Forecast Explorer: Over: {NEWS.sentence}",
    ]
    assert (told[0]["From"], told[0]["To"]) == ("from@example.org", "to@example.org")


def test_nobody_is_told_of_the_end_of_a_rule_that_was_removed(url: str, server: MailServer):
    one = Alerts(url, "", server.mail)
    one.update({}, {}, {"event 1": NEWS})
    one._thread and one._thread.join(30)
    one.forget("event 1")
    one.update({})
    one.close()
    assert len(server.messages) == 1
    assert one.open().empty


def test_a_mail_server_that_does_not_encrypt_gets_nothing_unless_it_is_this_machine(server: MailServer):
    far = AlertMail(**{**vars(server.mail), "near": False})
    assert mail_alerts(far, [message("x")]) == "the mail server does not encrypt, or takes no password"
    assert server.messages == []
    assert mail_alerts(server.mail, [message("x")]) == ""
    server.close()
    assert mail_alerts(server.mail, [message("x")]) == "no connection with the mail server"


def test_a_subject_has_one_line_and_is_not_too_long(server: MailServer):
    made = alert_message(server.mail, [message("Ohio\r\nBcc: evil@example.org " + "x" * 300), message("second")])
    assert re.fullmatch(r"Forecast Explorer: Ohio Bcc: evil@example.org x+… \(and 1 more\)", made["Subject"])
    assert made["Bcc"] is None
    assert "second" in made.get_content()


def message(sentence: str) -> AlertMessage:
    return AlertMessage("open", "event 1", *OHIO, "ets", "2026-03-21", "2026-03-22", sentence)


@pytest.mark.parametrize(
    ("server", "sender", "to", "sentence"),
    [
        ("https://mail.example.org", "a@b", "c@d", "FORECAST_ALERT_SMTP is no mail server"),
        ("smtp://mail.example.org:99999", "a@b", "c@d", "FORECAST_ALERT_SMTP is no mail server"),
        ("smtps://mail.example.org", "", "c@d", "FORECAST_ALERT_MAIL_FROM is no e-mail address"),
        ("smtps://mail.example.org", "a@b", "c@d, nobody", "FORECAST_ALERT_MAIL_TO is no e-mail address"),
        ("smtps://mail.example.org", "a@b\nBcc: x@y", "c@d", "FORECAST_ALERT_MAIL_FROM is no e-mail address"),
    ],
)
def test_wrong_settings_of_mail_are_one_sentence(server: str, sender: str, to: str, sentence: str, monkeypatch):
    settings = {"FORECAST_ALERT_SMTP": server, "FORECAST_ALERT_MAIL_FROM": sender, "FORECAST_ALERT_MAIL_TO": to}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RequestError, match=sentence):
        alert_mail()


def test_the_password_of_the_mail_server_is_not_shown(monkeypatch):
    monkeypatch.setenv("FORECAST_ALERT_SMTP", "smtps://me:p%40ss@mail.example.org")
    monkeypatch.setenv("FORECAST_ALERT_MAIL_FROM", "a@b")
    monkeypatch.setenv("FORECAST_ALERT_MAIL_TO", "c@d,e@f")
    found = alert_mail()
    assert found is not None
    assert (found.port, found.user, found.password, found.recipients) == (465, "me", "p@ss", ("c@d", "e@f"))
    assert "p@ss" not in repr(found)
