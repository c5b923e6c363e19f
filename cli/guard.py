"""What stands at the door: production does not start half set up, and a demonstration brings its own secret.

A weak secret, demonstration users or a clock that runs fast are refused before anything listens.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import ssl
import tempfile
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlmodel import Session, col, select

from records.queries.keys import find_unknown_key
from records.secret_files import SecretFile, read_secret
from records.settings import Settings, get_settings
from records.tables import Meta, Staff

SHORTEST_SECRET = 32
FEWEST_KINDS = 10  # different characters: "aaaa…" is long but no secret
PLACEHOLDERS = ("change", "example", "secret", "password", "footbridge", "default", "demonstration")
SECRET_FILE = "secret-key"  # noqa: S105 (a file's name)
_VARIABLE = "FOOTBRIDGE_SECRET_KEY"


class NotReady(Exception):
    """Why nothing is started, a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def problems_of(settings: Settings) -> list[str]:
    """What stands against starting with these settings, each with what to do; empty when nothing does."""
    if settings.environment != "production":
        return []
    found = []
    secret = settings.secret_key.get_secret_value()
    make_one = f"Make one with: openssl rand -hex 32, and give it as {_VARIABLE}."
    if not secret:
        found.append(f"There is no secret key. {make_one}")
    elif len(secret) < SHORTEST_SECRET:
        found.append(f"The secret key has {len(secret)} characters; it needs at least {SHORTEST_SECRET}. {make_one}")
    elif len(set(secret)) < FEWEST_KINDS or any(word in secret.lower() for word in PLACEHOLDERS):
        found.append(f"The secret key looks like a placeholder. {make_one}")
    if settings.clock_speed != 1:
        found.append("The clock runs fast, which is for demonstrations. Leave FOOTBRIDGE_CLOCK_SPEED out.")
    if not settings.public_url.startswith("https://"):
        found.append(
            "People would come over the network in clear, and with cookies that any host could set. "
            "FOOTBRIDGE_PUBLIC_URL begins https://."
        )
    if settings.oidc_issuer and not settings.oidc_issuer.startswith("https://"):
        found.append(
            "The organization's sign-in goes over the network in clear. FOOTBRIDGE_OIDC_ISSUER begins https://."
        )
    mail_stays_here = settings.smtp_tls != "none" or is_this_machine(settings.smtp_host)
    if settings.email_gateway == "smtp" and not mail_stays_here:
        found.append("E-mail goes over the network in clear. Set FOOTBRIDGE_SMTP_TLS to starttls or tls.")
    traces = urlsplit(settings.traces_url)
    if traces.scheme == "http" and not is_this_machine(traces.hostname or ""):
        found.append("Traces go over the network in clear. FOOTBRIDGE_TRACES_URL begins https://.")
    found += against_former_keys(settings)
    found += against_certificate(settings)
    if not settings.database_url:
        found.append("There is no database. Give its address as FOOTBRIDGE_DATABASE_URL (postgresql://…).")
    elif not settings.database_without_tls and not has_tls(settings.database_url):
        found.append(
            "The database is reached over the network in clear. Add ?sslmode=verify-full to FOOTBRIDGE_DATABASE_URL, "
            "or, where nobody else is in that network, say so with FOOTBRIDGE_DATABASE_WITHOUT_TLS=true."
        )
    return found


def against_former_keys(settings: Settings) -> list[str]:
    """What stands against the former keys: one that is the present one makes believe that the key was changed."""
    former = [one.strip() for one in settings.former_secret_keys.get_secret_value().split(",")]
    if settings.secret_key.get_secret_value() in filter(None, former):
        return ["The secret key is among FOOTBRIDGE_FORMER_SECRET_KEYS too. Take it out there."]
    return []


