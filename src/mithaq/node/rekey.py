"""Keys changed under records: a data key for each record of an older node, and stores' keys moved into a token.

    sealed by the store's key itself ─ open ─ seal under a new key of its own ─► the same row

A record that has a key already is left as it is, so that a run which broke is simply run again.
"""

from __future__ import annotations

from mithaq.errors import TrustError
from mithaq.node.erasing import wipe
from mithaq.node.gateway import Files
from mithaq.node.opening import store_key
from mithaq.node.settings import Settings
from mithaq.node.store import open_database, open_identities, open_record_keys, sealed_rows
from mithaq.node.token import make_keys, open_token
from mithaq.node.vault import Vault, read_key


def give_each_a_key(settings: Settings) -> int:
    """How many records were sealed anew; TrustError NOD-020 where one does not open under the store's key."""
    keys = open_record_keys(settings.record_keys_url)
    done = 0
    stores = (
        ("prints", open_database(settings.database_url(settings.database.url)), sealed_rows.PRINTS),
        (
            "identities",
            open_identities(settings.database_url(settings.database.identities_url)),
            sealed_rows.IDENTITIES,
        ),
    )
    for name, database, kinds in stores:
        wrapper = store_key(settings, name)
        vault, known = Vault(wrapper, keys, name=name), keys.labels(name)
        for kind in kinds:
            with database.write() as tx:
                for row, label, sealed in sealed_rows.rows(tx, kind):
                    if label in known:
                        continue
                    try:
                        plain = wrapper.unwrap(sealed, label)
                    except ValueError:
                        raise TrustError(
                            "NOD-020", "a stored record does not open under the store's key", place=f"{name} store",
                            remedy="restore the key file that belongs to the database, or the key store",
                        ) from None  # fmt: skip
                    sealed_rows.replace(tx, kind, row, vault.seal(plain, label))
                    done += 1
        database.close()
        wrapper.close()
    keys.close()
    return done


def move_to_token(settings: Settings) -> int:
    """Move both stores' keys from their files into the token of the settings; returns how many data keys were wrapped anew.

    In one step: until it is done the files hold good, and they are overwritten and deleted after it. The node must not
    be serving. Copies of the key files that were made before still open copies of the key store that were made before.
    """
    files = Files(settings.home).keys
    keys = open_record_keys(settings.record_keys_url)
    try:
        places = {name: files / f"{name}.key" for name in ("prints", "identities")}
        old = {name: read_key(place) for name, place in places.items()}
        for name, place in places.items():
            make_keys(settings, name, place.read_bytes())
        new = {name: open_token(settings, name) for name in places}
        done = keys.rewrap(lambda vault, label, wrapped: new[vault].wrap(old[vault].unwrap(wrapped, label), label))
    finally:
        keys.close()
    for place in places.values():
        wipe(place)
    return done
