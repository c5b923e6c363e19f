"""Everything that can be configured, read once from the environment (`FOOTBRIDGE_*`); secrets from files too."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from records.secret_files import SecretFiles


class Settings(BaseSettings):
    """One field a setting. The environment variable is the field's name in capitals behind `FOOTBRIDGE_`."""

    model_config = SettingsConfigDict(env_prefix="FOOTBRIDGE_", extra="ignore")

    environment: Literal["demonstration", "production", "test"] = Field(
        "demonstration", description="production refuses a default secret, demonstration users and a fast clock"
    )
    data_dir: Path = Field(Path("var"), description="where the embedded run keeps its databases and logs")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the data directory")
    database_without_tls: bool = Field(
        False, description="production may reach its database without TLS, over a network that nobody else is in"
    )
    temporal_without_tls: bool = Field(False, description="the same for Temporal")
    web_without_tls: bool = Field(
        False, description="the same for the way from the proxy to a web server that listens beyond its own machine"
    )
    tls_cert: str = Field(
        "",
        description="file with the certificate by which a web server, and a worker's figures, speak TLS; empty: none",
    )
    tls_key: str = Field("", description="file with its key, which its owner alone may read")
    host: str = Field("127.0.0.1", description="the address that the web server binds")
    port: int = Field(8000, description="the port of the web server", ge=1, le=65535)
    public_url: str = Field("", description="how people reach the pages, for links in messages; empty: host and port")
    secret_key: SecretStr = Field(
        SecretStr(""), description="seals the records, signs what leaves in links and forms; at least 32 characters"
    )
    former_secret_keys: SecretStr = Field(
        SecretStr(""), description="earlier secret keys, with commas between: what they sealed still opens"
    )
    sealed_only: bool = Field(
        False,
        description="refuse what lies unsealed in sealed columns; set it once `footbridge keys status` finds none",
    )
    clock_speed: float = Field(
        1.0, description="seconds of clock time a real second; above 1 in demonstrations only", gt=0
    )
    session_idle_minutes: int = Field(15, description="a signed-in session ends after so many idle minutes", ge=1)
    session_absolute_hours: int = Field(
        12, description="a signed-in session ends after so many hours at the latest", ge=1
    )
    person_requests_a_minute: int = Field(
        600, description="how often one member of staff may ask a web server within a minute, by pages and API", ge=1
    )
    system_requests_a_minute: int = Field(
        6000, description="the same for one token of another organization's system", ge=1
    )
    oidc_issuer: str = Field("", description="the organization's sign-in (OpenID Connect), https; empty: not offered")
    oidc_client_id: str = Field("", description="as the organization registered Footbridge")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="with oidc_client_id")
    oidc_acr: str = Field(
        "", description="strengths (acr) with commas between, one of which the organization must say; empty: not asked"
    )
    oidc_amr: str = Field(
        "", description="the same for ways of signing in (amr), such as mfa; one of them must have been used"
    )
    oidc_label: str = Field("your organization", description="what the button says: Sign in with …")
    log_format: Literal["text", "json"] = Field("text", description="how log lines are written: json for collectors")
    traces_url: str = Field(
        "", description="where traces go, by OTLP over HTTP (http://collector:4318/v1/traces); empty: nowhere"
    )
    worker_metrics: str = Field(
        "", description="host:port at which a worker tells Prometheus its own figures (0.0.0.0:9464); empty: nowhere"
    )
    internal_hosts: str = Field(
        "",
        description="hosts, with commas between, that may be reached inside your own network, such as your sign-in’s",
    )
    late_entry_days: int = Field(7, description="how many days back a contact may be logged", ge=0)
    email_gateway: Literal["outbox", "smtp"] = Field("outbox", description="where e-mail goes")
    smtp_host: str = Field("127.0.0.1", description="the SMTP server")
    smtp_port: int = Field(25, description="its port", ge=1, le=65535)
    smtp_username: str = Field("", description="empty: no sign-in")
    smtp_password: SecretStr = Field(SecretStr(""), description="with smtp_username")
    smtp_tls: Literal["none", "starttls", "tls"] = Field("starttls", description="how the connection is protected")
    email_from: str = Field("footbridge@program.example", description="the sender of e-mail")
    sms_gateway: Literal["outbox", "http"] = Field("outbox", description="where texts go")
    sms_url: str = Field("", description="a Twilio-compatible Messages resource, https")
    sms_account: str = Field("", description="account id at the gateway")
    sms_token: SecretStr = Field(SecretStr(""), description="its secret")
    sms_from: str = Field("", description="the number texts come from, E.164")
    sms_webhook_token: SecretStr = Field(
        SecretStr(""), description="with which the gateway signs the answers it brings; empty: none are taken"
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *others: Any, **more: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code, then files of secrets, then the environment."""
        return init_settings, SecretFiles(settings_cls), *others, *more.values()

    def sqlalchemy_url(self) -> str:
        """The database's URL, with the embedded default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'footbridge.sqlite3'}"

    def base_url(self) -> str:
        """How people reach the pages, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
