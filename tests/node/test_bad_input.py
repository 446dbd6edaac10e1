"""What can be wrong around a node: each gets one sentence with a code, and nothing is left half done."""

from __future__ import annotations

import fcntl
import json
import socket
import ssl
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from pair import NAMES, Pair
from sqlalchemy.exc import OperationalError

from mithaq.errors import MithaqError, PartnerError, SettingsError, StorageError, TrustError
from mithaq.node.initialise import initialise
from mithaq.node.opening import open_node
from mithaq.node.peer import Post, client_context, server_context
from mithaq.node.serve import listen
from mithaq.node.settings import read_settings
from mithaq.node.store import conversations
from mithaq.pact.certificate import make_tls_identity
from mithaq.units import utc_now


@pytest.fixture
def home(tmp_path: Path) -> Path:
    initialise(tmp_path / "QA", party="QA", contact="qa-ncp", name=NAMES["QA"], desk="127.0.0.1:0")
    return tmp_path / "QA"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    made = Pair(tmp_path_factory.mktemp("pair"))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text + "\n[surprise]\nx = 1\n", "NOD-004"),
        (lambda text: text.replace('party = "QA"', 'party = "Qatar"'), "NOD-004"),
        (lambda text: text.replace('desk = "127.0.0.1:0"', 'desk = "nowhere"'), "NOD-004"),
        (lambda text: text + "\n[[[", "NOD-003"),
        (lambda text: 'home = "x"\n' + text, "NOD-004"),
        (lambda text: text.replace("sqlite:///node.sqlite", "mysql://x"), "NOD-004"),
        (lambda text: text.replace('desk = "127.0.0.1:0"', 'desk = "0.0.0.0:8080"'), "NOD-004"),
        (lambda text: text.replace("[database]", 'desk_key = "tls.key"\n[database]'), "NOD-004"),
    ],
    ids=[
        "unknown key",
        "wrong value",
        "no address",
        "not TOML",
        "a name of ours",
        "unknown database",
        "a desk for others without TLS",
        "a key without its certificate",
    ],
)
def test_settings_that_do_not_fit_name_file_and_key(home: Path, change, code: str) -> None:  # type: ignore[no-untyped-def]
    file = home / "node.toml"
    file.write_text(change(file.read_text()))
    with pytest.raises(SettingsError) as refused:
        read_settings(home)
    assert refused.value.code == code
    assert "node.toml" in str(refused.value)


def test_settings_that_are_not_text_or_not_there(home: Path, tmp_path: Path) -> None:
    (home / "node.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError) as unreadable:
        read_settings(home)
    assert unreadable.value.code == "NOD-002"
    with pytest.raises(SettingsError) as missing:
        read_settings(tmp_path)
    assert missing.value.code == "NOD-001"


def test_a_folder_that_holds_something_is_left_alone(home: Path) -> None:
    before = sorted(path.name for path in home.rglob("*"))
    with pytest.raises(SettingsError) as refused:
        initialise(home, party="QA", contact="qa-ncp", name=NAMES["QA"])
    assert refused.value.code == "NOD-180"
    assert sorted(path.name for path in home.rglob("*")) == before


def test_a_node_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(MithaqError):
        initialise(tmp_path / "new", party="QA", contact="qa-ncp", name={"en": "x", "ar": "no Arabic"})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"listen": "8443"}, "NOD-186"),
        ({"desk": "127.0.0.1:http"}, "NOD-186"),
        ({"url": "http://qa.example"}, "NOD-187"),
        ({"url": "qa.example:8443"}, "NOD-187"),
    ],
)
def test_an_address_that_could_not_work_is_refused_before_a_node_is_made(
    tmp_path: Path, change: dict[str, str], code: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        initialise(tmp_path / "new", party="QA", contact="qa-ncp", name=NAMES["QA"], **change)
    assert refused.value.code == code
    assert not (tmp_path / "new").exists()


def test_a_node_is_not_made_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError) as refused:
        initialise(tmp_path / "file", party="QA", contact="qa-ncp", name=NAMES["QA"])
    assert refused.value.code == "NOD-181"
    assert (tmp_path / "file").read_text() == "x"


def test_one_process_serves_a_node(home: Path) -> None:
    from mithaq.node.serve import run

    with (home / "serving.lock").open("w") as lock, open_node(home) as node:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StorageError) as refused:
            run(node)
    assert refused.value.code == "NOD-143"


