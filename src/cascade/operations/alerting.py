"""Send alerts to a webhook, a chat and mailboxes."""

from __future__ import annotations

import smtplib
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from cascade.operations.alerts import Alert, alert_of
from cascade.operations.sending import LIMIT_SECONDS, Sender, SendingError, post

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig

_MOST = 5
_WINDOW_SECONDS = 600.0


class Alerting:
    """Sends an alert for each event that is worth one, to every receiver of the settings.

    Of one kind about one asset, a process sends five in ten minutes: nobody reads the 365 of a backfill.

    Args:
        config: the settings.
    """

    def __init__(self, config: CascadeConfig) -> None:
        self._project = config.project_name
        self._kinds = frozenset(config.alert_on.split(","))
        self._ways = tuple(_ways(config))
        self._sent: dict[tuple[str, str], deque[float]] = {}

    def receive(self, entry: Any, instance: dg.DagsterInstance) -> None:
        """Send the alert that an event is worth.

        Args:
            entry: Dagster's `EventLogEntry`.
            instance: where it was recorded.
        """
        alert = alert_of(entry, instance.get_run_by_id, self._project)
        if alert is not None and alert.kind in self._kinds:
            self.send(alert)

    def send(self, alert: Alert) -> None:
        """Send an alert to every receiver, unless there were too many of its kind.

        Args:
            alert: the alert.
        """
        times = self._sent.setdefault((alert.kind, alert.asset), deque())
        now = time.monotonic()
        while times and now - times[0] > _WINDOW_SECONDS:
            times.popleft()
        if len(times) >= _MOST:
            return
        times.append(now)
        if len(times) == _MOST:
            silence = f"For {_WINDOW_SECONDS / 60:g} minutes, no more of these alerts follow from this process."
            alert = replace(alert, message=f"{alert.message} {silence}")
        for sender, deliver in self._ways:
            sender.send(lambda deliver=deliver: deliver(alert))  # type: ignore[misc]


def _ways(config: CascadeConfig) -> Iterator[tuple[Sender, Callable[[Alert], None]]]:
    if config.alert_webhook is not None:
        url = config.alert_webhook.get_secret_value()
        yield Sender("The webhook of alerts", (url,)), lambda alert: post(url, document=alert.document)
    if config.alert_slack is not None:
        chat = config.alert_slack.get_secret_value()
        yield Sender("The chat of alerts", (chat,)), lambda alert: post(chat, document={"text": _chat_text(alert)})
    if config.alert_email is not None:
        yield Sender("The e-mail of alerts"), lambda alert: _mail(alert, config)


def _chat_text(alert: Alert) -> str:
    # Slack reads these three as markup.
    text = alert.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    title, _, rest = text.partition("\n")
    return f"*{title}*\n{rest}"


def _mail(alert: Alert, config: CascadeConfig) -> None:
    assert config.alert_email is not None and config.smtp_host is not None
    receivers = [address.strip() for address in config.alert_email.split(",") if address.strip()]
    message = EmailMessage()
    message["Subject"] = " ".join(alert.title.split())
    message["From"] = config.smtp_from or config.smtp_user or receivers[0]
    message["To"] = ", ".join(receivers)
    message.set_content(alert.text)
    trusted = ssl.create_default_context()
    connect: Callable[..., smtplib.SMTP] = smtplib.SMTP
    options: dict[str, Any] = {"timeout": LIMIT_SECONDS}
    if config.smtp_security == "tls":
        connect, options["context"] = smtplib.SMTP_SSL, trusted
    try:
        with connect(config.smtp_host, config.smtp_port, **options) as server:
            if config.smtp_security == "starttls":
                server.starttls(context=trusted)
            if config.smtp_user is not None and config.smtp_password is not None:
                server.login(config.smtp_user, config.smtp_password.get_secret_value())
            server.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        raise SendingError(f"the mail server refused smtp_user and smtp_password ({error.smtp_code})") from None
    except smtplib.SMTPResponseException as error:
        raise SendingError(f"the mail server answered {error.smtp_code}") from None
    except smtplib.SMTPNotSupportedError:
        raise SendingError("the mail server does not offer what smtp_security or smtp_user ask for") from None
