"""E-mail: send alerts by SMTP, encrypted unless the server is this machine; no log has an address or a password."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage

from forecasting.monitoring.webhook import AlertMessage, alert_line
from forecasting.support.settings import AlertMail

#: Seconds to wait for each answer of the mail server.
TIMEOUT = 10.0
#: Letters of a subject, at most.
SUBJECT_LETTERS = 150


def mail_alerts(mail: AlertMail, alerts: Sequence[AlertMessage]) -> str:
    """Send alerts in one message; returns why that failed, without addresses, or an empty text."""
    try:
        with _connection(mail) as server:
            if not mail.tls and not mail.near:
                server.starttls(context=ssl.create_default_context())
            if mail.user:
                server.login(mail.user, mail.password)
            server.send_message(alert_message(mail, alerts))
    except TimeoutError:
        return f"the mail server did not answer within {TIMEOUT:g} s"
    except smtplib.SMTPNotSupportedError:
        return "the mail server does not encrypt, or takes no password"
    except smtplib.SMTPAuthenticationError:
        return "the mail server refused the password"
    except smtplib.SMTPResponseException as error:
        return f"the mail server answered {error.smtp_code}"
    except (smtplib.SMTPException, OSError, UnicodeError):
        return "no connection with the mail server"
    return ""


def alert_message(mail: AlertMail, alerts: Sequence[AlertMessage]) -> EmailMessage:
    """The message: the first alert as subject, every one as a line of the text."""
    lines = [" ".join(alert_line(alert).split()) for alert in alerts]
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    first = lines[0] if len(lines[0]) <= SUBJECT_LETTERS else f"{lines[0][: SUBJECT_LETTERS - 1]}…"
    message = EmailMessage()
    message["Subject"] = f"Forecast Explorer: {first}{more}"
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.recipients)
    message.set_content("\n\n".join(lines) + "\n")
    return message


def _connection(mail: AlertMail) -> smtplib.SMTP:
    name = socket.gethostname()  # smtplib would ask the network for a longer one, which may take long
    if mail.tls:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(mail.host, mail.port, name, timeout=TIMEOUT, context=context)
    return smtplib.SMTP(mail.host, mail.port, name, timeout=TIMEOUT)
