"""A message as e-mail, over SMTP with STARTTLS or TLS from the start (RFC 5321, RFC 3207, RFC 8314)."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from pipeline.alerts.receivers import Receiver
from pipeline.alerts.sending import NoAnswerError, NotNowError, RefusedError
from pipeline.alerts.wording import plain
from pipeline.settings import Settings
from pipeline.settings_tables import Alerts
from pipeline.store.records import Letter


def send(letter: Letter, receiver: Receiver, settings: Settings) -> None:
    """Hand a message to the mail server.

    Its `Message-ID` is made of the key, so that mail programs can tell a repetition.

    Raises:
        SendingError: it was not taken, or nobody knows.
    """
    with _connected(settings.alerts) as server:
        try:
            server.send_message(_mail(letter, receiver, settings), to_addrs=[receiver.address])
        except smtplib.SMTPRecipientsRefused as error:
            code = max(code for code, _ in error.recipients.values())
            raise (NotNowError if code < 500 else RefusedError)(f"SMTP {code}") from error
        except smtplib.SMTPResponseException as error:
            raise _answered(error) from error
        except (OSError, smtplib.SMTPException) as error:
            # The message may have been on its way already.
            raise NoAnswerError(type(error).__name__) from error


def _mail(letter: Letter, receiver: Receiver, settings: Settings) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = letter.message.title
    mail["From"] = settings.alerts.mail_from
    mail["To"] = receiver.address
    mail["Date"] = format_datetime(letter.message.made_at.astimezone(ZoneInfo(settings.time_zone)))
    mail["Message-ID"] = f"<{letter.key}@zhijian.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Zhijian-Key"] = letter.key
    mail.set_content("\n".join(plain(letter, settings.language)) + "\n", cte="base64")
    return mail


@contextmanager
def _connected(alerts: Alerts) -> Iterator[smtplib.SMTP]:
    """A server that takes a message next: up to here nothing can have arrived."""
    server: smtplib.SMTP | None = None
    try:
        if alerts.smtp_security == "ssl":
            server = smtplib.SMTP_SSL(
                alerts.smtp_host, alerts.smtp_port, timeout=alerts.timeout, context=_trust(alerts)
            )
        else:
            server = smtplib.SMTP(alerts.smtp_host, alerts.smtp_port, timeout=alerts.timeout)
        if alerts.smtp_security == "starttls":
            server.starttls(context=_trust(alerts))
        if alerts.smtp_user:
            server.login(alerts.smtp_user, alerts.smtp_password.get_secret_value())
    except BaseException as error:
        if server is not None:
            server.close()
        if isinstance(error, smtplib.SMTPResponseException):
            raise _answered(error) from error
        if isinstance(error, ssl.SSLCertVerificationError | smtplib.SMTPNotSupportedError):
            raise RefusedError(_short(error)) from error
        if isinstance(error, OSError | smtplib.SMTPException):
            raise NotNowError(_short(error)) from error
        raise
    try:
        yield server
    finally:
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


def _trust(alerts: Alerts) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=alerts.smtp_ca or None)


def _answered(error: smtplib.SMTPResponseException) -> NotNowError | RefusedError:
    return (NotNowError if 400 <= error.smtp_code < 500 else RefusedError)(f"SMTP {error.smtp_code}")


def _short(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{type(error).__name__}: {error.verify_message}"
    return type(error).__name__
