"""One TOML file -> frozen settings. An unknown key, a wrong type or an unreadable file is one SettingsError.

Paths are relative to the folder the file lies in. Environment variables of the form MITHAQ__LISTEN__DESK override it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mithaq.errors import SettingsError

FILE_NAME = "node.toml"


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
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
            raise ValueError("write HOST:PORT, for example 127.0.0.1:8443")
        return value


class DatabaseSection(_Section):
    """The databases: the node's own, the identities', and the durable steps'. URLs as SQLAlchemy writes them."""

    url: str = "sqlite:///node.sqlite"
    identities_url: str = "sqlite:///identities.sqlite"
    steps_url: str = "sqlite:///steps.sqlite"


class SearchSection(_Section):
    """Which file is searched: the node's own gallery, or another process (an existing AFIS) behind a local socket."""

    gallery: Path = Path("gallery")
    socket: Path | None = None


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
    def partner_address(self) -> tuple[str, int]:
        """Host and port of the partner API."""
        return split_address(self.listen.partner)

    @property
    def desk_address(self) -> tuple[str, int]:
        """Host and port of the desk."""
        return split_address(self.listen.desk)


def split_address(address: str) -> tuple[str, int]:
    """'host:port' as a pair."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


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
        raise SettingsError(
            "NOD-002",
            f"the settings file cannot be read ({type(error).__name__})",
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
    try:
        return Settings(home=home.resolve(), **values)
    except (ValidationError, TypeError) as error:
        if isinstance(error, TypeError):
            raise SettingsError("NOD-003", "a key of the settings file is not allowed", file=str(file)) from None
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        raise SettingsError(
            "NOD-004",
            "this key is not known" if unknown else f"the value does not fit: {first['msg']}",
            file=str(file),
            key=key,
            remedy="remove it or correct its spelling" if unknown else "write a value of that form",
        ) from None