def test_a_node_whose_own_certificate_is_out_of_date_does_not_serve(home: Path) -> None:
    from mithaq.node.serve import run

    with open_node(home, clock=lambda: utc_now() + timedelta(days=4000)) as node, pytest.raises(SettingsError) as late:
        run(node)
    assert late.value.code == "NOD-145"


def test_agreements_that_cannot_be_read_are_not_taken_for_none(home: Path) -> None:
    with open_node(home) as node:
        (home / "agreements" / "folder.json").mkdir()
        (home / "agreements" / "gone.json").symlink_to(home / "nowhere")
        node.agreements.refresh()
        assert {error.code for error in node.agreements.problems.values()} == {"NOD-136"}
        assert set(node.agreements.problems) == {"folder.json", "gone.json"}
        (home / "agreements").rename(home / "elsewhere")
        with pytest.raises(StorageError) as refused:
            node.agreements.refresh()
    assert refused.value.code == "NOD-135"


def test_a_port_in_use_is_said_and_nothing_is_started() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(SettingsError) as refused:
            listen(("127.0.0.1", holder.getsockname()[1]), key="listen.partner")
    assert refused.value.code == "NOD-140"
    assert "listen.partner" in str(refused.value)


def test_a_database_of_another_version_is_not_touched(home: Path) -> None:
    import sqlite3

    with sqlite3.connect(home / "node.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError) as refused:
        open_node(home)
    assert refused.value.code == "NOD-014"
    (home / "node.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError) as damaged:
        open_node(home)
    assert damaged.value.code in ("NOD-012", "NOD-013")


@pytest.mark.parametrize("name", ["node.sqlite", "identities.sqlite"])
def test_a_missing_database_is_not_made_anew(home: Path, name: str) -> None:
    (home / name).unlink()
    with pytest.raises(StorageError) as refused:
        open_node(home)
    assert refused.value.code == "NOD-016"
    assert not (home / name).exists()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_FULL", "NOD-010"),
        ("SQLITE_IOERR_SHMSIZE", "NOD-010"),
        ("SQLITE_READONLY_DIRECTORY", "NOD-012"),
        ("SQLITE_CANTOPEN", "NOD-012"),
        ("SQLITE_BUSY", "NOD-011"),
    ],
)
def test_what_the_database_says_of_its_disk_is_told(home: Path, name: str, code: str) -> None:
    import sqlite3

    texts = {"SQLITE_CANTOPEN": "unable to open database file", "SQLITE_BUSY": "database is locked"}
    said = sqlite3.OperationalError(texts.get(name, "disk I/O error"))
    said.sqlite_errorname = name
    with open_node(home) as node, pytest.raises(StorageError) as told, node.database.write():
        raise OperationalError("SELECT 1", {}, said)
    assert told.value.code == code
    assert told.value.remedy


def test_a_key_file_that_holds_no_key_is_named(home: Path) -> None:
    (home / "keys" / "encrypt.pem").write_bytes(b"no key")
    with pytest.raises(SettingsError) as refused:
        open_node(home)
    assert refused.value.code == "NOD-172"
    assert "encrypt.pem" in str(refused.value)


def test_a_missing_key_is_named(home: Path) -> None:
    (home / "keys" / "prints.key").unlink()
    with pytest.raises(SettingsError) as refused:
        open_node(home)
    assert refused.value.code == "NOD-021"


def test_agreements_that_do_not_hold_are_not_used_and_the_reason_is_shown(pair: Pair) -> None:
    node = pair.nodes["QA"]
    folder = pair.homes["QA"] / "agreements"
    values = json.loads(pair.signed)
    one_sided = dict(values, signatures=values["signatures"][:1])
    edited = json.loads(pair.signed)
    edited["document"]["search_types"]["TP/TP"]["day"] = 9999
    from mithaq.pact.strict import canonical

    (folder / "one-sided.json").write_bytes(canonical(one_sided))
    (folder / "edited.json").write_bytes(canonical(edited))
    (folder / "unsigned.json").write_bytes(canonical(values["document"]))
    node.agreements.refresh()
    codes = {name: error.code for name, error in node.agreements.problems.items()}
    assert codes == {"one-sided.json": "PAC-021", "edited.json": "PAC-022", "unsigned.json": "PAC-020"}
    assert len(node.agreements.all()) == 1
    for name in codes:
        (folder / name).unlink()
    with pytest.raises(TrustError):
        node.agreements.install(canonical(edited))


