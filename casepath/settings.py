"""
What an installation may set: environment variables `CASEPATH_…` and a TOML file.

The environment wins over the file. The file is `casepath.toml` in the data folder, or the one `CASEPATH_CONFIG_FILE`
names. Used by the pages and by the commands; knows no Flask.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import sqlalchemy
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from casepath.engine import deployments
from casepath.engine import settings as engine_settings
from casepath.engine.errors import InvalidInput
from casepath.engine.people import account_rules

#: Languages of the pages, the first is the default one.
LANGUAGES = ("zh_CN", "en")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Characters of a key that nobody guesses.
MIN_SECRET = 32


class Connector(BaseModel):
    """A server that channels send to, or that tells what comes in; channels name it, and know nothing of this."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Where it is asked, with a key in it where it wants one there.
    url: SecretStr = SecretStr("")
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    #: Signs what is sent.
    secret: SecretStr = SecretStr("")
    #: Seconds that one request may take.
    timeout: float = Field(default=20, gt=0, le=120)
    #: Whether it may lie in a private network, and be asked without TLS.
    private: bool = False
    #: By which it proves who it is when it tells what comes in; empty: it may not.
    token: SecretStr = SecretStr("")

    @field_validator("token")
    @classmethod
    def _unguessable(cls, token: SecretStr) -> SecretStr:
        if token.get_secret_value() and len(token.get_secret_value()) < MIN_SECRET:
            # The value itself is no business of whoever reads the refusal.
            raise PydanticCustomError("token", "Expected a token of at least 32 characters, but found a shorter one")
        return token

    @field_validator("url")
    @classmethod
    def _known_address(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        if url.get_secret_value() and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise PydanticCustomError("url", "Expected an address such as https://…, but found another one")
        return url


class Settings(BaseSettings):
    """The settings of one installation; raises `pydantic.ValidationError` naming each value that does not fit."""

    model_config = SettingsConfigDict(env_prefix="CASEPATH_", extra="forbid", frozen=True)

    #: Where the SQLite database, the secret key and the archive live.
    data_folder: Path = Path(".data")
    #: SQLAlchemy URL; empty: a SQLite file in the data folder.
    database_url: str = ""
    #: Signs the session cookies; empty: made once and kept in the data folder.
    secret_key: SecretStr = SecretStr("")
    #: Folder whose sub-folders are deployed.
    processes_folder: Path = Path("processes")

    #: Who runs it, as proof bundles name them; empty: the address of the pages.
    operator: str = ""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    #: Where people reach the pages, for links in e-mails; empty: http://host:port.
    public_url: str = ""
    #: Networks of the proxies in front, with commas between: only they may say who the caller is (`X-Forwarded-For`).
    trusted_proxies: str = ""
    threads: int = Field(default=16, ge=1, le=512)

    #: Serve other machines without TLS.
    plain_http: bool = False
    #: A session ends after so many hours, whatever happens in it.
    session_hours: int = Field(default=12, ge=1, le=24 * 14)

    #: After how many seconds without a sign of life a worker counts as dead, and how late a job may be.
    silent_after: int = Field(default=60, ge=20, le=86_400)
    late_after: int = Field(default=300, ge=20, le=86_400)

    #: Whether everybody who reaches the pages may send the forms that channels open to them (`/open/<channel>`).
    public_forms: bool = False

    #: Megabytes of files that a matter may have, and that one person may add within 24 hours.
    files_per_matter: int = Field(default=500, ge=1)
    files_per_day: int = Field(default=1000, ge=1)

    default_language: Literal["zh_CN", "en"] = "zh_CN"
    #: The zone in which times are shown and typed.
    time_zone: str = "Asia/Shanghai"

    #: Where e-mail goes out; empty: no e-mail, only notices inside the product.
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_encryption: Literal["starttls", "tls", "none"] = "starttls"
    #: An address, or a name with one: `Casepath <casepath@dealer.example>`.
    smtp_sender: str = "casepath@localhost"
    #: Seconds to wait for the mail server at each step.
    smtp_timeout: int = Field(default=20, ge=1, le=300)
    #: How long a mail is tried that is not taken.
    mail_retry_days: int = Field(default=5, ge=1, le=60)

    #: Servers that channels send to, by the names that the channels give them.
    connectors: dict[str, Connector] = Field(default={})
    #: How long something is tried to go out through a channel that is not taken.
    delivery_retry_days: int = Field(default=5, ge=1, le=60)

    #: What one step of a process may take before it is refused or becomes an incident: seconds of the processor
    #: (0: half a second on SQLite, where nobody else can write meanwhile, five on PostgreSQL), activity instances that
    #: begin, characters of the values it sets.
    step_seconds: float = Field(default=0, ge=0, le=60)
    step_moves: int = Field(default=100_000, ge=100, le=1_000_000)
    step_characters: int = Field(default=16_000_000, ge=100_000, le=1_000_000_000)

    #: Script tasks run only where the operator allows them.
    scripts_enabled: bool = False
    #: Modules with elements that were written for plain SpiffWorkflow, with commas between.
    extensions: str = ""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is passed in wins over the environment, the environment over the file."""
        # The file may lie in the data folder, so that folder has to be known before the file is read.
        given = init_settings().get("data_folder") or os.environ.get("CASEPATH_DATA_FOLDER", ".data")
        named = os.environ.get("CASEPATH_CONFIG_FILE")
        file = Path(named) if named else Path(given) / "casepath.toml"
        if named and not file.is_file():
            raise ValueError(f"Expected the file that CASEPATH_CONFIG_FILE names, but found no {file}")
        try:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"Expected TOML in {file}, but found: {error}") from error

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        try:
            kind = sqlalchemy.make_url(url).get_backend_name() if url else "sqlite"
        except sqlalchemy.exc.ArgumentError:
            kind = ""
        if kind not in {"sqlite", "postgresql"}:
            # The address itself may contain a password.
            raise PydanticCustomError("database", "Expected sqlite:///… or postgresql://…, but found another address")
        return url

    @field_validator("public_url")
    @classmethod
    def _known_address(cls, url: str) -> str:
        if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
            raise ValueError(f"Expected an address such as https://casepath.dealer.example, but found {url!r}")
        return url

    @field_validator("smtp_sender")
    @classmethod
    def _known_sender(cls, sender: str) -> str:
        try:
            account_rules.mailbox(sender)
        except InvalidInput as error:
            expected = "Expected one sender, such as Casepath <casepath@dealer.example>"
            raise ValueError(f"{expected}, but found {sender!r}") from error
        return sender

    @field_validator("trusted_proxies")
    @classmethod
    def _known_networks(cls, text: str) -> str:
        for part in _parts(text):
            try:
                ipaddress.ip_network(part)
            except ValueError as error:
                said = "Expected addresses or networks such as 127.0.0.1 or 10.1.0.0/16, with commas between"
                raise ValueError(f"{said}, but found {part!r}: {error}") from error
        return text

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"Expected a time zone such as Asia/Shanghai, but found {name!r}") from error
        return name

    @property
    def extension_modules(self) -> tuple[str, ...]:
        """The modules with elements beyond those of BPMN."""
        return _parts(self.extensions)

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks whose `X-Forwarded-…` headers are believed."""
        return tuple(ipaddress.ip_network(part) for part in _parts(self.trusted_proxies))

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{(self.data_folder / 'casepath.db').absolute()}"

    @property
    def url(self) -> str:
        """Where people reach the pages, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def is_https(self) -> bool:
        """Whether people reach the pages through TLS: cookies are then never sent without it."""
        return self.url.startswith("https://")

    @property
    def hosts(self) -> list[str]:
        """The names under which the pages may be asked for; a request for another one is refused."""
        return [urlsplit(self.url).hostname or "", self.host, "localhost", "127.0.0.1", "::1"]

    @classmethod
    def unknown(cls) -> list[str]:
        """Return the names in the environment that look like settings and are none."""
        known = {f"CASEPATH_{name.upper()}" for name in cls.model_fields} | {"CASEPATH_CONFIG_FILE"}
        return sorted(name for name in os.environ if name.startswith("CASEPATH_") and name not in known)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are shown and typed."""
        return ZoneInfo(self.time_zone)

    def apply(self) -> None:
        """Set what the engine reads; raises `InvalidInput` where a module of `extensions` is none."""
        current = engine_settings.current
        current.python_scripts = self.scripts_enabled
        current.time_zone = self.time_zone
        current.step_seconds = self.step_seconds
        current.step_moves = self.step_moves
        current.step_characters = self.step_characters
        current.silent_after = timedelta(seconds=self.silent_after)
        current.late_after = timedelta(seconds=self.late_after)
        current.bytes_per_matter = self.files_per_matter * 1_000_000
        current.bytes_per_day = self.files_per_day * 1_000_000
        deployments.use_extensions(self.extension_modules)

    def signing_key(self) -> str:
        """Return the key that signs session cookies; makes one in the data folder when there is none."""
        return self.secret_key.get_secret_value() or _kept_key(self.data_folder / "secret-key")


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _kept_key(path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written beside and linked into place: of two processes that start together, both read the same whole key.
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    if not path.exists():
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    return path.read_text(encoding="ascii").strip()