def against_certificate(settings: Settings) -> list[str]:
    """What stands against how the proxy reaches a web server: in clear over a network, or by half a certificate."""
    if not settings.tls_cert and not settings.tls_key:
        if settings.web_without_tls or is_this_machine(settings.host):
            return []
        return [
            "The web server is reached over the network in clear. Give a certificate (FOOTBRIDGE_TLS_CERT, "
            "FOOTBRIDGE_TLS_KEY), or, where nobody else is in that network, say so: FOOTBRIDGE_WEB_WITHOUT_TLS=true."
        ]
    if not settings.tls_cert or not settings.tls_key:
        return ["A certificate is two files. Give both FOOTBRIDGE_TLS_CERT and FOOTBRIDGE_TLS_KEY."]
    try:
        read_secret(Path(settings.tls_key), "FOOTBRIDGE_TLS_KEY")
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except SecretFile as error:
        return [str(error)]
    except OSError as error:  # ssl's own are among them
        return [f"FOOTBRIDGE_TLS_CERT and FOOTBRIDGE_TLS_KEY are no certificate with its key: {error.strerror}."]
    return []


def has_tls(url: str) -> bool:
    """Whether nobody can listen in on the way to this database: it is a file, on this machine, or TLS is demanded."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return True
    asked = parsed.normalized_query
    hosts = [
        one
        for part in (parsed.host, *asked.get("host", ()), *asked.get("hostaddr", ()))
        if part
        for one in part.split(",")
    ]
    if all(host.startswith("/") or is_this_machine(host) for host in hosts):
        return True
    mode = asked.get("sslmode", (os.environ.get("PGSSLMODE", ""),))[-1]
    return mode in ("require", "verify-ca", "verify-full")


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine's loopback."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def require_temporal(settings: Settings) -> None:
    """Raise NotReady when production would reach Temporal over the network in clear."""
    from temporalio.envconfig import ClientConfig

    if settings.environment != "production" or settings.temporal_without_tls:
        return
    config = ClientConfig.load_client_connect_config()
    host = config.get("target_host", "").rpartition(":")[0]
    if host and not config.get("tls") and not is_this_machine(host):
        raise NotReady(
            [
                f"Temporal is reached over the network in clear ({host}). Set TEMPORAL_TLS=true, or, where nobody else "
                "is in that network, say so with FOOTBRIDGE_TEMPORAL_WITHOUT_TLS=true."
            ]
        )


def problems_in(session: Session, settings: Settings) -> list[str]:
    """What in the records stands against starting; empty when nothing does."""
    found = []
    if unknown := find_unknown_key(session):
        found.append(
            f"The records were sealed with another secret key ({unknown}). Give it as {_VARIABLE}, "
            "or as a former one in FOOTBRIDGE_FORMER_SECRET_KEYS."
        )
    if settings.environment != "production":
        return found
    shown = session.exec(select(Staff.id).where(col(Staff.is_demonstration), col(Staff.is_active)).limit(1)).first()
    if shown is not None:
        found.append("The records hold demonstration users, whose password everybody knows. Use a new database.")
    if session.get(Meta, "clock") is not None:
        found.append("The records were kept with a fast clock. Use a new database.")
    return found


def require_settings(settings: Settings) -> None:
    """Raise NotReady unless these settings are fit for what they are for."""
    if problems := problems_of(settings):
        raise NotReady(problems)


def require_records(session: Session, settings: Settings) -> None:
    """Raise NotReady unless the records are fit for what they are for."""
    if problems := problems_in(session, settings):
        raise NotReady(problems)


def with_secret(settings: Settings) -> Settings:
    """The settings with a secret key: outside production one is made once, and kept where only its owner reads it.

    The processes that this one starts find it in their environment.
    """
    if settings.environment == "production" or settings.secret_key.get_secret_value():
        return settings
    os.environ[_VARIABLE] = _kept_secret(settings.data_dir / SECRET_FILE)
    get_settings.cache_clear()
    return get_settings()


def _kept_secret(path: Path) -> str:
    """What the file holds; whoever comes first writes it, in whole."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, mine = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # readable by its owner alone
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SHORTEST_SECRET) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(mine, path)
        os.unlink(mine)
    return path.read_text(encoding="ascii").strip()