def test_a_full_disk_loses_nothing_that_was_kept(pair: Pair, tmp_path: Path) -> None:
    """SQLite's own limit stands in for the disk's: the failing transaction leaves no trace."""
    node = pair.nodes["US"]
    with node.database.read() as tx:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(StorageError) as full, node.database.write() as tx:
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(100_000):
            conversations.count_query(tx, "QA", "in", "TP/TP", f"{number:010d}")
    assert full.value.code == "NOD-010"
    with node.database.write() as tx:
        tx.exec_driver_sql("PRAGMA max_page_count = 1073741823")
        assert conversations.used_today(tx, "QA", "in", "TP/TP", "0000000001") == 0
        conversations.count_query(tx, "QA", "in", "TP/TP", "0000000001")


def test_strangers_and_expired_certificates_do_not_pass_the_handshake(tmp_path: Path) -> None:
    now = utc_now()
    made = {
        "server": make_tls_identity("server", ["127.0.0.1"], days=2, now=now),
        "partner": make_tls_identity("partner", ["127.0.0.1"], days=2, now=now),
        "stranger": make_tls_identity("stranger", ["127.0.0.1"], days=2, now=now),
        "expired": make_tls_identity("expired", ["127.0.0.1"], days=1, now=now - timedelta(days=30)),
    }
    for name, identity in made.items():
        (tmp_path / f"{name}.pem").write_bytes(identity.certificate_pem)
        (tmp_path / f"{name}.key").write_bytes(identity.key_pem)
    pinned = [made["partner"].certificate_der, made["expired"].certificate_der]
    context = server_context(tmp_path / "server.pem", tmp_path / "server.key", pinned)
    outcomes = {name: _shake_hands(context, tmp_path, name, made["server"].certificate_der) for name in made}
    assert outcomes == {"partner": True, "stranger": False, "expired": False, "server": False}


def _shake_hands(context: ssl.SSLContext, folder: Path, name: str, server_der: bytes) -> bool:
    """Whether the server accepted a client with that certificate: only then does it answer."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with context.wrap_socket(connection, server_side=True) as secured:
                asked = b""
                while not asked.endswith(b"\r\n\r\nx"):  # what is left unread would reset the connection at its end
                    asked += secured.recv(4096) or b"\r\n\r\nx"
                secured.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        except OSError:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    post = Post(url, client_context(folder / f"{name}.pem", folder / f"{name}.key", [server_der]), timeout_s=5)
    try:
        return post.deliver(b"x") == b"ok"
    except PartnerError as error:
        assert error.code in ("NOD-041", "NOD-042", "NOD-048")  # which, depends on who is quicker
        return False
    finally:
        post.close()
        listener.close()
        thread.join(5)


def test_a_partner_that_is_down_is_one_sentence_and_worth_another_try(tmp_path: Path) -> None:
    identity = make_tls_identity("us", ["127.0.0.1"], days=1, now=utc_now())
    (tmp_path / "c.pem").write_bytes(identity.certificate_pem)
    (tmp_path / "c.key").write_bytes(identity.key_pem)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    post = Post(f"https://127.0.0.1:{port}", client_context(tmp_path / "c.pem", tmp_path / "c.key", []), timeout_s=2)
    with pytest.raises(PartnerError) as down:
        post.deliver(b"x")
    assert (down.value.code, down.value.may_retry) == ("NOD-042", True)
    post.close()


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [(b"not a wsq", "IMG-002", 3), (b"", "IMG-001", 3), (b"\xff\xa0" + b"\x00" * 40, "IMG-", 3)],
    ids=["a text file called .wsq", "an empty file", "a wsq that ends at once"],
)
def test_the_command_line_says_it_in_one_line_without_a_traceback(
    tmp_path: Path, content: bytes, code: str, status: int
) -> None:
    (tmp_path / "print.wsq").write_bytes(content)
    command = [sys.executable, "-m", "mithaq", "finger", "extract", str(tmp_path / "print.wsq"), "-o", "out.template"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == status
    assert result.stderr.startswith(f"mithaq: {code}")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out.template").exists()
