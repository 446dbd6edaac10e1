"""A node's records from before each had a data key of its own: sealed anew, each under one. Run by `init --upgrade`.

    sealed by the store's key itself ─ open ─ seal under a new key of its own ─► the same row

A record that has a key already is left as it is, so that a run which broke is simply run again.
"""

from __future__ import annotations

from mithaq.errors import TrustError
from mithaq.node.opening import store_key
from mithaq.node.settings import Settings
from mithaq.node.store import open_database, open_identities, open_record_keys, sealed_rows
from mithaq.node.vault import Vault


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
