"""One TOML file -> frozen settings. An unknown key, a wrong type or an unreadable file is one SettingsError.

Paths are relative to the folder the file lies in. Environment variables of the form MITHAQ__LISTEN__DESK override it.
"""

from __future__ import annotations

import ipaddress
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mithaq.errors import SettingsError

FILE_NAME = "node.toml"


def is_address(text: str) -> bool:
    """True for HOST:PORT, an IPv6 host in brackets."""
    host, _, port = text.rpartition(":")
    return bool(host) and (":" not in host or host[0] + host[-1] == "[]") and port.isdecimal() and int(port) <= 65535


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def split_address(address: str) -> tuple[str, int]:
    """'host:port' as a pair."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NodeSection(_Section):
    """Who this node acts for."""

    party: str = Field(pattern=r"^[A-Z]{2}$")
    contact: str = Field(min_length=1, max_length=40)
    demonstration: bool = False
    suite: Literal["default", "fips"] = "default"


class ListenSection(_Section):
    """Where the node listens: `partner` to other nodes (mutual TLS), `desk` to its own people (and /healthz, /metrics)."""

    partner: str = "127.0.0.1:8443"
    desk: str = "127.0.0.1:8080"
    desk_names: tuple[str, ...] = ()  # by which browsers reach the desk, beside its address and localhost
    desk_certificate: Path | None = None
    desk_key: Path | None = None

    @field_validator("partner", "desk")
    @classmethod
    def _address(cls, value: str) -> str:
        if not is_address(value):
            raise ValueError("HOST:PORT, as 127.0.0.1:8443")
        return value

    @model_validator(mode="after")
    def _desk_is_private(self) -> Self:
        if (self.desk_certificate is None) != (self.desk_key is None):
            raise ValueError("desk_certificate and desk_key, both or neither")
        if self.desk_certificate is None and not _is_loopback(split_address(self.desk)[0]):
            raise ValueError("desk_certificate and desk_key, or a desk on 127.0.0.1: passphrases travel to it")
        return self


class DatabaseSection(_Section):
    """The databases: the node's own, the identities', and the durable steps'. URLs as SQLAlchemy writes them.

    `record_keys` is the file of the key store, which is SQLite always (docs/retention.md)."""

    url: str = "sqlite:///node.sqlite"
    identities_url: str = "sqlite:///identities.sqlite"
    steps_url: str = "sqlite:///steps.sqlite"
    record_keys: Path = Path("record-keys.sqlite")

    @field_validator("url", "identities_url", "steps_url")
    @classmethod
    def _kind(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE")
        return value


class SearchSection(_Section):
    """Which file is searched: the node's own gallery, or another process (an existing AFIS) behind a local socket."""

    gallery: Path = Path("gallery")
    socket: Path | None = None


class KeysSection(_Section):
    """Where the stores' keys lie: in files, or with `module` (a PKCS#11 library) in the token of that label, whose PIN is
    the first line of `pin_file`."""

    module: Path | None = None
    token: str = ""
    pin_file: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.module is not None and not (self.token and self.pin_file):
            raise ValueError("module, token and pin_file, all three or none")
        return self


class NationalSection(_Section):
    """How a national system reaches its node: a drop folder, and an API on this machine alone."""

    drop: Path | None = None
    listen: str | None = None

    @field_validator("listen")
    @classmethod
    def _loopback(cls, value: str | None) -> str | None:
        if value is not None and not (is_address(value) and _is_loopback(split_address(value)[0])):
            raise ValueError("an address of this machine alone, as 127.0.0.1:8090")
        return value


class ExtractSection(_Section):
    """Which network reads minutiae: the accurate teacher, or the fast one (docs/extractor-card.md has both figures)."""

    network: Literal["teacher", "fast"] = "teacher"


class ImageSection(_Section):
    """Limits of the decoder's box."""

    memory_mb: int = Field(1024, ge=128, le=65536)
    time_s: float = Field(20.0, gt=0, le=600)
    pixels: int = Field(64_000_000, ge=10_000)


class DeliverySection(_Section):
    """How messages are delivered: attempts wait `first_retry_s`, twice as long each time, at most `longest_retry_s`."""

    first_retry_s: float = Field(1.0, gt=0)
    longest_retry_s: float = Field(300.0, gt=0)
    timeout_s: float = Field(30.0, gt=0)
    clock_skew_s: float = Field(120.0, ge=0)
    largest_message_bytes: int = Field(24 * 1024 * 1024, ge=65536)


class Settings(BaseSettings):
    """All settings of a node, checked. `home` is the folder of the file they came from."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="MITHAQ__", env_nested_delimiter="__", case_sensitive=False
    )

    home: Path = Field(exclude=True)
    node: NodeSection
    listen: ListenSection = ListenSection()
    database: DatabaseSection = DatabaseSection()
    search: SearchSection = SearchSection()
    national: NationalSection = NationalSection()
    keys: KeysSection = KeysSection()
    extract: ExtractSection = ExtractSection()
    image: ImageSection = ImageSection()  # type: ignore[call-arg]
    delivery: DeliverySection = DeliverySection()  # type: ignore[call-arg]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    def path(self, path: Path) -> Path:
        """`path` as written in the file, made absolute."""
        return path if path.is_absolute() else self.home / path

    def database_url(self, url: str) -> str:
        """A database URL whose SQLite path, if relative, is taken from the node's folder."""
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith(prefix + "/"):
            return f"{prefix}{(self.home / url[len(prefix) :]).resolve()}"
        return url

    @property
    def record_keys_url(self) -> str:
        """The key store's database."""
        return f"sqlite:///{self.path(self.database.record_keys)}"

    @property
    def partner_address(self) -> tuple[str, int]:
        """Host and port of the partner API."""
        return split_address(self.listen.partner)

    @property
    def desk_address(self) -> tuple[str, int]:
        """Host and port of the desk."""
        return split_address(self.listen.desk)


def read_settings(home: Path) -> Settings:
    """The settings in `home`/node.toml; SettingsError names the file, the key and what to write instead."""
    file = home / FILE_NAME
    try:
        text = file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise SettingsError(
            "NOD-001",
            "there is no settings file here",
            file=str(file),
            remedy="make a node with `mithaq node init --dir DIR`",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(
            "NOD-002",
            f"the settings file cannot be read ({problem})",
            file=str(file),
            expected="a readable UTF-8 text file",
            remedy="check its permissions and encoding",
        ) from None
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            "NOD-003", f"the settings file is not TOML: {error}", file=str(file), remedy="mend that line"
        ) from None
    if "home" in values:  # the one name that is ours and not the file's
        raise _unknown_key(file, "home")
    try:
        return Settings(home=home.resolve(), **values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise _unknown_key(file, key) from None
        ours, text = first["type"] == "value_error", first["msg"].split(" for <class")[0].replace("Input ", "it ")
        problem = "the key is missing" if first["type"] == "missing" else f"the value does not fit: {text}"
        raise SettingsError(
            "NOD-004",
            "the value does not fit" if ours else problem,
            file=str(file),
            key=key,
            expected=text.removeprefix("Value error, ") if ours else "",
            remedy="see docs/operate.md; MITHAQ__SECTION__KEY in the environment counts before the file",
        ) from None


def _unknown_key(file: Path, key: str) -> SettingsError:
    return SettingsError(
        "NOD-004", "this key is not known", file=str(file), key=key, remedy="remove it or correct its spelling"
    )
